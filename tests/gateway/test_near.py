"""From cabinet to cabinet: what is said, what is taken, and two real daemons on a broker that knows who is who."""

import asyncio
import contextlib
import json
import statistics

import aiomqtt
import pytest
from cabinet import start_gateway, stop
from hypothesis import given
from hypothesis import strategies as st
from pty_lines import Lines, listen
from several_lines import sites_of

from lamplighter.gateway.centre.near import CLOCKS_MS, LATE_MAX_MS, NEAR_MAX, Near, age_now, payload, read
from lamplighter.gateway.centre.topics import Topics
from lamplighter.gateway.lines.relay import AGE_MAX_MS
from lamplighter.plans.neighbourhood import FarSite

NOW = 850_000_000_000
EVENT = Near("p01", (7, 12), 1, 2, 40, NOW)


def test_what_is_said_is_understood() -> None:
    assert read(payload(EVENT).encode()) == EVENT
    assert read(payload(EVENT._replace(sent_ms=None)).encode()) == EVENT._replace(sent_ms=None)
    assert len(payload(Near("x" * 32, (0xFFFFFFFF, 0xFFFFFFFF), 0, 3, 65535, NOW))) <= NEAR_MAX
    assert LATE_MAX_MS == AGE_MAX_MS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"v": 2}, "version"),
        ({"post": 3}, '"post"'),
        ({"post": "x" * 33}, '"post"'),
        ({"class": "horse"}, '"class"'),
        ({"class": ["car"]}, '"class"'),
        ({"input": 4}, '"input"'),
        ({"input": True}, '"input"'),
        ({"age_ms": -1}, '"age_ms"'),
        ({"age_ms": 1.5}, '"age_ms"'),
        ({"post_seq": None}, '"post_seq"'),
        ({"post_epoch": 1 << 32}, '"post_epoch"'),
        ({"unix_ms": "now"}, '"unix_ms"'),
        ({"more": "x" * 400}, "bytes"),
    ],
)
def test_what_is_no_event_is_refused(change, words) -> None:
    """[R-7]"""
    value = json.loads(payload(EVENT)) | change
    with pytest.raises(ValueError, match=words):
        read(json.dumps(value).encode())


@given(st.binary(max_size=500) | st.text(max_size=200).map(str.encode))
def test_no_bytes_whatever_do_more_than_that(data) -> None:
    with contextlib.suppress(ValueError):
        read(data)


def test_an_event_ages_on_its_way_and_a_late_one_is_none() -> None:
    """[R-7]"""
    assert age_now(EVENT, NOW + 60) == 100
    assert age_now(EVENT, NOW - CLOCKS_MS) == 40, "clocks differ a little"
    assert age_now(EVENT, NOW - CLOCKS_MS - 1) is None
    assert age_now(EVENT, NOW + LATE_MAX_MS - 40) == LATE_MAX_MS
    assert age_now(EVENT, NOW + LATE_MAX_MS - 39) is None
    assert age_now(EVENT, None) == 40
    assert age_now(EVENT._replace(sent_ms=None), NOW) == 40
    assert age_now(EVENT._replace(age_ms=LATE_MAX_MS + 1), None) is None


def test_each_topic_belongs_to_its_writer() -> None:
    topics = Topics("lamplighter", "lln", "gw1")
    assert topics.near_to("gw2") == "lamplighter/lln/gw1/near/gw2"
    assert (
        topics.near_from("gw2") == "lamplighter/lln/gw2/near/gw1" == Topics("lamplighter", "lln", "gw2").near_to("gw1")
    )


# --- two cabinets and a broker

ACL = """pattern write lamplighter/lln/%u/#
pattern read lamplighter/lln/+/near/%u
pattern read lamplighter/lln/%u/#
"""
PEOPLE = ("gw1", "gw2", "gw3")


@pytest.fixture
def broker(tmp_path, mosquitto_program):
    """A mosquitto that asks for a password, and lets each client write below its own name only."""
    import subprocess

    (tmp_path / "acl").write_text(ACL)
    for number, name in enumerate(PEOPLE):
        create = ["-c"] if number == 0 else []
        subprocess.run(["mosquitto_passwd", *create, "-b", str(tmp_path / "people"), name, f"word-{name}"], check=True)
        (tmp_path / f"word-{name}").write_text(f"word-{name}")
    lines = [
        "set_tcp_nodelay true",
        "allow_anonymous false",
        f"password_file {tmp_path}/people",
        f"acl_file {tmp_path}/acl",
    ]
    with mosquitto_program(lines) as address:
        yield address


