"""Counts of people: the estimator on ways one can work out, privacy and bounds on any stream, crowds."""

import itertools
import json
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamplighter.gateway.footfall import flow_place as place
from lamplighter.gateway.footfall import flow_privacy as privacy
from lamplighter.gateway.footfall.flow import LATE_MS, NUMBERS_MAX, WINDOW_MS, Flow
from lamplighter.gateway.footfall.flow_crowd import LOOK_MS, LOOKS, RAISE_S, RENEW_MS, Threshold, Watch
from lamplighter.gateway.footfall.flow_track import EDGES_MAX, REPEAT_MS
from lamplighter.plans.neighbours import EARTH_DM
from lamplighter.plans.site import PostSite

T0 = 835_000_200_000 // WINDOW_MS * WINDOW_MS
DEGREE_UD = 1e6 * 180 / 3.141592653589793 / (EARTH_DM / 10)  # microdegrees of one metre


def corridor(count: int = 10, apart_m: float = 30.0) -> list[PostSite]:
    """Posts on the equator, from west to east."""
    return [PostSite(f"p{i}", i + 1, "bus0", 0, round(i * apart_m * DEGREE_UD)) for i in range(count)]


def square(side: int = 4, apart_m: float = 20.0) -> list[PostSite]:
    step = apart_m * DEGREE_UD
    places = itertools.product(range(side), range(side))
    return [PostSite(f"p{i}", i + 1, "bus0", round(y * step), round(x * step)) for i, (y, x) in enumerate(places)]


class Walk:
    """Feeds a Flow with people who pass every post of a corridor, and collects what it gives."""

    def __init__(self, flow: Flow) -> None:
        self.flow, self.events, self.windows, self.crowds = flow, [], [], []
        self.number = itertools.count(1)

    def passes(self, posts: list[str], start_ms: int, speed_mps: float = 1.4, apart_m: float = 30.0, kind: int = 0):
        """Somebody is at the posts one after the other, in range for 24 m."""
        for i, post in enumerate(posts):
            t_ms = start_ms + round(1000 * i * apart_m / speed_mps)
            self.stays(post, t_ms, round(24_000 / speed_mps) + 2000, kind)

    def stays(self, post: str, t_ms: int, for_ms: int, kind: int = 0) -> None:
        key = (1, next(self.number))
        self.events += [(t, post, kind, key) for t in range(t_ms, t_ms + for_ms, REPEAT_MS)]

    def run(self, until_ms: int) -> None:
        now = T0
        for t_ms, post, kind, key in sorted(self.events):
            now = self._until(now, t_ms)
            self.flow.detect(post, kind, t_ms, key, t_ms)
        self._until(now, until_ms)

    def _until(self, now: int, end: int) -> int:
        while now <= end:
            window, crowds = self.flow.tick(now)
            self.windows += [window] if window else []
            self.crowds += [(now, crowd) for crowd in crowds]
            now += 1000
        return now


def whole(sites: list[PostSite]) -> dict[str, set[str]]:
    return {"all": {site.id for site in sites}}


def test_walkers_far_apart_are_counted_with_direction_and_speed() -> None:
    sites = corridor(6)
    names = [site.id for site in sites]
    walk = Walk(Flow(sites, whole(sites), T0))
    for i in range(8):
        walk.passes(names if i % 4 else names[::-1], T0 + 1000 + i * 22_000, 1.5)
    walk.run(T0 + WINDOW_MS)
    (window,) = walk.windows
    zone = window["zones"][0]
    assert (window["from"], window["to"]) == ("2026-06-17T08:30:00Z", "2026-06-17T08:35:00Z")
    assert zone["zone"] == "all"
    assert not zone["withheld"]
    assert zone["footfall"] in (7, 8, 9)
    assert set(zone["directions"]) == {"e", "w"}
    assert zone["directions"]["w"] is None, "two people"
    assert zone["directions"]["e"] is None, "the smaller would follow from the whole"
    assert 1.3 < zone["speed_mps"] < 1.7
    assert zone["people_per_hectare"] is None
    assert 36 <= zone["detections"] <= 48, "some met another walker at a post"


