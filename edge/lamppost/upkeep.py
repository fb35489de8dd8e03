"""What a post looks after by itself, beside the light: its health, its energy by the hour, what it learns of nights.

`look` gathers what the post knows and lets Health judge it. It is called when something was measured, when a delay of
a fault runs out, and else every ten minutes: a post at rest has next to nothing to do here.
"""

from lamppost import limits
from lamppost.energy import Energy
from lamppost.forget import forget
from lamppost.health import Health
from lamppost.life import Life
from lamppost.store.items import RECORD
from lamppost.wire import faults, messages


class Upkeep:
    """The upkeep of one Post; `due_ms` is when to `look` again. `short_starts`: starts in a row that soon ended;
    `load(name)` reads a stored record or None.
    """

    def __init__(self, post, short_starts: int, load):
        self.life = Life(load("life"))
        self.energy = Energy(load, self.life.energy_mwh)
        self.health = Health(self._changed)
        self.due_ms = limits.UPKEEP_MS
        self._lit_before_s = self.life.lit_s
        self._hour_ms = 0  # when the hour of UTC ends, 0 while that is not known
        self.short_starts = short_starts
        self.measured = {}  # name -> (value, t_ms)
        self.timed_ms = -1  # when the time was last told; -1: never
        self.polled_ms = 0  # when the gateway last asked
        self._post = post
        self._own = self._others = 0  # detections in a row at the one side with none at the other
        self._own_ms = self._others_ms = 0  # when the other side last had one
        self._own_ever = self._others_ever = False
        self.flash_bad = self._open = False
        self._lived = False
        self.reach = ()  # of the last power: what it is at most, -1 where it is known, and how far back it reaches
        self._kept = load(RECORD) not in (None, b"")
        self._kept_ms = 0
        self._opened_ms = -1  # when the relay opened; -1: it is closed, or there is none

    @property
    def bits(self) -> int:
        """The faults of STATUS."""
        return self.health.bits

    def start(self) -> None:
        """The post is put together: judge what is known at once."""
        bad = self.short_starts >= limits.SHORT_STARTS_ON
        self.health.judge(faults.RESETS, bad, self.short_starts, 0)
        self._note(0)

    def take(self, name: str, value: int, t_ms: int) -> None:
        """A measured value: power in mW, voltage in mV, (power) factor in per mille, temp in tenths of a degree; of
        gear whether it says that it or its lamp has failed."""
        self.measured[name] = (value, t_ms)
        self.due_ms = t_ms

    def flash(self, works: bool, t_ms: int) -> None:
        """Whether the last write to flash was taken."""
        if self.flash_bad == bool(works):
            self.flash_bad = not works
            self.due_ms = t_ms

    def door(self, is_open: bool, t_ms: int) -> None:
        """The door, or the tilt switch, of the post."""
        self._open = bool(is_open)
        self.due_ms = t_ms
        self._post.log("door open" if is_open else "door closed", t_ms)

    def relay(self, closed: bool, t_ms: int) -> None:
        """The board has closed or opened the lamp's relay."""
        self._opened_ms = -1 if closed else t_ms
        self.due_ms = t_ms

    def detected(self, own: bool, t_ms: int) -> None:
        """Somebody new was detected here, or at a neighbour."""
        if own:
            self._own += 1
            self._others = 0
            self._own_ms, self._own_ever = t_ms, True
        else:
            self._others += 1
            self._own = 0
            self._others_ms, self._others_ever = t_ms, True

    def look(self, t_ms: int) -> None:
        """Judge everything, and say when to look again."""
        self._lamp(t_ms)
        self._mains(t_ms)
        self._sensors(t_ms)
        self._alone(t_ms)
        self._keep_items(t_ms)
        last_ms = min(t_ms + limits.UPKEEP_MS, self._count(t_ms))
        if self._post.rolling:
            last_ms = min(last_ms, self._post.rolling.look(t_ms))
        self.due_ms = max(t_ms + 1, self.health.due_ms(t_ms, last_ms))

    @property
    def lit_s(self) -> int:
        """How long the lamp has burnt in its life."""
        return self._lit_before_s + self._post.meter.lit_ms // 1000

    def _count(self, t_ms: int) -> int:
        """Energy to its hour, and all counts to flash when that is due; return when to count again."""
        post, life = self._post, self.life
        utc_s = post.clock.utc_s(t_ms)
        post.meter.advance(post.dimmer, t_ms)
        if t_ms >= life.due_ms or (utc_s is not None and t_ms >= self._hour_ms):
            self.energy.account(utc_s, post.meter.energy_mwh, t_ms)
        if utc_s is None:
            self._hour_ms = 0
        else:
            self._hour_ms = t_ms + (3600 - utc_s % 3600) * 1000
        if t_ms >= life.due_ms:
            record = self.energy.record()
            if record is not None:
                post.save(record[0], record[1])
            self._note(t_ms)
            post.scale(t_ms)
        return min(life.due_ms, self._hour_ms or life.due_ms)

    def _keep_items(self, t_ms: int) -> None:
        """Without a gateway for a while: write down what waits. With one again: what is written is no longer true."""
        post = self._post
        silent = t_ms - self.polled_ms >= limits.ITEMS_KEEP_MS
        if (silent and t_ms - self._kept_ms >= limits.ITEMS_KEEP_MS) or (self._kept and not len(post.items)):
            data = post.items.keep(post.item_epoch)
            if data is not None:
                post.save(RECORD, data)
                self._kept = bool(data)
            self._kept_ms = t_ms

    def _note(self, t_ms: int) -> None:
        post = self._post
        post.save("life", self.life.checkpoint(post.meter.energy_mwh, self.lit_s, post.writes + 1, t_ms))

    def _fresh(self, name: str, t_ms: int, most_ms: int = limits.MEASURED_FRESH_MS):
        found = self.measured.get(name)
        return found[0] if found is not None and t_ms - found[1] <= most_ms else None

    def _lamp(self, t_ms: int) -> None:
        post, health = self._post, self.health
        power_mw, health.failed = self._fresh("power", t_ms), self._fresh("gear", t_ms, limits.GEAR_FRESH_MS)
        if power_mw is None:
            health.no_power("power" in self.measured, post.dimmer.target_pm, t_ms)
            return
        health.judge(faults.METER_SILENT, False, 0, t_ms)
        dimmer, meter = post.dimmer, post.meter
        if post.decision is None:
            return
        is_open, level_pm = self._opened_ms >= 0, dimmer.target_pm
        expected_mw, rest_ms = meter.expected_mw(level_pm), max(dimmer.done_ms, self._opened_ms)
        value_ms = self.measured["power"][1]
        most_mw, reach_ms = self.reach or (-1, 0)
        power_mw = max(power_mw, most_mw)
        if value_ms - max(reach_ms, limits.SETTLED_MS) < rest_ms:  # the value is in part of before
            if most_mw < 0 or value_ms - limits.SETTLED_MS < rest_ms:
                return
            # No pulse since then: only that it takes too little can be said, or that it takes nothing.
            power_mw = most_mw * reach_ms // (value_ms - rest_ms)
            least_mw = expected_mw * limits.LAMP_ON_PERCENT // 100 if level_pm else meter.standby_mw + limits.LIT_MW
            if power_mw >= (limits.RELAY_MW // 2 if is_open else least_mw):
                return
        if is_open:
            health.relay_open(meter.standby_mw, power_mw, t_ms)
            return
        health.lamp(level_pm, expected_mw, meter.standby_mw, meter.rated_mw, power_mw, t_ms)

    def _mains(self, t_ms: int) -> None:
        voltage_mv, factor_pm = self._fresh("voltage", t_ms), self._fresh("factor", t_ms)
        if voltage_mv is not None:
            self.health.voltage(voltage_mv, t_ms)
        if factor_pm is not None:
            self.health.factor(factor_pm, self._post.dimmer.level(t_ms), t_ms)
        found = self.measured.get("temp")
        if found is not None:
            if t_ms - found[1] >= limits.UPKEEP_MS:  # a thermometer that fell silent must not dim for ever
                self._post.temp_dc = None
                self._post.look_again(t_ms)
                found = (0, t_ms)
            self.health.heat(found[0], t_ms)

    def _sensors(self, t_ms: int) -> None:
        judge = self.health.judge
        stuck = self._post.stuck_input(t_ms)
        judge(faults.SENSOR_STUCK, stuck >= 0, max(stuck, 0), t_ms)
        since_ms, seen = t_ms - limits.SENSOR_DEAD_S * 1000, limits.SENSOR_DEAD_SEEN
        dead = self._own_ms <= since_ms and ((self._own_ever and self._others >= seen) or None)
        judge(faults.SENSOR_DEAD, dead, self._others, t_ms)
        lost = self._others_ms <= since_ms and ((self._others_ever and self._own >= seen) or None)
        judge(faults.NEIGHBOURS_LOST, lost, self._own, t_ms)

    def _alone(self, t_ms: int) -> None:
        post, judge = self._post, self.health.judge
        if self.timed_ms < 0:
            late = t_ms >= limits.CLOCK_START_S * 1000
        else:
            late = t_ms - self.timed_ms >= limits.CLOCK_OLD_S * 1000
        judge(faults.CLOCK_LOST, late, 0, t_ms)
        judge(faults.NO_PLAN, post.plan is None, 0, t_ms)
        silent = post.line is not None and t_ms - self.polled_ms >= limits.GATEWAY_SILENT_S * 1000
        judge(faults.GATEWAY_SILENT, silent, 0, t_ms)
        judge(faults.FLASH_REFUSES, self.flash_bad, 0, t_ms)
        judge(faults.DOOR_OPEN, self._open, 0, t_ms)
        judge(faults.FLASH_WORN, post.writes >= limits.FLASH_WRITES_MAX, post.writes // 1000, t_ms)
        if not self._lived and t_ms >= limits.SHORT_START_S * 1000:
            self._lived = True
            post.numbers.lived()
            judge(faults.RESETS, False, 0, t_ms)

    def _changed(self, number: int, on: bool, value: int, t_ms: int) -> None:
        post = self._post
        post.items.add(messages.FAULT, post.clock.utc_s(t_ms) or 0, number, int(on), value)
        words, unit = _meaning(number)
        measured = " (%d %s)" % (value, unit) if on and unit else ""
        post.log("fault %s: %s%s" % ("comes" if on else "goes", words, measured), t_ms)


def _meaning(number: int):
    """(what a fault means, the unit of its value): two kilobytes of text that are loaded to be said, and forgotten."""
    try:
        from lamppost.wire import faults as table

        return table.ROWS[number][1:]
    except (MemoryError, ImportError, OSError):
        return "number %d" % number, ""  # its item has gone its way: only the words are short
    finally:
        forget("lamppost.wire", "faults")
