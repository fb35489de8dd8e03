"""What goes into the poll scheduler of a line and what comes out: plain tuples, no behaviour.

Times `t_ms` are milliseconds of an unwrapped monotonic clock; `utc_ms` milliseconds of UTC since 2000-01-01.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

# Yields what to ask a post, (message kind, values), is sent the values of the answer, and returns its result.
Procedure = Generator[tuple[int, tuple], list, Any]
# Yields what to say and whether its answer waits for flash, is sent what was heard, and returns its result.
Asking = Generator[tuple[bytes, bool], Any, Any]


# --- in


class Received(NamedTuple):
    """Bytes from the port, as they came."""

    data: bytes


class Ask(NamedTuple):
    """Run a procedure with one post; a Result with the same id follows, whatever happens."""

    id: str
    address: int
    procedure: Procedure
    expires_ms: int
    background: bool = False  # long transfers: at most every second slot


class Search(NamedTuple):
    """Look for posts that nobody serves (finding.py); a Result with this id and address 0 follows."""

    id: str
    asking: Asking


class Cast(NamedTuple):
    """Say these blocks of an image to everybody: (number, its name, data) each; a Result with this id and address 0
    follows."""

    id: str
    blocks: list[tuple[int, bytes, bytes]]


class Adopt(NamedTuple):
    """From now on the post at this address has this key: a new one, or another in its place."""

    address: int
    key: bytes


class BusKeys(NamedTuple):
    """From now on TIME is said with `key`, and EVENT taken under `other` too: the next bus key or else the last one.
    Nothing: the last one is forgotten."""

    key: bytes
    other: bytes
    is_next: bool


class PostKey(NamedTuple):
    """The post at this address may have this key instead of its own, and is greeted anew, or (`settled`) has it."""

    address: int
    key: bytes
    settled: bool


class Stored(NamedTuple):
    """Every item of this post and epoch up to `seq` lies on disk: the post may forget them."""

    address: int
    epoch: int
    seq: int


class Kept(NamedTuple):
    """The event of this item, which was Heard, lies on disk: where all before it do, the post may forget it."""

    address: int
    epoch: int
    seq: int


class Clock(NamedTuple):
    """UTC at this moment; without it, no time is broadcast."""

    utc_ms: int
    uncertainty_ms: int


class Say(NamedTuple):
    """Say an event of a post elsewhere again, at an address that no post of this line has."""

    address: int
    seq: int
    user_class: int
    input: int
    age_ms: int


class LineDown(NamedTuple):
    """The port is gone."""


# --- out


class Send(NamedTuple):
    """Write this to the port, now."""

    data: bytes


class Online(NamedTuple):
    """A post opened a session."""

    address: int
    identity: str
    firmware: str
    epoch: int
    boots: int
    renewed: bool = False  # under the key that takes the place of its own


class Offline(NamedTuple):
    """A post does not answer any more."""

    address: int


class Status(NamedTuple):
    """What a post said of itself; the fields of messages.STATUS before the items."""

    address: int
    level_pm: int
    target_pm: int
    layer: int
    faults: int
    power_mw: int
    plan: bytes
    utc_s: int
    waiting: int


class Items(NamedTuple):
    """Items a post holds until they are Stored: (seq, kind, utc_s, a, b, c) each, oldest first."""

    address: int
    epoch: int
    items: list[tuple[int, int, int, int, int, int]]


class Heard(NamedTuple):
    """A presence event on the fast path; the same seq comes again among the items. `repeat` above 0: somebody is still
    there, which is no item."""

    address: int
    epoch: int
    seq: int
    user_class: int
    input: int
    age_ms: int
    repeat: int = 0


class Result(NamedTuple):
    """How an Ask ended: `value` is what the procedure returned; `error` says why there is none."""

    id: str
    address: int
    value: Any
    error: str
