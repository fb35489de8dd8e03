"""Compiling: any good document compiles for any post, to bytes that the post's reader takes and cbor2 agrees with."""

import datetime
import hashlib
import json
import math
from importlib import resources

import cbor2
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from lamplighter.plans.compile import compile_for
from lamplighter.plans.document import PlanFileError, load, load_value
from lamplighter.plans.hashing import plan_hash
from lamplighter.plans.neighbours import distance_and_bearing, neighbours
from lamplighter.plans.site import Luminaire, PostSite
from lamppost import limits
from lamppost.light.plan import Plan

EXAMPLES = resources.files("lamplighter.plans") / "examples"
LAMP = Luminaire(50, 1000, 28_000, 400)


def row(count: int, bus: str = "bus0", spacing_ud: int = 225) -> list[PostSite]:
    """Posts on a street that runs north, some 25 m apart."""
    return [PostSite(f"p{i:02d}", i, bus, 50_669_300 + i * spacing_ud, 4_615_000, LAMP) for i in range(1, count + 1)]


def example(name: str):
    return load((EXAMPLES / name).read_bytes(), name)


def test_the_bytes_are_the_contract():
    sites = row(3)
    fields = cbor2.loads(compile_for(example("park-presence.json"), sites[0], sites))
    assert fields[:6] == [1, "CET-1CEST,M3.5.0,M10.5.0/3", 50_669_525, 4_615_000, 50, 0]
    assert fields[6] == [["path", 300, 30, 0, [[1, 10, 2, -10]], [[0, 630, 200], [0, 750, 100], [0, 1050, 200]]]]
    assert fields[7:9] == [[], []]
    pedestrian, cyclist = [[300, 1000], [600, 600], [900, 300]], [[600, 1000], [1200, 600]]
    assert fields[9] == [["walkers", 20, 1000, 8000, pedestrian, cyclist, []]]
    assert fields[10:] == [[[2, 250, 0], [3, 500, 0]], [50, 1000, 28_000, 400]]


def test_rules_keep_their_order_and_programs_are_named_by_index():
    sites = row(9)
    fields = cbor2.loads(compile_for(example("street-part-night.json"), sites[0], sites))
    assert [program[0] for program in fields[6]] == ["part-night", "all-night", "weekend"]
    assert fields[5] == 0
    assert fields[7] == [[1, 2, 1224, 1225, 127], [1, 2, 1231, 1231, 127], [1, 1, 9790, 9791, 127], [2, 0, 0, 0, 48]]
    crossing = cbor2.loads(compile_for(example("street-part-night.json"), sites[8], sites))
    assert [program[0] for program in crossing[6]] == ["all-night"]


def test_scenes_reach_the_posts_of_their_groups_only():
    document, sites = example("event-square.json"), row(10)
    on_square = cbor2.loads(compile_for(document, sites[0], sites))
    beside = cbor2.loads(compile_for(document, sites[9], sites))
    assert [scene[0] for scene in on_square[8]] == [
        "fete-de-la-musique",
        "open-air-cinema",
        "24h-velo",
        "marche-de-noel",
    ]
    assert [scene[0] for scene in beside[8]] == ["24h-velo"]
    assert on_square[8][0] == ["fete-de-la-musique", 835299000, 835315200, 0, 1000, 10]


def test_the_same_plan_gives_the_same_bytes():
    sites = row(5)
    one = compile_for(example("event-square.json"), sites[2], sites)
    other = compile_for(example("event-square.json"), sites[2], reversed(sites))
    assert one == other
    assert Plan.from_bytes(one).hash.hex() == plan_hash(one) == hashlib.sha256(one).hexdigest()[:16]


def test_a_post_that_no_group_names_is_refused():
    document = json.loads((EXAMPLES / "street-part-night.json").read_bytes())
    document["groups"] = document["groups"][1:]
    with pytest.raises(PlanFileError, match='no group names the post "p01"; add it to one'):
        compile_for(load_value(document), row(1)[0], row(1))


