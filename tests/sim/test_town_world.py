"""What surrounds posts: sun and weather, sensors, luminaires, mains."""

import itertools
import math

import pytest

from lamppost.light import dates, sun
from lampsim.town.chance import uniform
from lampsim.town.generate import town
from lampsim.town.luminaire import LuminaireModel, efficiency, vary
from lampsim.town.mains import Mains, MainsEvent, outage, switched
from lampsim.town.model import TownError, TownLamp
from lampsim.town.sensors import Edge, SensorModel, Sensors
from lampsim.town.sky import Sky, clear_lux, sun_altitude_deg
from lampsim.traffic.model import User

LLN = 50.6693, 4.6150
JUNE = dates.day_of(2026, 6, 21)


# --- sky


@pytest.mark.parametrize("place", [LLN, (-33.9, 18.4), (65.0, 25.5), (0.0, -78.5)])
@pytest.mark.parametrize("month", [1, 4, 7, 10])
def test_the_suns_altitude_agrees_with_the_posts_own_sun(place, month):
    lat, lon = place
    times = sun.times(dates.day_of(2026, month, 15), round(lat * 1e6), round(lon * 1e6))
    for utc_s, altitude_deg in zip(times, (-6, -0.8333, -0.8333, -6), strict=True):
        if utc_s is not None:
            assert sun_altitude_deg(utc_s, lat, lon) == pytest.approx(altitude_deg, abs=0.02)


def test_lux_of_the_almanac():
    assert clear_lux(90) == pytest.approx(129_000, rel=0.01)
    assert 380 < clear_lux(-0.8333) < 480
    assert 3 < clear_lux(-6) < 4
    assert clear_lux(-40) < 0.001
    heights = [clear_lux(altitude / 10) for altitude in range(-180, 900)]
    assert all(a < b * 1.01 for a, b in itertools.pairwise(heights))  # it joins without steps


def test_weather_is_the_same_whenever_one_asks_and_another_by_another_seed():
    sky, again, other = Sky(*LLN, seed=3), Sky(*LLN, seed=3), Sky(*LLN, seed=4)
    hours = [JUNE * 86400 + 3600 * hour for hour in range(1000)]
    weather = [sky.weather(hour).name for hour in hours]
    assert weather == [again.weather(hour).name for hour in reversed(hours)][::-1]
    assert weather != [other.weather(hour).name for hour in hours]
    spells = [len(list(group)) for _, group in itertools.groupby(weather)]
    assert 4 < sum(spells) / len(spells) < 12  # it lasts for hours
    assert set(weather) == {"clear", "cloudy", "overcast", "rain", "storm"}
    assert Sky(*LLN, weather="storm").rain_mm_h(hours[0]) == 12
    with pytest.raises(ValueError, match="one of clear"):
        Sky(*LLN, weather="hail")


def test_changes_of_light_are_few_by_night_and_never_far_apart_at_dusk():
    sky = Sky(*LLN, weather="clear")
    sunset = sun.times(JUNE, 50_669_300, 4_615_000)[2]
    changes = list(sky.changes(sunset - 3600, sunset + 7200))
    crossing = next(utc_s for utc_s, lux in changes if lux < 35)
    assert 35 > sky.lux(crossing) > 25
    assert len(list(sky.changes(sunset + 7200, sunset + 10_800))) == 1
    summer, winter = (sky.temperature_c(dates.day_of(2026, month, 15) * 86400 + 54_000) for month in (7, 1))
    assert summer > winter + 8


# --- sensors


def lamp(name, x_m, y_m):
    return TownLamp(name, 50.0, 4.0, x_m, y_m)


def at(x_m, y_m=0.0, kind="pedestrian", name="u"):
    return User(name, kind, x_m, y_m, 1.4, 90.0)


ROW = [lamp(f"p{i}", 30.0 * i, 0.0) for i in range(40)]
SURE = SensorModel(detection=1.0)


