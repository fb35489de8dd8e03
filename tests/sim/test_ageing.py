"""Lamps grow old: what inventories say of it, what a run adds, what light is left, and what a post does about it."""

import json
from functools import cache

import numpy as np
import pytest
from click.testing import CliRunner

from lampsim.inventory import from_document
from lampsim.recording import Recording, light_pm
from lampsim.run_cli import run as run_command
from lampsim.scenario import ScenarioError, load
from lampsim.town.age import FULL_H_A_YEAR, NEW, Age, of_fields
from lampsim.town.generate import town
from lampsim.town.load import load as load_town
from lampsim.town.luminaire import LuminaireModel, vary
from lampsim.town.model import TownError
from lampsim.virtual import town_life
from lampsim.virtual.world import START_UTC_S, Options, World

EVENING = START_UTC_S + 6 * 3600  # dark
CLO = "0:800,100000:1000"
YEAR_S = 365.25 * 86400


@cache
def evening(**options) -> World:
    """A busy quarter of an hour in six streets, the lamps of which are as old as the options say."""
    place = town(24, 1)
    people = town_life.people(place, 0.25, 19, 1, 20.0)
    world = World(place, town_life.plan(), people, (), 1, EVENING, Options(cycle_s=30, **options))
    world.run_s(900)
    return world


# --- where an age comes from


@pytest.mark.parametrize(
    ("fields", "year"),
    [
        ({"InstallDate": "2014/05/01 00:00:00+00"}, 2014 + 4 / 12),
        ({"INSTALLDATE": 1_398_902_400_000}, 2014 + 4 / 12),  # ArcGIS: milliseconds since 1970
        ({"start_date": "2014-05"}, 2014 + 4.5 / 12),
        ({"Year Installed": 2014}, 2014.5),
        ({"installation-year": "2014.0"}, 2014.5),
        ({"installed": "5/1/2014"}, 2014.5),
        ({"dateLastLampChange": "2016-07-08T08:02:21.753Z", "installed": 1990}, 2016 + 6.2 / 12),
    ],
)
def test_a_date_of_an_inventory_is_an_age(fields: dict, year: float) -> None:
    age = of_fields(fields)
    assert age.hours(round((2026 - 2000) * YEAR_S)) == pytest.approx((2026 - year) * FULL_H_A_YEAR, abs=80)
    assert age.hours(0) == 0, "not installed yet"


@pytest.mark.parametrize("fields", [{}, {"installed": "1900-01-01"}, {"installed": "2014-13-01"}, {"burnt_h": "-1"},
                                    {"installed": None}, {"burnt_h": "nan"}, {"InstallDate": ["2014"]}])  # fmt: skip
def test_what_cannot_be_read_is_a_new_lamp(fields: dict) -> None:
    assert of_fields(fields) == NEW
    assert NEW.hours(EVENING) == 0


def test_hours_go_before_dates_even_where_they_are_none() -> None:
    assert of_fields({"burning_hours": 0, "installed": 2001}).hours(EVENING) == 0
    assert of_fields({"LampHours": "12500.5", "installed": 2001}).hours(EVENING) == 12500.5
    assert Age(None, 10**9 - 10**10).hours(EVENING) == 200_000, "no lamp is older than anybody knows lamps to be"


def test_ages_come_with_lamps_from_files(tmp_path) -> None:
    file = tmp_path / "lamps.csv"
    file.write_text("id,x_m,y_m,burnt_h,installed\na,0,0,50000,\nb,30,0,,2014\nc,60,0,,\n", encoding="utf-8")
    found = [lamp.age for lamp in load_town(file).lamps]
    assert found[0] == Age(50000.0)
    assert found[1].installed_s == pytest.approx(14.5 * YEAR_S, abs=2 * 86400)
    assert found[2] == NEW
    assert [lamp.age for lamp in load_town(file).inventory()] == found
    point = {"type": "Point", "coordinates": [4.61, 50.67]}
    feature = {"type": "Feature", "geometry": point, "properties": {"PoleID": 1, "InstallDate": "2014-05-01"}}
    document = {"type": "FeatureCollection", "features": [feature]}
    (tmp_path / "lamps.geojson").write_text(json.dumps(document), encoding="utf-8")
    assert load_town(tmp_path / "lamps.geojson").lamps[0].age == from_document(document)[0].age != NEW


