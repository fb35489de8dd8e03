"""Keys that take the place of others on a running street: real posts, a real scheduler, power cuts at both ends."""

import pytest
from rolling_street import FORGOTTEN_MS, RollingStreet
from street import BUS_KEY, post_key

from lamplighter.gateway.lines import line
from lamppost.wire import contexts, messages
from lamppost.wire.frame import EVERYBODY, GATEWAY, header, pack
from lamppost.wire.seal import Key


def forged(key: bytes, kind: int, src: int, counter: int, values: tuple) -> bytes:
    signed = header(EVERYBODY, src, kind, counter) + messages.encode(kind, values)
    return pack(signed, Key(key).seal(contexts.BUS, signed))


def ready(count=3, **more) -> RollingStreet:
    street = RollingStreet(count, **more)
    street.run_until(lambda: len(street.online()) == count, 60_000)
    return street


def rolled(street: RollingStreet, bus=True, posts=()) -> None:
    assert street.rolling.roll({"a": b""} if bus else {}, dict.fromkeys(posts, b"")) == []


def test_a_bus_key_is_rolled_over_while_everybody_is_heard() -> None:
    """[K-9]"""
    street = ready()
    street.run(street.now + 2_000)
    refused = [lamp.post.line.refused for lamp in street.lamps]
    rolled(street)
    street.run_until(lambda: street.disk.last_buses, 10_000)
    assert street.bus_keys() <= {BUS_KEY, street.disk.buses["a"]}
    for hearer, source in ((1, 2), (2, 3), (3, 1)):
        assert street.hears(hearer, source)
    street.run_until(street.at_rest, FORGOTTEN_MS)
    assert street.bus_keys() == {street.disk.buses["a"]}
    assert BUS_KEY not in street.bus_keys()
    assert street.poller.counters.errors == 0
    times = street.said_by_gateway(messages.TIME)
    new = [Key(street.disk.buses["a"]).seal(contexts.BUS, frame.signed) == frame.seal for frame in times]
    assert new == sorted(new)
    assert new[0] is False
    assert new[-1] is True
    counters = [frame.counter for frame in times]
    assert counters == sorted(set(counters))
    assert [lamp.post.line.refused for lamp in street.lamps] == refused
    for hearer, source in ((1, 2), (2, 3), (3, 1)):
        assert street.hears(hearer, source)
    assert any("in force" in note for note in street.notes)
    text = " ".join(street.notes) + str(street.rolling.progress()) + repr(street.disk)
    assert BUS_KEY.hex()[:8] not in text
    assert street.disk.buses["a"].hex()[:8] not in text


def test_events_cross_in_every_state_of_the_rollover() -> None:
    street = ready(4)
    rolled(street)
    moments = 0
    while not street.at_rest():
        for source in (1, 2, 3, 4):
            hearer = source % 4 + 1
            assert street.hears(hearer, source), (street.rolling.progress(), street.now)
        moments += 1
        street.run(street.now + 3_000)
        assert moments < 200
    assert moments > 10


def test_a_stolen_bus_key_is_worthless_after_the_switch() -> None:
    """[K-7] [K-8] [K-9]"""
    street = ready()
    street.hears(1, 2)
    thief = [
        forged(BUS_KEY, messages.EVENT, 2, 0xFFFFFFFF, (0, 0, 0, 0)),
        forged(BUS_KEY, messages.TIME, GATEWAY, 0xFFFFFFFF, (835_000_000, 0, 0)),
    ]
    for data in thief:
        street.inject(data)
    assert not street.hears(1, 2)  # what a thief can do as long as the key is in force: he makes others deaf
    rolled(street)
    street.run_until(street.at_rest, FORGOTTEN_MS)
    lamps = [lamp.post.line.refused for lamp in street.lamps]
    for data in (*thief, forged(BUS_KEY, messages.EVENT, 9, 1, (0, 0, 0, 0))):
        heard = [dict(lamp.post.line._link.heard) for lamp in street.lamps]
        events = len(street.of(line.Heard))
        street.inject(data)
        assert [dict(lamp.post.line._link.heard) for lamp in street.lamps] == heard
        assert len(street.of(line.Heard)) == events
    assert all(lamp.post.line.refused >= before + 2 for lamp, before in zip(street.lamps, lamps, strict=True))
    assert street.hears(1, 2)  # and what he has done is undone
    before = len(street.of(line.Heard))
    street.sense(2)
    street.run(street.now + 500)
    assert len(street.of(line.Heard)) > before


