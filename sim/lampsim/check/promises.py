"""The five promises of the design as invariants, each held against something that shares no code with the product.

1. Never dark by fault: `Witness.look` - no lamp is darker than the reference (reference.py) allows, given the commands
   that lawfully lower it; a post whose program stops has broken it too.
2. The level is a pure function: the reason a post gives, a second arbiter asked at once, and the lamp once its fades
   are over are all the reference's level, after every restart, clock step and wrap of the ticks.
3. Nothing is lost, nothing is applied twice: every item made reaches the centre under one id with one content, but for
   those in the RAM of a post that lost its power; a command acts once in the life of a post.
4. Only the authorised: what changes in a post is what a frame allows that its sender really sent, just now, and that
   this post heard whole; the centre gets only items that a post made; a post runs only plans the office wanted.
5. Everything is bounded: every queue and table stays within its limit, and nobody wakes without end.

A Witness is told of everything by the Street and raises Broken at the first promise that is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lamppost import limits
from lamppost.light.arbiter import Arbiter
from lamppost.light.plan import Plan
from lampsim.check import bounded
from lampsim.check.life import BREAK_MS, Life
from lampsim.check.overheard import Ear, Frame, sealed_with
from lampsim.check.reference import Bounds, Command, SlowPlan, derated_pm, expected, reached_pm
from lampsim.check.reported import FAULT_ITEM, Reported
from lampsim.check.worlds import PLAN_RETRY_S

if TYPE_CHECKING:
    from lampsim.check.street import Street, StreetPost

TOLERANCE_PM = 3  # three roundings of integers
FADES_MS = 10_000  # the longest fade that is not a presence profile's: protection
MARGIN_MS = 1_500
ANNOUNCED_MS = 10_500  # somebody who stays is announced again at least every 10 s
OLD_EVENT_MS = 2_500  # an event that is said again tells a moment that has passed
SETTLE_US = 30_000_000  # an item made this close to the end may still be on its way
DAY_MS = 86_400_000
STUCK_MS = 1_800_000  # a sensor that has seen somebody for so long without a break is stuck, and not heeded
GRACE_MS = (6_000, 6_000, 2_500)  # so long a place holds, by class, once its user was sensed farther on
CLOCK_OFF_MS = 1_500
ASKED_S = 31  # so long a gateway tries to reach a post
WRITES_A_START = 8  # a post writes its flash so often at a start,
WRITES_AN_HOUR = 10  # and of its own accord so often an hour: 90,000 a year of the ten million that it has
ITEMS_A_WRITE = 128  # and for items, which a contact that bounces makes until it counts as stuck
ASKED_FOR = ("settings", "plan", "slot", "intake")  # records that are written when somebody wants them to be
WAKES_MAX = 400  # a second and post, but for bytes that come: where two speak at once each comes by itself
POLL, EVENT, TIME, COMMAND, BLOB, SET_TIME = 0x10, 0x12, 0x13, 0x20, 0x31, 0x40  # PROTOCOL.md's message types
FIRMWARE, BLOCK = 0x33, 0x35
NOBODY = Bounds(0, 0)


class Broken(Exception):
    """A promise is broken: which, by whom, when, and what was seen."""

    def __init__(self, promise: int, who: str, at_us: int, what: str) -> None:
        self.promise, self.who, self.at_us, self.what = promise, who, at_us, what
        super().__init__(f"promise {promise} is broken by {who} at {at_us / 1e6:.3f} s: {what}")


class Witness:
    """Sees one Street."""

    def __init__(self) -> None:
        self.made: dict[tuple[str, int, int], tuple[int, tuple]] = {}
        self.lost: set[tuple[str, int, int]] = set()
        self.got: dict[tuple[str, int], str] = {}
        self.ids: dict[tuple[str, int, int], tuple[str, int]] = {}
        self.with_the_store: set[tuple[str, int, int]] = set()  # items that a damaged database took with it
        self.vague: set[tuple[str, int, int]] = set()  # numbers that a worn flash let a post give out twice
        self._forged: set[tuple[str, int]] = set()  # (post, number) of events that whoever has the bus key said
        self._epochs_lost = 0
        self._ends: dict[tuple[str, str], int] = {}  # until when a post may be told a command: it expires, or is over
        self.looks = 0
        self._lives: dict[str, Life] = {}
        self._air: dict[str, dict[bytes, Frame]] = {}
        self._planned: set[str] = set()
        self._seals: dict[bytes, bytes | None] = {}  # and with which bus key
        self._broadcasts: dict[bytes, int] = {}  # every event and time that was ever said, and when

    def begin(self, street: Street) -> None:
        self.street = street
        self._air = {bus: {} for bus in street.buses}
        self.reported = Reported(street, self._broken)

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
        if one.name in self._planned and post.plan is None and "plan" not in one.flash.refused:
            raise self._broken(2, one, "the plan it had stored is gone after a power cut")
        self._watch_commands(one, life)
        self.reported.booted(one)

    def stopped(self, one: StreetPost) -> None:
        post = one.post
        assert post is not None
        self._count_items(one, self._lives[one.name])
        self.reported.stopped(one)
        self.lost.update((one.name, post.item_epoch, item[0]) for item in post.items._waiting)

    def did(self, one: StreetPost) -> None:
        """A post has done all it wanted to do after an event: what it saved lies in its flash."""
        if one.post is not None and one.post.plan is not None:
            self._planned.add(one.name)

    def sent(self, bus: str, node: str, data: bytes) -> None:
        """A node that belongs to the line has said this."""
        air, now = self._air[bus], self.street.loop.now_us
        for frame in Ear().hear(data):
            wire_us = len(data) * 10_000_000 // self.street.spec.baud
            if frame.kind == BLOCK:
                self._broadcasts[frame.body] = now
            if frame.kind in (EVENT, TIME):
                self._broadcasts[frame.body] = now
                self._seals[frame.body] = sealed_with(frame.body, self.street.cabinet.keys.all_of(bus))
            air[frame.body] = frame._replace(until_us=now + 2 * wire_us + 500_000, heard_by=set())
        if len(air) > 500:
            self._air[bus] = {body: frame for body, frame in air.items() if frame.until_us > now}

    def hostile(self, bus: str, data: bytes) -> None:
        """A stranger says this: nothing of it may count."""
        for frame in Ear().hear(data):
            self._air[bus].pop(frame.body, None)

    def forged(self, bus: str, post: str, number: int, data: bytes) -> None:
        """Whoever has the bus key says that a post has seen somebody: that counts as if the post had said it, and the
        number may be that of an item of the post's own."""
        self._forged.add((post, number))
        self.sent(bus, post, data)

    def clock_wrong(self, post: str, ahead_s: int) -> None:
        """A post was given a time by its own RTC: it is believed, and put right by the gateway."""

    def before(self, one: StreetPost, event: tuple) -> None:
        life = self._lives[one.name]
        if not life.before:
            life.before = _state(one.post)
        keys = _bus_keys(one.post)
        if len(keys) < len(life.keys):  # with the last bus key it has forgotten what came under that alone
            life.under = {key: heard for key, heard in life.under.items() if key in keys}
            life.counters = dict(*life.under.values()) if life.under else {}
        life.keys = keys

    def after(self, one: StreetPost, event: tuple, actions: list) -> None:
        life, post = self._lives[one.name], one.post
        assert post is not None
        heard = self._heard(one, life, event[1]) if event[0] == "rx" else []
        changed = self._authorised(one, life, event, heard)
        self._note(one, life, event, heard)
        self.reported.after(one, life, event, actions, heard)
        self._count_items(one, life)
        if event[0] != "rx":
            self._count_wakes(one, life)
        if abs(post.clock.t_ms - one.ran_ms()) > 1:
            raise self._broken(2, one, f"its clock shows {post.clock.t_ms} ms after {one.ran_ms()} ms")
        if changed or any(action[0] == "lamp" for action in actions) or event[0] not in ("rx", "tick"):
            self.look(one)

    def received(self, epoch: str, seq: int, body: str) -> None:
        """The centre has got an item."""
        if self.got.setdefault((epoch, seq), body) != body:
            raise Broken(3, "the gateway", self.street.loop.now_us, f"item {seq} came again with another content")
        item = json.loads(body)
        if item["kind"] == "presence" and (item["post"], item["post_seq"]) in self._forged:
            return
        key = (item["post"], item["post_epoch"], item["post_seq"])
        if key in self.vague:
            return
        before = self.ids.setdefault(key, (epoch, seq))
        if before != (epoch, seq) and (before[0] == epoch or not self._epochs_lost):
            raise Broken(3, item["post"], self.street.loop.now_us, f"its item {key[2]} has two ids at the centre")
        if key not in self.made:
            raise Broken(4, item["post"], self.street.loop.now_us, f"the centre got {item}, which it never made")
        self._same(item, self.made[key][1])

    def store_lost(self, items: list[dict[str, Any]]) -> None:
        """The gateway's database was damaged and is begun anew, with another epoch: only what it held may be missed."""
        self._epochs_lost += 1
        self.with_the_store.update((item["post"], item["post_epoch"], item["post_seq"]) for item in items)

    def quiet(self) -> None:
        """People and faults are over; from now on everything must come right by itself."""

    def end(self) -> None:
        """All must be well: nothing on its way, everybody on time and on the plan the office wants."""
        now, excused = self.street.loop.now_us, self.lost | self.with_the_store | self.vague
        excused |= {key for key, (_, item) in self.made.items() if item[1] == 2 and (key[0], key[2]) in self._forged}
        for key, (made_us, item) in self.made.items():
            if key not in excused and key not in self.ids and made_us < now - SETTLE_US:
                raise Broken(3, key[0], now, f"item {key[2]} ({item}), made at {made_us / 1e6:.1f} s, never came")
        for post in self.street.cabinet.forgetful():
            raise Broken(2, post, now, "it has started anew and was not told again what it was ordered")
        for one in self.street.posts.values():
            self._well(one)
            if one.firmware is not None:
                one.firmware.end()
        self.street.cabinet.casts.end()

    # --- promises 1 and 2

    def look(self, one: StreetPost) -> None:
        """Hold what a post does at this moment against the reference."""
        post, life = one.post, self._lives.get(one.name)
        if post is None or life is None:
            return
        self.looks += 1
        self.reported.look(one, life)
        t_ms = one.ran_ms()
        self._take_plan(one, life)
        utc_s = post.clock.utc_s(t_ms)
        in_force = [command for command in life.commands.values() if t_ms < command.until_ms]
        limit_pm = derated_pm(life.believed_dc(post.temp_dc, t_ms))
        presence = NOBODY if utc_s is None else self._presence(one, life, utc_s, t_ms)
        inputs = (life.plan, presence, in_force, limit_pm, _photocell(life.lux, t_ms))
        now = _expected(inputs, utc_s)
        self._pure(one, life, now, utc_s, t_ms)
        window_ms = max([FADES_MS, *(p[k] for p in (life.plan.profiles if life.plan else []) for k in (2, 3))])
        if life.inputs and life.inputs != (post.clock._offset_ms, inputs):  # until now the ones before held
            offset_ms, before = life.inputs
            life.past.append((t_ms, _expected(before, None if offset_ms is None else (t_ms + offset_ms) // 1000)))
        life.inputs = (post.clock._offset_ms, inputs)
        life.past.append((t_ms, now))
        while len(life.past) > 1 and life.past[1][0] <= t_ms - window_ms - MARGIN_MS:
            life.past.popleft()
        allowed = now
        for _, bounds in life.past:
            allowed = allowed.plus(bounds)
        if utc_s is not None and post.dimmer.done_ms > t_ms:  # a fade may meet a rising ramp where that will be by then
            ahead_ms = min(post.dimmer.done_ms - t_ms, window_ms)
            meets = _expected(inputs, utc_s + (ahead_ms + 999) // 1000)
            allowed = allowed._replace(high=max(allowed.high, meets.high))
        level_pm = post.dimmer.level(t_ms)
        if level_pm < allowed.low - TOLERANCE_PM:
            raise self._broken(1, one, f"its lamp is at {level_pm}, darker than {allowed.low}")
        if level_pm > allowed.high + TOLERANCE_PM:
            raise self._broken(2, one, f"its lamp is at {level_pm}, brighter than {allowed.high}")
        self._bounded(one)

    def _pure(self, one: StreetPost, life: Life, now: Bounds, utc_s: int | None, t_ms: int) -> None:
        post = one.post
        assert post is not None
        level_pm = post.why(None, t_ms)[1]
        if utc_s is None and life.lux is not None:
            return  # the photocell remembers: only its lamp tells
        if not now.low - TOLERANCE_PM <= level_pm <= now.high + TOLERANCE_PM:
            promise = 1 if level_pm < now.low else 2
            raise self._broken(promise, one, f"it gives reasons for {level_pm}, the reference {now.low}..{now.high}")
        second = Arbiter()
        second.commands, second.half_night = post.arbiter.commands, post.arbiter.half_night
        plan = None if life.raw is None else Plan.from_bytes(life.raw)
        at_once = second.decide(plan, post.presence, utc_s, t_ms, None, post.temp_dc).now_pm
        if at_once != level_pm:
            raise self._broken(2, one, f"it gives reasons for {level_pm}, a second arbiter at once for {at_once}")

    def _presence(self, one: StreetPost, life: Life, utc_s: int, t_ms: int) -> Bounds:
        if life.plan is None:
            return NOBODY
        slack = life.plan.slack_s(utc_s)
        choices = [self._asked(one, life, life.plan.profile(at), t_ms) for at in (utc_s - slack, utc_s + slack)]
        return Bounds(min(c.low for c in choices), max(c.high for c in choices))

    def _asked(self, one: StreetPost, life: Life, profile: list | None, t_ms: int) -> Bounds:
        """What a profile asks for all that were sensed or heard of."""
        if profile is None or life.plan is None:
            return NOBODY
        hold_ms, places = profile[1] * 1000, {one.address: 0} | {n[0]: n[1] for n in life.plan.neighbours}
        low = high = 0
        for (address, user_class), last_ms in life.seen.items():
            if address not in places:
                continue
            own_now = address == one.address and user_class in life.here
            if own_now:  # announced again every 10 s, until the sensor counts as stuck
                stuck_ms = life.since[user_class] + STUCK_MS
                own_now, last_ms = t_ms < stuck_ms, max(last_ms, min(t_ms, stuck_ms))
            if own_now or t_ms <= last_ms + hold_ms + MARGIN_MS:
                high = max(high, reached_pm(profile, user_class, places[address]))
            sure_ms = last_ms + hold_ms - (ANNOUNCED_MS if address == one.address else OLD_EVENT_MS)
            told_ms = (t_ms if own_now else last_ms) - ANNOUNCED_MS
            if address == one.address and max(told_ms, life.since[user_class]) < life.planned_ms:
                sure_ms = 0  # who came before there was a plan is not known until announced again
            elif own_now and hold_ms > ANNOUNCED_MS:
                sure_ms = t_ms + 1
            left_ms = life.left.get((address, user_class))
            if left_ms is not None:
                sure_ms = min(sure_ms, left_ms + GRACE_MS[user_class] - MARGIN_MS)
            sure = address == one.address or (address, user_class) in life.alone
            if sure and t_ms < sure_ms:
                low = max(low, reached_pm(profile, user_class, places[address]))
        return Bounds(low, high)

    def _take_plan(self, one: StreetPost, life: Life) -> None:
        post = one.post
        assert post is not None
        raw = post.plan.raw if post.plan else None
        if raw == life.raw:
            return
        known = {n[0] for n in life.plan.neighbours} if life.plan else set()
        if life.plan is None:
            life.planned_ms = one.ran_ms()
        life.alone = {key for key in life.alone if key[0] in known}  # what strangers said before did not count
        life.raw = raw
        life.plan = None if raw is None else SlowPlan(raw)
        if raw is not None and raw not in self.street.cabinet.wanted.get(one.name, ()):
            raise self._broken(4, one, "it runs a plan that the office never wanted")

    # --- promise 3

    def _count_items(self, one: StreetPost, life: Life) -> None:
        post = one.post
        assert post is not None
        if post.items.next_seq == life.next_seq:
            return
        for item in post.items._waiting:
            if item[0] >= life.next_seq:
                key = (one.name, post.item_epoch, item[0])
                if "counters" in one.flash.refused and key in self.made:
                    self.vague.add(key)  # its flash did not take what numbers are in use
                elif key in self.made and key not in self.lost:
                    raise self._broken(3, one, f"it gives the number {item[0]} to a second item")
                self.lost.discard(key)
                self.made[key] = (self.street.loop.now_us, item)
        life.next_seq = post.items.next_seq

    def _same(self, got: dict[str, Any], item: tuple) -> None:
        kinds = {1: "reading", 2: "presence", 3: "fault", 4: "boot", 5: "plan"}
        if got["kind"] != kinds.get(item[1]):
            raise Broken(3, got["post"], self.street.loop.now_us, f"made {item}, but the centre got {got}")
        if item[1] == FAULT_ITEM and not self.reported.same(got, item):
            raise Broken(1, got["post"], self.street.loop.now_us, f"made {item}, but the centre got {got}")
        if item[1] == 1 and round(got["power_w"] * 1000) != item[4]:
            raise Broken(3, got["post"], self.street.loop.now_us, f"made {item}, but the centre got {got}")

    def _watch_commands(self, one: StreetPost, life: Life) -> None:
        post = one.post
        assert post is not None
        commands = post.arbiter.commands
        give, clear = commands.give, commands.clear

        def given(layer, op, level_pm, text, utc_s, t_ms, for_s=0, until_s=0, from_s=0):
            give(layer, op, level_pm, text, utc_s, t_ms, for_s, until_s, from_s)
            if text in life.acted:
                raise self._broken(3, one, f"command {text} acts a second time")
            asked = self.street.cabinet.asked.get(text)
            if asked is None or (asked.layer, asked.op, asked.level_pm) != (layer, op, level_pm):
                raise self._broken(4, one, f"command {text} ({layer}, {op}, {level_pm}) was never given")
            now_s = self.street.utc_ms() // 1000
            last_s = self._ends.get((one.name, text), self.street.cabinet.published[text][2])
            late_s = now_s - last_s  # who has taken it and started anew may be told again until it is over
            self._ends.setdefault((one.name, text), now_s + for_s)
            if late_s > ASKED_S and not self.street.clock_was_wrong:
                raise self._broken(3, one, f"command {text} acts {late_s} s after it has expired")
            if not 0 < for_s <= limits.OVERRIDE_MAX_S:
                raise self._broken(5, one, f"command {text} lasts {for_s} s")
            life.acted.add(text)
            life.commands[layer] = Command(layer, op, level_pm, t_ms + for_s * 1000)

        def cleared(layer):
            life.commands.pop(layer, None)
            return clear(layer)

        commands.give, commands.clear = given, cleared  # type: ignore[method-assign]

    # --- promise 4

    def _heard(self, one: StreetPost, life: Life, data: bytes) -> list[Frame]:
        """The frames this chunk completes that their sender really sent just now; each counts once for a hearer."""
        air, now, found = self._air[life.bus], self.street.loop.now_us, []
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

    def _authorised(self, one: StreetPost, life: Life, event: tuple, heard: list[Frame]) -> bool:
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

    def _note(self, one: StreetPost, life: Life, event: tuple, heard: list[Frame]) -> None:
        t_ms = one.ran_ms()
        for frame in heard:
            if frame.kind == EVENT and frame.dst == 255 and frame.src != one.address:
                user_class, _, age_ms, _ = frame.values()
                life.sensed(frame.src, user_class, t_ms - age_ms)
        if event[0] == "presence" and event[2] and event[3] not in life.here:
            life.here.add(event[3])
            since_ms, gone_ms = life.gone[event[3]]
            life.since[event[3]] = since_ms if t_ms - gone_ms < BREAK_MS else t_ms
            if t_ms < life.since[event[3]] + STUCK_MS:
                life.sensed(one.address, event[3], t_ms)
        elif event[0] == "presence" and not event[2] and event[3] in life.here:
            life.here.discard(event[3])
            life.gone[event[3]] = (life.since[event[3]], t_ms)
            life.seen[one.address, event[3]] = min(t_ms, life.since[event[3]] + STUCK_MS)
        elif event[0] == "lux":
            life.lux = event[1]
        elif event[0] == "temp":
            life.temperature_dc, life.heated_ms = event[1], t_ms

    # --- promise 5

    def _count_wakes(self, one: StreetPost, life: Life) -> None:
        second = self.street.loop.now_us // 1_000_000
        if second != life.second:
            life.second, life.wakes = second, 0
        life.wakes += 1
        if life.wakes > WAKES_MAX:
            raise self._broken(5, one, f"it was woken {life.wakes} times in a second")

    def _bounded(self, one: StreetPost) -> None:
        post = one.post
        assert post is not None
        own = sum(count for name, count in one.flash.written.items() if name not in ASKED_FOR)
        most = WRITES_A_START * one.starts + WRITES_AN_HOUR * (self.street.loop.now_us / 3.6e9 + 1)
        most += post.items.next_seq / ITEMS_A_WRITE
        if own > most:
            raise self._broken(5, one, f"its flash is written {own} times ({one.flash.written}), at most {most:.0f}")
        for name, size, most in bounded.of_post(post):
            if size > most:
                raise self._broken(5, one, f"{name}: {size}, at most {most}")
        for bus, poller in self.street.cabinet.pollers.items():
            peers = len(self.street.spec.lines[bus])
            for name, size, most in bounded.of_poller(poller, peers):
                if size > most:
                    raise Broken(5, f"line {bus}", self.street.loop.now_us, f"{name}: {size}, at most {most}")

    # --- the end

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
        if one.name not in self.street.cabinet._online:
            raise self._broken(3, one, "its gateway has lost it")
        self.reported.end(one, self.street.cabinet.faults.get(one.name))
        wanted = self.street.cabinet.wanted[one.name]
        patient = self.street.spec.quiet_s >= PLAN_RETRY_S
        if patient and (post.plan is None or post.plan.raw != wanted[-1]):
            raise self._broken(3, one, "it does not run the plan the office wants")

    def _broken(self, promise: int, one: StreetPost, what: str) -> Broken:
        return Broken(promise, one.name, self.street.loop.now_us, what)


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


def _expected(inputs: tuple, utc_s: int | None) -> Bounds:
    plan, presence, in_force, limit_pm, day = inputs
    return expected(plan, utc_s, presence, in_force, limit_pm, day)


def _photocell(lux: int | None, t_ms: int) -> Bounds:
    if lux is None or lux < 35:
        return Bounds(1000, 1000)
    if t_ms > DAY_MS:  # it may have seen day for longer than one lasts
        return Bounds(0, 1000)
    return Bounds(0, 0) if lux > 70 else Bounds(0, 1000)
