"""New, moved, copied and replaced boards on a line, in virtual time; the real Post, Poller and Finder."""

import random

import pytest

from lamplighter.gateway.lines.line import Received
from lamplighter.gateway.search.finding import (
    ADOPTED,
    DEAF,
    PARKED,
    SEARCHES_MAX,
    STAYS,
    UNKNOWN,
    UNPLACED,
    WRONG_KEY,
    Finder,
)
from lampsim.finding import BUS_KEY, Bench, Table, board_key, measure

SLOWER = [(9600, 0, 70), (19_200, 0, 50), (19_200, 0.1, 90), (9600, 0.1, 130)]


def results(bench: Bench) -> dict[str, str]:
    assert bench.report is not None
    return {post.identity: post.result for post in bench.report.posts}


def test_sixty_four_new_boards_are_in_service_within_the_stated_time() -> None:
    """[N-8]"""
    row = measure(115_200, 64, 0.0, 0, 1)
    print(row)
    assert (row["adopted"], row["complete"]) == (64, True)
    assert row["seconds"] <= 30
    assert row["searches"] <= 64 * 3.2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("baud", "loss", "most_s"), [(9600, 0, 70), (19_200, 0, 50), (19_200, 0.1, 90), (9600, 0.1, 130)]
)
def test_sixty_four_at_the_slower_speeds_and_with_a_tenth_of_the_frames_lost(
    baud: int, loss: float, most_s: int
) -> None:
    """[N-8]"""
    for seed in (1, 2):
        row = measure(baud, 64, loss, 0, seed)
        print(row)
        assert (row["adopted"], row["complete"]) == (64, True)
        assert row["seconds"] <= most_s


def test_all_are_found_though_many_frames_are_lost() -> None:
    for seed in range(3):
        row = measure(115_200, 12, 0.2, 0, seed)
        assert (row["adopted"], row["complete"]) == (12, True), row


def test_presence_goes_on_while_boards_are_searched_for() -> None:
    row = measure(19_200, 48, 0.0, 8, 1)
    print(row)
    assert row["adopted"] == 48
    count, _, _ = row["event_ms_during"]
    assert count >= 4
    assert row["event_ms_during"][1] <= 250


def test_a_board_with_a_wrong_address_is_put_right_and_one_that_is_right_stays() -> None:
    """[N-6]"""
    bench = Bench(115_200, 0, 3)
    wrong = bench.posts["b2"]
    wrong.power_on()
    assert wrong.post is not None
    wrong.post.configure("address", 3, 0)  # as a technician mistyped it
    for name, raw in [(action[1], action[2]) for action in wrong.post._actions if action[0] == "save"]:
        wrong._journal.put(name, raw)
    wrong.post = None
    bench.start()
    assert bench.online == {1, 3}
    bench.find()
    assert results(bench) == {"b2": ADOPTED}
    assert bench.online == {1, 2, 3}
    bench.report = None
    bench.loop.run_until(bench.loop.now_us + 1_000_000)
    bench.find()
    assert results(bench) == {}, "who is served is not searched for"


def test_a_copy_of_a_post_is_parked_and_the_line_works_again() -> None:
    """[N-6]"""
    bench = Bench(115_200, 0, 2)
    copy = Bench(115_200, 0, 2, seed=9).posts["b1"]
    copy.name, copy._loop, copy.wire, copy._random = "copy", bench.loop, bench.wire, random.Random("copy")
    bench.posts["copy"] = copy
    bench.start()
    assert 1 not in bench.online, "both answer at once"
    bench.find()
    assert sorted(post.result for post in bench.report.posts) == [PARKED, STAYS]  # type: ignore[union-attr]
    bench.loop.run_until(bench.loop.now_us + 5_000_000)
    assert bench.online == {1, 2}
    assert sorted(post.post.settings.address for post in (copy, bench.posts["b1"])) == [0, 1]  # type: ignore[union-attr]


def test_boards_that_nobody_knows_or_that_belong_nowhere_are_told_and_left_alone() -> None:
    """[N-4]"""
    bench = Bench(115_200, 3)
    bench.start()
    keys = {"b1001": board_key(1001), "b1002": board_key(1002), "b1003": bytes(32)}  # the last is not its key
    places = {"b1001": 5}
    bench.find(Finder(Table(keys, places.get, bench.adopt), BUS_KEY, bench.random.randbytes))
    found = results(bench)
    assert found["b1001"] == ADOPTED
    assert found["b1002"] == UNPLACED
    assert found["b1003"] == WRONG_KEY
    keys.pop("b1003")
    bench.report = None
    bench.find(Finder(Table(keys, places.get, bench.adopt), BUS_KEY, bench.random.randbytes))
    assert results(bench)["b1003"] == UNKNOWN
    assert bench.posts["b1003"].post.settings.address == 0  # type: ignore[union-attr]


def test_a_board_whose_power_goes_in_the_middle_is_deaf_and_found_again() -> None:
    bench = Bench(115_200, 1)
    bench.start()
    finder = Finder(Table({"b1001": board_key(1001)}, {"b1001": 9}.get, bench.adopt), BUS_KEY, bench.random.randbytes)
    asking = finder.run()
    said, seen = next(asking), []

    def spoken():
        nonlocal said
        answer = None
        while True:
            answer = yield said
            seen.append(answer)
            if len(seen) == 1:
                bench.posts["b1001"].power_off()
            try:
                said = asking.send(answer)
            except StopIteration as end:
                return end.value

    from lamplighter.gateway.lines import line

    bench.port.handle(line.Search("find", spoken()))
    bench.loop.run_until(bench.loop.now_us + 20_000_000)
    assert results(bench) == {"b1001": DEAF}
    bench.posts["b1001"].power_on()
    bench.report = None
    bench.find()
    assert results(bench) == {"b1001": ADOPTED}


def test_a_line_that_somebody_jams_ends_the_search() -> None:
    bench = Bench(115_200, 1)
    bench.start()

    def jam() -> None:
        bench.port.handle(Received(b"\x55\xaa"))
        bench.loop.after(9_000, jam)

    jam()
    bench.find()
    assert bench.report is not None
    assert not bench.report.complete
    assert bench.report.searches <= SEARCHES_MAX + 1