def test_who_was_off_gets_the_key_in_his_first_session() -> None:
    """[K-9]"""
    street = ready()
    lamp = street.lamp(2)
    lamp.powered = False
    street.run_until(lambda: 2 not in street.online(), 60_000)
    rolled(street)
    street.run_until(lambda: not street.rolling.progress(), FORGOTTEN_MS)
    lamp.powered = True
    lamp.start()
    assert lamp.post.settings.get("bus-key") == BUS_KEY
    street.run_until(lambda: 2 in street.online() and street.bus_keys() == {street.disk.buses["a"]}, 20_000)
    street.run_until(street.at_rest, FORGOTTEN_MS)
    assert street.hears(1, 2)
    assert street.hears(2, 3)


def test_a_line_without_posts_waits() -> None:
    """[K-9]"""
    street = ready()
    for lamp in street.lamps:
        lamp.powered = False
    street.run_until(lambda: not street.online(), 60_000)
    rolled(street)
    street.run(street.now + 200_000)
    assert street.disk.next_buses
    assert not street.disk.last_buses
    for lamp in street.lamps:
        lamp.powered = True
        lamp.start()
    street.run_until(street.at_rest, 2 * FORGOTTEN_MS)
    assert street.bus_keys() == {street.disk.buses["a"]}


def test_a_post_key_is_rolled_over_in_the_session() -> None:
    """[K-11]"""
    street = ready()
    rolled(street, bus=False, posts=["p2"])
    street.run_until(street.at_rest, 20_000)
    identity, key = street.disk.posts["p2"]
    assert identity == "post-2"
    assert key != post_key(2)
    assert street.lamp(2).post.settings.get("post-key") == key
    assert street.lamp(1).post.settings.get("post-key") == post_key(1)
    street.kill()
    street.start()
    street.run_until(lambda: street.rolling._online.keys() == {"p1", "p2", "p3"}, 20_000)
    assert any("p2" in note for note in street.notes)
    assert key.hex()[:8] not in " ".join(street.notes)


def test_a_key_that_was_given_is_taken() -> None:
    street = ready()
    new_bus, new_post = bytes([7]) * 32, bytes([8]) * 32
    assert street.rolling.roll({"a": new_bus, "b": b""}, {"p1": new_post, "p9": b""}) == [
        "there is no line b",
        "there is no post p9",
    ]
    assert "already" in street.rolling.roll({"a": b""}, {"p1": b""})[0]
    street.run_until(street.at_rest, FORGOTTEN_MS)
    assert street.bus_keys() == {new_bus}
    assert street.lamp(1).post.settings.get("post-key") == new_post


def test_all_at_once_on_a_line_that_loses_a_fifth() -> None:
    """[K-9] [K-11]"""
    street = ready(5, loss=0.2, seed=3)
    rolled(street, posts=[f"p{a}" for a in range(1, 6)])
    street.run_until(street.at_rest, 600_000)
    check_whole(street)


def test_a_full_disk_stops_the_rollover_and_nothing_else() -> None:
    """[K-9] [K-11]"""
    street = ready()
    street.full = True
    with pytest.raises(OSError, match="space"):
        street.rolling.roll({"a": b""}, {})
    assert not street.rolling.progress()
    street.full = False
    rolled(street, posts=["p1"])
    street.full = True
    street.run(street.now + 30_000)
    assert street.bus_keys() == {BUS_KEY}
    assert not street.said_under_another_key()
    assert street.lamp(1).post.settings.get("post-key") == post_key(1)
    assert sum("disk" in note for note in street.notes) == 1
    assert street.hears(1, 2)
    street.full = False
    street.run_until(street.at_rest, FORGOTTEN_MS)
    check_whole(street)


