"""Counts of people in the daemon: through the outbox to the broker, and crowds as commands that a real post takes."""

import time
from types import SimpleNamespace

import pytest
from cabinet import Centre, start_gateway, stop, write_config
from pty_street import PtyStreet

from lamplighter.gateway.centre.broker import counts
from lamplighter.gateway.footfall.flow import WINDOW_MS
from lamplighter.gateway.footfall.flow_crowd import RAISE_S, Threshold
from lamplighter.gateway.footfall.flow_desk import FlowDesk
from lamplighter.gateway.lines.line import Heard, Items
from lamplighter.gateway.store.database import Database
from lamplighter.gateway.store.outbox import EVENTS, FLOW, Entry, Outbox
from lamplighter.plans.site import PostSite
from lamppost.light.commands import Commands
from lamppost.light.layers import CROWD
from lamppost.wire import messages

EPOCH_2000 = 946_684_800
COUNT = 3
SITES = [PostSite(f"p{i}", i + 1, "bus0", 0, 270 * i) for i in range(4)]


class Cabinet:
    """What a FlowDesk needs of a Daemon: its configuration, its groups, and somebody who notes what it wants."""

    def __init__(self, groups: dict[str, set[str]]) -> None:
        self.config = SimpleNamespace(sites=SITES, crowd=Threshold(), party=1.0, time_offset_s=0)
        self.kept: list[Entry] = []
        self.asked: list[tuple[str, tuple]] = []
        self._groups = groups

    def groups(self):
        return self._groups

    def keep(self, entries):
        self.kept += entries

    def ask(self, post, procedure, expires_ms, then, background):
        assert expires_ms > 0
        assert not background
        self.asked.append((post, next(procedure)))


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(ms=835_000_200_000 // WINDOW_MS * WINDOW_MS)
    monkeypatch.setattr("lamplighter.gateway.footfall.flow_desk.true_utc_ms", lambda: clock.ms)
    return clock


def test_a_crowd_becomes_commands_that_a_post_takes_and_a_clear(clock) -> None:
    cabinet = Cabinet({"square": {"p0", "p1", "p2"}})
    desk = FlowDesk(cabinet)  # type: ignore[arg-type]
    for second in range(400):
        desk.tick()
        if second % 5 == 0 and second < 120:
            for site in SITES:
                desk.heard(site.id, Heard(site.address, 7, 1, 0, 0, 20))
        clock.ms += 1000
    raised = [(post, values) for post, (_, values) in cabinet.asked if values[1] == messages.LEVEL]
    cleared = [(post, values) for post, (_, values) in cabinet.asked if values[1] == messages.CLEAR]
    assert [post for post, _ in raised] == [post for post, _ in cleared] == ["p0", "p1", "p2"]
    assert len({values[0] for _, values in raised + cleared}) == 6, "each command is a transaction of its own"
    for _, (_, _, layer, op, level_pm, until_s, for_s, reason) in raised:
        commands = Commands()
        commands.give(layer, op, level_pm, reason, until_s - for_s, 0, for_s=for_s)
        assert (layer, for_s, reason) == (CROWD, RAISE_S, "crowd in square")
    assert all(values[2] == CROWD for _, values in cleared)


def test_windows_are_kept_under_numbers_of_their_own_and_without_groups_all_are_one_zone(clock) -> None:
    cabinet = Cabinet({})
    desk = FlowDesk(cabinet)  # type: ignore[arg-type]
    desk.items("p1", Items(2, 7, [(1, messages.PRESENCE, clock.ms // 1000, 0, 0, 0)]))
    for _ in range(700):
        desk.tick()
        desk.items("p1", Items(2, 7, [(2, messages.READING, clock.ms // 1000, 0, 0, 0), (3, 2, 0, 0, 0, 0)]))
        clock.ms += 1000
    assert [(entry.stream, entry.post, entry.seq) for entry in cabinet.kept] == [(FLOW, "", 1), (FLOW, "", 2)]
    assert cabinet.kept[0].body.count('"zone":"all"') == 1


def test_without_a_clock_nothing_is_counted(monkeypatch) -> None:
    monkeypatch.setattr("lamplighter.gateway.footfall.flow_desk.true_utc_ms", lambda: None)
    cabinet = Cabinet({})
    desk = FlowDesk(cabinet)  # type: ignore[arg-type]
    desk.tick()
    desk.heard("p1", Heard(2, 7, 1, 0, 0, 20))
    assert not cabinet.kept


def test_the_outbox_keeps_windows_once_and_gives_them_up_before_events(tmp_path) -> None:
    database = Database(tmp_path / "gateway.db", print)
    outbox = Outbox(database, 3000)
    database.start()
    window = Entry(FLOW, "", 5, 1, '{"from":"x","zones":[]}')
    assert [outbox.append([window]).result(5), outbox.append([window]).result(5)] == [1, 0]
    (row,) = outbox.read(FLOW, 0, 9)
    assert counts("gw1", "e1", [row]) == '{"v":1,"gateway":"gw1","epoch":"e1","seq":1,"from":"x","zones":[]}'
    event = Entry(EVENTS, "p1", 1, 1, '{"post":"p1"}')
    outbox.append([event, Entry(FLOW, "", 5, 2, '{"zones":"' + 3000 * "x" + '"}')]).result(5)
    assert not outbox.read(FLOW, 0, 9)
    assert len(outbox.read(EVENTS, 0, 9)) == 1
    assert outbox.dropped == (0, 2)
    database.close()


@pytest.mark.system
async def test_a_window_reaches_the_broker(tmp_path, mosquitto) -> None:
    """The street's time is shifted so that its five minutes end six seconds after the start."""
    street = PtyStreet(COUNT)
    offset_s = (294 - (int(time.time()) - EPOCH_2000)) % 300
    config = write_config(tmp_path, street.port, mosquitto, COUNT, f"time_offset_s = {offset_s}")
    process = None
    try:
        async with Centre(mosquitto).listening() as centre:
            process = start_gateway(config)
            await centre.until(lambda: centre.last.get("status", {}).get("posts_online") == COUNT)
            street.sense(2)
            window = await centre.until(lambda: centre.last.get("flow"))
            assert stop(process) == 0
    finally:
        if process is not None:
            process.kill()
        street.close()
    assert (window["v"], window["gateway"]) == (1, "gw1")
    assert len(window["epoch"]) == 8
    assert window["seq"] > 0
    assert window["to"].endswith(("0:00Z", "5:00Z"))
    (zone,) = window["zones"]
    # Zones are the groups of the plan; the broker may still hold one of an earlier test.
    assert zone["zone"] in ("all", "paths")
    assert (zone["posts"], zone["withheld"], zone["footfall"]) == (COUNT, True, None)
