"""A PUBACK proves nothing beyond the broker: the centre sees what it misses and gets it, from the real daemon."""

import asyncio
import json

import pytest
from brokers import free_port, start_mosquitto
from cabinet import Centre, start_gateway, stop, write_config
from pty_street import PtyStreet

from lamplighter.office.gaps import Gaps

COUNT = 3
pytestmark = pytest.mark.system


@pytest.fixture
def street():
    street = PtyStreet(COUNT)
    yield street
    street.close()


class Watchful(Centre):
    """A centre that keeps its gaps, and asks until there are none."""

    def seqs(self) -> set[int]:
        return {key[2] for key in self.items}

    def gaps(self) -> Gaps:
        status = self.last["status"]
        gaps = Gaps(status["epoch"])
        gaps.came(self.seqs())
        gaps.given(status["next"])
        return gaps

    async def ask_until_whole(self) -> Gaps:
        gaps = self.gaps()
        for turn in range(20):
            gaps.came(self.seqs())
            ranges = gaps.ask()
            if ranges:
                answer = await self.ask("resend", f"again-{turn}", epoch=gaps.epoch, ranges=ranges)
                assert answer["ok"], answer
                gaps.gone(answer["gone"])
            if not gaps.missing():
                return gaps
            await asyncio.sleep(0.05)
        raise AssertionError(f"still missing: {gaps.missing()}")


def sense(street: PtyStreet, times: int) -> None:
    for step in range(times):
        street.sense(step % COUNT + 1)


async def test_what_died_in_the_broker_is_asked_for_and_comes(tmp_path, street) -> None:
    """Items are acknowledged by a broker while the centre is away, and the broker is killed with them."""
    address = ("127.0.0.1", free_port())
    broker = await start_mosquitto(tmp_path, address[1])
    process = start_gateway(write_config(tmp_path, street.port, address, COUNT))
    try:
        centre = Watchful(address)
        async with centre.listening():
            await centre.until(lambda: centre.last.get("status", {}).get("posts_online") == COUNT)
            sense(street, 9)
            await centre.until(lambda: len(centre.of_kind("presence")) >= 9)
        sense(street, 30)  # nobody listens: the broker acknowledges, and has nowhere to keep them
        street.wait_for(lambda street: all(len(lamp.post.items) == 0 for lamp in street.lamps))
        watcher = Centre(address)
        async with watcher.listening():
            await watcher.until(lambda: watcher.last.get("status", {}).get("backlog") == 0)
        broker.kill()
        await broker.wait()
        broker = await start_mosquitto(tmp_path, address[1])
        async with centre.listening():
            centre.last.clear()
            await centre.until(lambda: centre.last.get("status", {}).get("posts_online") == COUNT)
            assert len(centre.of_kind("presence")) < 39, "the control: they were lost"
            assert centre.gaps().missing()
            gaps = await centre.ask_until_whole()
            assert gaps.lost == 0
            assert len(centre.of_kind("presence")) == 39
            numbers = {(i["post"], i["post_epoch"], i["post_seq"]) for i in centre.items.values()}
            assert len(numbers) == len(centre.items), "each under the id it always had"
            answer = await centre.ask("resend", "old", epoch="00000000", ranges=[[1, 7]])
            assert answer["gone"] == [[1, 7]], "of another store: nobody asks for ever"
            answer = await centre.ask("resend", "future", epoch=gaps.epoch, ranges=[[10**6, 10**6 + 5]])
            assert answer["gone"] == [], "not given yet is not gone"
    finally:
        stop(process)
        broker.kill()
        await broker.wait()


BAD = [
    ({"epoch": "x", "ranges": [[1, 2]]}, '"epoch" must be'),
    ({"epoch": "ab12cd34"}, '"ranges" must be'),
    ({"epoch": "ab12cd34", "ranges": [[2, 1]]}, '"ranges" must be'),
    ({"epoch": "ab12cd34", "ranges": [[1, 10**6]]}, "ask in parts"),
    ({"epoch": "ab12cd34", "ranges": [[1, 1]] * 257}, '"ranges" must be'),
    ({"epoch": "ab12cd34", "ranges": [[True, 2]]}, '"ranges" must be'),
]


@pytest.mark.parametrize(("fields", "words"), BAD)
def test_a_bad_request_for_items_is_refused(fields, words) -> None:
    from lamplighter.gateway.wanted.commands import RequestError, read

    value = {"v": 1, "transaction": "t", "expires": "2026-06-21T20:05:00Z", "command": "resend"} | fields
    with pytest.raises(RequestError, match=words):
        read(json.dumps(value).encode(), ["p01"], {}, 835_387_000)
