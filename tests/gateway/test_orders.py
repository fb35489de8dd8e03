"""A post that has started anew is told again what it was ordered, as long as that holds, and nothing else is."""

import json

import pytest

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.procedures import Outcome
from lamplighter.gateway.wanted import commands
from lamplighter.gateway.wanted.orders import KEPT_MAX, Order, Orders
from lamppost.light.layers import EMERGENCY, ENERGY, OPERATOR
from lamppost.light.program import CAP, RAISE, SET
from lamppost.wire import messages

NOW_S = 835_000_000
HOUR_S = 3600
HALF = Order(OPERATOR, SET, 500, NOW_S + HOUR_S, "market", 7)
FULL = Order(EMERGENCY, RAISE, 1000, NOW_S + 2 * HOUR_S, "accident", 8)


class Cabinet:
    """Its posts' answers wait in `asked`: (post, the COMMAND's values, expires_ms, then)."""

    def __init__(self):
        self.now_s = NOW_S
        self.asked = []
        self.orders = Orders(self)

    def utc_s(self):
        return self.now_s

    def ask(self, post, procedure, expires_ms, then, background=False):
        kind, values = next(procedure)
        assert kind == messages.COMMAND
        self.asked.append((post, values, expires_ms, then))

    def answer(self, value=None, error=""):
        *_, then = self.asked.pop(0)
        then(line.Result("x", 1, value, error))


@pytest.fixture
def cabinet():
    return Cabinet()


def test_a_post_that_started_anew_is_told_again_to_the_same_end(cabinet):
    """[X-7]"""
    cabinet.orders.taken("p01", HALF, 4)
    cabinet.orders.taken("p01", FULL, 4)
    cabinet.orders.taken("p02", HALF, 9)
    cabinet.now_s += 600
    cabinet.orders.online("p01", 5)
    assert [(post, values, wait_ms) for post, values, wait_ms, _ in cabinet.asked] == [
        ("p01", (7, messages.LEVEL, OPERATOR, SET, 500, NOW_S + HOUR_S, HOUR_S - 600, "market"), 3_000_000),
        (
            "p01", (8, messages.LEVEL, EMERGENCY, RAISE, 1000, NOW_S + 2 * HOUR_S, 2 * HOUR_S - 600, "accident"),
            6_600_000,
        ),
    ]  # fmt: skip


def test_a_post_that_was_only_away_is_not(cabinet):
    """[X-7]"""
    cabinet.orders.taken("p01", HALF, 4)
    cabinet.orders.online("p01", 4)
    assert cabinet.asked == []


def test_another_board_in_its_place_is_told_however_often_it_has_started(cabinet):
    cabinet.orders.taken("p01", HALF, 4)
    cabinet.orders.taken("p02", HALF, 4)
    cabinet.orders.another("p01")
    cabinet.orders.online("p01", 4)
    cabinet.orders.online("p02", 4)
    assert [post for post, *_ in cabinet.asked] == ["p01"]
    cabinet.answer()
    cabinet.orders.online("p01", 4)
    assert cabinet.asked == []


def test_once_it_has_taken_it_again_it_is_not_told_a_third_time(cabinet):
    cabinet.orders.taken("p01", HALF, 4)
    cabinet.orders.online("p01", 5)
    cabinet.answer(Outcome(True, ""))
    cabinet.orders.online("p01", 5)
    assert cabinet.asked == []
    cabinet.orders.online("p01", 6)
    assert len(cabinet.asked) == 1


def test_one_that_went_away_again_before_it_answered_is_told_when_it_is_back(cabinet):
    cabinet.orders.taken("p01", HALF, 4)
    cabinet.orders.online("p01", 5)
    cabinet.answer(error="does not answer")
    cabinet.orders.online("p01", 5)
    assert len(cabinet.asked) == 1


def test_what_is_over_or_ended_is_not_told(cabinet):
    cabinet.orders.taken("p01", HALF, 4)
    cabinet.orders.taken("p02", HALF, 4)
    cabinet.orders.ended("p01", OPERATOR)
    cabinet.orders.online("p01", 5)
    cabinet.now_s += HOUR_S
    cabinet.orders.online("p02", 5)
    assert cabinet.asked == []


