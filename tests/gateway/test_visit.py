"""A search beside the polls: it takes fewer turns while somebody walks, and an event is no answer to it."""

from street import Street

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.visit import OWED_MAX, TURN, TURN_WALKED, WALKED_MS, Visit
from lamplighter.gateway.search.finding import GARBLED
from lamppost.wire import messages
from lamppost.wire.frame import FINDING, GATEWAY, header, pack


def turns(visit: Visit, t_ms: int, owed: bool, count: int = 60) -> float:
    """Which share of the turns it takes."""
    return sum(visit.turn(t_ms, owed) for _ in range(count)) / count


def forever(heard: list, count: int = 10**6):
    search = (bytes(4), 0, 0, b"", b"")
    signed = header(FINDING, GATEWAY, messages.SEARCH, 0) + messages.encode(messages.SEARCH, search)
    for _ in range(count):
        heard.append((yield pack(signed, bytes(8)), False))


def test_it_takes_every_second_turn_and_fewer_while_somebody_walks_or_waits_to_be_told() -> None:
    """[N-8]"""
    visit = Visit()
    assert turns(visit, 0, False) == 0
    visit.begin(line.Search("find", forever([])))
    assert turns(visit, 0, False) == 1 / TURN
    visit.walked(1000)
    assert turns(visit, 1000, False) == 1 / TURN_WALKED
    assert 0 < turns(visit, 1000, True, 700) <= 1 / (TURN_WALKED + OWED_MAX), "a flood ends no search"
    assert turns(visit, 1000 + WALKED_MS, False) == 1 / TURN


def test_an_event_in_its_time_is_silence_and_bytes_that_are_no_frame_are_not() -> None:
    street = Street(2)
    street.run_until(lambda: street.online() == {1, 2}, 10_000)
    street.run(street.now + 1_000)  # they are served, and no more answer a search
    heard: list = []
    street.give(line.Search("find", forever(heard)))

    def while_it_waits(data) -> None:
        street.run_until(lambda: street.poller._visit.waiting, 1000)
        count = len(heard)
        street.give(line.Received(data))
        street.run_until(lambda: len(heard) > count, 1000)

    while_it_waits(street.lamp(1).post.line._link.event(77, 0, 0))
    assert heard[-1] is None
    assert 77 in [action.seq for action in street.of(line.Heard)]
    while_it_waits(b"\x00\x55\xaa\x00")
    assert heard[-1] == GARBLED
    while_it_waits(b"\x55\xaa")
    assert heard[-1] == GARBLED, "whoever garbled each other left no end"
    while_it_waits(b"")
    assert heard[-1] is None, "what was left of it is forgotten"
