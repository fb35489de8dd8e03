"""Generated towns, their wiring and their streets."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lampsim.town.generate import town
from lampsim.town.graph import Graph
from lampsim.town.model import Bus, Street, Town, TownError, TownLamp
from lampsim.town.streets import through_lamps
from lampsim.town.wiring import near_pairs, wire


@pytest.mark.parametrize("posts", [1, 2, 8, 24, 100, 1000])
def test_a_town_of_any_size(posts):
    made = town(posts, seed=3)
    assert len(made.lamps) == len(made.sites) == len({lamp.id for lamp in made.lamps}) == posts
    assert sum(len(bus.lamps) for bus in made.buses) == sum(len(f.lamps) for f in made.feeders) == posts
    assert max(len(bus.lamps) for bus in made.buses) <= 32
    assert made == town(posts, seed=3)
    x_m, y_m = made.flat.xy_m(made.lamps[-1].lat, made.lamps[-1].lon)
    assert math.dist((x_m, y_m), made.lamps[-1].at) < 0.1  # to whole microdegrees


def test_a_town_has_parks_and_squares_and_the_seed_moves_them():
    kinds = [{lamp.kind for lamp in town(150, seed).lamps} for seed in range(5)]
    assert kinds == [{"street", "park", "square"}] * 5
    large = [town(1000, seed) for seed in (1, 2)]
    assert {lamp.at for lamp in large[0].of_kind("park")} != {lamp.at for lamp in large[1].of_kind("park")}


@pytest.mark.parametrize("posts", [0, -1, 10**6])
def test_a_size_that_cannot_be(posts):
    with pytest.raises(TownError, match="give 1 to"):
        town(posts)


def test_neighbours_share_a_line():
    """Most pairs within 35 m hang on one line; chance alone would give one in thirty."""
    made = town(1000)
    pairs = list(near_pairs([lamp.at for lamp in made.lamps], 35))
    same = sum(made.lamps[i].bus == made.lamps[j].bus for _, i, j in pairs)
    assert same / len(pairs) > 0.7
    assert len(made.buses) <= 40  # 32 full ones would do
    for bus in made.buses:
        xs, ys = zip(*(made.lamp(lamp).at for lamp in bus.lamps), strict=True)
        assert math.dist((min(xs), min(ys)), (max(xs), max(ys))) < 1200  # what RS-485 spans at 100 kbit/s


def test_a_gateway_has_at_most_250_posts_on_lines_next_to_each_other():
    made = town(1000)
    posts = {}
    for bus in made.buses:
        posts[bus.gateway] = posts.get(bus.gateway, 0) + len(bus.lamps)
    assert list(posts) == ["gw1", "gw2", "gw3", "gw4", "gw5"]
    assert max(posts.values()) <= 250


places = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=1, max_size=60, unique=True)


@settings(max_examples=60, deadline=None)
@given(places, st.integers(1, 64))
def test_any_lamps_are_wired_whole(points, most):
    lamps = [TownLamp(f"p{i}", 50.0, 4.0, float(x), float(y), street=str(i % 3)) for i, (x, y) in enumerate(points)]
    wired, buses, feeders = wire(lamps, most, 10)
    Town(wired, (), feeders, buses)  # which checks that both sides say the same
    assert sum(len(bus.lamps) for bus in buses) == len(points)
    assert max(len(bus.lamps) for bus in buses) <= most
    assert all(list(range(1, len(bus.lamps) + 1)) == sorted(_addresses(wired, bus)) for bus in buses)


def _addresses(lamps, bus):
    return [lamp.address for lamp in lamps if lamp.bus == bus.id]


def test_a_straight_street_is_cut_into_as_few_lines_as_it_needs():
    lamps = [TownLamp(f"p{i}", 50.0, 4.0, 30.0 * i, 0.0) for i in range(96)]
    random.Random(1).shuffle(lamps)
    wired, buses, _ = wire(lamps, 32)
    assert [len(bus.lamps) for bus in buses] == [32, 32, 32]
    for bus in buses:
        xs = [next(p.x_m for p in wired if p.id == lamp) for lamp in bus.lamps]
        assert xs == sorted(xs) or xs == sorted(xs, reverse=True)  # addresses run along the street
        assert max(xs) - min(xs) == 31 * 30


@pytest.mark.parametrize(
    ("lamps", "buses", "says"),
    [
        ((), (), "without lamps"),
        ((("a", "", 0), ("a", "", 0)), (), "same id"),
        ((("a", "b0", 1), ("b", "b0", 1)), (("b0", ("a", "b")),), "same address"),
        ((("a", "b1", 1),), (("b0", ("a",)),), "its bus is 'b1', listed in 'b0'"),
        ((("a", "b0", 1), ("b", "", 0)), (("b0", ("a",)),), "lamp b: its bus is '', listed in None"),
    ],
)
def test_a_town_that_cannot_be_is_refused(lamps, buses, says):
    made = tuple(TownLamp(name, 50, 4, 0, 0, bus=bus, address=address) for name, bus, address in lamps)
    with pytest.raises(TownError, match=says):
        Town(made, (), (), tuple(Bus(*bus) for bus in buses))


def test_a_line_has_at_most_64_posts():
    lamps = tuple(TownLamp(f"p{i}", 50, 4, i, 0, bus="b", address=i + 1) for i in range(65))
    with pytest.raises(TownError, match="65 posts, at most 64"):
        Town(lamps, (), (), (Bus("b", tuple(lamp.id for lamp in lamps)),))
    with pytest.raises(TownError, match="give 1 to 64"):
        wire(lamps, 65)


# --- streets and ways


def test_streets_that_cross_are_joined_and_a_way_is_the_shortest():
    graph = Graph([Street("a", "street", ((0, 0), (100, 0))), Street("b", "street", ((50, -50), (50, 80)))])
    way = graph.way(graph.node(0, 0), graph.node(50, 80))
    assert way == [(0, 0), (50, 0), (50, 80)]
    assert sorted(graph.points[i] for i in graph.ends()) == [(0, 0), (50, -50), (50, 80), (100, 0)]


def test_an_end_just_short_of_a_street_is_joined_and_a_far_one_is_not():
    main = Street("a", "street", ((0, 0), (50, 0), (100, 0)))
    graph = Graph([main, Street("b", "park", ((50, 20), (50, 90)))])
    assert graph.way(graph.node(0, 0), graph.node(50, 90)) == [(0, 0), (50, 0), (50, 20), (50, 90)]
    apart = Graph([main, Street("b", "park", ((50, 40), (50, 90)))])
    assert apart.way(apart.node(0, 0), apart.node(50, 90)) == []
    assert len(Graph([main, Street("b", "park", ((50, 20), (50, 90)))], ("street",)).points) == 3
    with pytest.raises(ValueError, match="no streets"):
        Graph([]).node(0, 0)


def test_everywhere_in_a_generated_town_can_be_reached():
    graph = Graph(town(300, seed=2).streets)
    assert all(graph.way(0, goal) for goal in range(len(graph.points)))


def test_lamps_out_of_order_still_give_a_street():
    points = [(30.0 * i, 0.0) for i in range(12)]
    random.Random(4).shuffle(points)
    lamps = [TownLamp(f"p{i}", 50, 4, x, y, street="Rue") for i, (x, y) in enumerate(points)]
    streets = through_lamps(lamps)
    assert len(streets) == 1
    xs = [x for x, _ in streets[0].points]
    assert xs in (sorted(xs), sorted(xs, reverse=True))
    assert len(xs) == 12
    assert through_lamps(lamps[:1]) == ()