def test_neighbours_are_the_nearest_on_the_same_bus():
    sites = row(40, spacing_ud=90)  # 10 m apart: 30 within 150 m of the middle one
    near = neighbours(sites[19], [*sites, *(PostSite(f"x{i}", i, "bus1", 50_671_100, 4_615_000) for i in range(1, 9))])
    assert len(near) == limits.NEIGHBOURS_MAX
    assert [address for address, _, _ in near[:4]] == [19, 21, 18, 22]
    assert {bearing for _, _, bearing in near} == {0, 180}
    assert near[0][1] == pytest.approx(100, abs=1)
    far = neighbours(row(2, spacing_ud=1400)[0], row(2, spacing_ud=1400))
    assert far == []


@given(
    st.integers(-80_000_000, 80_000_000),
    st.integers(-180_000_000, 180_000_000),
    st.integers(0, 359),
    st.integers(1, 150),
)
def test_distance_and_bearing_agree_with_the_great_circle(lat_ud, lon_ud, bearing, metres):
    """The destination formula on the sphere is the oracle, at 40 digits less than it needs."""
    angle, course, lat = metres / 6_371_008.8, math.radians(bearing), math.radians(lat_ud / 1e6)
    lat2 = math.asin(math.sin(lat) * math.cos(angle) + math.cos(lat) * math.sin(angle) * math.cos(course))
    east = math.atan2(
        math.sin(course) * math.sin(angle) * math.cos(lat), math.cos(angle) - math.sin(lat) * math.sin(lat2)
    )
    lon2_ud = (lon_ud + round(math.degrees(east) * 1e6) + 180_000_000) % 360_000_000 - 180_000_000
    here = PostSite("a", 1, "b", lat_ud, lon_ud)
    there = PostSite("b", 2, "b", round(math.degrees(lat2) * 1e6), lon2_ud)
    distance_dm, found = distance_and_bearing(here, there)
    assert abs(distance_dm - metres * 10) <= 3  # a microdegree is 1.1 dm
    slack = 1 + math.degrees(0.16 / metres)  # half a microdegree each way, seen from that distance
    assert abs((found - bearing + 180) % 360 - 180) <= slack


def test_the_same_place_has_no_bearing():
    one, other = PostSite("a", 1, "b", 5, 5), PostSite("b", 2, "b", 5, 5)
    assert distance_and_bearing(one, other) == (0, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "P1"},
        {"address": 0},
        {"address": 251},
        {"lat_ud": 90_000_001},
        {"lon_ud": -180_000_001},
        {"luminaire": (600, 500, 1, 1)},
        {"luminaire": (0, 0, 1, 1)},
        {"luminaire": (0, 1001, 1, 1)},
        {"luminaire": (0, 1000, 1, 2)},
    ],
)
def test_an_impossible_post_is_refused(fields):
    with pytest.raises(ValueError, match=r"must|no place"):
        PostSite(**({"id": "p1", "address": 1, "bus": "b", "lat_ud": 0, "lon_ud": 0} | fields))


IDS = st.text("abc0-", min_size=1, max_size=24)
PERCENT = st.integers(0, 1000).map(lambda pm: pm / 10)
CLOCKS = st.integers(0, 1439).map(lambda m: f"{m // 60:02d}:{m % 60:02d}")
SUNS = st.tuples(st.sampled_from(["sunset", "sunrise", "dusk", "dawn"]), st.integers(-720, 720)).map(
    lambda t: f"{t[0]}{t[1]:+d}"
)
PERIODS = st.tuples(st.sampled_from(["sunset", "dusk-30", "16:00"]), st.sampled_from(["00:30", "sunrise+5", "dawn"]))
DATES = st.dates(min_value=datetime.date(2001, 1, 1), max_value=datetime.date(2099, 12, 31))
DAYS = st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1, max_size=7)


