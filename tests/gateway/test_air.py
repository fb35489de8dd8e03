"""Posts without a wire: the scheduler with real posts over a broker of virtual time; topics; identities."""

import json
from itertools import pairwise
from pathlib import Path

from air_street import CYCLE_MS, Air
from click.testing import CliRunner
from firmware_street import FirmwareAir, build

from lamplighter.gateway.lines import air, line
from lamplighter.gateway.lines.air_poll import BLOCK_EVERY_MS, REPLY_MS, UNSURE_MS
from lamplighter.provision import air_files
from lamplighter.provision.cli_site import provision
from lamppost.wire import messages
from lamppost.wire.frame import go, unpack


def test_all_come_online_and_each_is_asked_once_in_the_cycle() -> None:
    """[W-6]"""
    street = Air(count=32)
    street.run(10_000)
    assert {online.address for online in street.of(line.Online)} == set(range(1, 33))
    assert len(street.of(line.Online)) == 32
    begin, street.sent = street.now, []
    street.run(begin + 10 * CYCLE_MS)
    polls = [way for _, way, data in street.sent if unpack(data[1:-1]).type == messages.POLL]
    assert all(9 <= polls.count(f"down/{address}") <= 12 for address in range(1, 33))
    assert street.poller.counters.errors == 0


def test_an_event_is_said_at_once_and_acknowledged_at_once_while_another_post_is_silent() -> None:
    """[W-5] [W-6]"""
    street = Air()
    street.run(8_000)
    street.lamps[3].powered = False
    street.run(street.now + 2 * CYCLE_MS)  # it is asked in vain now and then
    for turn in range(20):
        street.run(street.now + 137)
        street.sent, moment = [], street.now
        street.lamp(street.lamps[0], ("presence", 0, 1, 0))
        street.lamp(street.lamps[0], ("presence", 0, 0, 0))
        assert [(at, way) for at, way, _ in street.sent] == [(moment, "event/1")], turn
        street.run(moment + 25)
        told = [(at, way) for at, way, data in street.sent if unpack(data[1:-1]).type == messages.GO]
        assert {way for _, way in told} == {"down/1"}, turn
        assert len(told) <= 2  # the second for a repetition: a POLL that was under way did not name it
        assert told[0][0] - moment <= 10  # the time to the gateway, and nothing more
        street.run(moment + REPLY_MS + 100)
        events = [1 for _, way, _ in street.sent if way == "event/1"]
        assert len(events) <= 2  # once, and once more at most where a POLL was under way
    heard = [event.seq for event in street.of(line.Heard)]
    assert len(heard) == len(set(heard)) == 20


def test_events_of_other_lines_do_not_wait_for_an_answer() -> None:
    """[W-6]"""
    street = Air()
    street.run(8_000)
    street.lamps[3].powered = False
    late = []
    for turn in range(40):
        street.run(street.now + 171)
        street.sent, moment = [], street.now
        street.give(line.Say(200, turn + 1, 0, 0, 0))
        late += [at - moment for at, way, data in street.sent if data[3] == 200 and way == "down/all"]
    assert late == [0] * 40


def test_without_a_gateway_posts_hear_each_other_and_nobody_keeps_a_line() -> None:
    """[W-5] [W-8]"""
    street = Air()
    street.run(8_000)
    street.gone, street.sent = True, []
    heard = [0] * 4
    for lamp in street.lamps[1:]:
        link = lamp.post.line._link
        heard[lamp.address - 1] = dict(link.heard).get(4, 0)
    street.lamp(street.lamps[0], ("presence", 0, 1, 0))
    street.lamp(street.lamps[0], ("presence", 0, 0, 0))
    street.run(street.now + 10_000)
    kinds = [unpack(data[1:-1]).type for _, _, data in street.sent]
    assert kinds == [messages.EVENT] * 3  # until its tries without an acknowledgement are over
    for lamp in street.lamps[1:]:
        assert lamp.post.line._link.heard[4] > heard[lamp.address - 1]


