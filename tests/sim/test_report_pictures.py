"""Every picture of the report: it decodes, it is not blank, and what it shows is what the numbers say."""

import io
import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lampsim.inventory import Flat, default
from lampsim.night.data import Lamps as NightLamps
from lampsim.night.data import Users
from lampsim.night.ideal import levels
from lampsim.report import animation, palette
from lampsim.report.plots import energy, night, place, timespace, year
from lampsim.report.savings import Metered, verify
from lampsim.report.study import Lamps, LightLeft, Night, Policy, Study, Utility, YearState, binned

SECONDS = 3600
START_S = 815_000_400  # 2025-10-28 22:00 local
TITLES = {"CONV": "Full all night", "PART": "Part-night", "AHEAD20": "Presence"}


def walkers(ways: list[list[tuple[float, float]]], seconds: int) -> Users:
    """Somebody along each way every ten minutes, at 1.4 m/s; the last way is driven at 12 m/s."""
    rows = []
    for start in range(30, seconds - 300, 600):
        for number, way in enumerate(ways):
            kind, speed = (2, 12.0) if number == len(ways) - 1 else (0, 1.4)
            for (ax, ay), (bx, by), t0, t1 in legs(way, speed):
                for t in range(math.ceil(t0), math.ceil(t1)):
                    share = (t - t0) / (t1 - t0)
                    heading = math.degrees(math.atan2(bx - ax, by - ay)) % 360
                    who = start * 10 + number
                    rows.append((start + t, who, kind, ax + share * (bx - ax), ay + share * (by - ay), speed, heading))
    table = np.array(sorted(row for row in rows if row[0] < seconds))
    whole = [table[:, i].astype(np.int64) for i in range(3)]
    return Users(*whole, *(table[:, i] for i in range(3, 7)), seconds=seconds)


def legs(way, speed):
    t = 0.0
    for a, b in itertools.pairwise(way):
        took = math.dist(a, b) / speed
        yield a, b, t, t + took
        t += took


@pytest.fixture(scope="module")
def study() -> Study:
    inventory = default()
    flat = Flat.around(inventory)
    at = np.array([flat.xy_m(p.lat, p.lon) for p in inventory])
    rated = np.array([float(p.rated_w) for p in inventory])
    streets = tuple(p.place for p in inventory)
    lamps = Lamps(
        tuple(p.id for p in inventory),
        at[:, 0],
        at[:, 1],
        rated,
        rated * 0 + 0.5,
        streets,
        tuple(p.kind for p in inventory),
        np.arange(len(inventory)),
        rated * 0,
        rated * 0 + 1,
    )
    ways = [[tuple(xy) for xy, s in zip(at, streets, strict=True) if s == street] for street in dict.fromkeys(streets)]
    users = walkers(ways, SECONDS)
    numbers = np.unique(streets, return_inverse=True)[1]
    grid = NightLamps(lamps.ids, numbers, lamps.x_m, lamps.y_m)
    policies = tuple(policy(name, levels(name, grid, users).T, lamps) for name in TITLES)
    policies[1].levels_pm[:, 1800:] = 0  # the sample's part-night begins after half an hour
    return Study(
        "Sample park", "sample", 50.6693, 4.615, "Europe/Brussels", lamps, (Night(START_S, users),), policies,
        "one each ten minutes", {"street": 7.5, "park": 5.0}, {"street": 300.0, "park": 75.0},
        LightLeft(rated * 0 + 1, rated * 0 + 1),
    )  # fmt: skip


def policy(name: str, levels_pm: np.ndarray, lamps: Lamps) -> Policy:
    power = lamps.power_w(levels_pm)
    states = (YearState("full", 2000, 9e4), YearState("30 %", 2000, 3e4), YearState("standby", 4760, 1e3))
    return Policy(
        name.lower(), TITLES[name], "", levels_pm, power.sum() / 3600, lamps.full_w * SECONDS / 3600,
        {"pedestrian": Utility(0.9, 0.5, 100), "car": Utility(0.8, 0.4, 50)},
        Metered(name.lower(), binned(power, 900) / 4, lamps.rated_w), states,
    )  # fmt: skip


def pixels(figure) -> np.ndarray:
    from PIL import Image

    with io.BytesIO() as data:
        figure.savefig(data, format="png", dpi=100)
        return np.asarray(Image.open(data).convert("RGB"))


FIGURES = {
    "energy": energy.energy_and_utility,
    "mean": night.mean_level,
    "heat": night.heat_maps,
    "walk": timespace.time_space,
    "map": place.lamp_map,
    "year": lambda study: year.operating_states(study, 5000.0),
    "savings": lambda study: year.saving_intervals(
        study, [verify(study.policies[0].metered, p.metered) for p in study.policies[1:]]
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn(study: Study, name: str) -> None:
    image = pixels(FIGURES[name](study))
    assert image.shape[1] >= 400
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 30, "a blank picture"
    axes = FIGURES[name](study).axes
    assert name == "map" or all(a.get_xlabel() or a.get_ylabel() for a in axes[-1:])


def test_the_heat_map_holds_the_levels(study: Study) -> None:
    panels = night.heat_maps(study).axes
    shown = panels[1].images[0].get_array()
    assert shown.shape == (24, 60)
    assert shown[:, :30].min() == 100
    assert shown[:, 30:].max() == 0


def test_light_runs_ahead_of_the_walker(study: Study) -> None:
    walk = timespace.find_walk(study)
    assert walk is not None
    assert walk.kind == "pedestrian"
    assert len(walk.lamps) == 12
    assert np.all(np.diff(walk.lamp_m) > 0)
    half = len(walk.t_s) // 2
    ahead = walk.lamps[np.argmax(walk.lamp_m > walk.along_m[half] + 5)]
    assert study.policies[2].levels_pm[ahead, walk.t_s[half]] == 1000


def test_nobody_walking_shows_no_walk(study: Study) -> None:
    nobody = replace(study, nights=(Night(START_S, study.night.users.between(0, 20)),))
    assert timespace.time_space(nobody) is None


def test_light_is_brighter_as_a_colour_too() -> None:
    """Readable without colour: relative luminance (WCAG) of the scale rises at every step."""

    def luminance(rgb) -> float:
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    values = [luminance(rgb) for rgb in palette.light_rgb(64)]
    assert all(a < b for a, b in itertools.pairwise(values))


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_the_night_moves(study: Study, tmp_path: Path, kind: str) -> None:
    from PIL import Image

    lapse, wave = tmp_path / f"night.{kind}", tmp_path / f"wave.{kind}"
    animation.time_lapse(study, lapse)
    assert animation.wave(study, wave)
    for path, least in ((lapse, SECONDS // 600 - 1), (wave, 100)):
        with Image.open(path) as image:
            assert image.n_frames >= least
            first = np.asarray(image.convert("RGB")).copy()
            image.seek(image.n_frames - 1)
            assert (np.asarray(image.convert("RGB")) != first).any()
        assert path.stat().st_size < 700_000
