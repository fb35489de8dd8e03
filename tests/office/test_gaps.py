"""What the centre misses: holes, a lost end, order, and what is gone for good."""

from hypothesis import given
from hypothesis import strategies as st

from lamplighter.office.gaps import HOLES_MAX, PATIENCE, RANGES_MAX, SPAN_MAX, Gaps


def test_a_hole_is_seen_by_what_follows_and_an_end_by_the_status() -> None:
    gaps = Gaps("ab12cd34")
    gaps.came([1, 2, 5, 6, 9])
    assert gaps.missing() == [(3, 4), (7, 8)]
    gaps.given(13)
    assert gaps.missing() == [(3, 4), (7, 8), (10, 12)]
    gaps.came([3, 4, 11])
    assert gaps.missing() == [(7, 8), (10, 10), (12, 12)]


def test_streams_that_overtake_each_other_are_not_asked_for_at_once() -> None:
    gaps = Gaps("ab12cd34")
    gaps.came([4])
    assert [gaps.ask() for _ in range(PATIENCE)] == [[]] * (PATIENCE - 1) + [[(1, 3)]]
    gaps.came([1, 2, 3])
    assert gaps.ask() == []


def test_what_is_gone_is_counted_once_and_never_asked_for_again() -> None:
    gaps = Gaps("ab12cd34")
    gaps.given(101)
    gaps.came([50])
    gaps.gone([(1, 20), (40, 60)])
    gaps.gone([(1, 20)])
    assert gaps.lost == 20 + 20
    assert gaps.missing() == [(21, 39), (61, 100)]


def test_one_request_is_bounded() -> None:
    gaps = Gaps("ab12cd34")
    gaps.came(range(2, 4 * RANGES_MAX, 2))
    gaps.ask()
    assert len(gaps.ask()) == RANGES_MAX
    gaps = Gaps("ab12cd34")
    gaps.given(10 * SPAN_MAX)
    gaps.ask()
    assert gaps.ask() == [(1, SPAN_MAX)]
    gaps.came(range(2, 3 * HOLES_MAX, 2))
    gaps.given(10**9)
    gaps.came(range(10**9 + 1, 10**9 + 2 * HOLES_MAX + 100, 2))
    assert len(gaps.missing()) <= HOLES_MAX
    assert gaps.lost > 0


@given(st.permutations(range(1, 40)), st.sets(st.integers(1, 39)))
def test_in_any_order_exactly_the_lost_ones_are_missing(order, lost) -> None:
    gaps = Gaps("ab12cd34")
    for seq in order:
        if seq not in lost:
            gaps.came([seq])
            gaps.came([seq])
    gaps.given(40)
    assert {seq for first, last in gaps.missing() for seq in range(first, last + 1)} == lost
