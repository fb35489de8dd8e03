"""A provisioned site with the real mosquitto over TLS: who gets in, who sees what, renewal, and kill -9."""

import asyncio
import contextlib
import datetime
import json
import signal
import socket
import ssl

import aiomqtt
import pytest
from town import NOW, Town, context, until

from lamplighter import whole_file
from lamplighter.gateway.centre import broker as broker_module
from lamplighter.gateway.centre.broker import Broker
from lamplighter.gateway.centre.topics import Topics
from lamplighter.gateway.config import load
from lamplighter.gateway.store.database import Database
from lamplighter.gateway.store.outbox import EVENTS, Entry, Outbox
from lamplighter.provision import private, site
from lamplighter.provision.authority import Authority, Identity

pytestmark = pytest.mark.system
BASE = "lamplighter/lln"


@pytest.fixture
async def town(tmp_path):
    town = Town(tmp_path)
    await town.start()
    yield town
    await town.kill()


@pytest.fixture
async def gateway(town, tmp_path, monkeypatch):
    """gw1's own broker side, as its configuration says."""
    monkeypatch.setattr(broker_module, "BACKOFF_MIN_S", 0.02)
    monkeypatch.setattr(broker_module, "RENEWAL_S", 0.05)
    monkeypatch.setattr(broker_module, "ACK_S", 2.0)  # how long a client waits that TLS 1.3 lets in and then refuses
    config = load(town.folder("gw1") / "gateway.toml")
    database = Database(tmp_path / "gateway.db", lambda text: None)
    outbox = Outbox(database, 1 << 30)
    database.start()
    topics, got = Topics("lamplighter", "lln", "gw1"), []
    side = Broker(config.mqtt, "lln-gw1", topics, "gw1", outbox, lambda topic, payload: got.append((topic, payload)))
    task = asyncio.create_task(side.run())

    async def append(first: int, count: int) -> None:
        entries = [Entry(EVENTS, "p01", 1, seq, json.dumps({"n": seq})) for seq in range(first, first + count)]
        await asyncio.wrap_future(outbox.append(entries))
        side.fresh()

    side.append, side.got = append, got  # type: ignore[attr-defined]
    yield side
    side.end()
    task.cancel()
    await asyncio.wait([task], timeout=10)
    database.close()


async def test_a_gateway_delivers_and_hears_with_its_certificate(town, gateway) -> None:
    async with town.hearing("office", f"{BASE}/#") as got:
        gateway.retain(f"{BASE}/gw1/status", '{"v":1,"online":true}')
        await gateway.append(1, 3)
        await until(lambda: {topic for topic, _ in got} == {f"{BASE}/gw1/status", f"{BASE}/gw1/events"})
        async with town.client("office") as office:
            await office.publish(f"{BASE}/gw1/request", b"{}", qos=1)
            await until(lambda: gateway.got == [(f"{BASE}/gw1/request", b"{}")])


OWN = ("status", "post/p01/state", "events", "telemetry", "flow", "reported/plans", "response")


FORGED = [f"{BASE}/gw1/{topic}" for topic in OWN] + [
    f"{BASE}/gw1/request", f"{BASE}/gw2/request", f"{BASE}/gw2/desired/plans", "weather"
]  # fmt: skip


async def test_another_gateways_topics_are_refused(town) -> None:
    """mosquitto drops such a message, and its client too."""
    async with town.hearing("office", f"{BASE}/#", "#") as got:
        for topic in FORGED:
            with contextlib.suppress(aiomqtt.MqttError):
                async with town.client("gw2") as gw2:
                    await gw2.publish(topic, b"forged", qos=1, retain=True)
        async with town.client("gw2") as gw2:
            for topic in OWN:
                await gw2.publish(f"{BASE}/gw2/{topic}", b"own", qos=1)
        await until(lambda: len(got) >= len(OWN))
        assert {topic for topic, _ in got} == {f"{BASE}/gw2/{topic}" for topic in OWN}
    assert town.log.read_text().count("Bad socket read/write") == len(FORGED)
    async with town.hearing("office", f"{BASE}/gw1/status", f"{BASE}/gw1/response") as got:
        async with town.client("gw1") as gw1:
            await gw1.publish(f"{BASE}/gw1/response", b"end", qos=1)
        await until(lambda: got)
        assert got == [(f"{BASE}/gw1/response", b"end")], "nothing forged was retained"


