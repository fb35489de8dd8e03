"""A year of a plan by operating states, and the night it is taken from, against almanac and arithmetic."""

import datetime
from collections import defaultdict

import numpy as np
import pytest

from lampsim.report import policies, simulate, year
from lampsim.report.place import nearest_zone
from lampsim.report.study import Lamps, energy_wh

LOUVAIN = (50.6693, 4.615)


def lamps(count: int = 2) -> Lamps:
    x = np.arange(count) * 30.0
    rated, standby = np.full(count, 80.0), np.full(count, 0.5)
    return Lamps(
        tuple("abcdefgh"[:count]), x, x * 0, rated, standby, ("s",) * count, ("street",) * count, x, x * 0, x * 0 + 1
    )


def states_of(name: str, seen: dict | None = None) -> dict:
    two = lamps()
    parts = year.follows(policies.named(name, "Europe/Brussels").document, *LOUVAIN, two.ids)
    return {state.name: state for state in year.states(two, parts, seen or {}, 2026)}


def test_a_year_of_full_light() -> None:
    states = states_of("full")
    assert sum(state.hours for state in states.values()) == pytest.approx(8760)
    assert states["full"].hours == pytest.approx(4290, abs=40)  # sun below the horizon at 50.7 degrees, almanac
    # full: 80 W * (0.03 + 0.97) + 0.5 W a lamp; standby 0.5 W a lamp; two lamps
    assert states["full"].energy_wh == pytest.approx(2 * 80.5 * states["full"].hours)
    assert states["standby"].energy_wh == pytest.approx(2 * 0.5 * states["standby"].hours)


def test_part_night_is_dark_five_and_a_half_hours_a_night() -> None:
    full, part = states_of("full")["full"].hours, states_of("part-night")["full"].hours
    # every night lasts beyond midnight; in summer the sun rises before 05:30 local, which cuts what is switched off
    assert 365 * 5.0 < full - part < 365 * 5.5


def test_presence_is_measured_and_applied() -> None:
    seen = defaultdict(year.Seen)
    # A quarter of the lamp-seconds was raised, to full: 3,600 s of one lamp of 80 W, 80.5 Wh
    seen[200, True] = year.Seen(4 * 3600, 3600, 80.5, 80.0 * 3600)
    states = states_of("presence", seen)
    night_h = states["20 %"].hours + states["presence"].hours
    assert states["presence"].hours == pytest.approx(night_h / 4)
    assert states["presence"].energy_wh == pytest.approx(2 * 80.5 * night_h / 4)
    assert states["20 %"].energy_wh == pytest.approx(2 * (0.5 + 80 * (0.03 + 0.97 * 0.2)) * night_h * 3 / 4)


def test_looking_at_a_night_counts_what_is_raised() -> None:
    two = lamps()
    parts = year.follows(policies.named("presence", "Europe/Brussels").document, *LOUVAIN, two.ids)
    night = simulate.window(*LOUVAIN, datetime.date(2026, 9, 22))
    levels = np.full((2, night.seconds), 200, dtype=np.int16)
    levels[0, 7200:10800] = 1000
    seen: dict[year.Ask, year.Seen] = defaultdict(year.Seen)
    year.look(two, parts, levels, night.start_s, seen)
    assert seen[200, True].raised_seconds == 3600
    assert seen[200, True].raised_wh == pytest.approx(80.5)
    assert seen[200, True].seconds == 2 * (night.sunrise_s - night.sunset_s)


def test_the_window_holds_the_night() -> None:
    night = simulate.window(*LOUVAIN, datetime.date(2026, 9, 22))
    assert night.start_s % 900 == 0
    assert night.seconds % 900 == 0
    assert night.start_s + 600 <= night.sunset_s < night.sunrise_s <= night.start_s + night.seconds - 600
    assert (night.sunrise_s - night.sunset_s) / 3600 == pytest.approx(11.86, abs=0.1)  # just after the equinox
    winter = simulate.window(70.0, 20.0, datetime.date(2026, 12, 21))
    assert 23 * 3600 <= winter.sunrise_s - winter.sunset_s <= 24 * 3600, "polar night is a whole day"


def test_energy_of_levels_by_hand() -> None:
    # one hour at 50 %: 0.5 + 80 * (0.03 + 0.485) = 41.7 Wh; one hour off: 0.5 Wh
    levels = np.zeros((2, 7200), dtype=np.int16)
    levels[0, :3600] = 500
    assert energy_wh(lamps(), levels) == pytest.approx([42.2, 1.0])


@pytest.mark.parametrize(
    ("lat", "lon", "zone"),
    [
        (42.37, -71.11, "America/New_York"),
        (50.67, 4.61, "Europe/Brussels"),
        (-36.8, 174.7, "Pacific/Auckland"),
        (-17.8, -179.9, "Pacific/Fiji"),
    ],
)
def test_the_nearest_zone(lat: float, lon: float, zone: str) -> None:
    assert nearest_zone(lat, lon) == zone
