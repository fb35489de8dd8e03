"""EN 13201-5 indicators against examples worked by hand."""

import pytest

from lampsim.report.en13201 import Area, State, annual_consumption, power_density


def test_power_density_of_a_street_with_footpaths() -> None:
    # One span: luminaire 50 W with 1 W of control. Carriageway 30 m x 7 m at 10 lx, two footpaths 30 m x 2 m at 5 lx:
    # 51 / (10 * 210 + 5 * 60 + 5 * 60) = 51 / 2700 = 0.018889 W/(lx m2)
    areas = [Area("road", 10, 210), Area("left", 5, 60), Area("right", 5, 60)]
    assert power_density(51, areas) == pytest.approx(0.0188889, rel=1e-5)


def test_annual_consumption_with_dimming_presence_and_standby() -> None:
    # The same span: full 51 W for 1500 h, half light 27 W for 2000 h, presence raises it to 51 W in 500 h more,
    # standby 1 W in the other 4760 h: (76500 + 54000 + 25500 + 4760) / 330 m2 = 160760 / 330 = 487.15 Wh/m2
    states = [State("full", 51, 1500), State("dimmed", 27, 2000), State("presence", 51, 500), State("standby", 1, 4760)]
    assert annual_consumption(states, 330) == pytest.approx(487.1515, rel=1e-6)
    assert [s.energy_wh for s in states] == [76500, 54000, 25500, 4760]


def test_a_year_must_be_whole() -> None:
    with pytest.raises(ValueError, match="standby included"):
        annual_consumption([State("full", 51, 4000)], 330)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Area("road", 0, 10),
        lambda: Area("road", 10, 0),
        lambda: Area("road", float("nan"), 10),
        lambda: State("full", -1, 10),
        lambda: State("full", 1, 9000),
        lambda: power_density(50, []),
        lambda: annual_consumption([State("standby", 1, 8760)], 0),
    ],
)
def test_what_cannot_be(make) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
        make()
