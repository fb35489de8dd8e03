"""What lamps draw in the big engine: as posts estimate it, as drivers draw it, and as meters tell it."""

from functools import cache

import pytest

from lamppost.light.layers import PROTECTION
from lampsim.scenario import ScenarioError, load
from lampsim.town.generate import town
from lampsim.virtual import town_life
from lampsim.virtual.power import STEP_C
from lampsim.virtual.world import START_UTC_S, Options, World

EVENING = START_UTC_S + 6 * 3600  # dark
HOUR_S = 3600


@cache
def run(power: str) -> World:
    world = World(town(4, 1), town_life.plan(), None, (), 1, EVENING, Options(power=power, reading_s=60))
    world.run_s(HOUR_S)
    return world


def used_mwh(world: World) -> list[int]:
    return world.recording().energy_mwh.tolist()


def test_drivers_draw_by_their_own_curve_each_a_little_different() -> None:
    for name, plain, driver in zip(
        run("driver").posts, used_mwh(run("estimate")), used_mwh(run("driver")), strict=True
    ):
        rated_mw = run("driver").town.lamp(name).site.luminaire.rated_mw
        assert 0.2 * rated_mw < plain < 0.25 * rated_mw
        assert 0.8 * plain < driver < plain, "at a fifth of the light their standby is in the 82 % of their efficiency"
    assert len(set(used_mwh(run("driver")))) == 4


def test_posts_with_meters_know_what_drivers_draw_and_others_estimate() -> None:
    assert used_mwh(run("metered")) == used_mwh(run("driver"))
    for name, mwh, plain in zip(run("metered").posts, used_mwh(run("metered")), used_mwh(run("estimate")), strict=True):
        post = run("metered").posts[name].post
        assert post is not None
        assert post.meter.energy_mwh == pytest.approx(mwh, rel=0.02)  # a class 1 meter, and 0.1 W
        guess = run("driver").posts[name].post
        assert guess is not None
        assert guess.meter.energy_mwh == pytest.approx(
            plain, rel=0.08
        )  # it looks at the end of a fade only when it is woken


@pytest.mark.parametrize("power", ["estimate", "driver"])
def test_what_is_off_draws_nothing_and_dark_posts_their_standby(power: str) -> None:
    noon = World(town(4, 1), town_life.plan(), None, (), 1, START_UTC_S, Options(power=power))
    first = next(iter(noon.posts.values()))
    noon.run_s(HOUR_S)
    first.power_off()
    noon.run_s(HOUR_S)
    first.power_on()
    noon.run_s(HOUR_S)
    off, *others = used_mwh(noon)
    standby_mw = noon.town.lamps[0].site.luminaire.standby_mw
    assert off == pytest.approx(2 * standby_mw, abs=60)  # a second of light before the time is known
    assert all(mwh == pytest.approx(3 * standby_mw, abs=60) for mwh in others)


def test_a_scenario_asks_for_it(tmp_path) -> None:
    source = load("park-at-night").path
    text = source.read_text(encoding="utf-8")
    (tmp_path / f"{source.stem}.json").write_bytes(source.with_suffix(".json").read_bytes())
    file = tmp_path / "mine.toml"
    file.write_text(text + '\n[luminaires]\npower = "metered"\n', encoding="utf-8")
    assert load(file).shortened(0.01).world().options.power == "metered"
    file.write_text(text + '\n[luminaires]\npower = "metred"\n', encoding="utf-8")
    with pytest.raises(ScenarioError, match="luminaires"):
        load(file)


def bright(power: str, air_c: float) -> World:
    """Full light all night, three hours from the evening on."""
    plan = town_life.plan()
    plan["controlPrograms"][0] |= {"level": 100, "switchPoints": []}
    world = World(town(4, 1), plan, None, (), 1, EVENING, Options(power=power, air_c=air_c, reading_s=60))
    world.run_s(3 * HOUR_S)
    return world


def test_a_driver_in_hot_air_is_too_warm_and_its_post_gives_less_light() -> None:
    hot = bright("thermal", 45.0)
    assert hot.heat is not None
    for name, post in hot.posts.items():
        assert post.post is not None
        assert 80 < hot.heat.temperature_c(post.index) < 87, "near the limit, where less light is less heat"
        assert abs(post.post.temp_dc / 10 - hot.heat.temperature_c(post.index)) <= STEP_C + 0.1
        assert 500 < hot.shown_pm(name) < 1000
        assert post.post.decision.layer == PROTECTION


def test_a_driver_in_cool_air_settles_and_is_left_alone() -> None:
    cool = bright("thermal", 10.0)
    assert cool.heat is not None
    for name, post in cool.posts.items():
        settled_c = cool.heat._models[post.index].settled_c(1000, 10.0)
        assert settled_c - 2 * STEP_C < cool.heat.temperature_c(post.index) < settled_c < 60
        assert cool.shown_pm(name) == 1000
    assert used_mwh(cool) == used_mwh(bright("metered", 10.0)), "warmth alone changes nothing"


def test_a_dark_lamp_cools_down() -> None:
    world = bright("thermal", 10.0)
    assert world.heat is not None
    first = next(iter(world.posts.values()))
    warm_c = world.heat.temperature_c(first.index)
    first.power_off()
    world.run_s(HOUR_S)
    assert 10 < world.heat.temperature_c(first.index) < 10 + (warm_c - 10) / 4, "an hour is 1.5 time constants"
