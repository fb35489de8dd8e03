"""Faults of lamps, mains and sensors on the checker's street: each is reported, and nothing else is."""

from dataclasses import replace

import pytest

from lamppost.wire import faults, messages
from lampsim.check.broken import Broken
from lampsim.check.witness.promises import Witness
from lampsim.check.witness.reported import DELAYS_S, NAMES, Course
from lampsim.check.world.street import Street
from lampsim.check.worlds import draw
from lampsim.faults import REGISTRY, draw_plan
from lampsim.faults.base import Shape
from lampsim.faults.cabinet import GatewayDeath
from lampsim.faults.flash import OldFlash, WornFlash
from lampsim.faults.lamp import LampTrouble, MainsTrouble, ResetStorm, SilentMeter, SilentThermometer, StuckRelay
from lampsim.faults.lines import FrameLoss, SplitBus
from lampsim.faults.plan import HEALTH, NAMED
from lampsim.faults.posts import DeadSensor, HotDriver, LampFailure, PowerCut, StuckSensor
from lampsim.faults.sensors import ChatteringSensor, Door, Photocell

POST = "p02"


def street(level: int, minutes: float, *faults) -> Street:
    """Four posts whose plan asks one level day and night, and nobody about."""
    drawn = draw(127)
    some = drawn.only({site.id for site in drawn.sites[:4]})
    whole = {"id": "p", "level": level, "activePeriods": [{"start": "12:00", "end": "11:59"}], "switchPoints": []}
    plan = drawn.plans[0][1] | {
        "controlPrograms": [whole], "eventScenes": [], "presenceProfiles": [],
        "calendars": [{"id": "c", "defaultProgram": "p"}], "groups": [{"id": "all", "posts": "all", "calendar": "c"}],
    }  # fmt: skip
    lamp = some.sites[0].luminaire._replace(min_pm=0, max_pm=1000)
    sites = tuple(replace(site, bus="a", address=at, luminaire=lamp) for at, site in enumerate(some.sites, 1))
    spec = replace(
        some, lines={"a": tuple(site.id for site in sites)}, sites=sites, plans=((0.5, plan),), detections=(),
        requests=(), duration_s=minutes * 60, photocells=False, poll_ms=10_000, quiet_s=120.0,
    )  # fmt: skip
    return Street(spec, faults, Witness())


@pytest.mark.parametrize(
    ("level", "minutes", "what", "came"),
    [
        (100, 7, LampTrouble(30.0, 200.0, POST, "dead"), {"lamp"}),
        (100, 7, LampFailure(30.0, 200.0, POST), {"lamp"}),
        (60, 7, LampTrouble(30.0, 200.0, POST, "half"), {"lamp"}),
        (100, 4, LampTrouble(30.0, 100.0, POST, "dead"), set()),  # over before it counts
        (10, 7, LampTrouble(30.0, 200.0, POST, "dead"), set()),  # too dim to tell
        (30, 7, LampTrouble(30.0, 200.0, POST, "undimmed"), {"driver"}),
        (0, 7, LampTrouble(30.0, 200.0, POST, "burning"), {"day-burning"}),
        (100, 10, LampTrouble(30.0, 400.0, POST, "cycling"), {"cycling"}),
        (100, 7, LampTrouble(30.0, 200.0, POST, "says"), {"lamp"}),
        (100, 4, LampTrouble(30.0, 100.0, POST, "says"), set()),
        (100, 5, MainsTrouble(30.0, 120.0, POST, "low"), {"voltage-low"}),
        (0, 5, MainsTrouble(30.0, 120.0, POST, "high"), {"voltage-high"}),
        (100, 5, MainsTrouble(30.0, 180.0, POST, "between"), set()),
        (100, 5, MainsTrouble(30.0, 180.0, POST, "dips"), set()),
        (100, 25, MainsTrouble(30.0, 700.0, POST, "factor"), {"power-factor"}),
        (40, 15, MainsTrouble(30.0, 700.0, POST, "factor"), set()),  # a dimmed lamp says nothing
        (0, 4, StuckRelay(30.0, 100.0, POST, "closed"), {"relay-stuck"}),
        (100, 7, StuckRelay(30.0, 200.0, POST, "open"), {"lamp"}),
        (100, 14, SilentMeter(30.0, 750.0, POST, "silent"), {"meter-silent"}),
        (100, 4, Door(30.0, 60.0, POST, "open"), {"door-open"}),
        (100, 4, Door(30.0, 100.0, POST, "slams"), set()),
        (100, 14, HotDriver(30.0, 200.0, POST, 810), {"hot"}),
        (100, 5, HotDriver(30.0, 200.0, POST, 790), set()),
        (100, 5, HotDriver(30.0, 200.0, POST, 2000), set()),
        (100, 36, SilentThermometer(30.0, 1800.0, POST, "hot"), {"hot"}),
        (100, 13, ResetStorm(30.0, 40.0, POST, 5.0), {"resets"}),
        (100, 49, StuckSensor(30.0, 2000.0, POST), {"sensor-stuck"}),
        (100, 49, ChatteringSensor(30.0, 2000.0, POST, 3.0, 1.9), {"sensor-stuck"}),
        (100, 40, ChatteringSensor(30.0, 2000.0, POST, 3.0, 30.0), set()),  # open for more than two seconds
        (100, 45, WornFlash(30.0, 1300.0, POST), {"flash-refuses"}),
    ],
    ids=lambda value: f"{value.name} {getattr(value, 'kind', '')}" if hasattr(value, "name") else None,
)  # fmt: skip
def test_it_is_reported_while_it_lasts_and_nothing_else_is(level, minutes, what, came) -> None:
    one = street(level, minutes, what)
    one.run()
    reported = one.witness.reported
    assert {NAMES[number] for number in reported.came[POST]} == came
    assert not any(found for name, found in reported.came.items() if name != POST)
    assert one.posts[POST].post.upkeep.bits in (0, 1 << faults.CYCLING)  # which stays for two hours