def test_a_slow_air_loses_no_item_and_takes_none_twice() -> None:
    """[W-6]"""
    street = Air(least=1, most=200, seed=7)
    street.run(20_000)
    for turn in range(60):
        lamp = street.lamps[turn % 4]
        street.lamp(lamp, ("presence", turn % 3, 1, 0))
        street.lamp(lamp, ("presence", turn % 3, 0, 0))
        street.run(street.now + 300)
    street.run(street.now + 20_000)
    assert all(len(lamp.post.items) == 0 for lamp in street.lamps)
    fast = [(event.address, event.seq) for event in street.of(line.Heard)]
    assert len(fast) == len(set(fast))


def test_time_says_how_late_it_may_come() -> None:
    """[W-9]"""
    street = Air(most=200)
    street.run(15_000)
    told = [unpack(d[1:-1]).values()[2] for _, _, d in street.sent if unpack(d[1:-1]).type == messages.TIME]
    assert told
    assert set(told) == {10 + UNSURE_MS}
    reports = street.poller.timekeeper.reports
    assert set(reports) == {1, 2, 3, 4}


def test_topics_follow_from_frames() -> None:
    """[W-1]"""
    assert air.way_down(go(0, 1, 0, bytes((7, 1, 7, 2)))) == "down/7"
    assert air.way_down(go(0, 1, 0, bytes((7, 1, 8, 2)))) == "down/all"
    assert air.way_down(go(0, 1, 9, b"")) == "down/all"
    street = Air(count=2)
    street.run(5_000)
    for _, way, data in street.sent:
        frame = unpack(data[1:-1])
        assert way == ("down/all" if frame.dst == 255 else f"down/{frame.dst}") or frame.src or frame.type == 0x15


def test_only_one_whole_frame_of_the_topics_own_post_is_heard() -> None:
    """[W-3] [W-4]"""
    street = Air(count=2)
    street.run(5_000)
    street.lamp(street.lamps[0], ("presence", 0, 1, 0))
    up = next(data for _, way, data in street.sent if way == "up/1")
    event = next(data for _, way, data in street.sent if way == "event/1")
    assert air.heard("up/1", up)
    assert air.heard("event/1", event)
    for way, data in (
        ("up/2", up), ("event/1", up), ("event/2", event), ("up/1", event), ("up/01", up), ("up/", up), ("up/1", b""),
        ("up/1", up + up), ("up/1", up[1:]), ("up/1", up[:-1]), ("up/1", bytes(20)),
        ("up/1", b"\0" + b"x" * 300 + b"\0"),
        ("event/1", go(1, 1, 0, b"")), ("up/1", go(1, 1, 0, b"")), ("up/1/1", up), ("up/1", b"\0" + up[1:-1] + b"\1"),
    ):  # fmt: skip
        assert not air.heard(way, data), (way, data)


def test_the_access_list_gives_each_post_its_own_topics_and_no_other() -> None:
    """[W-2]"""
    assert air_files.ROOT == air.ROOT
    text = air_files.acl(air_files.Air("gw1", {"wifi0": {"p01": 1, "p12": 12}}))
    rights = {block.split("\n")[0]: set(block.split("\n")[1:]) for block in text.strip().split("\n\n")}
    base = "lamplighter-post/gw1/wifi0"
    assert rights["user gw1-p12"] == {
        f"topic write {base}/up/12", f"topic write {base}/event/12", f"topic read {base}/down/12",
        f"topic read {base}/down/all", f"topic read {base}/event/+",
    }  # fmt: skip
    assert not [right for right in rights["user gw1"] if "write" in right and "down" not in right]
    assert set(rights) == {"user gw1", "user gw1-p01", "user gw1-p12"}


def test_the_brokers_file_for_hand_work_has_the_lines_that_are_made() -> None:
    text = (Path(__file__).parents[2] / "deploy" / "mosquitto" / "air.conf").read_text()
    assert text.endswith(air_files.TUNING)


