"""Each fault is reported: promise 1's other half, held against thresholds and delays that are written here again.

After edge/FALLBACKS.md, "When a fault comes and goes", and PROTOCOL.md, section 6; nothing is shared with
`lamppost.health`. What a post was told (power, voltage, presence, door, ...) is a *course* for each fault: since when
it has certainly been bad or good, and since when perhaps. From these:

- what has been bad for its delay and a margin is a bit of STATUS; what has been good for its other delay and a margin
  is one no more;
- a bit comes only after something that was perhaps bad for the whole delay, and goes only after the same of good:
  no false alarm, no fault that is hushed up, nothing that flickers at a limit;
- each change of a bit is one FAULT item with its number, which way, and what was measured, and one line of the log; the
  centre gets it so, by name; what the gateway believes of a post that it hears is what the post believes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lampsim.check.broken import Breaks
from lampsim.check.witness.overheard import EVENT, POLL
from lampsim.check.witness.reference import decoded

if TYPE_CHECKING:
    from lampsim.check.witness.life import Life
    from lampsim.check.world.post import StreetPost
    from lampsim.check.world.street import Street

NAMES = (
    "", "lamp", "driver", "day-burning", "cycling", "relay-stuck", "voltage-low", "voltage-high", "power-factor", "hot",
    "sensor-stuck", "sensor-dead", "neighbours-lost", "clock-lost", "no-plan", "gateway-silent", "resets",
    "flash-refuses", "flash-worn", "meter-silent", "door-open",
)  # fmt: skip
LAMP, DRIVER, DAY_BURNING, CYCLING, RELAY_STUCK, VOLTAGE_LOW, VOLTAGE_HIGH, POWER_FACTOR = range(1, 9)
HOT, SENSOR_STUCK, SENSOR_DEAD, NEIGHBOURS_LOST, CLOCK_LOST, NO_PLAN, GATEWAY_SILENT, RESETS = range(9, 17)
FLASH_REFUSES, FLASH_WORN, METER_SILENT, DOOR_OPEN = range(17, 21)
DELAYS_S = {  # until it comes, until it goes; none for the others
    LAMP: (120, 30), DRIVER: (120, 30), DAY_BURNING: (120, 30), RELAY_STUCK: (30, 30), VOLTAGE_LOW: (60, 60),
    VOLTAGE_HIGH: (60, 60), POWER_FACTOR: (600, 600), HOT: (60, 300), SENSOR_STUCK: (0, 60), NO_PLAN: (600, 0),
    DOOR_OPEN: (5, 60),
}  # fmt: skip
MARGIN_MS = 5_000  # what is told is judged at once, what is due in time
SEEN_MS = 20_000  # somebody who stays is looked at each ten seconds
LOOK_MS = 605_000  # and what nobody tells each ten minutes: a post looks for itself
EARLY_MS = 1_500  # two clocks that are read at two moments
FRESH_MS, SETTLED_MS, COLD_MS, GEAR_MS = 60_000, 10_000, 600_000, 180_000
STUCK_MS, DAY_MS, ENOUGH_SEEN = 1_800_000, 86_400_000, 500
CLOCK_MS, SILENT_MS, SHORT_MS, SHORT_STARTS = 900_000, 7_200_000, 600_000, 5
HOUR_MS, CALM_MS, CYCLES = 3_600_000, 7_200_000, 5
UNKNOWN_LAMP_MW = (40_000, 0)  # rated and standby, until a plan says what hangs there
BY_ITSELF = {  # how late a post may notice, where nothing tells it: when it comes, when it goes
    SENSOR_STUCK: (SEEN_MS, LOOK_MS), CLOCK_LOST: (LOOK_MS, LOOK_MS), NO_PLAN: (LOOK_MS, LOOK_MS),
    GATEWAY_SILENT: (LOOK_MS, LOOK_MS),
    FLASH_WORN: (LOOK_MS, LOOK_MS), METER_SILENT: (LOOK_MS, MARGIN_MS), RESETS: (MARGIN_MS, LOOK_MS),
}  # fmt: skip
MEASURED = {
    LAMP: "power", DRIVER: "power", DAY_BURNING: "power", RELAY_STUCK: "power", VOLTAGE_LOW: "voltage",
    VOLTAGE_HIGH: "voltage", POWER_FACTOR: "factor", HOT: "temp",
}  # fmt: skip
TOLD_US = 60_000_000  # by then a gateway that hears a post knows of its last fault
FAULT_ITEM = 3


class Course:
    """Since when a fault has been there, or not, for certain or perhaps: moments in the post's milliseconds."""

    def __init__(self) -> None:
        self.bad: int | None = None
        self.good: int | None = None
        self.perhaps_bad: int | None = None
        self.perhaps_good: int | None = None

    def is_(self, bad: bool | None, t_ms: int) -> None:
        """It is there, is not, or (None) is between its two thresholds: then both delays begin anew."""
        self.bad = _since(self.bad, t_ms) if bad else None
        self.perhaps_bad = _since(self.perhaps_bad, t_ms) if bad else None
        self.good = _since(self.good, t_ms) if bad is False else None
        self.perhaps_good = _since(self.perhaps_good, t_ms) if bad is False else None

    def untold(self) -> None:
        """Nothing can be said now: nothing must happen, and the delays run on."""
        self.bad = self.good = None

    def unsure(self, t_ms: int) -> None:
        """It may be there, or not."""
        self.untold()
        self.perhaps_bad, self.perhaps_good = _since(self.perhaps_bad, t_ms), _since(self.perhaps_good, t_ms)