@pytest.mark.parametrize("cut", range(1, 13))
def test_a_gateway_that_dies_at_a_write_goes_on_where_it_was(cut: int) -> None:
    """[K-9] [K-11]"""
    street = ready(2, seed=cut)
    street.cut_at_save = cut
    try:
        rolled(street, posts=["p1"])
    except OSError:
        assert cut <= 2
    for _ in range(300):
        street.run(street.now + 1_000)
        if not street.alive:
            street.start()
            if not street.disk.next_buses and cut == 1:
                rolled(street, posts=["p1"])
        elif street.at_rest():
            break
    assert street.saves >= 5
    check_whole(street)


def test_a_flash_that_is_worn_out_holds_up_no_line_and_loses_no_post() -> None:
    """[K-13]"""
    street = ready(3)
    lamp = street.lamps[1]
    lamp.refuses = ("settings",)
    rolled(street, posts=["p2", "p3"])
    street.run(street.now + 2 * FORGOTTEN_MS)
    assert street.bus_keys() == {street.disk.buses["a"]}, "the line has its new key, in the RAM of that post too"
    assert list(street.disk.posts) == ["p3"]
    assert lamp.post.settings.get("post-key") == post_key(2)
    assert street.notes.count("p2: its flash refuses the key; it keeps the one it has, and is asked again") == 1
    asked = [frame for frame in street.said_by_gateway(messages.KEY) if frame.dst == 2]
    assert len(asked) < 20, "less and less often"
    for _ in range(2):
        lamp.powered = False
        street.run(street.now + 5_000)
        lamp.powered = True
        lamp.start()
        street.run_until(lambda: len(street.rolling._online) == 3, 60_000)
        street.run(street.now + 5_000)
        assert street.bus_keys() == {street.disk.buses["a"]}, "with its session it comes again"
    lamp.refuses = ()
    street.run_until(street.at_rest, 1_200_000)
    lamp.powered = False
    street.run(street.now + 5_000)
    lamp.powered = True
    lamp.start()
    check_whole(street)


@pytest.mark.parametrize("seed", range(12))
def test_power_cuts_at_both_ends_lose_nobody(seed: int) -> None:
    """[K-10] [K-11] [K-13]"""
    street = ready(3, seed=seed, loss=0.1)
    rolled(street, posts=["p1", "p2", "p3"])
    for _ in range(25):
        street.run(street.now + street.random.randrange(20, 4_000))
        if street.random.random() < 0.5:
            street.kill()
            street.run(street.now + street.random.randrange(10, 300))
            street.start()
        else:
            lamp = street.random.choice(street.lamps)
            lamp.powered = False
            street.run(street.now + street.random.randrange(10, 2_000))
            lamp.powered = True
            lamp.start()
    street.loss = 0.0
    street.run_until(street.at_rest, 600_000)
    check_whole(street)


def check_whole(street: RollingStreet) -> None:
    """All posts have the keys of the disk, answer under them, and hear each other."""
    assert street.bus_keys() == {street.disk.buses["a"]}
    for lamp in street.lamps:
        _, key = street.disk.posts.get(f"p{lamp.address}", ("", post_key(lamp.address)))
        assert lamp.post.settings.get("post-key") == key
    street.loss = 0.0
    street.run_until(lambda: len(street.rolling._online) == len(street.lamps), 60_000)
    street.run(street.now + 5_000)
    for hearer, source in zip(street.lamps, [*street.lamps[1:], street.lamps[0]], strict=True):
        assert street.hears(hearer.address, source.address)
