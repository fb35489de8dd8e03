"""The broker side against the real mosquitto: killed and restarted, refusing, absent; nothing lost, ids stable."""

import asyncio
import json
import logging

import aiomqtt
import pytest
from broker_side import TOPICS, Side, listener, numbers, until
from brokers import free_port, start_mosquitto

from lamplighter.gateway.centre import broker as broker_module
from lamplighter.gateway.centre.broker import BATCH_BYTES, batch, cut
from lamplighter.gateway.store.outbox import TELEMETRY, Entry, Row

pytestmark = pytest.mark.usefixtures("hurry")


async def test_items_go_out_in_batches_with_their_ids_and_leave_the_outbox(outbox, mosquitto) -> None:
    async with listener(mosquitto) as (_, got), Side(outbox, mosquitto) as side:
        await side.append(1, 950)
        await side.append(1, 120, TELEMETRY)
        await until(lambda: outbox.backlog == 0)
        await until(lambda: len(numbers(got, TOPICS.events)) == 950)
        assert sorted(numbers(got, TOPICS.events)) == list(range(1, 951))
        assert sorted(numbers(got, TOPICS.telemetry)) == list(range(1, 121))
        batches = [json.loads(payload) for topic, payload, _ in got if topic == TOPICS.events]
        assert len(batches) < 20
        assert {(b["v"], b["gateway"], b["epoch"]) for b in batches} == {(1, "gw9", outbox.epoch)}
        assert not any(retain for _, _, retain in got)


async def test_only_the_streams_that_have_something_new_are_looked_into(outbox, mosquitto) -> None:
    broker = Side(outbox, mosquitto).broker
    broker.fresh({TELEMETRY})
    assert [stream for stream, event in broker._fresh.items() if event.is_set()] == [TELEMETRY]
    async with Side(outbox, mosquitto) as side:
        await until(lambda: side.broker.is_connected)
        await asyncio.wrap_future(outbox.append([Entry(TELEMETRY, "p02", 1, 1, "{}")]))
        side.broker.fresh({TELEMETRY})
        await until(lambda: outbox.backlog == 0)


async def test_retained_state_is_the_latest_and_a_response_is_not_retained(outbox, mosquitto) -> None:
    async with Side(outbox, mosquitto) as side:
        for number in range(50):
            side.broker.retain(TOPICS.state("p01"), f'{{"n":{number}}}')
        side.broker.respond(TOPICS.response, '{"transaction":"x"}')
        await until(lambda: side.broker.is_connected and not side.broker._dirty and not side.broker._responses)
        async with listener(mosquitto) as (client, got):
            await until(lambda: (TOPICS.state("p01"), b'{"n":49}', True) in got)
            assert TOPICS.response not in [topic for topic, _, _ in got]
            await client.publish(TOPICS.state("p01"), b"", qos=1, retain=True)


async def test_the_last_will_says_offline_and_so_does_a_clean_end(outbox, mosquitto) -> None:
    async with listener(mosquitto) as (client, got):
        async with Side(outbox, mosquitto) as side:
            side.broker.retain(TOPICS.status, '{"v":1,"online":true}')
            await until(lambda: (TOPICS.status, b'{"v":1,"online":true}', False) in got)
        await until(lambda: (TOPICS.status, b'{"v":1,"online":false}', False) in got)
        await client.publish(TOPICS.status, b"", qos=1, retain=True)


async def test_requests_and_desired_plans_come_in(outbox, mosquitto) -> None:
    async with listener(mosquitto) as (client, _):
        await client.publish(TOPICS.desired_plans, b'{"v":1}', qos=1, retain=True)
        async with Side(outbox, mosquitto) as side:
            await until(lambda: (TOPICS.desired_plans, b'{"v":1}') in side.got)
            await client.publish(TOPICS.request, b"hello", qos=1)
            await until(lambda: (TOPICS.request, b"hello") in side.got)
        await client.publish(TOPICS.desired_plans, b"", qos=1, retain=True)


