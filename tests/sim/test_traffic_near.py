"""A traffic cut down to what some places can see: they see the same."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from lampsim.town.generate import town
from lampsim.traffic.model import Cut, Several, Trip, Trips
from lampsim.traffic.near import near
from lampsim.virtual import town_life

METRES = st.floats(-900, 900, allow_nan=False)
POINTS = st.tuples(METRES, METRES)
TRIP = st.builds(
    lambda number, kind, way, start, speed: Trip(f"t{number}", kind, way, start, speed),
    st.integers(0, 10**9), st.sampled_from(["pedestrian", "cyclist", "car"]), st.lists(POINTS, min_size=2, max_size=4),
    st.floats(0, 50), st.floats(1, 40),
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(TRIP, max_size=4, unique_by=lambda trip: trip.id), st.lists(POINTS, min_size=1, max_size=4))
def test_whoever_can_be_seen_stays(trips, places) -> None:
    whole = Trips(trips, 120)
    part = near(whole, places, 12.0)
    for t_s in range(120):
        left = part.users(t_s)
        for user in whole.users(t_s):
            turn = math.radians(user.heading_deg)
            for share in (0.0, 0.5, 0.99):
                x_m = user.x_m + user.speed_mps * math.sin(turn) * share
                y_m = user.y_m + user.speed_mps * math.cos(turn) * share
                if any(math.dist((x_m, y_m), place) <= 12.0 for place in places):
                    assert user in left


def test_most_of_a_town_is_not_near_one_of_its_streets() -> None:
    place = town(600, 1)
    people = town_life.people(place, 2.0, 18, 1, 1.0)
    street = place.lamps[0].street
    points = [(lamp.x_m, lamp.y_m) for lamp in place.lamps if lamp.street == street]
    part = near(Several([people, Cut(people, 60)]), points, 12.0)
    assert isinstance(part, Several)
    (first, second) = part.parts
    assert 0 < len(first.trips) < len(people.trips) / 2
    assert second.duration_s == people.duration_s - 60
    assert [trip.id for trip in second.whole.trips] == [trip.id for trip in first.trips]


def test_what_is_not_made_of_trips_is_left_alone() -> None:
    class Other:
        kinds, duration_s = ("car",), 5

        def users(self, t_s):
            return []

        def next_busy(self, t_s):
            return None

    other = Other()
    assert near(other, [(0, 0)], 12.0) is other
