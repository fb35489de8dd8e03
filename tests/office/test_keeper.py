"""The centre's memory of what is desired: told again until reported, and never more than that."""

import asyncio
import json

import aiomqtt
import pytest

from lamplighter.office import cli_keep
from lamplighter.office.keeper import AGAIN_MS, DESIRED_MAX, KEPT_MAX, Keeper
from lamplighter.office.target import Target

ONLINE = {"v": 1, "online": True}


def plan(name: str) -> bytes:
    return json.dumps({"v": 1, "hash": name, "plan": {}}).encode()


def publish(keeper: Keeper, gateway: str, what: str, payload: bytes) -> bool:
    """As cli_keep does; whether it was new."""
    new = keeper.is_new(gateway, what, payload)
    if new:
        keeper.desired(gateway, what, payload)
    return new


def test_a_gateway_that_was_away_is_told_with_its_first_sign_of_life() -> None:
    keeper = Keeper()
    assert publish(keeper, "gw1", "plans", plan("a"))
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
    publish(keeper, "gw1", "plans", plan("a"))
    keeper.reported("gw1", "plans", {"desired": "a", "accepted": True})
    assert publish(keeper, "gw1", "plans", plan("b"))
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
    publish(keeper, "gw1", what, plan("a"))
    keeper.reported("gw1", what, report)
    assert keeper.status("gw1", ONLINE, 0) == []


def test_its_own_words_and_what_no_gateway_would_take_are_nothing_new() -> None:
    keeper = Keeper()
    assert publish(keeper, "gw1", "plans", plan("a"))
    for payload in (plan("a"), b"", b"no JSON", b"[]", b'{"hash":7}', plan("b").ljust(DESIRED_MAX + 1)):
        assert not publish(keeper, "gw1", "plans", payload)
    assert keeper.status("gw1", ONLINE, 0) == [("plans", plan("a"))]


def test_what_is_kept_is_bounded_and_what_is_known_may_still_change() -> None:
    keeper = Keeper(((f"gw{n}", "plans"), plan("a")) for n in range(KEPT_MAX))
    assert not publish(keeper, "one-more", "plans", plan("a"))
    assert publish(keeper, "gw1", "plans", plan("b"))


def test_what_was_kept_outlives_a_restart(tmp_path) -> None:
    for key, payload in ((("gw1", "plans"), plan("a")), (("gw1", "groups"), plan("g")), (("gw1", "plans"), plan("b"))):
        cli_keep.write(tmp_path, key, payload)
    (tmp_path / "gw1" / ".plans.0badcafe").write_bytes(b"half of it")
    assert dict(cli_keep.read(tmp_path)) == {("gw1", "groups"): plan("g"), ("gw1", "plans"): plan("b")}


@pytest.mark.system
async def test_what_cannot_be_stored_stays_at_the_broker_until_it_can(tmp_path, mosquitto, monkeypatch, caplog) -> None:
    monkeypatch.setattr(cli_keep, "AGAIN_S", 0.05)
    monkeypatch.setattr(cli_keep, "AGAIN_MAX_S", 0.2)
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "gw1").write_text("where its folder should be")
    target = Target(*mosquitto, "lamplighter", "lln", "")
    running = asyncio.create_task(cli_keep.run(folder, target, Keeper()))

    async def until(condition) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.01)

    try:
        with caplog.at_level("INFO", "lamplighter.keeper"):
            await until(lambda: "keeping what is desired" in caplog.text)
            async with aiomqtt.Client(*mosquitto) as office:
                await office.publish("lamplighter/lln/gw1/desired/plans", plan("a"), qos=1)
            await until(lambda: caplog.text.count("keeping what is desired") >= 4)
            assert caplog.text.count("plans of gateway gw1 cannot be stored: File exists; trying again") == 1, (
                "said once"
            )
            (folder / "gw1").unlink()
            await until(lambda: "plans of gateway gw1 are kept" in caplog.text)
        assert dict(cli_keep.read(folder)) == {("gw1", "plans"): plan("a")}
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
