"""Who hears whom: along streets, over lines, over the edge of a cabinet; and the streets' file itself."""

import json
import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamplighter.plans.compile import compile_at
from lamplighter.plans.document import load
from lamplighter.plans.neighbourhood import ALIASES, FarSite, neighbourhood
from lamplighter.plans.neighbours import RADIUS_DM, neighbours
from lamplighter.plans.site import PostSite
from lamplighter.plans.streets import Streets, StreetsError, read_streets
from lamppost import limits
from lamppost.light.plan import Plan
from lamppost.light.presence import Presence

LAT, LON = 50.6693, 4.6150
NORTH = 1 / 111_194.93
EAST = NORTH / math.cos(math.radians(LAT))


def post(name: str, x_m: float, y_m: float, bus: str = "bus0", address: int = 1) -> PostSite:
    return PostSite(name, address, bus, round((LAT + y_m * NORTH) * 1e6), round((LON + x_m * EAST) * 1e6))


def far(name: str, x_m: float, y_m: float, gateway: str = "gw2") -> FarSite:
    return FarSite(name, gateway, round((LAT + y_m * NORTH) * 1e6), round((LON + x_m * EAST) * 1e6))


def geojson(*lines, **properties) -> bytes:
    features = [
        {
            "type": "Feature",
            "properties": properties,
            "geometry": {"type": "LineString", "coordinates": [[LON + x * EAST, LAT + y * NORTH] for x, y in line]},
        }
        for line in lines
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def streets(*lines, **properties) -> Streets:
    return read_streets(geojson(*lines, **properties), "streets.geojson")


# two streets 60 m apart with a block between them, joined at their west ends
BLOCK = (((0, 0), (200, 0)), ((0, 60), (200, 60)), ((0, 0), (0, 60)))


def test_light_goes_along_the_street_and_not_through_the_block() -> None:
    sites = [post("here", 100, 2, address=1), post("along", 150, -2, address=2), post("behind", 100, 62, address=3)]
    air = neighbourhood(sites)
    assert [near.key for near in air.near["here"]] == ["along", "behind"]
    hood = neighbourhood(sites, streets=streets(*BLOCK))
    assert [near.key for near in hood.near["here"]] == ["along"]
    assert [near.key for near in hood.near["behind"]] == []
    assert [(a, b) for a, b, _ in hood.apart] == [("here", "behind"), ("along", "behind")]
    assert hood.near["here"][0].row == (2, 501, 95), "the straight line, a little longer than the way"


def test_around_the_corner_the_way_counts_and_the_direction_is_that_of_the_place() -> None:
    sites = [post("a", 20, 0, address=1), post("b", 0, 20, address=2)]
    hood = neighbourhood(sites, streets=streets(*BLOCK))
    (near,) = hood.near["a"]
    assert (near.distance_dm, near.way_dm, near.bearing) == (283, 400, 315)
    assert near.row == (2, 283, 315, 400)
    plan = Plan.from_bytes(compile_at(load(_park(), "park"), sites[0], hood.table("a")))
    assert plan.neighbours == [(2, 283, 315, 400)]
    presence = Presence()
    presence.configure(plan, 1)
    presence.detect(2, 0, 1000)
    answer = presence.ask(0, 1000)
    assert answer is not None
    assert answer[0] == 600, "40 m along the street; 28 m by air would be full light"
    assert "40 m away" in answer[4]


def test_both_sides_of_a_wide_road_and_posts_off_all_streets_see_each_other() -> None:
    carriageways = streets(((0, 0), (200, 0)), ((0, 14), (200, 14)))
    hood = neighbourhood([post("a", 50, 0), post("b", 50, 14, address=2)], streets=carriageways)
    assert [near.key for near in hood.near["a"]] == ["b"]
    hood = neighbourhood([post("a", 50, 0), post("park", 50, 80, address=2)], streets=carriageways)
    assert hood.off_street == ["park"]
    assert [near.way_dm for near in hood.near["a"]] == [pytest.approx(800, abs=2)]


def test_lines_join_where_they_touch_and_a_bridge_does_not() -> None:
    sites = [post("a", -30, 0, address=1), post("b", 0, 40, address=2)]
    crossing = (((-100, 0), (100, 0)), ((0, -100), (0, 100)))
    assert neighbourhood(sites, streets=streets(*crossing)).near["a"][0].way_dm == pytest.approx(700, abs=3)
    tee = (((-100, 0), (100, 0)), ((0, 1.5), (0, 100)))
    assert neighbourhood(sites, streets=streets(*tee)).near["a"][0].way_dm == pytest.approx(700, abs=3)
    gap = (((-100, 0), (100, 0)), ((0, 6), (0, 100)))
    assert neighbourhood(sites, streets=streets(*gap)).near["a"] == []
    data = json.loads(geojson(*crossing))
    data["features"][1]["properties"] = {"bridge": "yes", "layer": 1}
    over = read_streets(json.dumps(data).encode(), "streets.geojson")
    assert neighbourhood(sites, streets=over).near["a"] == []


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_ways_agree_with_a_plain_search_of_every_path(data) -> None:
    """An oracle that knows nothing of edges or feet: a fine grid of points, searched in width."""
    point = st.tuples(st.integers(0, 8), st.integers(0, 8))
    lines = data.draw(st.lists(st.lists(point, min_size=2, max_size=3, unique=True), min_size=1, max_size=4))
    lines = [[(x * 20.0, y * 20.0) for x, y in line] for line in lines]
    # right angles only, so that every crossing is a point of the grid of 10 m
    lines = [[line[0], *(p for a, b in pairwise(line) for p in ((b[0], a[1]), b))] for line in lines]
    lines = [[p for i, p in enumerate(line) if i == 0 or p != line[i - 1]] for line in lines]
    nodes: dict[tuple, dict[tuple, float]] = {}
    for line in lines:
        for a, b in pairwise(line):
            steps = round(math.dist(a, b) / 10)
            walk = [(a[0] + (b[0] - a[0]) * i / steps, a[1] + (b[1] - a[1]) * i / steps) for i in range(steps + 1)]
            for p, q in pairwise(walk):
                nodes.setdefault(p, {})[q] = 10.0
                nodes.setdefault(q, {})[p] = 10.0
    places = data.draw(st.lists(st.sampled_from(sorted(nodes)), min_size=2, max_size=4, unique=True))
    graph = streets(*lines)
    points = [graph.metres(LON + x * EAST, LAT + y * NORTH) for x, y in places]
    ways = graph.ways(points, 155.0)  # ways are multiples of 10 m
    for i, start in enumerate(places):
        best = {start: 0.0}
        queue = [start]
        for here in queue:
            for there, step in nodes[here].items():
                if best[here] + step < best.get(there, math.inf):
                    best[there] = best[here] + step
                    queue.append(there)
        mine = ways[i]
        assert mine is not None
        for j, goal in enumerate(places):
            if i != j:
                expected = best.get(goal, math.inf)
                assert mine.get(j, math.inf) == pytest.approx(expected if expected <= 155 else math.inf, abs=1.0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[", "not GeoJSON"),
        (b'{"type": "Topology"}', "not a FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": []}', "no LineString in it"),
        (geojson(((0, 0),)), "feature 1: a line needs two points"),
        (geojson(((0, 0), (9e7, 0))), "is the file in WGS 84?"),
        (b'{"type": "FeatureCollection", "features": [{"geometry": {"type": "LineString"}}]}', "feature 1: "),
        (b'{"type": "FeatureCollection", "features": [3]}', "no LineString"),
        (b"[" * 100_000, "not GeoJSON"),
    ],
)
def test_a_bad_file_is_named_with_what_to_do(data, words) -> None:
    with pytest.raises(StreetsError, match=words.replace("?", "\\?")) as caught:
        read_streets(data, "streets.geojson")
    assert "\n" not in str(caught.value)
    assert ";" in str(caught.value) or "?" in str(caught.value)


# --- over lines


def two_lines(count: int = 6) -> list[PostSite]:
    """A street whose west half hangs on one line and whose east half on another, both numbered from 1."""
    west = [post(f"w{i}", 30 * i, 0, "bus0", i + 1) for i in range(count)]
    return west + [post(f"e{i}", 30 * (count + i), 0, "bus1", i + 1) for i in range(count)]


def test_posts_on_another_line_have_an_alias_and_their_events_a_route() -> None:
    hood = neighbourhood(two_lines())
    near = {row.key: row for row in hood.near["w5"]}
    assert near["e0"].relayed
    assert not near["w4"].relayed
    assert near["w4"].address == 5
    assert near["e0"].address in ALIASES
    assert hood.aliases["bus0"][near["e0"].address] == "e0"
    assert [route.bus for route in hood.routes["e0"]] == ["bus0"]
    # 150 m: the five nearest posts of the other line are known there, the sixth to nobody
    assert sorted(hood.aliases["bus0"].values()) == [f"e{i}" for i in range(5)]
    assert "e5" not in hood.routes
    for site in two_lines():
        rows = hood.table(site.id)
        assert len({row[0] for row in rows}) == len(rows), "no address means two posts"


def test_a_line_by_itself_has_no_alias_and_the_table_that_it_always_had() -> None:
    sites = [post(f"p{i}", 30 * i, 0, address=i + 1) for i in range(20)]
    hood = neighbourhood(sites)
    assert hood.aliases == {"bus0": {}}
    assert hood.routes == {}
    for site in sites:
        assert sorted(hood.table(site.id)) == sorted(neighbours(site, sites))


@settings(max_examples=40, deadline=None)
@given(st.permutations(two_lines()), st.integers(193, 250))
def test_aliases_do_not_depend_on_the_order_and_never_take_a_posts_address(sites, address) -> None:
    """[R-2]"""
    assert neighbourhood(sites).aliases == neighbourhood(two_lines()).aliases
    more = [*sites, post("x", 0, 20, "bus0", address)]
    hood = neighbourhood(more)
    assert address not in hood.aliases["bus0"]
    assert set(hood.aliases["bus0"]) <= set(range(193, 251))


def test_one_post_more_moves_few_aliases() -> None:
    before = neighbourhood(two_lines(12)).aliases["bus0"]
    after = neighbourhood([*two_lines(12), post("new", 370, 10, "bus1", 60)]).aliases["bus0"]
    moved = [alias for alias, key in before.items() if after.get(alias) != key]
    assert "new" in after.values()
    assert len(moved) <= 1


def test_where_aliases_run_out_the_nearest_get_them() -> None:
    here = [post("here", 0, 0)]
    crowd = [post(f"c{i:02}", 10 + i, 0, "bus1", i + 1) for i in range(64)]
    more = [post(f"d{i:02}", -10 - i, 0, "bus2", i + 1) for i in range(64)]
    spread = [post(f"h{i}", 0, 3 * i, "bus0", i + 2) for i in range(1, 40)]
    hood = neighbourhood(here + spread + crowd + more)
    assert len(hood.aliases["bus0"]) <= len(ALIASES)
    assert len(hood.near["here"]) <= limits.NEIGHBOURS_MAX
    for bus, key in hood.left_out:
        assert key not in hood.aliases[bus].values()


def test_posts_of_another_cabinet_are_neighbours_and_ours_are_told_to_it() -> None:
    hood = neighbourhood([post("w", 0, 0), post("v", -200, 0, address=2)], [far("p01", 40, 0), far("p02", 300, 0)])
    (near,) = hood.near["w"]
    assert (near.key, near.relayed, near.distance_dm) == ("gw2/p01", True, 400)
    assert hood.routes["gw2/p01"] == (("bus0", near.address, 400),)
    assert hood.wanted == {"w": ("gw2",)}
    with pytest.raises(ValueError, match="must be 1 to 32"):
        far("p01", 0, 0, "GW 2")
    with pytest.raises(ValueError, match="no place"):
        FarSite("p01", "gw2", 91_000_000, 0)


def test_the_grid_misses_nobody() -> None:
    """Against all pairs, in a town of 400 posts on eight lines at 60 degrees north."""
    sites = [
        PostSite(f"p{i:03}", i % 50 + 1, f"bus{i // 50}", 60_000_000 + i * 7919 % 9000, east)
        for i in range(400)
        for east in [10_000_000 + i * 104_729 % 18_000]
    ]
    hood = neighbourhood(sites)
    everybody = [PostSite(s.id, i + 1, "one", s.lat_ud, s.lon_ud) for i, s in enumerate(sites[:250])]
    by_address = {site.address: site.id for site in everybody}
    few = neighbourhood([PostSite(s.id, i + 1, "one", s.lat_ud, s.lon_ud) for i, s in enumerate(sites[:250])])
    for site in everybody[::7]:
        expected = sorted((d, by_address[a]) for a, d, _ in neighbours(site, everybody))
        assert sorted((near.distance_dm, near.key) for near in few.near[site.id]) == expected
    assert all(near.distance_dm <= RADIUS_DM for rows in hood.near.values() for near in rows)


def _park() -> bytes:
    from importlib import resources

    return (resources.files("lamplighter.plans") / "examples" / "park-presence.json").read_bytes()