def test_the_last_order_of_a_layer_counts_also_while_the_one_before_is_on_its_way(cabinet):
    later = HALF._replace(level_pm=300, number=9)
    cabinet.orders.taken("p01", HALF, 4)
    cabinet.orders.online("p01", 5)
    cabinet.orders.taken("p01", later, 5)
    cabinet.answer(Outcome(True, ""))
    cabinet.orders.online("p01", 6)
    assert [values[4] for _, values, _, _ in cabinet.asked] == [300]


def test_a_post_that_refuses_it_now_is_not_asked_for_ever(cabinet, caplog):
    cabinet.orders.taken("p01", HALF, 4)
    cabinet.orders.online("p01", 5)
    cabinet.answer(Outcome(False, "no such layer"))
    cabinet.orders.online("p01", 5)
    assert cabinet.asked == []
    assert "p01 does not take again what it was ordered: no such layer" in caplog.text


def test_it_is_kept_over_a_restart_of_the_gateway(cabinet):
    cabinet.orders.taken("p01", HALF, 4)
    cabinet.orders.taken("p03", FULL, 2)
    assert cabinet.orders.changed
    text = cabinet.orders.dump()
    assert not cabinet.orders.changed
    again = Cabinet()
    again.orders.load(text, {"p01", "p02"})
    again.orders.online("p01", 5)
    again.orders.online("p03", 5)  # which is no post of ours any more
    assert [(post, values[4]) for post, values, _, _ in again.asked] == [("p01", 500)]


@pytest.mark.parametrize("text", ["", None, "{", "[1]", '[["p01", 4, 6]]', "7"])
def test_what_cannot_be_read_does_not_stop_the_gateway(cabinet, text):
    cabinet.orders.load(text, {"p01"})
    cabinet.orders.online("p01", 5)
    assert cabinet.asked == []


def test_it_is_bounded_and_what_is_over_makes_room(cabinet):
    for number in range(KEPT_MAX + 5):
        cabinet.orders.taken(f"p{number}", HALF, 1)
    assert len(json.loads(cabinet.orders.dump())) == KEPT_MAX
    cabinet.now_s += HOUR_S
    cabinet.orders.taken("new", FULL, 1)
    assert [row[0] for row in json.loads(cabinet.orders.dump())] == ["new"]


def request(**fields):
    value = {"v": 1, "transaction": "t1", "expires": "2026-06-17T20:00:00Z", "all": True}
    return commands.read(json.dumps(value | fields).encode(), ["p01", "p02"], {}, NOW_S)


def test_the_requests_that_are_levels():
    order = request(command="override", level_percent=40, for_s=60, reason="market").order("p01", NOW_S)
    assert order is not None
    assert order[:5] == (OPERATOR, SET, 400, NOW_S + 60, "market")
    order = request(command="cap", level_percent=40, for_s=60).order("p01", NOW_S)
    assert order is not None
    assert order[:3] == (ENERGY, CAP, 400)
    for fields, level_pm in (({}, 1000), ({"level_percent": 80}, 800)):
        order = request(command="emergency", for_s=60, **fields).order("p02", NOW_S)
        assert order is not None
        assert order[:3] == (EMERGENCY, RAISE, level_pm)
    assert request(command="clear").order("p01", NOW_S) is None
    assert request(command="clear", layer="emergency").layer == EMERGENCY


@pytest.mark.parametrize(
    "fields", [{}, {"for_s": 0}, {"for_s": 604801}, {"for_s": 60, "level_percent": 101}, {"for_s": 60, "reason": "\n"}]
)
def test_an_emergency_must_expire_and_is_checked(fields):
    with pytest.raises(commands.RequestError):
        request(command="emergency", **fields)


@pytest.mark.parametrize("layer", ["plan", "protection", 8, ["emergency"], None])
def test_other_layers_cannot_be_cleared(layer):
    with pytest.raises(commands.RequestError):
        request(command="clear", layer=layer)