def test_a_sensor_sees_within_its_range_and_lets_go_after_its_hold():
    sensors = Sensors(ROW, SURE, seed=1)
    (edge,) = sensors.step([at(0, 11.9)], 5)
    assert (edge.lamp, edge.active, edge.user_class, edge.t_ms // 1000) == (0, True, 0, 5)
    assert sensors.step([at(0, 11.9)], 6) == []
    assert sensors.step([at(0, 12.1)], 7) == []
    assert sensors.next_due_s == 8
    assert sensors.step([], 8) == [Edge(8000, 0, False, 0)]
    assert sensors.next_due_s is None


def test_the_fastest_class_is_told_and_a_faster_one_again():
    sensors = Sensors(ROW, SURE)
    assert [e.user_class for e in sensors.step([at(30), at(31, kind="cyclist", name="b")], 1)] == [1]
    assert [e.user_class for e in sensors.step([at(30, kind="car")], 2)] == [2]
    assert sensors.step([at(30)], 3) == []


def test_misses_are_as_many_as_they_should_be_and_never_depend_on_who_asks():
    model = SensorModel(detection=0.95)

    def seen(seed, seconds):
        found = []
        for t_s in seconds:
            sensors = Sensors(ROW, model, seed)
            found.append({edge.lamp for edge in sensors.step([at(30.0 * i, name=f"u{i}") for i in range(40)], t_s)})
        return found

    whole = seen(1, range(100))
    assert sum(map(len, whole)) / 4000 == pytest.approx(0.95, abs=0.015)
    assert seen(1, range(99, -1, -1)) == whole[::-1]
    assert seen(2, range(100)) != whole


def test_a_field_of_view_leaves_out_what_is_behind():
    sensors = Sensors(ROW[:1], SensorModel(field_deg=120, bearing_deg=90))
    assert sensors.in_sight(8, 0) == [0]
    assert sensors.in_sight(5, 8) == [0]  # 32 degrees off north is 58 off east
    assert sensors.in_sight(4, 8) == []
    assert sensors.in_sight(-8, 0) == []


def test_false_alarms_come_at_their_rate_and_end():
    sensors = Sensors(ROW, SensorModel(false_per_h=2), seed=7)
    edges = []
    while (due := sensors.next_due_s) is not None and due < 36_000:
        edges += sensors.step([], due)
    on = [edge for edge in edges if edge.active]
    assert len(on) == pytest.approx(2 * 10 * 40, rel=0.12)
    assert len(edges) - 2 * len(on) in (0, -1, -2)
    again = Sensors(ROW, SensorModel(false_per_h=2), seed=7)
    assert again.step([], 36_000)[: len(edges)] == edges  # one leap tells the same as stepping
    assert edges == sorted(edges)


def test_rain_and_a_low_sun_blind_it():
    model = SensorModel(detection=0.9, blind_by_rain=0.5, blind_by_sun=0.8)
    weather = {0: (0.0, -20.0), 1: (5.0, -20.0), 2: (20.0, 5.0)}
    sensors = Sensors(ROW, model, conditions=weather.__getitem__)
    assert [sensors.chance(t_s) for t_s in weather] == pytest.approx([0.9, 0.675, 0.09])


@pytest.mark.parametrize("bad", [{"range_m": 0}, {"detection": 1.2}, {"field_deg": 0}, {"hold_s": 0}])
def test_a_sensor_that_cannot_be(bad):
    with pytest.raises(ValueError, match="sensor's"):
        SensorModel(**bad)


def test_chance_is_even():
    draws = [uniform(9, i) for i in range(20_000)]
    assert sum(draws) / len(draws) == pytest.approx(0.5, abs=0.01)
    assert all(0 <= draw < 1 for draw in draws)
    assert uniform(1, 2) != uniform(2, 1)


# --- luminaires


def test_power_is_rated_at_full_standby_at_off_and_rises_between():
    model = LuminaireModel(rated_w=80)
    assert model.power_w(1000) == pytest.approx(80)
    assert model.power_w(0) == 0.5
    watts = [model.power_w(level) for level in range(1001)]
    assert all(a <= b for a, b in itertools.pairwise(watts))
    assert 38 < model.power_w(500) < 42  # the driver loses what the cooler LED gains
    assert model.power_w(50) > 0.05 * 80  # at a low level the driver's losses count
    assert efficiency(0) < efficiency(0.1) < efficiency(1)


def test_it_warms_and_cools_by_a_formula_that_may_leap():
    model = LuminaireModel()
    once = model.temperature_c(20, 1000, 15, 7200)
    twice = model.temperature_c(model.temperature_c(20, 1000, 15, 1000), 1000, 15, 6200)
    assert once == pytest.approx(twice)
    assert model.temperature_c(20, 1000, 15, 1e6) == pytest.approx(15 + model.rise_c)
    when = model.reaches_in_s(20, 50, 1000, 15)
    assert when is not None
    assert model.temperature_c(20, 1000, 15, when) == pytest.approx(50)
    assert model.reaches_in_s(20, 60, 1000, 15) is None  # it settles at 57
    assert model.reaches_in_s(20, 10, 1000, 15) is None


def test_it_ages_and_its_meter_errs_a_little():
    assert LuminaireModel().light_left(100_000) == pytest.approx(0.8)
    assert LuminaireModel().light_left(0) == 1
    some = [vary(LuminaireModel(), 1, f"p{i}") for i in range(200)]
    assert some[0] == vary(LuminaireModel(), 1, "p0") != vary(LuminaireModel(), 2, "p0")
    errors = [one.metered_mw(1000) / 1000 / one.power_w(1000) - 1 for one in some]
    assert max(map(abs, errors)) < 0.013
    assert abs(sum(errors) / len(errors)) < 0.002
    assert max(one.rated_w for one in some) < 82.5


# --- mains


def test_an_outage_a_brown_out_and_what_a_feeder_has_when():
    made = town(96, feeder_posts=24)
    mains = Mains(made, [*outage("feeder1", 100, 50), *outage("feeder0", 120, 5, volts=185)])
    assert [(event.t_s, event.feeder, event.on) for event in mains.events] == [
        (100, "feeder1", False), (120, "feeder0", True), (125, "feeder0", True), (150, "feeder1", True),
    ]  # fmt: skip
    assert [mains.volts("feeder1", t_s) for t_s in (0, 99, 100, 149, 150)] == [230, 230, 0, 0, 230]
    assert mains.volts("feeder0", 121) == 185
    assert 0 < len(mains.lamps("feeder1")) <= 24
    with pytest.raises(TownError, match="no feeder 'f9'; there are feeder0"):
        Mains(made, [MainsEvent(0, "f9")])
    with pytest.raises(TownError, match="give 0 to 400"):
        Mains(made, [MainsEvent(0, "feeder0", math.inf)])


def test_switched_feeders_follow_the_sun():
    noon = JUNE * 86400 + 43_200
    events = switched(["a", "b"], *LLN, noon, 2 * 86400)
    _, _, sunset, _ = sun.times(JUNE, 50_669_300, 4_615_000)
    _, sunrise, _, _ = sun.times(JUNE + 1, 50_669_300, 4_615_000)
    assert [(e.t_s, e.feeder, e.on) for e in events[:6]] == [
        (0, "a", False), (0, "b", False), (sunset - noon, "a", True), (sunset - noon, "b", True),
        (sunrise - noon, "a", False), (sunrise - noon, "b", False),
    ]  # fmt: skip
    assert len(events) == 10
    assert [event.on for event in switched(["a"], 75, 20, noon, 86400)] == [False]  # midnight sun
    assert {event.on for event in switched(["a"], -75, 20, noon, 86400)} == {True}  # and winter on the other side