def test_a_flash_that_was_written_ten_million_times_is_reported_from_then_on() -> None:
    one = street(60, 16, OldFlash(200.0, 0.0, POST), PowerCut(700.0, 5.0, POST))
    one.run()
    came = {name: {NAMES[number] for number in found} for name, found in one.witness.reported.came.items()}
    assert {name for name, found in came.items() if found} == {POST}
    assert came[POST] == {"flash-worn"}
    assert one.posts[POST].post.upkeep.bits == 1 << faults.FLASH_WORN


def test_a_post_that_was_never_told_anything_says_so_and_burns() -> None:
    one = street(20, 42, GatewayDeath(0.0, 1700.0))
    one.run()
    for name, came in one.witness.reported.came.items():
        assert {NAMES[number] for number in came} == {"clock-lost", "no-plan"}, name
        assert one.posts[name].post.upkeep.bits == 0


@pytest.mark.slow
def test_a_day_with_a_dead_sensor_and_a_post_that_hears_nobody() -> None:
    day = street(30, 26 * 60)
    people = [(at, name) for at in range(100, 26 * 3600, 165) for name in ("p01", "p03")]
    people += [(200, POST), (25 * 3600 + 900, POST)]
    detections = [(at + stay, name, active, 0) for at, name in people for stay, active in ((0.0, 1), (5.0, 0))]
    spec = replace(day.spec, detections=tuple(sorted(detections)), poll_ms=60_000, reading_s=900, quiet_s=900.0)
    faults = (DeadSensor(900.0, 25 * 3600 - 900.0, POST), SplitBus(900.0, 25 * 3600 - 900.0, "a", ("p03",)))
    one = Street(spec, faults, Witness())
    one.run()
    came = {name: {NAMES[number] for number in found} for name, found in one.witness.reported.came.items()}
    alone = {"neighbours-lost"}  # p01 too: who is near it is dead, or cut off, or has nobody about
    assert came == {"p01": alone, POST: {"sensor-dead"}, "p03": alone | {"gateway-silent"}, "p04": set()}
    assert not any(post.post.upkeep.bits for post in one.posts.values())


@pytest.mark.parametrize("kind", Photocell.KINDS)
def test_a_photocell_that_is_no_good_moves_the_lamp_of_no_post_that_knows_the_time(kind) -> None:
    one = street(30, 3, Photocell(20.0, 100.0, POST, kind))
    one.loop.at(100_000_000, lambda: lit.append(one.posts[POST].post.dimmer.target_pm))
    lit: list[int] = []
    one.run()
    assert lit == [300]