class Told:
    """What one post was told in one life, and what follows from it."""

    def __init__(self, short_starts: int | None, next_seq: int, post) -> None:
        self.courses = [Course() for _ in NAMES]
        self.bits, self.next_seq, self.changed_us = 0, next_seq, 0
        self.last: dict[str, tuple[int, int]] = {}  # what was measured last, and when
        self.fade = (1000, 1000, 0, 0)  # of the lamp: from, to, begun, over
        self.opened_ms: int | None = None  # when the relay did
        self.failed = (False, 0)  # whether the DALI gear said so, and when
        self.short_starts = short_starts  # in a row before this one; None: not known
        self.polled_ms = 0
        self.own_ms, self.own, self.others, self.others_ms = 0, 0, 0, 0
        self.lit: bool | None = None
        self.out_ms: list[int] = []
        self.vague_ms: int | None = None  # when it last was not sure whether the lamp was lit
        self._plan: Any = post
        self.lamp_mw = UNKNOWN_LAMP_MW

    def take_plan(self, plan, t_ms: int) -> None:
        """Of a luminaire it has what the plan says."""
        if plan is not self._plan:
            self._plan = plan
            self.lamp_mw = UNKNOWN_LAMP_MW if plan is None else tuple(decoded(plan.raw)[11][2:4])
            for number in (LAMP, DRIVER, DAY_BURNING, RELAY_STUCK):
                self.courses[number].unsure(t_ms)

    def level_pm(self, t_ms: int) -> int:
        from_pm, to_pm, begun_ms, over_ms = self.fade
        return to_pm if t_ms >= over_ms else from_pm + (to_pm - from_pm) * (t_ms - begun_ms) // (over_ms - begun_ms)

    def expected_mw(self, level_pm: int) -> int:
        rated_mw, standby_mw = self.lamp_mw
        return standby_mw + (rated_mw * (30_000 + 970 * level_pm) // 1_000_000 if level_pm else 0)

    # --- what is told

    def lamp(self, level_pm: int, fade_ms: int, t_ms: int) -> None:
        """The post has told its lamp to go somewhere: until it rests there nothing can be said."""
        self.fade = (self.level_pm(t_ms), level_pm, t_ms, t_ms + fade_ms)
        for number in (LAMP, DRIVER, DAY_BURNING):
            self.courses[number].untold()
        self.courses[POWER_FACTOR].unsure(t_ms)

    def relay(self, closed: bool, t_ms: int) -> None:
        self.opened_ms = None if closed else t_ms
        for number in (LAMP, DRIVER, DAY_BURNING, RELAY_STUCK):
            self.courses[number].untold()

    def power(self, power_mw: int, t_ms: int) -> None:
        """A value of the power sensor."""
        self.courses[METER_SILENT].is_(False, t_ms)
        if t_ms - SETTLED_MS < self.fade[3] + 2:
            if t_ms - SETTLED_MS >= self.fade[3] - 2:
                self._vague(t_ms)
            return
        if self.opened_ms is not None:
            self._open(power_mw, self.opened_ms, t_ms)
            return
        if self.failed[0]:
            self._said(t_ms)
        level_pm, standby_mw = self.fade[1], self.lamp_mw[1]
        light_mw = self.expected_mw(level_pm) - standby_mw
        if level_pm == 0:
            self.lit = None
            self.courses[DAY_BURNING].is_(power_mw > standby_mw + max(3_000, self.lamp_mw[0] // 10), t_ms)
        elif level_pm < 200 or light_mw < 3_000:
            self.lit = None
            if light_mw >= 2_990 and level_pm >= 200:
                self._vague(t_ms)
        else:
            self._burning(power_mw, standby_mw + light_mw, t_ms)

    def _said(self, t_ms: int) -> None:
        """Gear that says it failed is believed whatever power flows, for as long as that is fresh."""
        if t_ms - self.failed[1] < GEAR_MS - MARGIN_MS:
            self.courses[LAMP].is_(True, t_ms)
        elif t_ms - self.failed[1] < GEAR_MS + MARGIN_MS:
            self.courses[LAMP].unsure(t_ms)
        else:
            self.failed = (False, t_ms)

    def _open(self, power_mw: int, opened_ms: int, t_ms: int) -> None:
        if t_ms - SETTLED_MS >= opened_ms:
            self.lit = None
            least_mw = max(300, self.lamp_mw[1] * 3 // 4)
            bad = True if power_mw >= least_mw else False if power_mw < least_mw // 2 else None
            self.courses[RELAY_STUCK].is_(bad, t_ms)

    def _burning(self, power_mw: int, expected_mw: int, t_ms: int) -> None:
        share = 100 * power_mw / expected_mw
        over = 100 * (power_mw - 3_000) / expected_mw
        for number, low, high, bad_low, value in ((LAMP, 50, 71, True, share), (DRIVER, 125, 151, False, share)):
            course = self.courses[number]
            if number == LAMP and self.failed[0]:
                continue
            if number == DRIVER and share >= 125:
                value = max(over, 126)  # three watts more than half again of what it should take
            if min(abs(value - low), abs(value - high)) < 1.1:
                course.unsure(t_ms)
            elif low < value < high:
                course.is_(None, t_ms)
            else:
                course.is_((value < low) == bad_low, t_ms)
        if 48.9 < share < 51.1 or 69.9 < share < 72.1:
            self._vague(t_ms)
        elif share < 50 or share > 70:
            lit = share > 70
            if self.lit and not lit:
                self.out_ms.append(t_ms)
            self.lit = lit
        outs = [at for at in self.out_ms if t_ms - at <= HOUR_MS]
        bad = True if len(outs) >= CYCLES else False if not self.out_ms or t_ms - self.out_ms[-1] > CALM_MS else None
        if self.vague_ms is not None and t_ms - self.vague_ms < CALM_MS + HOUR_MS:
            self.courses[CYCLING].unsure(t_ms)
        else:
            self.courses[CYCLING].is_(bad, t_ms)

    def _vague(self, t_ms: int) -> None:
        self.vague_ms = t_ms
        for number in (LAMP, DRIVER, DAY_BURNING, CYCLING):
            self.courses[number].unsure(t_ms)

    def event(self, event: tuple[Any, ...], t_ms: int) -> None:
        """What the board has told the post."""
        name, value = event[0], event[-1]
        if name in ("power", "voltage", "factor", "temp"):
            self.last[name] = (event[1], t_ms)
        if name == "power":
            self.power(event[1], t_ms)
        elif name == "voltage":
            self.courses[VOLTAGE_LOW].is_(_outside(-event[1], -207_000, -211_000), t_ms)
            self.courses[VOLTAGE_HIGH].is_(_outside(event[1], 253_000, 249_000), t_ms)
        elif name == "factor":
            level_pm = self.level_pm(t_ms)
            if abs(level_pm - 700) < 5 or t_ms < self.fade[3]:
                self.courses[POWER_FACTOR].unsure(t_ms)
            else:
                bad = _outside(-event[1], -800, -850) if level_pm >= 700 else None
                self.courses[POWER_FACTOR].is_(bad, t_ms)
        elif name == "temp":
            believed = event[1] <= 1500
            self.courses[HOT].is_(_outside(event[1], 800, 750) if believed else None, t_ms)
        elif name == "gear":
            if self.failed[0] and not value:
                self.courses[LAMP].unsure(t_ms)  # the power says it, where there is enough of that
            self.failed = (bool(value), t_ms)
            self.power(*self.last["power"])  # told a moment before
        elif name == "door":
            self.courses[DOOR_OPEN].is_(bool(value), t_ms)
        elif name == "flash":
            self.courses[FLASH_REFUSES].is_(not event[1], t_ms)
        elif name == "relay":
            self.relay(bool(value), t_ms)
        elif name == "presence" and event[2]:
            self.own_ms, self.own, self.others = t_ms, self.own + 1, 0

    # --- what time tells

    def age(self, one: StreetPost, life: Life, t_ms: int) -> None:
        """What follows from the moment alone."""
        post, courses = one.post, self.courses
        assert post is not None
        for name, of_it in (("voltage", (VOLTAGE_LOW, VOLTAGE_HIGH)), ("factor", (POWER_FACTOR,))):
            if name in self.last and t_ms - self.last[name][1] > FRESH_MS:
                for number in of_it:
                    courses[number].untold()
        if "power" in self.last and t_ms - self.last["power"][1] >= FRESH_MS:
            courses[METER_SILENT].is_(True, t_ms)
            for number in (LAMP, DRIVER, DAY_BURNING, CYCLING, RELAY_STUCK):
                courses[number].untold()
            self.lit = None
            self.vague_ms = t_ms  # whether it was dark in between nobody knows
        if "temp" in self.last and t_ms - self.last["temp"][1] >= COLD_MS:
            courses[HOT].unsure(t_ms)
            if t_ms - self.last["temp"][1] > COLD_MS + LOOK_MS:
                courses[HOT].good = self.last["temp"][1] + COLD_MS + LOOK_MS
        stuck = [user_class for user_class in life.here if t_ms >= life.since[user_class] + STUCK_MS]
        courses[SENSOR_STUCK].is_(bool(stuck), t_ms)
        courses[CLOCK_LOST].is_(post.clock.utc_s(t_ms) is None and t_ms >= CLOCK_MS, t_ms)
        courses[NO_PLAN].is_(post.plan is None, t_ms)
        courses[GATEWAY_SILENT].is_(post.line is not None and t_ms - self.polled_ms >= SILENT_MS, t_ms)
        courses[FLASH_WORN].is_(one.worn, t_ms)
        if self.short_starts is None:
            courses[RESETS].unsure(t_ms)
        else:
            courses[RESETS].is_(self.short_starts >= SHORT_STARTS and t_ms < SHORT_MS, t_ms)
        sides = ((SENSOR_DEAD, self.others, self.own_ms), (NEIGHBOURS_LOST, self.own, self.others_ms))
        for number, seen, since_ms in sides:
            if seen >= ENOUGH_SEEN and t_ms - since_ms >= DAY_MS:
                courses[number].unsure(t_ms)
            else:
                courses[number].is_(False, t_ms)
                courses[number].good = None  # what it has once said may stand until the other side is heard


class Reported:
    """Of all posts of a street. Raises through `broken`, which makes a Witness's error."""

    def __init__(self, street: Street, broken: Breaks) -> None:
        self.street, self._broken = street, broken
        self.came: dict[str, set[int]] = {name: set() for name in street.posts}  # for tests: what came, ever
        self._told: dict[str, Told] = {}
        self._short: dict[str, int | None] = dict.fromkeys(street.posts, 0)

    def booted(self, one: StreetPost) -> None:
        post = one.post
        assert post is not None
        self._told[one.name] = Told(self._short[one.name], post.items.born_seq, None)

    def stopped(self, one: StreetPost) -> None:
        """A start that was over soon counts, unless its flash did not take that."""
        short, spoilt = self._short[one.name], one.firmware is not None or one.flash.refused or one.flash.was_cut
        if short is None or spoilt or abs(one.ran_ms() - SHORT_MS) < MARGIN_MS:
            self._short[one.name] = None
        else:
            self._short[one.name] = short + 1 if one.ran_ms() < SHORT_MS else 0

    def after(self, one: StreetPost, life: Life, event: tuple, actions: list, heard: list) -> None:
        """A post has handled an event; the Life knows of it already."""
        told, post, t_ms = self._told[one.name], one.post, one.ran_ms()
        assert post is not None
        for frame in heard:
            if frame.kind == POLL and frame.dst == one.address:
                told.polled_ms = t_ms
            elif frame.kind == EVENT:
                told.others, told.others_ms, told.own = told.others + 1, t_ms, 0
            elif frame.src == 0:
                told.polled_ms = max(told.polled_ms, t_ms - LOOK_MS)
        told.take_plan(post.plan, t_ms)
        for action in actions:
            if action[0] == "lamp":
                told.lamp(action[1], action[2], t_ms)
        told.event(event, t_ms)
        told.age(one, life, t_ms)
        self._changes(one, told, actions, t_ms)
        self._due(one, told, t_ms)

    def look(self, one: StreetPost, life: Life) -> None:
        """A moment at which nothing happens."""
        told, t_ms = self._told.get(one.name), one.ran_ms()
        if told is not None:
            told.age(one, life, t_ms)
            self._due(one, told, t_ms)

    def same(self, got: dict[str, Any], item: tuple) -> bool:
        """Whether the centre got of a FAULT item what was made."""
        made = (item[3], NAMES[item[3]], bool(item[4]), item[5])
        return made == (got["fault"], got["name"], got["on"], got["value"])

    def end(self, one: StreetPost, believed: int | None) -> None:
        """A gateway that hears a post believes of its faults what the post does."""
        told, post = self._told.get(one.name), one.post
        if told is None or post is None or self.street.loop.now_us - told.changed_us < TOLD_US:
            return
        if believed != post.upkeep.bits:
            raise self._broken(1, one, f"its faults are {_names(post.upkeep.bits)}, its gateway believes {believed}")

    # --- held against what the post says

    def _changes(self, one: StreetPost, told: Told, actions: list, t_ms: int) -> None:
        """Each bit that has changed did so for a reason, and was said once: as an item and in the log."""
        post = one.post
        assert post is not None
        bits = post.upkeep.bits
        queue = [*post.items._waiting, *(post.items._later or ())]
        made = [item[3:6] for item in queue if item[0] >= told.next_seq and item[1] == FAULT_ITEM]
        told.next_seq = post.items.next_seq
        changed = [number for number in range(len(NAMES)) if (bits ^ told.bits) >> number & 1]
        if sorted(item[:2] for item in made) != [(number, bits >> number & 1) for number in changed]:
            what = f"its faults were {_names(told.bits)} and are {_names(bits)}, its items say {made}"
            raise self._broken(1, one, what)
        lines = [action[1] for action in actions if action[0] == "log" and action[1].startswith("fault ")]
        if len(lines) < len(changed) and t_ms > 0:
            raise self._broken(1, one, f"{[NAMES[number] for number in changed]} changed, and its log says {lines}")
        for number, on, value in made:
            course = told.courses[number]
            since_ms = course.perhaps_bad if on else course.perhaps_good
            delay_ms = DELAYS_S.get(number, (0, 0))[1 - on] * 1000
            if since_ms is None or t_ms - since_ms < delay_ms - EARLY_MS:
                what = "comes, and nothing explains it" if on else "goes, and is still there"
                raise self._broken(1, one, f"{NAMES[number]} {what}: for {t_ms - (since_ms or t_ms)} ms of {delay_ms}")
            self._measured(one, told, number, value)
            if on:
                self.came[one.name].add(number)
        if changed:
            told.bits, told.changed_us = bits, self.street.loop.now_us

    def _measured(self, one: StreetPost, told: Told, number: int, value: int) -> None:
        """An item carries what was measured."""
        if number in MEASURED:
            right, at_ms = told.last.get(MEASURED[number], (None, 0))
            if number == HOT and one.ran_ms() - at_ms >= COLD_MS:
                right = 0  # of a thermometer that is silent
            if value != right:
                raise self._broken(1, one, f"{NAMES[number]} is told with {value}, and {right} was measured")

    def _due(self, one: StreetPost, told: Told, t_ms: int) -> None:
        """What has lasted is said, what is over is said no more."""
        for number, course in enumerate(told.courses):
            on = told.bits >> number & 1
            since_ms = course.good if on else course.bad
            if since_ms is None:
                continue
            margin_ms = BY_ITSELF.get(number, (MARGIN_MS, MARGIN_MS))[on]
            if t_ms - since_ms > DELAYS_S.get(number, (0, 0))[on] * 1000 + margin_ms:
                what = "has ended, and is still told" if on else "is there, and not told"
                raise self._broken(1, one, f"{NAMES[number]} {what} after {t_ms - since_ms} ms")


def _since(since_ms: int | None, t_ms: int) -> int:
    return t_ms if since_ms is None else since_ms


def _outside(value: int, on_above: int, off_below: int) -> bool | None:
    return True if value > on_above else False if value < off_below else None


def _names(bits: int) -> list[str]:
    return [NAMES[number] if number < len(NAMES) else str(number) for number in range(32) if bits >> number & 1]