@pytest.fixture
def cabinets(tmp_path, broker):
    """Two cabinets on one street; the boundary between them is in the middle of it."""
    sites = sites_of(2, 4)
    west = [site for site in sites if site.bus == "bus0"]
    east = [site for site in sites if site.bus == "bus1"]

    def far(others, gateway):
        return tuple(FarSite(one.id, gateway, one.lat_ud, one.lon_ud) for one in others)

    def login(name):
        return f'username = "{name}"\npassword_file = "{tmp_path}/word-{name}"\n'

    one = Lines(tmp_path / "gw1", broker, west, far(east, "gw2"), "gw1", login("gw1"))
    two = Lines(tmp_path / "gw2", broker, east, far(west, "gw1"), "gw2", login("gw2"))
    daemons = [start_gateway(one.path), start_gateway(two.path)]
    try:
        for cabinet in (one, two):
            cabinet.until_in_session()
        yield one, two
    finally:
        for daemon in daemons:
            stop(daemon)
        one.close()
        two.close()


@pytest.mark.system
def test_light_crosses_from_cabinet_to_cabinet_without_an_office(cabinets) -> None:
    """[R-6]: and the figure, from the sensor's edge to a post of the other cabinet."""
    one, two = cabinets
    took = []
    for address in (4, 3):
        for user_class in range(3):
            heard = listen(two.streets["bus1"], 1, two.alias("bus1", f"gw1/l0p{address:02}"))
            mark = one.streets["bus0"].now_ms()
            one.streets["bus0"].sense(address, user_class)
            took.append(two.streets["bus1"].wait_for(lambda street, heard=heard: next(iter(heard), 0)) - mark)
    assert statistics.median(took) < 500, took
    back = listen(one.streets["bus0"], 4, one.alias("bus0", "gw2/l1p01"))
    two.streets["bus1"].sense(1, 2)
    one.streets["bus0"].wait_for(lambda street: back)
    log = (two.path.parent / "gateway.log").read_text()
    assert "WARNING" not in log


@pytest.mark.system
async def test_nobody_speaks_for_another_cabinet(cabinets, broker) -> None:
    """[R-6]: the broker lets nobody write there; [R-7]: and what a real neighbour sends wrong is named once."""
    _, two = cabinets
    alias = two.alias("bus1", "gw1/l0p04")
    heard = await asyncio.to_thread(listen, two.streets["bus1"], 1, alias)
    bad = payload(Near("l0p04", (1, 1), 0, 0, 0, None))
    async with aiomqtt.Client(*broker, username="gw3", password="word-gw3") as client:
        forged = payload(Near("l0p04", (1, 1), 2, 0, 0, None))
        await client.publish("lamplighter/lln/gw1/near/gw2", forged, qos=1)  # acknowledged, and dropped
    async with aiomqtt.Client(*broker, username="gw1", password="word-gw1", identifier="spare") as client:
        for junk in (b"{", b"{}", b"{", b"x" * 5000):
            await client.publish("lamplighter/lln/gw1/near/gw2", junk, qos=1)
        await client.publish("lamplighter/lln/gw1/near/gw2", bad, qos=1, retain=True)
        stranger = payload(Near("nobody", (1, 1), 0, 0, 0, None))
        await client.publish("lamplighter/lln/gw1/near/gw2", stranger, qos=1)
        good = payload(Near("l0p04", (1, 2), 1, 0, 0, None))
        await client.publish("lamplighter/lln/gw1/near/gw2", good, qos=1)
        await asyncio.to_thread(two.streets["bus1"].wait_for, lambda street: len(heard) >= 2)
        await client.publish("lamplighter/lln/gw1/near/gw2", b"", qos=1, retain=True)
    log = (two.path.parent / "gateway.log").read_text()
    assert log.count("gw1 says what is no event") == 1
    seen = two.streets["bus1"].call(lambda street: {entry[1] for entry in street.lamps[0].post.presence._seen})
    assert seen == {0, 1}, "two of the real neighbour's; the forged car is not there"
    assert "Traceback" not in log