@pytest.mark.parametrize("row", ["many,", ",yesterday", "300000,"])
def test_an_age_in_a_csv_that_is_none_is_told(tmp_path, row: str) -> None:
    (tmp_path / "lamps.csv").write_text(f"id,x_m,y_m,burnt_h,installed\na,0,0,{row}\n", encoding="utf-8")
    with pytest.raises(TownError, match=r"lamps.csv:2: (burnth|installed) .*; give hours from 0 to"):
        load_town(tmp_path / "lamps.csv")


def test_streets_of_a_generated_town_are_as_old_as_its_seed_says() -> None:
    ages: dict[str, set] = {}
    for lamp in town(300, 4).lamps:
        ages.setdefault(lamp.street, set()).add(lamp.age.hours(EVENING))
    assert all(len(each) == 1 for each in ages.values())
    hours = [each.pop() for each in ages.values()]
    assert 0 <= min(hours) < 10_000
    assert 50_000 < max(hours) <= 15 * FULL_H_A_YEAR
    assert town(300, 4).lamps == town(300, 4).lamps
    assert [lamp.age for lamp in town(300, 5).lamps] != [lamp.age for lamp in town(300, 4).lamps]


# --- what a run adds


def test_a_run_adds_the_hours_of_its_levels_second_by_second() -> None:
    world = evening()
    recording = world.recording()
    for i, lamp in enumerate(world.town.lamps):
        levels = recording.levels_each_second(i).astype(float)
        by_hand_h = (levels[1:] + levels[:-1]).sum() / 2 / 1000 / 3600
        assert world.lamps.burnt_h(i) == pytest.approx(by_hand_h, rel=0.02)
        assert recording.full_h[i] == pytest.approx(lamp.age.hours(EVENING) + by_hand_h, abs=0.01)
    assert len({round(world.lamps.burnt_h(i), 3) for i in range(24)}) > 5, "people were about"


def test_age_alone_changes_nothing_that_happens() -> None:
    new, old = evening(age_h=0.0), evening(age_h=50_000.0)
    assert new.log_sha256 == old.log_sha256 == evening().log_sha256
    assert new.counters() == old.counters(), "and nobody wakes for it"
    assert new.recording().energy_mwh.tolist() == old.recording().energy_mwh.tolist()


def test_every_lamp_has_the_light_of_its_own_model_left() -> None:
    recording = evening(age_h=50_000.0).recording()
    assert recording.light_left.mean() == pytest.approx(0.8**0.5, abs=0.01)
    assert len(set(recording.light_left.tolist())) == 24
    driver = World(town(24, 1), None, None, (), 1, EVENING, Options(power="driver"))
    assert driver._drivers is not None
    for model, left in zip(driver._drivers.models, recording.light_left, strict=True):
        assert left == pytest.approx(model.light_left(50_000), abs=1e-5), "the one that draws the power"
    assert recording.light_kept.tolist() == pytest.approx(recording.light_left.tolist(), abs=1e-12), "nothing is done"
    assert evening(age_h=0.0).recording().light_left.tolist() == pytest.approx([1.0] * 24, abs=1e-5)


# --- constant light output


@pytest.mark.parametrize("age_h", [0.0, 50_000.0, 100_000.0])
def test_a_post_with_a_table_gives_the_planned_light_at_any_age(age_h: float) -> None:
    world = evening(age_h=age_h, clo=CLO)
    recording, drive_pm = world.recording(), 800 + 200 * age_h / 100_000
    assert recording.planned_pm == 800
    for post in world.posts.values():
        assert post.post is not None
        assert post.lit_s == pytest.approx(3600 * age_h, abs=900)
        assert post.post.meter.scale_pm == pytest.approx(drive_pm, abs=1)
        assert world.shown_pm(post.name) == pytest.approx(post.level_pm * drive_pm / 1000, abs=2)
    assert recording.light_kept.mean() == pytest.approx(1.0, abs=0.025)
    assert recording.light_kept.min() > 0.93, "a lamp that ages by a fifth faster than its maker says"