async def test_a_broker_killed_in_the_flood_costs_nothing(outbox, tmp_path, monkeypatch) -> None:
    """What a dying broker has acknowledged may be lost inside it; all else arrives, each item under one id."""
    address = ("127.0.0.1", free_port())
    seen: dict[tuple, int] = {}
    acknowledged: set[int] = set()
    acknowledge = outbox.acknowledge
    monkeypatch.setattr(
        outbox, "acknowledge", lambda s, a, b: acknowledged.update(range(a, b + 1)) or acknowledge(s, a, b)
    )
    async with Side(outbox, address) as side:
        for turn in range(4):
            process = await start_mosquitto(tmp_path, address[1])
            try:
                async with listener(address) as (_, got):
                    for step in range(10):
                        await side.append(1 + 200 * (10 * turn + step), 200)
                    if turn == 3:
                        await until(lambda: outbox.backlog == 0)
                        await until(lambda got=got: numbers(got, TOPICS.events)[-1:] == [8000])
                    else:
                        await until(lambda got=got: len(numbers(got, TOPICS.events)) > 300)
                    collect(got, seen)
            finally:
                process.kill()
                await process.wait()
    everything = set(range(1, 8001))
    assert len(set(seen.values())) == len(seen), "each item under one id"
    assert {seq for _, seq in seen} | acknowledged == everything
    assert set(seen.values()) >= set(range(6001, 8001))


def collect(got, seen: dict[tuple, int]) -> None:
    for topic, payload, _ in list(got):
        if topic == TOPICS.events:
            value = json.loads(payload)
            for item in value["items"]:
                assert seen.setdefault((value["epoch"], item["seq"]), item["n"]) == item["n"]


async def test_the_window_is_never_larger_than_allowed(outbox, mosquitto, monkeypatch) -> None:
    under_way, most = 0, 0
    publish = aiomqtt.Client.publish

    async def counted(self, *args, **kwargs):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            await publish(self, *args, **kwargs)
            await asyncio.sleep(0.005)  # a broker that answers before the next is said would need no window
        finally:
            under_way -= 1

    monkeypatch.setattr(broker_module, "BATCH_ITEMS", 1)
    monkeypatch.setattr(aiomqtt.Client, "publish", counted)
    async with Side(outbox, mosquitto, inflight=3) as side:
        await side.append(1, 300)
        await until(lambda: outbox.backlog == 0)
    assert most == 3


async def test_a_broker_that_is_absent_is_said_once(outbox, caplog) -> None:
    with caplog.at_level(logging.ERROR, "lamplighter.broker"):
        async with Side(outbox, ("127.0.0.1", 9)):
            await until(lambda: caplog.records)
            await asyncio.sleep(0.3)
    assert len(caplog.records) == 1
    assert "broker 127.0.0.1:9: nothing listens there; is the broker running?" in caplog.text


async def test_wrong_credentials_are_said_in_one_line(outbox, tmp_path, caplog) -> None:
    port = free_port()
    (tmp_path / "users").write_text("")
    process = await start_mosquitto(
        tmp_path, port, "allow_anonymous false", f"password_file {tmp_path}/users", "user root"
    )
    try:
        with caplog.at_level(logging.ERROR, "lamplighter.broker"):
            async with Side(outbox, ("127.0.0.1", port), username="gw9", password="wrong"):
                await until(lambda: "[mqtt] username" in caplog.text)
        assert "wrong" not in caplog.text
        assert "\n" not in caplog.records[-1].getMessage()
    finally:
        process.kill()
        await process.wait()


def test_a_batch_is_json_and_bounded() -> None:
    rows = [Row(seq, json.dumps({"text": "x" * 1000})) for seq in range(1, 101)]
    taken = cut(rows)
    assert 60 <= len(taken) < 70
    assert len(batch("gw9", "ab", taken)) <= BATCH_BYTES + 100 * 12
    assert cut([Row(1, "x" * BATCH_BYTES * 2), rows[0]]) == [Row(1, "x" * BATCH_BYTES * 2)], "one always goes"
    assert [item["seq"] for item in json.loads(batch("gw9", "ab", taken))["items"]] == [row.seq for row in taken]


@pytest.mark.slow
async def test_a_week_of_250_posts_at_once(outbox, mosquitto) -> None:
    """168,000 readings that waited for a broker: all arrive, each under one id."""
    posts, each = 250, 7 * 96
    for first in range(1, each + 1, 48):
        entries = [
            Entry(TELEMETRY, f"p{post:03}", 1, seq, json.dumps({"n": post * 1000 + seq, "fill": "x" * 130}))
            for post in range(posts)
            for seq in range(first, first + 48)
        ]
        await asyncio.wrap_future(outbox.append(entries))
    assert outbox.backlog == posts * each
    async with listener(mosquitto) as (_, got), Side(outbox, mosquitto) as side:
        side.broker.fresh()
        await until(lambda: outbox.backlog == 0, 240)
        await until(lambda: len(numbers(got, TOPICS.telemetry)) >= posts * each, 120)
    found = numbers(got, TOPICS.telemetry)
    assert len(found) == len(set(found)) == posts * each
