"""`lamplighter keep`: the centre's memory of what is desired, beside a broker that retains nothing (a cluster).

What it has heard is on disk before it is acknowledged and before it is told to anybody, a file for each gateway and
kind. Its session at the broker outlives it, so what is published while it is away, or while its disk is full, waits
there.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from pathlib import Path

import aiomqtt
import click

from lamplighter import whole_file
from lamplighter.office.client import read_object
from lamplighter.office.keeper import DESIRED_MAX, Keeper, Key
from lamplighter.office.target import Target, with_site
from lamplighter.terminal import BadInput

CLIENT = "lamplighter-keeper"
WORD = re.compile(r"[a-z0-9-]{1,32}")
AGAIN_S = 1.0  # until the next try after a connection that was lost; twice as long each time in vain
AGAIN_MAX_S = 60.0
QUEUE_MAX = 10_000  # messages read and not yet looked at: five of each gateway

log = logging.getLogger("lamplighter.keeper")


class NotKept(Exception):
    """The disk takes nothing: the message stays at the broker."""


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@with_site
def keep(folder: Path, target: Target) -> None:
    """Remember in FOLDER what is desired of each gateway of a site, and tell it again until it is reported."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = list(read(folder))
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}", "give a folder you may write") from None
    try:
        asyncio.run(run(folder, target, Keeper(kept)))
    except KeyboardInterrupt:  # the ordinary end
        return


async def run(folder: Path, target: Target, keeper: Keeper) -> None:
    """Serve until cancelled; a broker that is away and a disk that is full are tried again."""
    said, pause_s = "", AGAIN_S
    while True:
        try:
            async with _client(target) as client:
                for what in ("desired/+", "reported/+", "status"):
                    await client.subscribe(f"{target.root}/{target.site}/+/{what}", qos=1)
                log.info("keeping what is desired of site %s, by broker %s", target.site, target.broker)
                async for message in client.messages:
                    payload = message.payload if isinstance(message.payload, bytes) else b""
                    await _take(client, folder, target, keeper, str(message.topic), payload)
                    client._client.ack(message.mid, message.qos)
                    said, pause_s = "", AGAIN_S
        except (aiomqtt.MqttError, OSError, NotKept) as fault:
            words = str(fault) if isinstance(fault, NotKept) else f"broker {target.broker}: {fault}"
            if words != said:
                said = words
                log.error("%s; trying again", words)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, AGAIN_MAX_S)


async def _take(
    client: aiomqtt.Client, folder: Path, target: Target, keeper: Keeper, topic: str, payload: bytes
) -> None:
    gateway, *rest = topic.removeprefix(f"{target.root}/{target.site}/").split("/")
    if not all(WORD.fullmatch(word) for word in (gateway, *rest)):
        return
    kind, what = rest[0], rest[-1]
    if kind == "desired":
        if keeper.is_new(gateway, what, payload):
            try:
                await asyncio.to_thread(write, folder, (gateway, what), payload)
            except OSError as fault:
                raise NotKept(f"{folder}: {what} of gateway {gateway} cannot be stored: {fault.strerror}") from None
            keeper.desired(gateway, what, payload)
            log.info("%s of gateway %s are kept", what, gateway)
        return
    body = read_object(payload)
    if body is None:
        return
    if kind == "reported":
        keeper.reported(gateway, what, body)
        return
    for name, wanted in keeper.status(gateway, body, time.monotonic_ns() // 1_000_000):
        log.info("gateway %s is told its %s again", gateway, name)
        await client.publish(f"{target.root}/{target.site}/{gateway}/desired/{name}", wanted, qos=1)


def read(folder: Path) -> list[tuple[Key, bytes]]:
    """What was kept before a restart. Raises OSError."""
    found = []
    for path in sorted(folder.glob("*/*.json")):
        if path.stat().st_size <= DESIRED_MAX:
            found.append(((path.parent.name, path.stem), path.read_bytes()))
    return found


def write(folder: Path, key: Key, payload: bytes) -> None:
    """On disk, whole or not at all, when it returns. Raises OSError."""
    place = folder / key[0]
    if not place.is_dir():
        place.mkdir(mode=0o700)
        whole_file.settle(folder)
    whole_file.replace(place / f"{key[1]}.json", payload)


def _client(target: Target) -> aiomqtt.Client:
    client = aiomqtt.Client(
        target.host,
        target.port,
        username=target.username,
        password=target.password,
        identifier=f"{CLIENT}-{target.site}",
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=False,
        tls_params=aiomqtt.TLSParameters(*target.tls) if target.tls else None,
        max_queued_incoming_messages=QUEUE_MAX,
    )
    client._client.manual_ack_set(True)  # by run(), once it is on disk
    return client
