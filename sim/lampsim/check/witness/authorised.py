"""Promise 4: what changes in a post is what a frame allows that its sender really sent, just now, and that it heard.

A broadcast that was recorded may come late, once, as PROTOCOL.md, section 10, says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lampsim.check.broken import Breaks
from lampsim.check.witness import bounded
from lampsim.check.witness.life import Life
from lampsim.check.witness.overheard import (
    BLOB,
    BLOCK,
    COMMAND,
    EVENT,
    FIRMWARE,
    POLL,
    SET_TIME,
    TIME,
    Ear,
    Frame,
    sealed_with,
)

if TYPE_CHECKING:
    from lampsim.check.world.post import StreetPost
    from lampsim.check.world.street import Street

AIR_MAX = 500  # frames of a line before those are left out that can no longer be heard


class Authorised:
    """What was said on the lines of a street, and what it allows. Raises through `broken`."""

    def __init__(self, street: Street, broken: Breaks) -> None:
        self._street, self._broken = street, broken
        self._air: dict[str, dict[bytes, Frame]] = {bus: {} for bus in street.buses}
        self._seals: dict[bytes, bytes | None] = {}  # and with which bus key
        self._broadcasts: dict[bytes, int] = {}  # every event and time that was ever said, and when

    # --- what is said

    def sent(self, bus: str, node: str, data: bytes) -> None:
        """A node that belongs to the line has said this."""
        air, now = self._air[bus], self._street.loop.now_us
        for frame in Ear().hear(data):
            wire_us = len(data) * 10_000_000 // self._street.spec.baud
            if frame.kind == BLOCK:
                self._broadcasts[frame.body] = now
            if frame.kind in (EVENT, TIME):
                self._broadcasts[frame.body] = now
                self._seals[frame.body] = sealed_with(frame.body, self._street.cabinet.keys.all_of(bus))
            air[frame.body] = frame._replace(until_us=now + 2 * wire_us + 500_000, heard_by=set())
        if len(air) > AIR_MAX:
            self._air[bus] = {body: frame for body, frame in air.items() if frame.until_us > now}

    def hostile(self, bus: str, data: bytes) -> None:
        """A stranger says this: nothing of it may count."""
        for frame in Ear().hear(data):
            self._air[bus].pop(frame.body, None)

    # --- what a post makes of it

    def before(self, one: StreetPost, life: Life) -> None:
        """A post is about to handle an event."""
        if not life.before:
            life.before = _state(one.post)
        keys = _bus_keys(one.post)
        if len(keys) < len(life.keys):  # with the last bus key it has forgotten what came under that alone
            life.under = {key: heard for key, heard in life.under.items() if key in keys}
            life.counters = dict(*life.under.values()) if life.under else {}
        life.keys = keys

    def heard(self, one: StreetPost, life: Life, data: bytes) -> list[Frame]:
        """The frames this chunk completes that their sender really sent just now; each counts once for a hearer."""
        air, now, found = self._air[life.bus], self._street.loop.now_us, []
        keys = life.keys | _bus_keys(one.post)
        for frame in life.ear.hear(data):
            if frame.kind == BLOCK and frame.body in self._broadcasts:
                found.append(frame)  # may come twice and late
                continue
            if frame.kind in (EVENT, TIME):
                key = self._seals.get(frame.body)
                if key not in keys:
                    continue  # said with a bus key that it has not got yet, or has no more
                of_key = life.under.setdefault(key, {})
                of_key[frame.origin] = max(frame.counter, of_key.get(frame.origin, 0))
            if frame.kind == EVENT and frame.counter <= life.counters.get(frame.origin, 0):
                continue  # said before, or with a number below one that was forged
            sent = air.get(frame.body)
            if sent is not None and now <= sent.until_us and one.name not in sent.heard_by:
                sent.heard_by.add(one.name)
            elif not self._late(life, frame):
                continue
            found.append(frame)
            if frame.kind in (EVENT, TIME):
                life.counters[frame.origin] = max(frame.counter, life.counters.get(frame.origin, 0))
        return found

    def _late(self, life: Life, frame: Frame) -> bool:
        """A recorded broadcast that this post has missed, or not heard since it was powered: PROTOCOL.md, section 10,
        says that it is taken once. Of the gateway's time only what was told since then."""
        said_us = self._broadcasts.get(frame.body)
        if said_us is None or frame.counter <= life.counters.get(frame.origin, 0):
            return False
        return frame.kind == EVENT or said_us >= life.born_us

    def changed(self, one: StreetPost, life: Life, event: tuple, heard: list[Frame]) -> bool:
        """Whether something of the state changed; raises where nothing allowed it."""
        now, old = _state(one.post), life.before
        life.before = now
        changed = [part for part, (_, _, differs) in enumerate(_PARTS) if differs(old[part], now[part], one.ran_ms())]
        if event[0] == "rx":
            mine = {frame.kind for frame in heard if frame.dst in (one.address, 255)}
            for name, kinds, _ in (_PARTS[part] for part in changed):
                if not kinds & mine:
                    raise self._broken(4, one, f"{name} changed, and no frame allowed it (heard: {sorted(mine)})")
        return bool(changed)


def _state(post) -> tuple:
    """What only the authorised may change, in the order of _PARTS."""
    own, presence, items = post.settings.address, post.presence, post.items
    given = {(c.layer, c.op, c.level_pm, c.until_ms) for c in post.arbiter.commands._given}
    seen = {(presence._addresses[e[0]], e[1], e[3]) for e in presence._seen if presence._addresses[e[0]] != own}
    held = items.first_seq
    counts = held, items.dropped, items.next_seq
    return post.clock._offset_ms, given, post.plan_hash, seen, counts, bounded.blocks_of(post)


def _bus_keys(post) -> set[bytes]:
    """Those under which a post takes events; none while it has no place on its line."""
    settings = post.settings
    if post.line is None:
        return set()
    more = settings.get("rollover")
    return {settings.get("bus-key")} | ({more[1:33]} if more and more[0] & 1 else set())


def _commanded(old: set, now: set, t_ms: int) -> bool:
    return bool(now - old) or any(until_ms > t_ms for *_, until_ms in old - now)


def _forgot(old: tuple, now: tuple, t_ms: int) -> bool:
    """Items went that were neither acknowledged nor dropped for want of room."""
    return now[0] > old[0] and now[1] == old[1] and old[0] < old[2]


_PARTS = (
    ("its clock", {TIME, SET_TIME}, lambda old, now, t_ms: old != now),
    ("what it is commanded", {COMMAND}, _commanded),
    ("its plan", {BLOB}, lambda old, now, t_ms: old != now),
    ("what it knows of its neighbours", {EVENT}, lambda old, now, t_ms: bool(now - old)),
    ("what it holds for the gateway", {POLL}, _forgot),
    ("what it has of an image", {FIRMWARE, BLOCK}, lambda old, now, t_ms: now and old != now),
)
