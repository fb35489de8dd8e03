"""The operator's side of a gateway over MQTT: publish what is desired, ask, and listen. Only this file knows aiomqtt.

Needs MQTT 3.1.1 only: no wildcard over retained topics and no shared subscription. A request carries a transaction
and an expiry; its answer is recognised by the transaction, so several desks may ask at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import aiomqtt

from lamplighter.office.target import Target
from lamplighter.terminal import Failed

CONNECT_S = 10  # a broker that takes longer is not there for a person who waits
MESSAGE_MAX = 4 << 20  # bytes: a snapshot of 250 posts is 100 KB; what is longer is not read
GRACE_S = 3  # after a request's expiry: the gateway then still tells which posts were silent
QUEUE_MAX = 10_000  # messages not yet read, some minutes of a busy gateway
Message = tuple[str, dict[str, Any]]  # topic below the gateway, and its JSON


class Office:
    """One connection to the broker, about one gateway."""

    def __init__(self, client: aiomqtt.Client, target: Target) -> None:
        self.client = client
        self.target = target

    async def listen(self, *topics: str) -> None:
        """Subscribe to topics below the gateway's, at QoS 1; returns when the broker has confirmed."""
        await self.client.subscribe([(self.target.topic(topic), 1) for topic in topics])

    async def desire(self, what: str, body: dict[str, Any]) -> None:
        """Publish a retained `desired/<what>`; returns when the broker has it."""
        await self._publish(f"desired/{what}", body, retain=True)

    async def messages(self) -> AsyncIterator[Message]:
        """What arrives on the topics listened to; what is not a JSON object is passed over."""
        prefix = self.target.topic("")
        async for message in self.client.messages:
            body = read_object(message.payload)
            topic = str(message.topic)
            if body is not None and topic.startswith(prefix):
                yield topic[len(prefix) :], body

    async def ask(self, command: str, timeout_s: float, **fields: Any) -> dict[str, Any]:
        """Send a request and return its answer. Raises Failed when the gateway is offline, silent or says no."""
        transaction = secrets.token_hex(8)
        expires = datetime.datetime.now(datetime.UTC) + datetime.timedelta(
            seconds=timeout_s + 1
        )  # whole seconds follow
        body = {"v": 1, "transaction": transaction, "expires": utc_text(expires), "command": command, **fields}
        await self.listen("response", "status")
        await self._publish("request", body, retain=False)
        answer = await self._answer(transaction, timeout_s + GRACE_S)
        if not answer.get("ok") and not answer.get("posts"):
            raise Failed(f"gateway {self.target.gateway} says no: {answer.get('error') or 'without a reason'}")
        return answer

    async def _answer(self, transaction: str, timeout_s: float) -> dict[str, Any]:
        heard = False
        try:
            async with asyncio.timeout(timeout_s):
                async for topic, body in self.messages():
                    heard = heard or topic == "status"
                    if topic == "status" and body.get("online") is False:
                        raise offline(self.target)
                    if topic == "response" and body.get("transaction") == transaction:
                        return body
        except TimeoutError:
            pass
        where = f"gateway {self.target.gateway} of site {self.target.site}"
        if heard:
            raise Failed(f"{where} did not answer within {timeout_s:g} s", "ask again, or with a longer --timeout")
        raise Failed(
            f"{where} is not known to the broker", f"check --root, --site and --gateway: {self.target.topic()}"
        )

    async def _publish(self, topic: str, body: dict[str, Any], retain: bool) -> None:
        payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        await self.client.publish(self.target.topic(topic), payload, qos=1, retain=retain, timeout=CONNECT_S)


@contextlib.asynccontextmanager
async def connect(target: Target) -> AsyncIterator[Office]:
    """An open connection; a broker that cannot be reached, refuses or goes away is Failed with a hint."""
    try:
        async with _client(target) as client:
            yield Office(client, target)
    except aiomqtt.MqttError as fault:
        refused = "not auth" in str(fault).lower() or "bad user" in str(fault).lower()
        hint = "check --username and --password-file" if refused else "check --broker, and that the broker runs"
        raise Failed(f"the broker {target.broker} cannot be used: {fault}", hint) from None
    except (OSError, ValueError) as fault:  # a certificate that cannot be read, a name that cannot be looked up
        raise Failed(
            f"the broker {target.broker} cannot be used: {fault}", "check --broker and the --tls options"
        ) from None


def _client(target: Target) -> aiomqtt.Client:
    tls = aiomqtt.TLSParameters(*target.tls) if target.tls else None
    return aiomqtt.Client(
        target.host,
        target.port,
        username=target.username,
        password=target.password,
        identifier=f"lamplighter-desk-{secrets.token_hex(4)}",
        timeout=CONNECT_S,
        tls_params=tls,
        max_queued_incoming_messages=QUEUE_MAX,
    )


def offline(target: Target) -> Failed:
    return Failed(f"gateway {target.gateway} is offline", "start it, or look at its log; its posts go on by themselves")


def read_object(payload: Any) -> dict[str, Any] | None:
    """The JSON object in a payload, or None for anything else."""
    if not isinstance(payload, bytes | bytearray) or len(payload) > MESSAGE_MAX:
        return None
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def utc_text(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
