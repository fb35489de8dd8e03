"""The posts of one line as the poll scheduler sees them, and whose turn it is.

A post is NEW (a session is being opened), in SESSION, or OFFLINE. New ones are greeted at once, offline ones seldom, so
that dead posts take a bounded share of the line; one that answers makes the next greeting immediate, so a line that is
repowered comes back quickly.
"""

from __future__ import annotations

from lamplighter.gateway.lines.line import Status

NEW, SESSION, OFFLINE = 0, 1, 2

SILENCE = 8  # what a miss in silence counts; where noise was heard in the place of the answer, it says little: 1
MISSES_MAX = 2 * SILENCE  # polls without an answer before the session is given up
HELLO_TRIES = 5 * SILENCE  # at 20 % loss each way a live post is called offline once in 160 times
HELLO_AGAIN_MS = 150  # between two greetings of the same post: another post may be greeted meanwhile
OFFLINE_EVERY_MS = 2000  # one vain greeting takes some 60 ms: 3 % of the line
LONELY_EVERY_MS = 250  # where nobody is in session the line has nothing better to do
POLL_EVERY_MS = 100  # a post's events do not wait for its poll; more often only costs processor time


class _Changes:
    """That some post's turn may come earlier or later than was worked out."""

    __slots__ = ("any",)

    def __init__(self) -> None:
        self.any = True


def _noted(slot: str) -> property:
    """An attribute on which whose turn it is depends."""

    def get(peer: Peer):
        return getattr(peer, slot)

    def put(peer: Peer, value) -> None:
        setattr(peer, slot, value)
        peer.changes.any = True

    return property(get, put)


class Peer:
    """One post."""

    __slots__ = (
        "_hello_ms", "_poll_ms", "_state", "_urgent", "ack", "ack_told", "address", "as_of", "asked_ack", "changes",
        "epoch", "full", "greeted", "hellos", "misses", "status",
    )  # fmt: skip
    state = _noted("_state")
    hello_ms = _noted("_hello_ms")  # not before
    poll_ms = _noted("_poll_ms")  # not before
    urgent = _noted("_urgent")

    def __init__(self, address: int, epoch: int = 0, ack: int = 0, changes: _Changes | None = None):
        self.changes = changes or _Changes()
        self.address = address
        self.state = NEW
        self.misses = 0
        self.hellos = 0
        self.hello_ms = 0
        self.poll_ms = 0
        self.urgent = False
        self.greeted = False  # its first status in this session has come
        self.epoch = epoch
        self.ack = ack
        self.asked_ack = self.ack_told = 0  # what the last POLL acknowledged, and what is known to have arrived
        self.full = True  # a STATUS is wanted, not a STILL
        self.as_of = 0  # low byte of the counter that the last STATUS answered
        self.status: Status | None = None  # and what it said


class Roster:
    """All posts of a line, by address. `acks` maps an address to (item epoch, highest stored seq)."""

    def __init__(self, addresses: list[int], acks: dict[int, tuple[int, int]]):
        self._changes = _Changes()
        self.peers = {address: Peer(address, *acks.get(address, (0, 0)), self._changes) for address in addresses}
        self._hello_ms = 0  # no offline post is greeted before
        self._next_ms: int | None = None
        self._fair = False

    def adopt(self, address: int, t_ms: int) -> None:
        """A post that is new, or another in the place of one that was: greet it."""
        peer = self.peers.setdefault(address, Peer(address, changes=self._changes))
        peer.state, peer.misses, peer.hellos, peer.hello_ms = NEW, 0, 0, t_ms

    def opened(self, peer: Peer, epoch: int, t_ms: int) -> None:
        """A session is open; another item epoch starts its own count."""
        if peer.epoch != epoch:
            peer.epoch, peer.ack = epoch, 0
        peer.state, peer.misses, peer.hellos = SESSION, 0, 0
        peer.greeted = False
        peer.full, peer.ack_told, peer.status = True, 0, None
        peer.urgent = True
        peer.poll_ms = t_ms
        self._hello_ms = t_ms
        self._changes.any = True

    def missed_poll(self, peer: Peer, t_ms: int, noisy: bool = False) -> bool:
        """No answer in session, `noisy`: but something else; return whether the session is to be given up."""
        peer.misses += 1 if noisy else SILENCE
        peer.poll_ms = t_ms
        if peer.misses < MISSES_MAX:
            return False
        peer.state, peer.hellos, peer.hello_ms = NEW, 0, t_ms
        return True

    def missed_hello(self, peer: Peer, t_ms: int, noisy: bool = False) -> bool:
        """No answer to a greeting, as in missed_poll; return whether the post has just become offline."""
        peer.hellos += 1 if noisy else SILENCE
        peer.hello_ms = t_ms + HELLO_AGAIN_MS
        if peer.state == OFFLINE:
            self._hello_ms = t_ms + (OFFLINE_EVERY_MS if self.anyone() else LONELY_EVERY_MS)
            self._changes.any = True
            return False
        if peer.hellos < HELLO_TRIES:
            return False
        peer.state = OFFLINE
        return True

    def anyone(self) -> bool:
        """Whether some post is in session."""
        return any(peer._state == SESSION for peer in self.peers.values())

    def polled(self, peer: Peer, t_ms: int) -> None:
        peer.urgent = False
        peer.poll_ms = t_ms + POLL_EVERY_MS

    def to_poll(self, t_ms: int) -> Peer | None:
        """The post to poll now: in turns an urgent one and the one that waited longest, so that nobody starves."""
        due = [p for p in self.peers.values() if p._state == SESSION and (p._urgent or p._poll_ms <= t_ms)]
        if not due:
            return None
        self._fair = not self._fair
        return min(due, key=lambda p: (p._poll_ms,) if self._fair else (not p._urgent, p._poll_ms))

    def to_greet(self, t_ms: int) -> Peer | None:
        """The new post, else the offline post, to greet now."""
        new = [p for p in self.peers.values() if p._state == NEW and p._hello_ms <= t_ms]
        if new:
            return min(new, key=lambda p: p._hello_ms)
        if t_ms < self._hello_ms:
            return None
        gone = [p for p in self.peers.values() if p._state == OFFLINE and p._hello_ms <= t_ms]
        return min(gone, key=lambda p: p._hello_ms) if gone else None

    def next_ms(self) -> int | None:
        """When the next turn comes if nothing else happens; None for an empty line."""
        if self._changes.any:
            self._changes.any = False
            self._next_ms = min(map(self._turn_ms, self.peers.values()), default=None)
        return self._next_ms

    def _turn_ms(self, peer: Peer) -> int:
        if peer._state == SESSION:
            return 0 if peer._urgent else peer._poll_ms
        return max(peer._hello_ms, self._hello_ms) if peer._state == OFFLINE else peer._hello_ms
