"""The checker: whole small streets, the same twice; a broken promise is found, made smaller, and shown again."""

import json
import shlex

import pytest
from click.testing import CliRunner

from lamppost.wire.frame import header, pack
from lampsim.check.broken import Broken
from lampsim.check.command import check, replay_command
from lampsim.check.run import Case, Outcome, drawn, play
from lampsim.check.shrink import shrink
from lampsim.check.witness.overheard import Ear
from lampsim.check.witness.promises import Witness
from lampsim.check.world.street import Street
from lampsim.check.worlds import draw
from lampsim.faults import loads
from lampsim.faults.lamp import ResetStorm
from lampsim.faults.posts import PowerCut
from lampsim.faults.sensors import ChatteringSensor

SMALL = (262, 389)  # worlds of four to six posts and a few minutes


@pytest.mark.parametrize("seed", SMALL)
def test_the_promises_hold_and_a_case_replays(seed):
    outcome = play(drawn(seed))
    assert outcome.text == ""
    assert outcome.looks > 100
    assert play(drawn(seed)) == outcome


@pytest.mark.parametrize(
    "case",
    [  # an order that is told again to a post that starts anew; a short ramp within a long one, with somebody about
        Case(218, (ResetStorm(14.165, 409.907, "p08", 40.0),)),
        Case(37, (ChatteringSensor(0.0, 283.6, "p08", 20.0, 0.1),), 11, 2.66),
    ],
    ids=["order told again", "ramp in a ramp"],
)
def test_what_once_broke_a_promise_holds(case):
    assert play(case).text == ""


def test_a_lamp_that_is_turned_down_behind_its_back_is_seen():
    witness = Witness()
    street = Street(draw(127), [], witness)
    dim = lambda: street.posts["p02"].post.dimmer.go(0, 0, street.posts["p02"].ran_ms())  # noqa: E731 - a callback
    street.loop.at(3_000_000, dim)  # before it has a plan: full output
    with pytest.raises(Broken) as broken:
        street.run()
    assert (broken.value.promise, broken.value.who) == (1, "p02")


def test_an_item_that_is_lost_is_missed():
    street = Street(draw(127), [], Witness())
    street.loop.at(20_000_000, lambda: street.cabinet.database.connection.execute("DELETE FROM outbox"))
    street.loop.at(20_000_000, lambda: setattr(street.cabinet.centre, "broker", True))
    street.cabinet.centre.broker = False
    with pytest.raises(Broken) as broken:
        street.run()
    assert broken.value.promise == 3


def test_shrinking_keeps_only_what_matters():
    guilty = PowerCut(50.0, 8.0, "p02")
    case = drawn(127)._replace(faults=(*drawn(262).faults, guilty))

    def fake(tried: Case) -> Outcome:
        bad = any(isinstance(one, PowerCut) and one.post == "p02" for one in tried.faults)
        return Outcome(tried.seed, len(tried.spec().sites), 1.0, 1, 3 if bad else 0, "")

    small, outcome, plays = shrink(case, fake(case), fake)
    assert outcome.promise == 3
    assert [type(one) for one in small.faults] == [PowerCut]
    assert small.posts == 2
    assert plays <= 80


def test_the_replay_command_is_the_case():
    case = drawn(262)._replace(posts=3, minutes=1.5)
    words = shlex.split(replay_command(case))
    assert words[:4] == ["lampsim", "check", "--seed", "262"]
    assert tuple(loads(words[5])) == case.faults
    assert words[6:] == ["--posts", "3", "--run-minutes", "1.5"]


def test_the_command_prints_its_figures():
    result = CliRunner().invoke(check, ["--seeds", "262,389", "--jobs", "1", "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.output)
    assert figures["seeds"] == 2
    assert figures["broken_promises"] == 0
    assert figures["post_hours"] > 0.5


@pytest.mark.parametrize("words", ["--seeds 5-2", "--faults []", "--seed 1 --faults [1]", "--seed 1 --posts 1"])
def test_wrong_input_is_a_usage_error(words):
    assert CliRunner().invoke(check, words.split()).exit_code == 2


def test_the_ear_hears_what_the_product_says():
    data = pack(header(255, 3, 0x12, 9) + bytes([0x66, 7]), b"12345678")
    (frame,) = Ear().hear(data)
    assert (frame.dst, frame.src, frame.kind, frame.counter, frame.origin) == (255, 3, 0x12, 9 << 8, (3, 2))
    assert frame.values() == [1, 2, 70, 0]
    data = pack(header(255, 3, 0x13, 9) + bytes([0, 1, 0, 0, 2]), b"12345678")
    (frame,) = Ear().hear(data)
    assert (frame.dst, frame.src, frame.kind, frame.counter, frame.origin) == (255, 3, 0x13, 9, (3, 0))
    damaged = data[:5] + bytes([data[5] ^ 1]) + data[6:]
    assert Ear().hear(damaged) == []