@st.composite
def documents(draw):
    """A plan that keeps the rules of the shape; a rare one breaks a rule of reason and is passed over."""
    unique = {"unique": True, "min_size": 1}
    profiles = draw(st.lists(IDS, unique=True, max_size=8))
    programs = draw(st.lists(IDS, max_size=6, **unique))
    calendars = draw(st.lists(IDS, max_size=3, **unique))
    groups = draw(st.lists(IDS, max_size=4, **unique))
    reach = st.integers(0, 1500).map(lambda dm: dm / 10)

    def program(name):
        one = {
            "id": name,
            "level": draw(PERCENT),
            "rampSeconds": draw(st.integers(0, 3600)),
            "activePeriods": [{"start": a, "end": b} for a, b in draw(st.lists(PERIODS, max_size=4))],
            "switchPoints": [
                {"time": time, "level": draw(PERCENT)}
                for time in draw(st.lists(CLOCKS | SUNS, max_size=24, unique_by=lambda t: t.replace("-0", "+0")))
            ],
        }
        return one | ({"presence": draw(st.sampled_from(profiles))} if profiles and draw(st.booleans()) else {})

    def profile(name):
        return {
            "id": name,
            "holdSeconds": draw(st.integers(1, 600)),
            "upMilliseconds": draw(st.integers(0, limits.FADE_MAX_MS)),
            "downMilliseconds": draw(st.integers(0, limits.FADE_MAX_MS)),
        } | {
            who: [{"reachMetres": far, "level": draw(PERCENT)} for far in draw(st.lists(reach, max_size=6, **unique))]
            for who in draw(st.lists(st.sampled_from(["pedestrian", "cyclist", "car"]), max_size=3, **unique))
        }

    def rule():
        one = {"program": draw(st.sampled_from(programs)), "weekDays": draw(DAYS)}
        first, last = sorted([draw(DATES), draw(DATES)])
        match draw(st.integers(0, 2)):
            case 1:
                one |= {"startDate": str(first), "endDate": str(last)}
            case 2:
                one |= {"startDate": f"-{str(last)[4:]}", "endDate": f"-{str(first)[4:]}"}
        return one

    def scene(name):
        first, last = sorted([draw(DATES), draw(DATES)])
        return {
            "id": name,
            "groups": draw(st.lists(st.sampled_from(groups), max_size=3, **unique)),
            "start": f"{first}T{draw(CLOCKS)}",
            "end": f"{last}T{draw(CLOCKS)}",
            draw(st.sampled_from(["set", "raise", "cap"])): draw(PERCENT),
        }

    posts = st.just("all") | st.lists(st.sampled_from([f"p{i:02d}" for i in range(1, 9)]), **unique)
    return {
        "plan": draw(IDS),
        "timeZone": draw(
            st.sampled_from(["Europe/Brussels", "America/St_Johns", "<+0330>-3:30", "Europe/Dublin", "UTC0"])
        ),
        "safeFloor": draw(PERCENT),
        "controlPrograms": [program(name) for name in programs],
        "presenceProfiles": [profile(name) for name in profiles],
        "calendars": [
            {
                "id": name,
                "rules": [rule() for _ in range(draw(st.integers(0, 8)))],
                "defaultProgram": draw(st.sampled_from(programs)),
            }
            for name in calendars
        ],
        "groups": [{"id": name, "posts": draw(posts), "calendar": draw(st.sampled_from(calendars))} for name in groups],
        "eventScenes": [scene(name) for name in draw(st.lists(IDS, unique=True, max_size=5))],
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(documents(), st.integers(-85_000_000, 85_000_000), st.integers(-179_000_000, 179_000_000))
def test_a_good_document_compiles_for_every_post(plan, lat_ud, lon_ud):
    try:
        document = load_value(plan)
    except PlanFileError as error:
        assume(False)
        raise AssertionError(str(error)) from None
    assert load_value(json.loads(json.dumps(document.source))).hash == document.hash == load(json.dumps(plan)).hash
    sites = [PostSite(f"p{i:02d}", i, "bus0", lat_ud + i * 100, lon_ud, LAMP) for i in range(1, 30)]
    for post in sites[:8]:
        if document.group_of(post.id) is None:
            continue
        packed = compile_for(document, post, sites)
        assert len(packed) <= limits.PLAN_BYTES_MAX
        assert cbor2.dumps(cbor2.loads(packed)) == packed
        read = Plan.from_bytes(packed)
        assert read.raw == packed
        assert read.tz.rule == document.tz_rule
        assert 0 <= read.level_at(835_000_000) <= 1000
