"""A board loses its address while its keys are rolled over: it is found under whichever key it has, and ends with the
new ones; also where the gateway was killed at that moment and knows less than the board."""

import pytest
from rolling_street import FORGOTTEN_MS, RollingStreet
from street import BUS_KEY, post_key

from lamplighter.gateway.lines import line
from lamplighter.gateway.rollover.keyring import Keyring
from lamplighter.gateway.search.finding import ADOPTED, STAYS, UNPLACED, WRONG_KEY
from lamplighter.gateway.search.hunt import Hunt, Wanted

NAMES = {1: "p1", 2: "p2", 3: "p3"}
NEXT = 4  # the flag of a next post key in a board's record

MOMENTS = {
    "before anything": lambda street, lamp: True,
    "the next key was given": lambda street, lamp: (lamp.post.settings.get("rollover") or b"\0")[0] & NEXT,
    "it has a session under it": lambda street, lamp: lamp.post.settings.get("post-key") != post_key(2),
    "the gateway knows that too": lambda street, lamp: "p2" in street.disk.posts,
    "the bus key is in force": lambda street, lamp: "a" in street.disk.buses,
}


def hunt(street: RollingStreet, wanted: Wanted | None = None) -> list:
    """Search as the daemon does, beside the polls; what was found."""
    search = Hunt(
        street.rolling, NAMES, wanted or Wanted("a"), lambda work: street.at(street.now, work), street.random.randbytes
    )
    street.give(line.Search(f"find {street.now}", search.finder.run()))
    name = f"find {street.now}"
    street.run_until(lambda: street.result(name), 60_000)
    assert street.result(name).value.complete
    return street.result(name).value.posts


def lose(street: RollingStreet, lamp) -> None:
    """Its address is gone from its flash, and its power was away."""
    lamp.post.settings.put("address", 0)
    lamp.flash["settings"] = lamp.post.settings.to_bytes()
    lamp.start()


@pytest.mark.parametrize("killed", [False, True], ids=["", "gateway-killed"])
@pytest.mark.parametrize("moment", list(MOMENTS), ids=lambda moment: moment.replace(" ", "-"))
def test_a_board_that_loses_its_address_in_the_middle_is_found(moment, killed) -> None:
    """[N-4]"""
    street = RollingStreet(3, loss=0.05, seed=len(moment))
    street.run_until(lambda: len(street.online()) == 3, 60_000)
    assert street.rolling.roll({"a": b""}, {"p2": b""}) == []
    lamp = street.lamp(2)
    while not MOMENTS[moment](street, lamp):
        street.run(street.now + 1)
        assert street.now < 120_000
    if killed:
        street.kill()
    lose(street, lamp)
    unsettled = lamp.post.settings.get("post-key") not in (post_key(2), *(key for _, key in street.disk.posts.values()))
    if moment == "it has a session under it" and killed:
        assert unsettled, "the gateway has only the old one as its own"
    street.run(street.now + 10_000)
    if killed:
        street.start()
        street.run(street.now + 10_000)
    assert lamp.post.settings.address == 0, "the control: nobody but a search gives it back"
    found = hunt(street)
    assert [(post.identity, post.address, post.result) for post in found if post.result == ADOPTED] == [
        ("post-2", 2, ADOPTED)
    ]
    street.run_until(street.at_rest, FORGOTTEN_MS)
    assert lamp.post.settings.get("post-key") == street.rolling.posts["p2"] != post_key(2), "and the rollover went on"
    assert street.disk.posts["p2"] == ("post-2", street.rolling.posts["p2"])
    assert street.bus_keys() == {street.disk.buses["a"]}
    assert BUS_KEY not in street.bus_keys()
    for hearer, source in ((1, 2), (2, 3), (3, 1)):
        assert street.hears(hearer, source)


def test_where_the_disk_is_full_a_board_is_not_adopted_and_found_again() -> None:
    street = RollingStreet(3)
    street.run_until(lambda: len(street.online()) == 3, 60_000)
    lamp, wanted = street.lamp(2), Wanted("a", {"ll-7": b"\x77" * 32}, {"ll-7": "p2"})
    lamp.post.settings.put("post-key", b"\x77" * 32)
    lamp.post.settings.put("identity", "ll-7")
    lose(street, lamp)
    street.run(street.now + 10_000)
    street.full = True
    hunt(street, wanted)
    street.run(street.now + 40_000)
    assert street.online() == {1, 3}, "what is not kept is not served: a restart would not know it"
    assert street.disk == Keyring()
    street.full = False
    assert [(post.identity, post.result) for post in hunt(street, wanted)] == [("ll-7", STAYS)]
    street.run_until(lambda: street.online() == {1, 2, 3}, 5_000)
    assert street.disk.posts == {"p2": ("ll-7", b"\x77" * 32)}


def test_another_board_does_not_take_the_place_of_one_that_answers_or_with_an_old_key() -> None:
    street = RollingStreet(3)
    street.run_until(lambda: len(street.online()) == 3, 60_000)
    assert street.rolling.roll({}, {"p2": b""}) == []
    street.run_until(lambda: "p2" in street.disk.posts, 60_000)
    lamp = street.lamp(2)
    lamp.post.settings.put("post-key", post_key(2))  # a thief of the old key, or a board from before the rollover
    lose(street, lamp)
    street.run(street.now + 10_000)
    assert [(post.identity, post.result) for post in hunt(street)] == [("post-2", WRONG_KEY)]
    assert street.lamp(2).post.settings.address == 0
    lamp.post.settings.put("post-key", b"\x77" * 32)
    lamp.post.settings.put("identity", "ll-7")
    lose(street, lamp)
    found = hunt(street, Wanted("a", {"ll-7": b"\x77" * 32}, {"ll-7": "p3"}))
    assert [(post.identity, post.result) for post in found] == [("ll-7", UNPLACED)], "p3 answers"
    assert street.online() == {1, 3}