def test_the_command_makes_an_identity_for_each_post_and_shows_no_secret(tmp_path) -> None:
    """[W-2]"""
    rows = "".join(f'[[post]]\nid = "p{n:02}"\nbus = "wifi0"\naddress = {n}\n' for n in (1, 2))
    config = tmp_path / "gateway.toml"
    config.write_text(f'[gateway]\nid = "gw1"\n[[bus]]\nid = "wifi0"\nmqtt = "mqtts://127.0.0.1"\n{rows}')
    made = tmp_path / "air"
    done = CliRunner().invoke(provision, ["air", str(made), str(config), "--host", "10.20.0.1"])
    assert done.exit_code == 0, done.output
    wifi = [json.loads((made / "posts" / f"p0{n}" / "wifi.json").read_text())["wifi"] for n in (1, 2)]
    secrets = [row["secret"] for row in wifi] + [(made / "gateway" / "air.password").read_text().strip()]
    assert len(set(secrets)) == 3
    kept = (made / "broker" / "passwords").read_text()
    assert not [secret for secret in secrets if secret in done.output + kept]
    assert [row["user"] for row in wifi] == ["gw1-p01", "gw1-p02"]
    for path in ("posts/p01/wifi.json", "gateway/air.password", "broker/passwords", "broker/server.key"):
        assert (made / path).stat().st_mode & 0o777 == 0o600, path
    again = CliRunner().invoke(provision, ["air", str(made), str(config), "--host", "10.20.0.1"])
    assert again.exit_code != 0
    config.write_text(config.read_text().replace("mqtt =", "port ="))
    refused = CliRunner().invoke(provision, ["air", str(tmp_path / "other"), str(config), "--host", "10.20.0.1"])
    assert refused.exit_code != 0
    assert not (tmp_path / "other").exists()


def test_firmware_comes_without_a_wire_in_blocks_that_leave_room(tmp_path) -> None:
    """[W-10] People are seen, and each is told of, as fast as without it."""
    street, image = FirmwareAir(8, least=1, most=10), build(tmp_path, size=40_000)
    street.run_until(lambda: len(street.of(line.Online)) == 8, 60_000)
    street.want(image)
    street.run_until(lambda: street.segments()[1] >= 1, 60_000)
    street.sent, waits = [], []
    for number in range(24):
        at, before = street.now, len(street.of(line.Heard))
        lamp = street.lamps[number % 8]
        street.lamp(lamp, ("presence", 0, 1, 0))
        street.lamp(lamp, ("presence", 0, 0, 0))
        street.run_until(lambda before=before: len(street.of(line.Heard)) > before, 2000)
        waits.append(street.now - at)
        street.run(street.now + 100 + number)
    assert max(waits) <= 20, waits  # 10 of the broker, in steps of 10
    blocks = [at for at, _, data in street.sent if unpack(data[1:-1]).type == messages.BLOCK]
    assert len(blocks) > 60
    assert min(after - before for before, after in pairwise(blocks)) >= BLOCK_EVERY_MS
    street.run_until(lambda: street.all_are("installed"), 30 * 60_000)
    assert [lamp.firmware.version for lamp in street.lamps] == [image.version] * 8
    assert street.poller.counters.errors == 0


def test_what_a_broker_drops_of_an_image_is_said_again(tmp_path) -> None:
    """[W-10] A broker whose client reads slowly drops frames of QoS 0."""
    street, image = FirmwareAir(6, lost=0.1), build(tmp_path, size=20_000)
    street.run_until(lambda: len(street.of(line.Online)) >= 6, 60_000)
    street.want(image)
    street.run_until(lambda: street.all_are("installed"), 60 * 60_000)
    blocks = [data[3:8] for _, _, data in street.sent if unpack(data[1:-1]).type == messages.BLOCK]
    assert len(blocks) > 1.3 * len(image.data) / 128