def test_both_senses_are_told_where_both_are_many() -> None:
    sites, dice = corridor(8), random.Random(2)
    names = [site.id for site in sites]
    walk = Walk(Flow(sites, whole(sites), T0))
    t_ms = T0
    for i in range(8 * 18):
        t_ms += round(dice.expovariate(1 / 16_000))
        walk.passes(names if i % 2 else names[::-1], t_ms, dice.uniform(1.2, 1.7))
    walk.run(T0 + 7 * WINDOW_MS)
    told = [zone["directions"] for window in walk.windows[1:] if (zone := window["zones"][0])["directions"]]
    both = [senses for senses in told if None not in senses.values()]
    assert len(both) >= 3
    east = sum(senses["e"] for senses in both)
    assert 0.4 < east / sum(sum(senses.values()) for senses in both) < 0.6


def test_cars_have_speeds_and_gates_of_their_own() -> None:
    sites = corridor(8)
    walk = Walk(Flow(sites, whole(sites), T0))
    for i in range(14):
        walk.passes([site.id for site in sites], T0 + 1000 + i * 20_000, 12.0, kind=2)
    walk.run(T0 + WINDOW_MS)
    zone = walk.windows[0]["zones"][0]
    assert 11 < zone["speed_mps"] < 13
    assert zone["footfall"] >= 5
    assert zone["directions"] == {"e": zone["footfall"], "w": 0}


def test_where_sensors_hardly_ever_rest_no_direction_is_told() -> None:
    sites = corridor(12)
    walk = Walk(Flow(sites, whole(sites), T0))
    for site in sites:
        walk.stays(site.id, T0 - 1000, 154_000)
        walk.stays(site.id, T0 + 155_000, 150_000)
    walk.run(T0 + WINDOW_MS)
    zone = walk.windows[0]["zones"][0]
    assert not zone["withheld"]
    assert zone["occupancy_percent"] > 95
    assert zone["directions"] == {"e": None, "w": None}


def test_people_whom_a_sensor_cannot_tell_apart_are_made_up_for() -> None:
    sites, dice = corridor(10), random.Random(4)
    walk = Walk(Flow(sites, whole(sites), T0))
    spans: dict[str, list[tuple[int, int]]] = {site.id: [] for site in sites}
    people, t_ms = 0, T0 - 200_000
    while t_ms < T0 + WINDOW_MS:
        t_ms += round(dice.expovariate(1 / 10_000))
        people += T0 <= t_ms + 107_000 < T0 + WINDOW_MS
        for i, site in enumerate(sites):
            at = t_ms + round(i * 30_000 / 1.4)
            spans[site.id].append((at, at + 19_140))
    for post, rows in spans.items():
        for start, end in merged(rows):
            if start >= T0:
                walk.stays(post, start, end - start)
    walk.run(T0 + WINDOW_MS)
    zone = walk.windows[0]["zones"][0]
    assert zone["detections"] < 0.4 * people * 10, "most edges are lost in others' stays"
    assert 0.75 * people < zone["footfall"] < 1.3 * people


