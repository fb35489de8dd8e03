"""Firmware for a whole line on the checker's street, with strangers who spoil it: what must hold, and that it can
break."""

from dataclasses import replace

import pytest

from lamplighter.gateway.wanted.firmware import Rollout
from lampsim.check.broken import Broken
from lampsim.check.run import drawn, play
from lampsim.check.witness.promises import Witness
from lampsim.check.world.firmware import DELIVERED, GOOD
from lampsim.check.world.street import Street
from lampsim.check.worlds import draw
from lampsim.faults.cabinet import GatewayDeath
from lampsim.faults.casts import Cast, HostileBlocks, WithdrawnCast
from lampsim.faults.posts import FeederCut

SEED = 127  # six posts on one line, and some three minutes
FIRST = 15  # the version of the first image that goes to a line
MIXED = (14, 27)  # small seeds that draw several of these faults


OPEN: list[Street] = []


@pytest.fixture(autouse=True)
def closed():
    yield
    while OPEN:
        OPEN.pop().close()


def street(*faults, baud: int = 115200) -> Street:
    OPEN.append(Street(replace(draw(SEED), baud=baud), faults, Witness()))
    return OPEN[-1]


def played(*faults, **more) -> Street:
    one = street(*faults, **more)
    one.run()
    return one


def versions(one: Street) -> list[int]:
    return [post.firmware.running for post in one.posts.values() if post.firmware is not None]


@pytest.mark.parametrize("seed", MIXED)
def test_the_promises_hold_with_all_of_them_and_a_case_replays(seed: int) -> None:
    outcome = play(drawn(seed))
    assert outcome.text == ""
    assert play(drawn(seed)) == outcome


def test_an_image_reaches_all_posts_and_is_reported() -> None:
    one = played(Cast(5.0, 0.0, "good"))
    assert versions(one) == [FIRST] * 6
    told = one.cabinet.casts._told
    assert {row["state"] for row in told["posts"].values()} == {"installed"}
    assert [image["version"] for image in told["images"].values()] == [FIRST]


@pytest.mark.parametrize("kind", ["dies", "deaf", "wrong-key", "flipped-bit", "downgrade", "wrong-board", "noise"])
def test_one_that_is_no_good_runs_nowhere_in_the_end(kind: str) -> None:
    one = played(Cast(5.0, 0.0, kind))
    assert versions(one) == [DELIVERED] * 6
    outcomes = [post.firmware.outcomes for post in one.posts.values() if post.firmware is not None]
    assert any(f"{kind}: installed" in said for said in outcomes) == (kind in GOOD)


def test_who_has_stolen_the_bus_key_installs_nothing_and_once_he_is_gone_all_have_it() -> None:
    one = played(Cast(5.0, 0.0, "good"), HostileBlocks(5.0, 80.0, "a", "stolen"), baud=9600)
    assert versions(one) == [FIRST] * 6
    spoilt = [post.firmware.outcomes for post in one.posts.values() if post.firmware is not None]
    assert any("good: the bytes that came are not those that were announced" in said for said in spoilt)


@pytest.mark.parametrize("kind", ["forged", "replay"])
def test_who_has_no_key_changes_nothing(kind: str) -> None:
    one = played(Cast(5.0, 0.0, "good"), HostileBlocks(5.0, 130.0, "a", kind))
    assert versions(one) == [FIRST] * 6
    for post in one.posts.values():
        assert post.firmware is not None
        assert post.firmware.outcomes == ["good: installed"]


def test_what_is_taken_back_in_time_is_installed_nowhere() -> None:
    one = played(Cast(5.0, 0.0, "good"), WithdrawnCast(9.0))
    assert versions(one) == [DELIVERED] * 6
    assert one.cabinet.casts._told["images"] == {}


def test_an_image_that_takes_the_place_of_another_reaches_all() -> None:
    one = played(Cast(5.0, 0.0, "good"), Cast(9.0, 0.0, "good"), FeederCut(12.0, 2.0, ("p01", "p02")))
    assert versions(one) == [FIRST + 10] * 6


def test_a_gateway_that_is_killed_goes_on_with_what_lies_on_its_disk() -> None:
    one = played(Cast(5.0, 0.0, "good"), GatewayDeath(9.0, 2.0), GatewayDeath(24.0, 1.0), baud=9600)
    assert versions(one) == [FIRST] * 6


# --- it can fail


def test_two_that_install_at_once_are_noticed() -> None:
    one = street(Cast(5.0, 0.0, "good"))

    def install() -> None:
        for name in ("p01", "p02"):
            one.cabinet.casts.installs(one.posts[name], FIRST)

    one.loop.at(6_000_000, install)
    with pytest.raises(Broken, match="install at once") as broken:
        one.run()
    assert broken.value.promise == 1


def test_a_gateway_that_forgets_an_image_is_noticed(monkeypatch) -> None:
    monkeypatch.setattr(Rollout, "tick", lambda rollout, now_ms: None)
    with pytest.raises(Broken, match="never came") as broken:
        played(Cast(5.0, 0.0, "good"))
    assert broken.value.promise == 3


def test_a_gateway_that_says_it_is_done_and_is_not_is_noticed(monkeypatch) -> None:
    original = Rollout.online

    def online(rollout, post, boots) -> None:
        original(rollout, post, boots)
        rollout._posts[post].state = "installed"

    monkeypatch.setattr(Rollout, "online", online)
    with pytest.raises(Broken, match="and does not") as broken:
        played(Cast(5.0, 0.0, "good"))
    assert broken.value.promise == 4


def test_blocks_that_leave_no_turn_are_noticed() -> None:
    one = street(Cast(8.55, 0.0, "good"))

    def greedy() -> None:
        casting = one.cabinet.pollers["a"]._casting
        casting.turn = lambda: bool(casting._left)  # type: ignore[method-assign]

    one.loop.at(6_000_000, greedy)
    with pytest.raises(Broken, match="block follows block") as broken:
        one.run()
    assert broken.value.promise == 3
