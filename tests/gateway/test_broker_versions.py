"""MQTT 5 where the broker offers it, with its Receive Maximum; 3.1.1 where it does not: the same is delivered."""

import asyncio
import json
import logging

import pytest
from broker_side import TOPICS, Side, listener, numbers, until
from brokers import free_port, start_mosquitto
from mqtt_tap import Tap

from lamplighter.gateway.centre import broker as broker_module
from lamplighter.gateway.centre.session import V5, V311, HungUp, Versions
from lamplighter.gateway.store.outbox import TELEMETRY
from lampsim.broker import Broker as SmallBroker

pytestmark = pytest.mark.usefixtures("hurry")


@pytest.mark.parametrize(
    ("version", "limit", "level", "most"),
    [("auto", 1, 5, 1), ("auto", 3, 5, 3), ("5", 1000, 5, 20), ("auto", 0, 5, 20), ("3.1.1", 3, 4, 20)],
)
async def test_no_more_is_under_way_than_the_broker_takes(
    outbox, tmp_path, monkeypatch, version, limit, level, most
) -> None:  # fmt: skip
    """Events, readings, retained state, answers and what is asked for again, all at once, over a real mosquitto."""
    monkeypatch.setattr(broker_module, "BATCH_ITEMS", 1)
    port = free_port()
    lines = ["allow_anonymous true", f"max_inflight_messages {limit}"]
    process = await start_mosquitto(tmp_path, port, *lines)
    try:
        async with Tap(("127.0.0.1", port)) as tap, listener(("127.0.0.1", port)) as (_, got):
            async with Side(outbox, tap.address, version=version) as side:
                await side.append(1, 100)
                await side.append(1, 100, TELEMETRY)
                for number in range(60):
                    side.broker.retain(TOPICS.state(f"p{number:02}"), json.dumps({"n": number}))
                    side.broker.respond(TOPICS.response, json.dumps({"transaction": f"t{number}"}))
                side.broker.again([(1, 50)])
                await until(lambda: outbox.backlog == 0 and not side.broker._again and not side.broker._dirty)
                await until(lambda: set(numbers(got, TOPICS.events)) == set(range(1, 101)))
                await until(lambda: len([1 for topic, *_ in got if topic == TOPICS.response]) == 60)
            assert tap.levels == [level], "one connection, and nobody cut it off"
            assert tap.count >= 320
            assert tap.most == most
    finally:
        process.kill()
        await process.wait()


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_a_broker_that_dies_in_the_flood_costs_nothing_in_either_version(
    outbox, tmp_path, monkeypatch, version
) -> None:  # fmt: skip
    monkeypatch.setattr(broker_module, "BATCH_ITEMS", 3)
    port, found = free_port(), set()
    process = await start_mosquitto(tmp_path, port, "allow_anonymous true", "max_inflight_messages 5")
    async with Side(outbox, ("127.0.0.1", port), version=version) as side:
        try:
            for turn in range(3):
                async with listener(("127.0.0.1", port)) as (_, got):
                    await side.append(1 + turn * 300, 300)
                    await until(lambda got=got: len(numbers(got, TOPICS.events)) > 60)
                    if turn < 2:
                        process.kill()
                        await process.wait()
                    else:
                        await until(lambda: outbox.backlog == 0)
                        await until(lambda got=got: 900 in numbers(got, TOPICS.events))
                    found |= set(numbers(got, TOPICS.events))
                if turn < 2:
                    process = await start_mosquitto(tmp_path, port, "allow_anonymous true", "max_inflight_messages 5")
        finally:
            process.kill()
            await process.wait()
    acknowledged = {json.loads(row.body)["n"] for row in outbox.between(0, 1, 900, 1000)}
    assert acknowledged == set(range(1, 901))
    assert outbox.backlog == 0


async def test_a_broker_that_speaks_3_1_1_only_gets_that(outbox, caplog) -> None:
    with caplog.at_level(logging.INFO, "lamplighter.broker"):
        async with SmallBroker() as small:
            address = small.host, small.port
            async with listener(address) as (_, got), Side(outbox, address) as side:
                await side.append(1, 250)
                await until(lambda: outbox.backlog == 0)
                await until(lambda: len(numbers(got, TOPICS.events)) == 250)
    assert "the broker does not speak MQTT 5; trying 3.1.1" in caplog.text
    assert "with MQTT 3.1.1, 20 under way at most" in caplog.text
    ours = [record for record in caplog.records if record.name.startswith("lamplighter")]  # asyncio may tell of others
    assert not [record for record in ours if record.levelno >= logging.ERROR]


async def test_who_hangs_up_on_both_versions_is_said_once_and_tried_on(outbox, caplog) -> None:
    calls = []

    async def hang_up(reader, writer) -> None:
        calls.append((await reader.read(100))[8])
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    with caplog.at_level(logging.ERROR, "lamplighter.broker"):
        async with Side(outbox, server.sockets[0].getsockname()[:2]):
            await until(lambda: len(calls) >= 6)
    server.close()
    assert set(calls) == {4, 5}
    assert calls[:2] == [5, 4]
    ours = [record for record in caplog.records if record.name.startswith("lamplighter")]
    assert len(ours) == 1
    assert "it hung up without an answer" in caplog.text


def test_which_version_is_tried_next() -> None:
    hung = ExceptionGroup("", [HungUp("x")])
    versions = Versions("auto")
    assert versions.now is V5
    assert not versions.refused(ExceptionGroup("", [OSError("no route")])), "an absent broker says nothing of versions"
    assert versions.now is V5
    assert versions.refused(hung)
    assert versions.now is V311
    versions.connected()
    versions.lost()
    assert versions.now is V5, "it may have been renewed"
    assert versions.refused(hung)
    assert not versions.refused(hung), "neither: as any fault, with a pause"
    for wanted, version in (("5", V5), ("3.1.1", V311)):
        versions = Versions(wanted)
        assert not versions.refused(hung)
        versions.lost()
        assert versions.now is version
