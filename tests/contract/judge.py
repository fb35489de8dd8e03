"""deploy/asyncapi.yaml as a judge of messages: which channel a topic is, and what is wrong with a payload.

The document lets a reader pass over fields it does not know. Here it is read strictly: a field that is not written
down is a fault, so that nothing is published that the contract does not say.
"""

import copy
import json
import re
from pathlib import Path

import yaml
from jsonschema import Draft7Validator

FILE = Path(__file__).parents[2] / "deploy" / "asyncapi.yaml"


class Contract:
    """`seen` counts the messages judged, by channel."""

    def __init__(self) -> None:
        self.document = yaml.safe_load(FILE.read_text(encoding="utf-8"))
        self.schemas = strict(copy.deepcopy(self.document["components"]["schemas"]))
        self.seen = dict.fromkeys(self.document["channels"], 0)
        self._channels = [(name, self._pattern(name)) for name in self.seen]
        self._validators: dict[str, Draft7Validator] = {}

    def channel(self, topic: str) -> str:
        """The name of the channel; the one with the longest address where two fit."""
        fitting = [name for name, pattern in self._channels if pattern.fullmatch(topic)]
        assert fitting, f"topic {topic} is not in the contract"
        return max(fitting, key=lambda name: len(self.document["channels"][name]["address"]))

    def faults(self, topic: str, payload: bytes) -> list[str]:
        """What is wrong with a message; empty when it is as written."""
        name = self.channel(topic)
        self.seen[name] += 1
        try:
            text = payload.decode() if name == "set" and not payload[:1].isdigit() else ""
            value = text or json.loads(payload)
        except ValueError as error:
            return [f"{topic}: not JSON: {error}"]
        found = self.validator(name).iter_errors(value)
        return [f"{topic}: {'/'.join(map(str, e.absolute_path))}: {e.message[:300]}" for e in found]

    def validator(self, channel: str) -> Draft7Validator:
        if channel not in self._validators:
            (message,) = self.document["channels"][channel]["messages"].values()
            payload = self.resolve(message)["payload"]
            schema = payload | {"components": {"schemas": self.schemas}}
            # draft 7 looks at nothing beside a $ref, so the root refers from within
            self._validators[channel] = Draft7Validator({"allOf": [payload], "components": schema["components"]})
        return self._validators[channel]

    def resolve(self, value: dict) -> dict:
        """What a $ref leads to."""
        if "$ref" not in value:
            return value
        found = self.document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found

    def _pattern(self, name: str) -> re.Pattern:
        address = self.document["channels"][name]["address"]
        parts = re.split(r"(\{[a-zA-Z]+\})", address)
        level, root = "[a-z0-9_-]+", "[a-z0-9-]+(/[a-z0-9-]+){0,3}"
        return re.compile(
            "".join(root if p == "{root}" else level if p.startswith("{") else re.escape(p) for p in parts)
        )


def strict(schema):
    """Close every object that names its properties and does not say otherwise."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(schema.get("properties"), dict) and "$ref" not in schema:
        schema.setdefault("additionalProperties", False)
    return {key: strict(value) for key, value in schema.items()}
