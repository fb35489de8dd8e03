"""Home Assistant's MQTT discovery: one message a post makes a device with its light, power, faults and presence. Pure.

Rules from Home Assistant's documentation (MQTT, "Device discovery payload", and the pages of each platform):
- `<prefix>/device/<node>/<object>/config`, retained; ids of letters, digits, _ and -
- `device` with an identifier, `origin` with a name, `components` by key, each with `platform` and `unique_id`
- availability as a list with a mode; here a post is available while its gateway is there and it answers

A level that Home Assistant sets is an operator's override and ends by itself; the button ends it at once.
"""

from __future__ import annotations

from typing import Any

from lamplighter.gateway.centre.topics import Topics

PRESENCE_OFF_S = 30  # nobody was seen for so long: a post repeats an event while somebody stays
AUTO = "AUTO"
ONLINE = "{{ 'online' if value_json.online else 'offline' }}"


class Discovery:
    """The messages of one gateway. `node` is its id: the broker lets it write below that only."""

    def __init__(self, prefix: str, site: str, gateway: str, topics: Topics, version: str) -> None:
        self._prefix = prefix
        self._site = site
        self._gateway = gateway
        self._topics = topics
        self._origin = {"name": "Lamplighter", "sw_version": version}

    def post(self, post: str, firmware: str) -> tuple[str, dict[str, Any]]:
        """Topic and payload of a post's device."""
        state, name = self._topics.state(post), f"{self._site}-{self._gateway}-{post}"
        sensor = {"platform": "binary_sensor", "payload_on": "ON", "payload_off": "OFF"}
        components = {
            "light": self._light(post) | {"unique_id": f"{name}-light"},
            "power": {
                "platform": "sensor", "unique_id": f"{name}-power", "name": "Power", "state_topic": state,
                "value_template": "{{ value_json.power_w }}", "device_class": "power", "unit_of_measurement": "W",
                "state_class": "measurement",
            },
            "fault": sensor | {
                "unique_id": f"{name}-fault", "name": "Fault", "state_topic": state, "device_class": "problem",
                "value_template": "{{ 'ON' if value_json.faults else 'OFF' }}",
                "json_attributes_topic": state,
                "json_attributes_template": "{{ {'faults': value_json.faults} | tojson }}",
            },
            "presence": sensor | {
                "unique_id": f"{name}-presence", "name": "Presence", "state_topic": self._topics.presence(post),
                "value_template": "ON", "off_delay": PRESENCE_OFF_S, "device_class": "occupancy",
            },
            "auto": {
                "platform": "button", "unique_id": f"{name}-auto", "name": "Back to the plan",
                "command_topic": self._topics.set(post), "payload_press": AUTO,
            },
        }  # fmt: skip
        device = {"identifiers": [name], "name": f"Lamp post {post}", "via_device": f"{self._site}-{self._gateway}"}
        available = [self._available(self._topics.status), self._available(state)]
        return self._message(post, device | {"sw_version": firmware or "unknown"}, components, available)

    def cabinet(self) -> tuple[str, dict[str, Any]]:
        """Topic and payload of the gateway's own device."""
        name, status = f"{self._site}-{self._gateway}", self._topics.status
        total = "value_json.total.metered_wh + value_json.total.estimated_wh"
        components = {
            "posts": {
                "platform": "sensor", "unique_id": f"{name}-posts", "name": "Posts that answer", "state_topic": status,
                "value_template": "{{ value_json.posts_online }}", "state_class": "measurement",
            },
            "alarm": {
                "platform": "binary_sensor", "unique_id": f"{name}-alarm", "name": "Alarm", "state_topic": status,
                "value_template": "{{ 'ON' if value_json.alarms else 'OFF' }}", "device_class": "problem",
            },
            "energy": {
                "platform": "sensor", "unique_id": f"{name}-energy", "name": "Energy", "device_class": "energy",
                "state_topic": self._topics.energy, "value_template": f"{{{{ {total} }}}}", "unit_of_measurement": "Wh",
                "state_class": "total_increasing",
            },
        }  # fmt: skip
        device = {"identifiers": [name], "name": f"Cabinet {self._gateway}"}
        return self._message("_cabinet", device, components, [self._available(status)])

    def _message(
        self, name: str, device: dict[str, Any], components: dict[str, Any], available: list[dict[str, Any]]
    ) -> tuple[str, dict[str, Any]]:
        topic = f"{self._prefix}/device/{self._gateway}/{name}/config"
        return topic, {
            "device": device | {"manufacturer": "Lamplighter", "suggested_area": self._site},
            "origin": self._origin, "availability": available, "availability_mode": "all", "qos": 1,
            "components": components,
        }  # fmt: skip

    def _light(self, post: str) -> dict[str, Any]:
        state, command = self._topics.state(post), self._topics.set(post)
        return {
            "platform": "light", "name": None,
            "state_topic": state, "state_value_template": "{{ 'ON' if value_json.level_percent else 'OFF' }}",
            "command_topic": command, "payload_on": "ON", "payload_off": "OFF", "on_command_type": "brightness",
            "brightness_state_topic": state, "brightness_value_template": "{{ value_json.level_percent or 0 }}",
            "brightness_command_topic": command, "brightness_scale": 100,
        }  # fmt: skip

    @staticmethod
    def _available(topic: str) -> dict[str, Any]:
        return {"topic": topic, "value_template": ONLINE}


def wish(payload: bytes) -> int | None:
    """What a `set` message asks for: a level in per mille, or None for the plan's own. Raises ValueError."""
    text = payload[:16].decode("ascii", "replace")
    if text in ("ON", "OFF", AUTO):
        return {"ON": 1000, "OFF": 0, AUTO: None}[text]
    try:
        level = float(text) if len(payload) <= 16 else -1.0
    except ValueError:
        level = -1.0
    if not 0 <= level <= 100:
        raise ValueError(f"{text!r} is not ON, OFF, {AUTO} or a percentage")
    return round(level * 10)
