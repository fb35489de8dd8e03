"""The centre's memory of what is desired: told again until reported, and never more than that."""

import json

import pytest

from lamplighter.office import cli_keep
from lamplighter.office.keeper import AGAIN_MS, DESIRED_MAX, KEPT_MAX, Keeper

ONLINE = {"v": 1, "online": True}


def plan(name: str) -> bytes:
    return json.dumps({"v": 1, "hash": name, "plan": {}}).encode()


def test_a_gateway_that_was_away_is_told_with_its_first_sign_of_life() -> None:
    keeper = Keeper()
    assert keeper.desired("gw1", "plans", plan("a"))
    assert keeper.status("gw1", {"v": 1, "online": False}, 0) == []
    assert keeper.status("gw2", ONLINE, 0) == []
    assert keeper.status("gw1", ONLINE, 0) == [("plans", plan("a"))]


def test_it_is_told_again_until_it_reports_it() -> None:
    keeper = Keeper([(("gw1", "plans"), plan("a"))])
    assert keeper.status("gw1", ONLINE, 5) == [("plans", plan("a"))]
    assert keeper.status("gw1", ONLINE, 5 + AGAIN_MS - 1) == [], "it was told a moment ago"
    assert keeper.status("gw1", ONLINE, 5 + AGAIN_MS) == [("plans", plan("a"))]
    keeper.reported("gw1", "plans", {"desired": "a", "accepted": True})
    assert keeper.status("gw1", ONLINE, 10 * AGAIN_MS) == []


def test_a_gateway_that_reports_an_older_version_is_told_the_newest() -> None:
    keeper = Keeper()
    keeper.desired("gw1", "plans", plan("a"))
    keeper.reported("gw1", "plans", {"desired": "a", "accepted": True})
    assert keeper.desired("gw1", "plans", plan("b"))
    keeper.reported("gw1", "plans", {"desired": "a", "accepted": True})
    assert keeper.status("gw1", ONLINE, 0) == [("plans", plan("b"))]
    keeper.reported("gw1", "plans", {"desired": "b", "accepted": True})
    assert keeper.status("gw1", ONLINE, AGAIN_MS) == []
    keeper.reported("gw1", "plans", {"desired": None, "accepted": True})
    assert keeper.status("gw1", ONLINE, 2 * AGAIN_MS) == [("plans", plan("b"))], "its store was lost"


@pytest.mark.parametrize(
    ("what", "report"),
    [
        ("plans", {"desired": "a", "accepted": False, "error": "no"}),
        ("groups", {"hash": "before", "accepted": False, "error": "no"}),
        ("groups", {"hash": "a", "accepted": True}),
    ],
)
def test_what_is_taken_or_refused_is_not_told_again(what, report) -> None:
    keeper = Keeper()
    keeper.desired("gw1", what, plan("a"))
    keeper.reported("gw1", what, report)
    assert keeper.status("gw1", ONLINE, 0) == []


def test_its_own_words_and_what_no_gateway_would_take_are_nothing_new() -> None:
    keeper = Keeper()
    assert keeper.desired("gw1", "plans", plan("a"))
    for payload in (plan("a"), b"", b"no JSON", b"[]", b'{"hash":7}', plan("b").ljust(DESIRED_MAX + 1)):
        assert not keeper.desired("gw1", "plans", payload)
    assert keeper.status("gw1", ONLINE, 0) == [("plans", plan("a"))]


def test_what_is_kept_is_bounded_and_what_is_known_may_still_change() -> None:
    keeper = Keeper(((f"gw{n}", "plans"), plan("a")) for n in range(KEPT_MAX))
    assert not keeper.desired("one-more", "plans", plan("a"))
    assert keeper.desired("gw1", "plans", plan("b"))


def test_what_was_kept_outlives_a_restart(tmp_path) -> None:
    for key, payload in ((("gw1", "plans"), plan("a")), (("gw1", "groups"), plan("g")), (("gw1", "plans"), plan("b"))):
        cli_keep.write(tmp_path, key, payload)
    (tmp_path / "gw1" / ".plans.0badcafe").write_bytes(b"half of it")
    assert dict(cli_keep.read(tmp_path)) == {("gw1", "groups"): plan("g"), ("gw1", "plans"): plan("b")}