async def test_a_gateway_hears_nothing_of_another(town) -> None:
    topics = (f"{BASE}/gw1/request", f"{BASE}/+/desired/plans", f"{BASE}/#", "#", f"{BASE}/gw2/request")
    async with town.hearing("gw2", *topics) as got, town.client("office") as office, town.client("gw1") as gw1:
        await office.publish(f"{BASE}/gw1/request", b"for gw1", qos=1)
        await office.publish(f"{BASE}/gw1/desired/plans", b"for gw1", qos=1, retain=True)
        await gw1.publish(f"{BASE}/gw1/events", b"of gw1", qos=1)
        await office.publish(f"{BASE}/gw2/request", b"for gw2", qos=1)
        await until(lambda: got)
        assert set(got) == {(f"{BASE}/gw2/request", b"for gw2")}


async def test_the_others_see_what_is_theirs(town) -> None:
    async with town.hearing("homeassistant", "#") as got, town.client("gw1") as gw1:
        for topic in ("events", "flow", "post/p01/state"):
            await gw1.publish(f"{BASE}/gw1/{topic}", b"x", qos=1)
        await gw1.publish("homeassistant/device/gw1/p01/config", b"x", qos=1)
        await gw1.publish("homeassistant/device/gw2/p01/config", b"x", qos=1)
        await until(lambda: len(got) >= 2)
        assert [topic for topic, _ in got] == [f"{BASE}/gw1/post/p01/state", "homeassistant/device/gw1/p01/config"]
    async with town.hearing("gw1", f"{BASE}/gw1/request") as got, town.client("homeassistant") as other:
        await other.publish(f"{BASE}/gw1/request", b"no", qos=1)
        async with town.client("office") as office:
            await office.publish(f"{BASE}/gw1/request", b"yes", qos=1)
        await until(lambda: got)
        assert got == [(f"{BASE}/gw1/request", b"yes")]


def bad_contexts(town: Town, folder) -> dict[str, ssl.SSLContext]:
    """Clients that must stay outside."""
    ca, long_ago = town.place / "authority" / "ca.pem", NOW - datetime.timedelta(days=900)
    other = Authority.new("lln", NOW)
    ours = town.authority()
    found = {"no certificate": ssl.create_default_context(cafile=ca)}
    for name, identity in (
        ("expired", ours.client("gw1", long_ago)),
        ("of another authority", other.client("gw1", NOW)),
        ("not yet valid", ours.client("gw1", NOW + datetime.timedelta(days=30))),
        ("a server's", ours.server(["gw1"], NOW)),
    ):
        place = folder / name.replace(" ", "-")
        write(place, identity)
        found[name] = context(ca, place)
    return found


def write(place, identity: Identity) -> None:
    place.mkdir()
    private.write(place / "mqtt.pem", identity.certificate)
    private.write(place / "mqtt.key", identity.key)


@pytest.mark.parametrize("who", ["no certificate", "expired", "of another authority", "not yet valid", "a server's"])
async def test_who_has_no_good_certificate_stays_outside(town, tmp_path, who) -> None:
    assert await asyncio.to_thread(knock, town, town.tls("gw1")) == b"\x20\x02\x00\x00", "the control: welcome"
    with pytest.raises((ssl.SSLError, ConnectionError)):  # an alert, or its connection is already gone
        await asyncio.to_thread(knock, town, bad_contexts(town, tmp_path)[who])
    assert town.log.read_text().count("New client connected") == 1


