"""One connection as MQTT 5 where the broker offers it, else as MQTT 3.1.1, and how much may be under way on it.

Rules kept here
- Nothing that the gateway promises needs MQTT 5. What it adds is the broker's Receive Maximum (section 3.3.4): a broker
  may cut off a client with more unacknowledged publishes than that. A 3.1.1 broker cannot say it.
- A broker that does not speak a version says so (CONNACK 1 or 132), or hangs up without a word; then the other version
  is tried at once. After a connection that was lost MQTT 5 is tried first again: the broker may have been renewed.
"""

from __future__ import annotations

import logging
from typing import Any

import aiomqtt
from aiomqtt import ProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

V5, V311 = ProtocolVersion.V5, ProtocolVersion.V311
NAMES = {V5: "5", V311: "3.1.1"}
NOT_SPOKEN = (1, 132)  # "unacceptable protocol version", in 3.1.1's words and in 5's
RECEIVE_MAX = 65_535  # where the broker says nothing (MQTT 5, section 3.2.2.3.3)

log = logging.getLogger("lamplighter.broker")


def clean(version: ProtocolVersion) -> dict[str, Any]:
    """The options that ask for a session without a past; each version refuses the other's."""
    return {"clean_start": True} if version is V5 else {"clean_session": True}


class HungUp(aiomqtt.MqttError):
    """The broker closed the connection instead of answering."""


class Session(aiomqtt.Client):
    """A client that knows the broker's Receive Maximum once it is connected."""

    receive_maximum = RECEIVE_MAX

    def _on_connect(
        self, client: Any, userdata: Any, flags: Any, reason_code: ReasonCode, properties: Any = None
    ) -> None:
        self.receive_maximum = getattr(properties, "ReceiveMaximum", RECEIVE_MAX)
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(
        self, client: Any, userdata: Any, flags: Any, reason_code: ReasonCode, properties: Any = None
    ) -> None:
        if not self._connected.done():  # aiomqtt would wait for its time limit
            self._connected.set_exception(HungUp("it hung up without an answer"))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)


class Versions:
    """Which version to speak next; `wanted` is "auto", "5" or "3.1.1"."""

    def __init__(self, wanted: str) -> None:
        self._auto = wanted == "auto"
        self.now = V311 if wanted == "3.1.1" else V5
        self._tried: set[ProtocolVersion] = set()

    def connected(self) -> None:
        """This version is spoken."""
        self._tried.clear()

    def lost(self) -> None:
        """A connection is over."""
        if self._auto:
            self.now = V5

    def refused(self, errors: BaseExceptionGroup) -> bool:
        """No connection came about; whether to try the other version at once."""
        if not self._auto or not _not_spoken(errors):
            return False
        self._tried.add(self.now)
        before, self.now = self.now, V311 if self.now is V5 else V5
        if self.now in self._tried:  # neither is
            self._tried.clear()
            return False
        log.info("the broker does not speak MQTT %s; trying %s", NAMES[before], NAMES[self.now])
        return True


def _not_spoken(errors: BaseException) -> bool:
    while isinstance(errors, BaseExceptionGroup):
        errors = errors.exceptions[0]
    code = getattr(errors, "rc", None)
    return isinstance(errors, HungUp) or getattr(code, "value", code) in NOT_SPOKEN
