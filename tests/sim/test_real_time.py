"""A packaged scenario on ptys: real posts, gateway, broker and plan command, and every reading counted."""

import asyncio
from dataclasses import replace

import pytest
from click.testing import CliRunner

from lamplighter.plans.document import load_value
from lampsim.cli import main
from lampsim.real_time import POSTS_MAX, Part, lines, play, report
from lampsim.scenario import load, packaged
from lampsim.street import Options

POSTS, SECONDS = 5, 18
PAST_S = 15  # soon the walker is beside a lamp that has another near it


@pytest.mark.system
@pytest.mark.slow
def test_five_posts_of_a_park_lose_nothing() -> None:
    part = Part.of(load("park-at-night"), posts=POSTS)
    part = replace(part, begin_s=part.begin_s + PAST_S)
    outcome = asyncio.run(play(part, SECONDS, Options(micropython=1)))
    found = report(part, outcome)
    assert outcome.held, outcome.faults
    assert (found["posts"], found["of_posts"]) == (POSTS, 120)
    assert [plan["applied"] for plan in found["plans"]] == [POSTS]
    items = found["items"]
    assert items["made"] == items["received"] > POSTS
    assert items["lost"] == items["duplicated"] == 0
    assert found["waves"]["waves"] > 0  # somebody was seen beside a lamp that was not full
    assert lines(outcome)[-1] == "nothing was lost"


@pytest.mark.parametrize("name", sorted(packaged()))
def test_the_part_of_every_packaged_scenario_has_a_plan(name: str) -> None:
    part = Part.of(load(name), from_h=0.5)
    assert 0 < len(part.lamps) <= POSTS_MAX
    here = {lamp.id for lamp in part.lamps}
    for group in load_value(part.plan(), name).groups:
        assert group.posts is None or (group.posts and here.issuperset(group.posts))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--real-time",), "give one with --scenario"),
        (("--real-time", "--scenario", "festival", "--hours", "1", "--save", "x"), "--hours, --save: only in virtual"),
        (("--real-time", "--scenario", "festival", "--broker", "host:port"), "give HOST or HOST:PORT"),
        (("--real-time", "--scenario", "festival", "--from", "99"), "lasts 4 hours"),
        (("--real-time", "--scenario", "festivall"), "did you mean 'festival'?"),
        (("--scenario", "festival", "--seconds", "5"), "--seconds: only with --real-time"),
    ],
)
def test_bad_input_is_one_line(words: tuple[str, ...], text: str) -> None:
    result = CliRunner().invoke(main, ["run", *words])
    assert result.exit_code == 2
    assert text in result.output