def test_a_lamp_that_fails_behind_a_bad_line_and_a_power_cut_is_known_at_the_centre() -> None:
    one = street(
        100, 9, FrameLoss(20.0, 400.0, "a", 0.2), LampTrouble(30.0, 600.0, POST, "dead"), PowerCut(250.0, 5.0, POST)
    )
    got = []
    received = one.witness.received
    one.witness.received = lambda epoch, seq, body: (got.append(body), received(epoch, seq, body))
    one.run()
    told = [body for body in got if '"kind":"fault"' in body and POST in body and '"lamp"' in body]
    assert len([body for body in told if '"on":true' in body]) == 2  # before the cut, and after it again


# --- it can break


def broken_by(one: Street) -> str:
    with pytest.raises(Broken) as broken:
        one.run()
    assert (broken.value.promise, broken.value.who) == (1, POST)
    return broken.value.what


def test_a_fault_that_is_hushed_up_is_missed() -> None:
    one = street(100, 7, LampTrouble(30.0, 300.0, POST, "dead"))
    one.loop.at(20_000_000, lambda: setattr(one.posts[POST].post.upkeep.health, "lamp", lambda *_: None))
    assert "lamp is there, and not told" in broken_by(one)


def test_a_fault_that_nothing_explains_is_a_false_alarm() -> None:
    one = street(100, 3, MainsTrouble(30.0, 5.0, POST, "between"))
    alarm = lambda: one.posts[POST].post.upkeep.health.judge(faults.RELAY_STUCK, True, 7, 0)  # noqa: E731 - a callback
    one.loop.at(20_000_000, alarm)
    one.loop.at(25_000_000, lambda: one.posts[POST].post.upkeep.health.judge(faults.RELAY_STUCK, True, 7, 40_000))
    assert "nothing explains it" in broken_by(one)


def test_a_fault_that_goes_while_it_lasts_is_seen() -> None:
    one = street(100, 7, Door(30.0, 300.0, POST, "open"))

    def hush() -> None:
        one.posts[POST].post.upkeep._open = False
        one.posts[POST].post.upkeep.due_ms = 0

    one.loop.at(50_000_000, hush)
    assert "door-open goes, and is still there" in broken_by(one)


def test_a_fault_without_an_item_is_seen() -> None:
    one = street(100, 4, Door(30.0, 100.0, POST, "open"))

    def dumb() -> None:
        add = one.posts[POST].post.items.add
        one.posts[POST].post.items.add = lambda kind, *rest: None if kind == messages.FAULT else add(kind, *rest)

    one.loop.at(20_000_000, dumb)
    assert "its items say []" in broken_by(one)


def test_a_gateway_that_believes_something_else_is_seen() -> None:
    one = street(100, 4, Door(30.0, 1.0, POST, "open"))
    one.loop.at(round(one.spec.duration_s * 1e6) + 119_900_000, lambda: one.cabinet.faults.update({POST: 4}))
    assert "its gateway believes" in broken_by(one)


def test_what_stands_here_is_what_the_protocol_says() -> None:
    assert tuple(faults.name(number) for number in range(1, len(NAMES))) == NAMES[1:]
    assert set(DELAYS_S) < set(range(1, len(NAMES)))


def test_a_course_that_hesitates_begins_anew() -> None:
    course = Course()
    for bad, t_ms in ((True, 0), (True, 50), (None, 60), (True, 70)):
        course.is_(bad, t_ms)
    assert (course.bad, course.perhaps_bad, course.good) == (70, 70, None)
    course.untold()
    assert (course.bad, course.perhaps_bad) == (None, 70)
    course.unsure(90)
    assert (course.perhaps_bad, course.perhaps_good) == (70, 90)


def test_a_seed_keeps_its_other_faults() -> None:
    shape = Shape({"a": ("p01", "p02"), "b": ("p03",)}, 3000.0, ("b",))
    found = [one for seed in range(60) for one in draw_plan(seed, shape)]
    assert {one.name for one in found} == set(REGISTRY) - set(NAMED)
    assert all(one.at_s + one.for_s <= 3000.001 for one in found if one.name in HEALTH)
