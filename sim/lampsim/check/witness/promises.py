"""The five promises of the design as invariants, each held against something that shares no code with the product.

1. Never dark by fault (level.py): no lamp is darker than the reference (reference.py) allows, given the commands that
   lawfully lower it, and each fault is told (reported.py); a post whose program stops has broken it too.
2. The level is a pure function (level.py): the reason a post gives, a second arbiter asked at once, and the lamp once
   its fades are over are all the reference's level, after every restart, clock step and wrap of the ticks.
3. Nothing is lost, nothing is applied twice: every item made reaches the centre under one id with one content, but for
   those in the RAM of a post that lost its power (delivered.py); a command acts once in the life of a post
   (commanded.py).
4. Only the authorised (authorised.py): what changes in a post is what a frame allows that its sender really sent, just
   now, and that this post heard whole; the centre gets only items that a post made; a post runs only plans the office
   wanted.
5. Everything is bounded (bounded.py): every queue and table stays within its limit, and nobody wakes without end.

A Witness is told of everything by the Street and raises Broken at the first promise that is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lampsim.check.broken import Broken
from lampsim.check.witness.authorised import Authorised
from lampsim.check.witness.bounded import Bounded
from lampsim.check.witness.commanded import Commanded
from lampsim.check.witness.delivered import Delivered
from lampsim.check.witness.level import Levels
from lampsim.check.witness.life import Life
from lampsim.check.witness.reported import Reported
from lampsim.check.worlds import PLAN_RETRY_S

if TYPE_CHECKING:
    from lampsim.check.world.post import StreetPost
    from lampsim.check.world.street import Street

CLOCK_OFF_MS = 1_500


class Witness:
    """Sees one Street."""

    def __init__(self) -> None:
        self.looks = 0
        self._lives: dict[str, Life] = {}
        self._planned: set[str] = set()

    def begin(self, street: Street) -> None:
        self.street = street
        self.reported = Reported(street, self._broken)
        self.delivered = Delivered(street, self.reported, self._broken)
        self._levels = Levels(street, self._broken)
        self._commanded = Commanded(street, self._broken)
        self._authorised = Authorised(street, self._broken)
        self._bounded = Bounded(street, self._broken)

    # --- what the street tells

    def recovered(self, one: StreetPost) -> None:
        """A post has its power again and nothing has been written since: each record is the old or the new one."""
        for name, states in one.states.items():
            found = one.journal.get(name)
            if found not in states:
                raise self._broken(2, one, f"its record {name} is neither the old nor the new one after a power cut")
            one.states[name] = (found, found)

    def booted(self, one: StreetPost) -> None:
        life = self._lives[one.name] = Life(one.bus.name, self.street.loop.now_us)
        post = one.post
        assert post is not None
        life.next_seq = post.items.born_seq  # what waited in flash before was counted when it was made
        life.newest = post.item_epoch
        if one.name in self._planned and post.plan is None and "plan" not in one.flash.refused:
            raise self._broken(2, one, "the plan it had stored is gone after a power cut")
        self._commanded.watch(one, life)
        self.reported.booted(one)

    def stopped(self, one: StreetPost) -> None:
        self.delivered.stopped(one, self._lives[one.name])
        self.reported.stopped(one)

    def did(self, one: StreetPost) -> None:
        """A post has done all it wanted to do after an event: what it saved lies in its flash."""
        if one.post is not None and one.post.plan is not None:
            self._planned.add(one.name)

    def sent(self, bus: str, node: str, data: bytes) -> None:
        """A node that belongs to the line has said this."""
        self._authorised.sent(bus, node, data)

    def hostile(self, bus: str, data: bytes) -> None:
        """A stranger says this: nothing of it may count."""
        self._authorised.hostile(bus, data)

    def forged(self, bus: str, post: str, number: int, data: bytes) -> None:
        """Whoever has the bus key says that a post has seen somebody: that counts as if the post had said it, and the
        number may be that of an item of the post's own."""
        self.delivered.forged(post, number)
        self.sent(bus, post, data)

    def before(self, one: StreetPost, event: tuple) -> None:
        self._authorised.before(one, self._lives[one.name])

    def after(self, one: StreetPost, event: tuple, actions: list) -> None:
        life, post = self._lives[one.name], one.post
        assert post is not None
        heard = self._authorised.heard(one, life, event[1]) if event[0] == "rx" else []
        changed = self._authorised.changed(one, life, event, heard)
        self._levels.sensed(one, life, event, heard)
        self.reported.after(one, life, event, actions, heard)
        self.delivered.count(one, life)
        if event[0] != "rx":
            self._bounded.woken(one, life)
        if abs(post.clock.t_ms - one.ran_ms()) > 1:
            raise self._broken(2, one, f"its clock shows {post.clock.t_ms} ms after {one.ran_ms()} ms")
        if changed or any(action[0] == "lamp" for action in actions) or event[0] not in ("rx", "tick"):
            self.look(one)

    def received(self, epoch: str, seq: int, body: str) -> None:
        """The centre has got an item."""
        self.delivered.received(epoch, seq, body)

    def store_lost(self, items: list[dict[str, Any]]) -> None:
        """The gateway's database was damaged and is begun anew, with another epoch: only what it held may be missed."""
        self.delivered.store_lost(items)

    def look(self, one: StreetPost) -> None:
        """Hold a post that runs against all that can be seen at any moment."""
        life = self._lives.get(one.name)
        if one.post is None or life is None:
            return
        self.looks += 1
        self.reported.look(one, life)
        self._levels.look(one, life)
        self._bounded.look(one)

    def end(self) -> None:
        """All must be well: nothing on its way, everybody on time and on the plan the office wants."""
        self.delivered.end()
        for name in self.street.cabinet.requests.forgetful():
            raise self._broken(2, self.street.posts[name], "it has started anew and was not told again its orders")
        for one in self.street.posts.values():
            self._well(one)
            if one.firmware is not None:
                one.firmware.end()
        self.street.cabinet.casts.end()

    def _well(self, one: StreetPost) -> None:
        post = one.post
        if post is None:
            return
        utc_ms = self.street.utc_ms()
        utc_s, ms = post.clock.utc(one.ran_ms())
        if utc_s is None or abs(utc_s * 1000 + ms - utc_ms) > CLOCK_OFF_MS:
            raise self._broken(2, one, f"its time is {utc_s}, it is {utc_ms // 1000}")
        if "settings" in one.flash.refused:
            return  # its keys and its place may be those of before
        keys = self.street.cabinet.keys
        wrong = keys.wrong(one.name, post.settings.get("bus-key"), post.settings.get("post-key"))
        if wrong:
            raise self._broken(3, one, wrong)
        if one.name not in self.street.cabinet.online:
            raise self._broken(3, one, "its gateway has lost it")
        self.reported.end(one, self.street.cabinet.faults.get(one.name))
        wanted = self.street.cabinet.plans.wanted[one.name]
        patient = self.street.spec.quiet_s >= PLAN_RETRY_S
        if patient and (post.plan is None or post.plan.raw != wanted[-1]):
            raise self._broken(3, one, "it does not run the plan the office wants")

    def _broken(self, promise: int, one: StreetPost, what: str) -> Broken:
        return Broken(promise, one.name, self.street.loop.now_us, what)
