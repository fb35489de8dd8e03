"""What can be asked of a post, as generators: they yield a message and receive the answer's values.

The scheduler repeats a message that gets no answer, so each step here is one that a post answers the same way twice.
All are bounded: a peer that never finishes is refused.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from lamplighter.gateway.lines.line import Procedure
from lamppost.limits import BLOB_MAX, BLOCK_BYTES
from lamppost.wire import messages
from lamppost.wire.hidden import name_of

WHY_ROWS_MAX = 32  # nine layers and their inputs; a post that tells more is not ours
STRAYS_MAX = 4  # late answers to an earlier question that may come before the right one


class Outcome(NamedTuple):
    """A post's own word: done or not, and its text."""

    ok: bool
    text: str


class Reasons(NamedTuple):
    """A post's reasons: the moment, its level, the layer that won, and [layer, op, level, won, until, text] rows."""

    utc_s: int
    level_pm: int
    layer: int
    chain: list[list]


def command(
    transaction: int,
    kind: int,
    layer: int = 0,
    op: int = 0,
    level_pm: int = 0,
    until_utc_s: int = 0,
    for_s: int = 0,
    reason: str = "",
) -> Procedure:
    """One COMMAND; returns an Outcome. The transaction keeps a repeated one from acting twice."""
    values = (transaction, kind, layer, op, level_pm, until_utc_s, for_s, reason)
    for _ in range(STRAYS_MAX):
        answer = yield messages.COMMAND, values
        if answer[0] == transaction:
            return Outcome(answer[1] == messages.OK, answer[2])
    return Outcome(False, "the post answers other transactions")


def why(utc_s: int) -> Procedure:
    """The reasons for the level at utc_s, 0 for now; returns Reasons, or an Outcome when the post makes no sense."""
    chain: list[list] = []
    first = None
    for _ in range(WHY_ROWS_MAX + STRAYS_MAX):
        answer = yield messages.WHY, (utc_s, len(chain))
        moment, level_pm, layer, rows, row, part = answer
        if row != len(chain) or not all(_is_reason(reason) for reason in part):
            continue
        if first is None:
            first = (moment, level_pm, layer)
        chain.extend(part)
        if len(chain) >= rows or not part or len(chain) >= WHY_ROWS_MAX:
            return Reasons(*first, chain)
    return Outcome(False, "the post's reasons make no sense")


def send_plan(compiled: bytes) -> Procedure:
    """Bring a compiled plan to a post; returns an Outcome. Picks up where an earlier transfer stopped."""
    if not 0 < len(compiled) <= BLOB_MAX:
        return Outcome(False, f"a plan of {len(compiled)} bytes; a post takes at most {BLOB_MAX}")
    blocks = -(-len(compiled) // BLOCK_BYTES)
    begin = (messages.BLOB_PLAN, len(compiled), sha256(compiled).digest())
    code, at, text = yield messages.BLOB_BEGIN, begin
    for _ in range(2 * blocks + STRAYS_MAX):  # each block once, and once more where an answer came late
        if code == messages.AGAIN:  # its power was cut: what it had is gone, and that says nothing about the plan
            code, at, text = yield messages.BLOB_BEGIN, begin
            continue
        if code != messages.MORE or at >= blocks:
            break
        block = compiled[at * BLOCK_BYTES : (at + 1) * BLOCK_BYTES]
        code, at, text = yield messages.BLOB_DATA, (at, block)
    if code in (messages.MORE, messages.AGAIN):
        return Outcome(False, "the transfer did not end; it is tried again")
    return Outcome(code in (messages.DONE, messages.OK), text)


def give_key(what: int, key: bytes) -> Procedure:
    """Tell a post that this bus key is in force (messages.BUS_NOW), or give it the next bus key or post key; returns an
    Outcome. The key itself is said only where the post does not have it."""
    whole = what != messages.BUS_NOW
    for _ in range(STRAYS_MAX):
        answer = yield messages.KEY, (what, name_of(key), key if whole else b"")
        if answer[0] != what:
            continue
        if answer[1] == messages.AGAIN and whole:
            return Outcome(False, "its flash refuses the key")
        if answer[1] != messages.AGAIN:
            return Outcome(answer[1] == messages.OK, "")
        whole = True
    return Outcome(False, "the post's answers make no sense")


def _is_reason(row: object) -> bool:
    shape = (int, int, int, int, int, str)
    return (
        isinstance(row, list) and len(row) == 6 and all(isinstance(v, kind) for v, kind in zip(row, shape, strict=True))
    )