def merged(rows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stays that overlap become one: what a sensor makes of them."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(rows):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def test_party_multiplies_and_is_checked() -> None:
    sites = corridor(6)
    counts = []
    for party in (1.0, 2.0):
        walk = Walk(Flow(sites, whole(sites), T0, party=party))
        for i in range(8):
            walk.passes([site.id for site in sites], T0 + 1000 + i * 30_000, 3.0)
        walk.run(T0 + WINDOW_MS)
        counts.append(walk.windows[0]["zones"][0]["footfall"])
    assert abs(counts[1] - 2 * counts[0]) <= 1
    with pytest.raises(ValueError, match="1 to 10"):
        Flow(sites, {}, T0, party=0.5)


def test_an_area_has_eight_senses_and_a_density_by_hectare() -> None:
    sites, dice = square(), random.Random(3)
    walk = Walk(Flow(sites, whole(sites), T0))
    rows = [[f"p{4 * y + x}" for x in range(4)] for y in range(4)]
    for _ in range(30):
        walk.passes(dice.choice(rows), T0 + dice.randrange(240_000), 1.6, 20.0)
    walk.run(T0 + WINDOW_MS)
    zone = walk.windows[0]["zones"][0]
    assert set(zone["directions"]) == set(place.SECTORS)
    assert 26 <= zone["footfall"] <= 48, "along the rows one meets four posts, across them at random pi"
    assert max(zone["directions"], key=lambda sense: zone["directions"][sense] or 0) == "e"
    assert zone["people_per_100m"] is None
    assert zone["people_per_hectare"] > 0


def test_an_empty_zone_says_zero_and_one_person_is_withheld_whole() -> None:
    sites = corridor(6)
    walk = Walk(Flow(sites, {"a": {"p0", "p1", "p2"}, "b": {"p3", "p4", "p5"}}, T0))
    walk.passes(["p0", "p1", "p2"], T0 + 1000)
    walk.run(T0 + WINDOW_MS)
    a, b = walk.windows[0]["zones"]
    assert a == {"zone": "a", "posts": 3, "withheld": True} | dict.fromkeys(FIGURES)
    assert not b["withheld"]
    assert (b["footfall"], b["detections"], b["occupancy_percent"]) == (0, 0, 0)


FIGURES = (
    "detections", "footfall", "directions", "speed_mps", "occupancy_percent", "people_per_100m", "people_per_hectare",
    "saturated",
)  # fmt: skip


def test_somebody_who_stands_there_all_the_time_is_withheld() -> None:
    sites = corridor(3)
    walk = Walk(Flow(sites, whole(sites), T0))
    walk.stays("p1", T0 + 1000, 2 * WINDOW_MS)
    walk.run(T0 + 2 * WINDOW_MS)
    assert [window["zones"][0]["withheld"] for window in walk.windows] == [True, True]


def test_a_detection_counts_once_by_either_way_and_an_old_one_not_at_all() -> None:
    sites = corridor(3)
    flow = Flow(sites, {"one": {"p1"}}, T0)
    for i in range(8):
        for t_ms in range(T0 + 1000 + 30_000 * i, T0 + 20_000 + 30_000 * i, REPEAT_MS):
            for fast in (True, True, False, False):
                flow.detect("p1", 0, t_ms, (1, i), t_ms + 500, fast)
    flow.detect("p1", 0, T0 - LATE_MS - 1, (1, 99), T0 + 1000)
    flow.detect("nobody", 0, T0, (1, 100), T0 + 1000)
    flow.detect("p1", 7, T0, (1, 101), T0 + 1000)
    window, _ = flow.tick(T0 + WINDOW_MS)
    assert window is not None
    assert window["zones"][0]["detections"] == 8
    assert flow.late == 1


def test_a_clock_that_steps_begins_a_new_window() -> None:
    sites = corridor(3)
    flow = Flow(sites, whole(sites), T0)
    for now_ms in (T0 + 3 * WINDOW_MS, T0 - 5 * WINDOW_MS):
        flow.detect("p1", 0, T0 + 1000, (now_ms, 1), T0 + 1000)
        assert flow.tick(now_ms)[0] is None
        window, _ = flow.tick(now_ms + WINDOW_MS)
        assert window is not None
        assert window["zones"][0]["detections"] == 0


# --- any stream


STREAM = st.lists(
    st.tuples(
        st.integers(-40_000, 90_000), st.integers(0, 13), st.integers(-1, 3), st.integers(0, 40), st.booleans(),
        st.integers(0, 4000),
    ),
    max_size=150,
)  # fmt: skip


def numbers(value):
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers(inner)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value


@settings(max_examples=60, deadline=None)
@given(STREAM)
def test_no_count_of_one_to_four_is_told_and_memory_is_bounded(stream) -> None:
    sites = corridor(12)
    groups = {"all": {f"p{i}" for i in range(12)}, "west": {f"p{i}" for i in range(6)}, "mid": {"p4", "p5", "p6", "p7"}}
    flow = Flow(sites, groups, T0)
    now_ms = T0
    for step_ms, post, kind, number, fast, back_ms in stream:
        now_ms += step_ms
        flow.detect(f"p{post}", kind, now_ms - back_ms, (1, number), now_ms, fast)
        window, _ = flow.tick(now_ms)
        if window:
            check_private(window)
    for post, seen in zip(flow._posts, flow._numbers, strict=True):
        assert len(post.edges) <= EDGES_MAX
        assert len(seen) <= NUMBERS_MAX
        assert len(post.pairs) <= 3 * place.NEAR_MAX


def check_private(window: dict) -> None:
    for zone in window["zones"]:
        figures = {name: zone[name] for name in ("detections", "footfall", "directions")}
        assert not [n for n in numbers(figures) if privacy.small(n)], zone
        if zone["withheld"]:
            assert all(zone[name] is None for name in FIGURES)
        elif zone["directions"] and zone["footfall"]:
            told = [n for n in zone["directions"].values() if n is not None]
            assert not any(zone["directions"].values()) or not privacy.small(zone["footfall"] - sum(told)), zone
        assert not {"posts_seen", "tracks", "trace"} & set(zone)


def test_memory_does_not_grow_with_time() -> None:
    sites, dice = corridor(12), random.Random(1)
    flow = Flow(sites, whole(sites), T0)
    sizes = []
    for n in range(20_000):
        t_ms = T0 + 300 * n
        flow.detect(f"p{dice.randrange(12)}", dice.randrange(3), t_ms, (1, n), t_ms)
        flow.tick(t_ms)
        if n % 5000 == 4999:
            sizes.append(footprint(flow))
    assert max(sizes) < 1.2 * sizes[0] < 400_000


def footprint(thing, seen=None) -> int:
    """Bytes of everything a Flow holds."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, (str, type)):
        return 0
    seen.add(id(thing))
    size = sys.getsizeof(thing)
    if isinstance(thing, dict):
        return size + sum(footprint(inner, seen) for pair in thing.items() for inner in pair)
    if isinstance(thing, (list, tuple, set, frozenset)):
        return size + sum(footprint(inner, seen) for inner in thing)
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    inner = [getattr(thing, name) for name in slots if hasattr(thing, name)]
    return size + sum(footprint(one, seen) for one in [*inner, *getattr(thing, "__dict__", {}).values()])


# --- what is withheld


@given(st.lists(st.integers(0, 30), min_size=2, max_size=8).filter(lambda counts: sum(counts) > privacy.SMALL_MAX))
def test_a_withheld_direction_does_not_follow_from_the_others(counts) -> None:
    told = privacy.directions(counts)
    assert not any(count is not None and privacy.small(count) for count in told)
    assert not privacy.small(sum(counts) - sum(count or 0 for count in told))
    assert all(count in (None, true) for count, true in zip(told, counts, strict=True))


@given(
    st.lists(st.sets(st.integers(0, 7), min_size=1), min_size=1, max_size=6),
    st.lists(st.integers(0, 12), min_size=8, max_size=8),
)
def test_no_difference_of_zones_is_small(zones, passed) -> None:
    """What follows from all sums that are told by adding and subtracting (over the reals) is never 1..4 of one part."""
    footfall = [sum(passed[post] for post in zone) for zone in zones]
    told = privacy.allowed([sorted(zone) for zone in zones], footfall, passed)
    open_zones = [zone for zone, may in zip(zones, told, strict=True) if may]
    for zone in open_zones:
        assert not privacy.small(sum(passed[post] for post in zone))
    for a, b in itertools.permutations(open_zones, 2):
        for part in (a - b, a & b):
            busiest = max((passed[post] for post in part), default=0)
            rest = [zone for zone in open_zones if zone & part]
            assert len(rest) < 2 or not part or not only_small(part, open_zones, passed) or busiest > 4


def only_small(part, zones, passed) -> bool:
    """Whether a part of posts with the same zones within `part` was passed by 1..4 people."""
    parts: dict = {}
    for post in part:
        parts.setdefault(tuple(post in zone for zone in zones), []).append(passed[post])
    return any(privacy.small(max(counts)) for counts in parts.values())


def test_the_smaller_zone_is_told_and_what_would_betray_its_rest_is_not() -> None:
    assert privacy.allowed([[0, 1, 2], [0, 1]], [12, 10], [10, 10, 2]) == [False, True]
    assert privacy.allowed([[0, 1, 2], [0, 1]], [20, 10], [10, 10, 9]) == [True, True]
    assert privacy.allowed([[0, 1], [2]], [3, 9], [3, 3, 9]) == [False, True], "they do not hang together"


# --- places


def test_places() -> None:
    points = place.metres(corridor(4))
    assert [round(x, 1) for x, _ in points] == [0, 30, 60, 90]
    assert [{j for j, _, _ in row} for row in place.near(points)] == [{1}, {0, 2}, {1, 3}, {2}]
    assert place.axis(points) == pytest.approx(90, abs=0.1)
    assert place.axis(place.metres(square())) is None
    zones = place.zones({"x": {"p0", "gone"}, "empty": {"gone"}}, ["p0"], [(0.0, 0.0)])
    assert [(zone.id, zone.posts, zone.axis_deg) for zone in zones] == [("x", (0,), None)]


def test_bends_and_uneven_posts_are_linked_both_ways() -> None:
    points = [(0.0, 0.0), (15.0, 0.0), (50.0, 0.0), (50.0, 1.0)]
    rows = [{j for j, _, _ in row} for row in place.near(points)]
    for i, j in itertools.permutations(range(4), 2):
        assert (j in rows[i]) == (i in rows[j])


# --- crowds


def test_a_crowd_raises_its_zone_is_renewed_and_ends() -> None:
    sites = corridor(6)
    walk = Walk(Flow(sites, whole(sites), T0, Threshold(70, 40, 900)))
    for i in range(5):
        walk.stays(f"p{i}", T0 + 1000, 12 * 60_000)
    walk.run(T0 + 20 * 60_000)
    times = [now for now, _ in walk.crowds]
    asked = [crowd.for_s for _, crowd in walk.crowds]
    assert asked == [RAISE_S, RAISE_S, RAISE_S, 0]
    assert times[0] - T0 <= (LOOKS + 1) * LOOK_MS
    assert times[1] - times[0] == pytest.approx(RENEW_MS, abs=LOOK_MS)
    assert times[3] - T0 < 14 * 60_000
    assert walk.crowds[0][1].level_pm == 900
    assert walk.crowds[0][1].posts == tuple(f"p{i}" for i in range(6))


def test_a_post_of_two_crowded_zones_stays_up_until_both_are_over() -> None:
    sites = corridor(8)
    groups = {"a": {f"p{i}" for i in range(4)}, "b": {f"p{i}" for i in range(3, 8)}}
    walk = Walk(Flow(sites, groups, T0))
    for i in range(8):
        walk.stays(f"p{i}", T0 + 1000, (2 if i < 3 else 8) * 60_000)
    walk.run(T0 + 5 * 60_000)
    ended = [crowd for _, crowd in walk.crowds if not crowd.for_s]
    assert [(crowd.zone, crowd.posts) for crowd in ended] == [("a", ("p0", "p1", "p2"))]


@given(st.lists(st.integers(0, 10), max_size=200))
def test_a_watch_never_clears_what_it_did_not_raise_and_renews_in_time(busy) -> None:
    watch, up, asked_ms = Watch(Threshold()), False, 0
    for i, count in enumerate(busy):
        answer = watch.look(count, 10, i * LOOK_MS)
        if answer is not None:
            assert bool(answer) or up
            up, asked_ms = bool(answer), i * LOOK_MS
        assert watch.crowded == up
        assert not up or i * LOOK_MS - asked_ms < RAISE_S * 1000


def test_two_who_wait_are_no_crowd() -> None:
    watch = Watch(Threshold())
    assert [watch.look(2, 2, i * LOOK_MS) for i in range(50)] == [None] * 50


@pytest.mark.parametrize("percents", [(40, 40), (101, 40), (50, 0)])
def test_thresholds_are_checked(percents) -> None:
    with pytest.raises(ValueError, match="0 < off < on"):
        Threshold(*percents)


def test_a_window_is_json() -> None:
    sites = corridor(3)
    flow = Flow(sites, whole(sites), T0)
    window, _ = flow.tick(T0 + WINDOW_MS)
    assert json.loads(json.dumps(window)) == window
