"""The preview shows what the post's engine does: every change, none missed, none invented."""

import datetime
import json
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamplighter.plans.document import PlanFileError, load, load_value
from lamplighter.plans.preview import plan_at, post_of_group, preview, target
from lamppost.light import dates

EXAMPLES = resources.files("lamplighter.plans") / "examples"
PLACE = (50_669_300, 4_615_000)


def example(name: str):
    return load((EXAMPLES / name).read_bytes(), name)


def shown(name: str, group: str, first: datetime.date, nights: int = 1):
    document = example(name)
    found = preview(document, *PLACE, first, nights, post_of_group(document, group))
    return [[(dates.text(c.utc_s), c.level_pm, c.reason) for c in night] for night in found]


def test_part_night_over_the_end_of_summer_time():
    night = shown("street-part-night.json", "street", datetime.date(2026, 10, 25))[0]
    times = [text[11:16] for text, _, _ in night]
    assert [level for _, level, _ in night] == [800, 500, 0, 600, 0]
    assert times[1:4] == ["21:00", "23:30", "04:00"]  # 22:00, 00:30 and 05:00 in winter time again


def test_a_scene_is_there_while_it_lasts():
    night = shown("event-square.json", "square", datetime.date(2026, 6, 20))[0]
    assert night[0] == ("2026-06-20T19:30:00Z", 1000, "fete-de-la-musique: set 100 %")
    assert night[1][:2] == ("2026-06-21T00:00:00Z", 800)


def test_a_cap_lowers_and_a_raise_raises():
    cinema = shown("event-square.json", "square", datetime.date(2026, 8, 14))[0]
    assert ("2026-08-14T19:45:00Z", 200, "open-air-cinema: cap 20 %") in cinema
    velo = shown("event-square.json", "approach", datetime.date(2026, 10, 21))[0]
    assert velo[0] == ("2026-10-21T11:00:00Z", 900, "24h-velo: raise 90 %")


def test_nights_follow_each_other():
    nights = shown("park-presence.json", "park", datetime.date(2026, 12, 30), 3)
    assert len(nights) == 3
    assert [night[-1][1] for night in nights] == [0, 0, 0]
    assert nights[2][0][0].startswith("2027-01-01T15:")


@pytest.mark.parametrize("name", ["street-part-night.json", "park-presence.json", "event-square.json"])
@settings(max_examples=8, deadline=None)
@given(first=st.dates(datetime.date(2020, 1, 1), datetime.date(2090, 12, 28)), minute=st.integers(0, 3 * 1440 - 1))
def test_the_last_change_before_a_moment_is_its_level(name, first, minute):
    """Asking the engine at any one moment gives what the list of changes says."""
    document = example(name)
    for group in document.groups:
        post = post_of_group(document, group.id)
        plan = plan_at(document, *PLACE, post)
        noon = plan.tz.utc_s((first - datetime.date(2000, 1, 1)).days * 86400 + 43200)
        at = noon + minute * 60
        before = [c for night in preview(document, *PLACE, first, 4, post) for c in night if c.utc_s <= at]
        level = before[-1].level_pm if before else 0
        assert target(plan_at(document, *PLACE, post), at)[0] == level


def test_a_lamp_that_burns_at_noon_is_shown_from_the_start():
    plan = json.loads((EXAMPLES / "park-presence.json").read_bytes())
    plan["controlPrograms"][0]["activePeriods"] = [{"start": "12:00", "end": "11:59"}]
    document = load_value(plan)
    nights = preview(document, *PLACE, datetime.date(2026, 6, 20), 2, "p01")
    assert dates.text(nights[0][0].utc_s) == "2026-06-20T10:00:00Z"
    assert [c.level_pm for c in nights[1]][-1] == 0


def test_polar_day_and_night():
    document = example("park-presence.json")
    north = (78_220_000, 15_640_000)
    summer = preview(document, *north, datetime.date(2026, 6, 20), 2, "p01")
    assert summer == [[], []]
    winter = preview(document, *north, datetime.date(2026, 12, 20), 2, "p01")
    assert min(c.level_pm for night in winter for c in night) >= 0
    assert [len(night) > 0 for night in winter] == [True, True]


def test_a_group_that_no_post_follows_says_so():
    document = example("street-part-night.json")
    assert post_of_group(document, "crossing") == "p09"
    with pytest.raises(PlanFileError, match=r'no group is named "crosing"; did you mean "crossing"\?'):
        post_of_group(document, "crosing")
    plan = json.loads((EXAMPLES / "street-part-night.json").read_bytes())
    plan["groups"].append({"id": "everyone", "posts": "all", "calendar": "crossings"})
    with pytest.raises(PlanFileError, match='no post follows the group "crossing"'):
        post_of_group(load_value(plan), "crossing")


def test_bounds():
    with pytest.raises(ValueError, match="nights"):
        preview(example("park-presence.json"), *PLACE, datetime.date(2026, 1, 1), 0, "p01")