def knock(town: Town, tls: ssl.SSLContext, name: str = "localhost") -> bytes:
    """Send an MQTT CONNECT; the CONNACK. With TLS 1.3 a server's refusal shows only when something is read."""
    with (
        socket.create_connection(("127.0.0.1", town.port), 10) as plain,
        tls.wrap_socket(plain, server_hostname=name) as secure,
    ):
        secure.sendall(b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x05\x00\x02me")
        return secure.recv(4)


async def test_a_client_stays_away_from_a_broker_of_another_authority_or_name(town, tmp_path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(Authority.new("lln", NOW).certificate)
    for tls, name in ((context(other, town.folder("gw1")), "localhost"), (town.tls("gw1"), "broker.example.org")):
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.to_thread(knock, town, tls, name)


def connects(town: Town) -> int:
    return town.log.read_text().count("as lln-gw1 ")


async def test_a_renewed_certificate_is_taken_up_without_a_restart(town, gateway) -> None:
    await until(lambda: gateway.is_connected)
    await gateway.append(1, 5)
    before = connects(town)
    key = town.folder("gw1") / "mqtt.key"
    good = key.read_bytes()
    key.write_bytes(town.authority().client("gw1", NOW).key)  # half copied: the key is there, its certificate is not
    await asyncio.sleep(0.3)
    assert connects(town) == before, "a pair that does not fit is not taken"
    assert gateway.is_connected
    key.write_bytes(good)
    site.renew(town.place, "gw1", NOW)
    await until(lambda: connects(town) > before)
    async with town.hearing("office", f"{BASE}/gw1/events") as got:
        await until(lambda: gateway.is_connected)
        await gateway.append(6, 5)
        await until(lambda: any(b'"n": 10' in payload for _, payload in got))


async def test_a_certificate_that_ends_is_said_and_renewal_brings_the_gateway_back(town, gateway, caplog) -> None:
    await until(lambda: gateway.is_connected)
    ended = town.authority().client("gw1", NOW - datetime.timedelta(days=900))
    whole_file.replace(town.folder("gw1") / "mqtt.key", ended.key)
    whole_file.replace(town.folder("gw1") / "mqtt.pem", ended.certificate)
    await until(lambda: "[mqtt] tls_ca, tls_cert and tls_key" in caplog.text or "trying again" in caplog.text)
    assert not gateway.is_connected
    await gateway.append(1, 4)
    async with town.hearing("office", f"{BASE}/gw1/events") as got:
        site.renew(town.place, "gw1", NOW)
        await until(lambda: got)


def serial_of(town: Town) -> int:
    with (
        socket.create_connection(("127.0.0.1", town.port)) as plain,
        town.tls("office").wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        return int(secure.getpeercert()["serialNumber"], 16)


async def test_the_brokers_own_renewal_disconnects_nobody(town) -> None:
    async with town.hearing("office", f"{BASE}/#") as got, town.client("gw1") as gw1:
        before = await asyncio.to_thread(serial_of, town)
        site.renew(town.place, "broker", NOW)
        town.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(10):
            while await asyncio.to_thread(serial_of, town) == before:
                await asyncio.sleep(0.05)
        await gw1.publish(f"{BASE}/gw1/events", b"still here", qos=1)
        await until(lambda: got == [(f"{BASE}/gw1/events", b"still here")])


async def test_what_the_broker_acknowledged_a_second_ago_outlives_kill_9(town) -> None:
    keeping = {"identifier": "consumer", "clean_session": False}
    async with town.client("office", **keeping) as office:
        await office.subscribe(f"{BASE}/+/events", qos=1)
    async with town.client("gw1") as gw1:
        await gw1.publish(f"{BASE}/gw1/status", b"kept", qos=1, retain=True)
        for number in range(300):
            await gw1.publish(f"{BASE}/gw1/events", str(number).encode(), qos=1)
        saved = saves(town)
        await until(lambda: saves(town) >= saved + 2)  # the first of them may have begun before
        await town.kill()
    await town.start()
    got = []
    async with town.client("office", **keeping) as office, asyncio.timeout(20):
        async for message in office.messages:
            got.append(int(message.payload))
            if len(got) == 300:
                break
    assert got == list(range(300))
    async with town.hearing("office", f"{BASE}/gw1/status") as kept:
        await until(lambda: kept == [(f"{BASE}/gw1/status", b"kept")])


def saves(town: Town) -> int:
    return town.log.read_text().count("Saving in-memory database")


async def test_a_consumer_that_is_away_loses_nothing(town) -> None:
    """The defaults would keep 1,000 of these messages."""
    keeping = {"identifier": "slow", "clean_session": False}
    async with town.client("office", **keeping) as office:
        await office.subscribe(f"{BASE}/+/telemetry", qos=1)
    count = 3000
    async with town.client("gw1", max_inflight_messages=20) as gw1:
        window = asyncio.Semaphore(20)

        async def publish(number: int) -> None:
            async with window:
                await gw1.publish(f"{BASE}/gw1/telemetry", str(number).encode(), qos=1)

        await asyncio.gather(*[publish(number) for number in range(count)])
    got = set()
    async with town.client("office", **keeping) as office, asyncio.timeout(30):
        async for message in office.messages:
            got.add(int(message.payload))
            if len(got) == count:
                break