def test_a_new_controller_on_an_old_lamp_that_nobody_told_its_hours_gives_too_little() -> None:
    recording = evening(age_h=100_000.0, counted_h=0.0, clo=CLO).recording()
    assert recording.light_kept.mean() == pytest.approx(0.8, abs=0.02)
    assert recording.light_left.mean() == pytest.approx(0.8, abs=0.02)


def test_a_post_without_power_says_what_its_flash_has() -> None:
    world = World(town(4, 1), town_life.plan(), None, (), 1, EVENING, Options(age_h=1000.0, clo=CLO))
    world.run_s(60)
    post = next(iter(world.posts.values()))
    before = world.recording().light_kept[post.index]
    post.power_off()
    assert post.lit_s == pytest.approx(3_600_000, abs=60)
    assert world.recording().light_kept[post.index] == pytest.approx(before, abs=0.002)


# --- what is shown


def test_light_is_the_level_by_what_is_left() -> None:
    levels = np.array([0, 500, 1000], dtype=np.int16)
    assert light_pm(levels, 0.9).tolist() == [0, 450, 900]
    assert light_pm(levels, 0.8, 800).tolist() == [0, 500, 1000]
    assert light_pm(levels, 1.0, 500).tolist() == [0, 1000, 2000]
    recording = evening(age_h=100_000.0).recording()
    given, level = recording.light_each_second(3), recording.levels_each_second(3)
    assert given.max() == pytest.approx(level.max() * vary_left(recording.ids[3]), abs=1)


def vary_left(lamp: str) -> float:
    from lampsim.town.chance import seed_of

    return vary(LuminaireModel(), seed_of("drivers", 1), lamp).light_left(100_000)


def test_the_shares_are_in_the_recording_and_its_file(tmp_path) -> None:
    recording = evening(age_h=100_000.0, clo=CLO).recording()
    recording.save(tmp_path / "run.npz")
    back = Recording.load(tmp_path / "run.npz")
    assert back.light_shares() == recording.light_shares()
    assert back.planned_pm == 800
    shares = recording.light_shares()
    assert shares["light_left_least"] < shares["light_left_mean"] < 0.82 < 0.97 < shares["light_kept_mean"]


def test_a_run_says_what_light_is_left() -> None:
    done = CliRunner().invoke(run_command, ["--posts", "30", "--hours", "0.02", "--people", "0", "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert 0.8 < said["light_left_least"] < said["light_left_mean"] < 1
    assert said["light_kept_mean"] == said["light_left_mean"]


def test_a_scenario_says_how_old_its_lamps_are(tmp_path) -> None:
    source = load("park-at-night").path
    text = source.read_text(encoding="utf-8")
    (tmp_path / f"{source.stem}.json").write_bytes(source.with_suffix(".json").read_bytes())
    file = tmp_path / "mine.toml"

    def write(lines: str) -> None:
        file.write_text(f"{text}\n[luminaires]\n{lines}\n", encoding="utf-8")

    write(f'age_h = 50000\ncounted_h = 20000\nclo = "{CLO}"')
    world = load(file).shortened(0.01).world()
    world.run_s(30)
    for post in world.posts.values():
        assert post.post is not None
        assert post.post.meter.scale_pm == 840, "the drive of what it has counted"
    assert world.recording().full_h.tolist() == pytest.approx([50_000] * len(world.posts), abs=1)
    for bad in ("age_h = -1", 'clo = "0:2000"', "clo = 5", "counted_h = 1e9", "aged_h = 5"):
        write(bad)
        with pytest.raises(ScenarioError, match="luminaires"):
            load(file)
