"""Whose turn it is: what is remembered of it is what a look at every post gives."""

from hypothesis import given
from hypothesis import strategies as st

from lamplighter.gateway.lines.roster import NEW, OFFLINE, SESSION, Peer, Roster

MOVES = st.lists(
    st.tuples(
        st.sampled_from(
            ["opened", "missed_poll", "missed_hello", "polled", "urgent", "hello_ms", "poll_ms", "state", "new"]
        ),
        st.integers(1, 6),
        st.integers(0, 5000),
    ),
    max_size=40,
)


def looked_at(roster: Roster) -> int | None:
    def turn(peer: Peer) -> int:
        if peer.state == SESSION:
            return 0 if peer.urgent else peer.poll_ms
        return max(peer.hello_ms, roster._hello_ms) if peer.state == OFFLINE else peer.hello_ms

    return min(map(turn, roster.peers.values()), default=None)


@given(MOVES)
def test_the_next_turn_is_never_an_old_one(moves) -> None:
    roster = Roster([1, 2, 3], {})
    for move, address, t_ms in moves:
        peer = roster.peers.get(address)
        if move == "new":
            roster.adopt(address, t_ms)
        elif peer is None:
            continue
        elif move == "opened":
            roster.opened(peer, t_ms, t_ms)
        elif move in ("missed_poll", "missed_hello", "polled"):
            getattr(roster, move)(peer, t_ms)
        elif move == "urgent":
            peer.urgent = t_ms % 2 == 0
        elif move == "state":
            peer.state = (NEW, SESSION, OFFLINE)[t_ms % 3]
        else:
            setattr(peer, move, t_ms)
        assert roster.next_ms() == looked_at(roster)
