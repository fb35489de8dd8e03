"""Home Assistant's rules for device discovery, written down from its documentation and its validation of 2026.

MQTT, "Device discovery payload" and "Discovery topic"; MQTT light (default schema), sensor, binary sensor, button.
`faults(topic, payload)` says what Home Assistant would refuse; `render` renders a template as it does.
"""

import json
import re
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

TOPIC = re.compile(r"(?P<prefix>\w+)/device/(?:(?P<node>[a-zA-Z0-9_-]+)/)?(?P<object>[a-zA-Z0-9_-]+)/config")
AVAILABILITY_MODES = {"all", "any", "latest"}
DEVICE = {
    "identifiers", "connections", "manufacturer", "model", "model_id", "name", "hw_version", "serial_number",
    "sw_version", "via_device", "suggested_area", "configuration_url",
}  # fmt: skip
TOP = {
    "device", "origin", "components", "availability", "availability_mode", "availability_topic", "state_topic",
    "command_topic", "qos", "encoding",
}  # fmt: skip
COMMON = {
    "platform", "unique_id", "name", "device_class", "icon", "entity_category", "enabled_by_default", "qos", "retain",
    "json_attributes_topic", "json_attributes_template", "default_entity_id", "availability", "availability_mode",
}  # fmt: skip
LIGHT = {
    "state_topic", "state_value_template", "command_topic", "payload_on", "payload_off", "on_command_type",
    "optimistic", "brightness_state_topic", "brightness_value_template", "brightness_command_topic",
    "brightness_command_template", "brightness_scale", "schema",
}  # fmt: skip
SENSOR = {"state_topic", "value_template", "unit_of_measurement", "state_class", "expire_after", "force_update"}
BINARY = {"state_topic", "value_template", "payload_on", "payload_off", "off_delay", "expire_after", "force_update"}
BUTTON = {"command_topic", "command_template", "payload_press"}
PLATFORMS = {
    "light": (LIGHT, {"command_topic"}),
    "sensor": (SENSOR, {"state_topic"}),
    "binary_sensor": (BINARY, {"state_topic"}),
    "button": (BUTTON, {"command_topic"}),
}
UNITS = {"power": {"W", "kW", "mW"}, "energy": {"Wh", "kWh", "MWh", "J"}}
CLASSES = {
    "sensor": {*UNITS, None},
    "binary_sensor": {"problem", "occupancy", "motion", "connectivity", "light", None},
    "button": {"identify", "restart", "update", None},
    "light": {None},
}
STATE_CLASSES = {
    "power": {"measurement"},
    "energy": {"total", "total_increasing"},
    None: {"measurement", "total", "total_increasing", None},
}
ENVIRONMENT = ImmutableSandboxedEnvironment()


def render(template: str, payload: str) -> str:
    """What Home Assistant makes of a message."""
    try:
        value_json = json.loads(payload)
    except ValueError:
        value_json = None
    return ENVIRONMENT.from_string(template).render(value=payload, value_json=value_json).strip()


def faults(topic: str, payload: dict[str, Any]) -> list[str]:
    """Everything that would be refused, or silently not work."""
    found = [] if TOPIC.fullmatch(topic) else [f"{topic}: not <prefix>/device/[<node>/]<object>/config"]
    found += [f"{key}: unknown" for key in set(payload) - TOP]
    found += [f"{key}: required" for key in {"device", "origin", "components"} - set(payload)]
    device = payload.get("device", {})
    found += [f"device {key}: unknown" for key in set(device) - DEVICE]
    if not device.get("identifiers") and not device.get("connections"):
        found.append("device: at least one identifier")
    if not isinstance(payload.get("origin", {}).get("name"), str):
        found.append("origin: name required")
    if payload.get("qos", 0) not in (0, 1, 2):
        found.append("qos")
    found += availability(payload)
    for key, component in payload.get("components", {}).items():
        found += [f"{key}: {fault}" for fault in of_component(component)]
    return found


def availability(payload: dict[str, Any]) -> list[str]:
    rows = payload.get("availability", [])
    found = [] if payload.get("availability_mode", "latest") in AVAILABILITY_MODES else ["availability_mode"]
    if rows and "availability_topic" in payload:
        found.append("availability and availability_topic exclude each other")
    for row in rows:
        if not is_topic(row.get("topic"), wildcards=True):
            found.append(f"availability: topic {row.get('topic')}")
        found += template(row.get("value_template", ""))
    return found


def of_component(component: dict[str, Any]) -> list[str]:
    platform = component.get("platform")
    if platform not in PLATFORMS:
        return [f"platform {platform}"]
    own, required = PLATFORMS[platform]
    found = [f"{key}: unknown for a {platform}" for key in set(component) - own - COMMON]
    found += [f"{key}: required for a {platform}" for key in (required | {"unique_id"}) - set(component)]
    kind = component.get("device_class")
    if kind not in CLASSES[platform]:
        found.append(f"device_class {kind}")
    if platform == "sensor":
        if kind in UNITS and component.get("unit_of_measurement") not in UNITS[kind]:
            found.append(f"unit of {kind}")
        if component.get("state_class") not in STATE_CLASSES[kind]:
            found.append(f"state_class of {kind}")
    if component.get("on_command_type", "last") not in ("first", "last", "brightness"):
        found.append("on_command_type")
    if "off_delay" in component and not (type(component["off_delay"]) is int and component["off_delay"] >= 0):
        found.append("off_delay: a positive integer")
    for key, value in component.items():
        if key.endswith("_topic") and not is_topic(value, wildcards="command" not in key):
            found.append(f"{key}: {value}")
        if key.endswith("_template"):
            found += template(value)
    return found


def is_topic(topic: Any, wildcards: bool) -> bool:
    return isinstance(topic, str) and 0 < len(topic) < 65536 and (wildcards or not set(topic) & {"+", "#"})


def template(text: str) -> list[str]:
    try:
        ENVIRONMENT.from_string(text)
    except Exception as error:
        return [f"template {text!r}: {error}"]
    return []
