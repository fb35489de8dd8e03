"""The embedded broker: only on loopback, retained and QoS 1 work, a last will is delivered; its known limit holds."""

import asyncio
import sys

import aiomqtt
import pytest

from lampsim.broker import Broker, BrokerError, free_port, listening

pytest.importorskip("iotcore", reason="the embedded broker has no wheel for this machine")


@pytest.fixture
async def broker():
    async with Broker() as running:
        yield running


def client(broker: Broker, **kwargs) -> aiomqtt.Client:
    return aiomqtt.Client(broker.host, broker.port, **kwargs)


async def take(connected: aiomqtt.Client, count: int, timeout_s: float = 5.0) -> list[aiomqtt.Message]:
    """The next `count` messages; fewer only when `timeout_s` has passed."""
    got: list[aiomqtt.Message] = []
    try:
        async with asyncio.timeout(timeout_s):
            async for message in connected.messages:
                got.append(message)
                if len(got) == count:
                    break
    except TimeoutError:
        pass
    return got


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/net/tcp")
async def test_it_listens_on_loopback_only(broker):
    assert broker.pid
    assert listening(broker.pid) == {f"0100007F:{broker.port:04X}"}


async def test_a_retained_message_of_qos_1_waits_for_a_subscriber(broker):
    async with client(broker) as publisher:
        await publisher.publish("site/gw1/status", b"on", qos=1, retain=True)
        await publisher.publish("site/gw1/events", b"gone", qos=1)
    async with client(broker) as subscriber:
        await subscriber.subscribe("site/#", qos=1)
        (message,) = await take(subscriber, 2, timeout_s=0.3)
    assert (message.payload, message.qos, message.retain) == (b"on", 1, True)


async def test_an_empty_payload_clears_a_retained_message(broker):
    async with client(broker) as publisher:
        await publisher.publish("desired/plans", b"x", qos=1, retain=True)
        await publisher.publish("desired/plans", b"", qos=1, retain=True)
        await publisher.subscribe("desired/plans", qos=1)
        assert await take(publisher, 1, timeout_s=0.3) == []


async def test_a_plan_of_a_megabyte_passes(broker):
    async with client(broker) as publisher:
        await publisher.publish("desired/plans", b"x" * 2**20, qos=1, retain=True)
        await publisher.subscribe("desired/plans", qos=1)
        (message,) = await take(publisher, 1)
    assert len(message.payload) == 2**20


@pytest.mark.parametrize("retained", [True, False])
async def test_a_last_will_is_delivered_and_retained_when_asked(broker, retained):
    will = aiomqtt.Will("gw1/status", b"off", qos=1, retain=retained)
    command = [sys.executable, "-c", GATEWAY, str(broker.port), str(int(retained))]
    async with client(broker) as watcher:
        await watcher.subscribe("gw1/status", qos=1)
        gateway = await asyncio.create_subprocess_exec(*command)
        assert [m.payload for m in await take(watcher, 1)] == [b"on"]
        gateway.kill()
        await gateway.wait()
        assert [m.payload for m in await take(watcher, 1)] == [will.payload]
    async with client(broker) as late:
        await late.subscribe("gw1/status", qos=1)
        assert [m.payload for m in await take(late, 1)] == [b"off" if retained else b"on"]


GATEWAY = """
import asyncio, sys, aiomqtt
async def main():
    will = aiomqtt.Will("gw1/status", b"off", qos=1, retain=sys.argv[2] == "1")
    async with aiomqtt.Client("127.0.0.1", int(sys.argv[1]), will=will) as client:
        await client.publish("gw1/status", b"on", qos=1, retain=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_a_clean_goodbye_sends_no_last_will(broker):
    async with client(broker) as watcher:
        await watcher.subscribe("gw1/status", qos=1)
        async with client(broker, will=aiomqtt.Will("gw1/status", b"off", qos=1)):
            pass
        assert await take(watcher, 1, timeout_s=0.3) == []


async def test_the_known_limit_of_retained_messages_in_one_subscription(broker):
    """When this fails the limit is gone: drop it from the docstring of lampsim.broker."""
    async with client(broker) as publisher:
        for i in range(120):
            await publisher.publish(f"post/p{i}/state", b"x", qos=1, retain=True)
    async with client(broker) as subscriber:
        await subscriber.subscribe("post/+/state", qos=1)
        assert len(await take(subscriber, 120, timeout_s=0.5)) == 100


async def test_a_taken_port_is_refused_in_one_line(broker):
    with pytest.raises(BrokerError, match=rf"listens on 127\.0\.0\.1:{broker.port} already"):
        await Broker(broker.port).start()


async def test_it_ends_at_once_and_frees_its_port():
    async with Broker(free_port()) as first:
        port = first.port
    async with Broker(port):
        pass
