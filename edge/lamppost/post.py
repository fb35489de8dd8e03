"""The post: `handle(event, now)` takes what happened and returns what to do, and when it wants to be woken.

No clock, no file, no random source and no asyncio here: `now` is the board's tick count in milliseconds (it may wrap
at 2**30), records come from `load` and go out as actions, unpredictable bytes come from `random`. The same file runs
on a board, in the gateway's tests and in the simulator, at any speed.

Events                                          Actions
("rx", bytes)          from the bus             ("tx", bytes)             to the bus, now
("frame", Frame)       from a bus that finds frames itself
("service", bytes)     from the service port    ("say", bytes)            to the service port
("presence", input, active, class 0..2)         ("lamp", level_pm, fade_ms)
("lux", lx or None)    ("temp", tenths of C)    ("identify", 0 or 1)
("power", mW) *)                                ("save", name, bytes)     to flash, before what follows
("voltage", mV)        of the mains             ("log", text)
("factor", per mille)  the power factor
("clock", utc_s, ms)   from an RTC
("door", open)         door or tilt switch
("relay", closed)      of the lamp, where the board has one
("gear", failed)       what DALI gear says of itself and its lamp
("flash", works, name) of a record: False after each save that was refused, True after the next that was taken
("tick",)              the deadline has come

*) of a meter with pulses also the most it can be while the next is late, else -1, and how far back it reaches, ms
"""

from lamppost.answers import Answers
from lamppost.found import Found
from lamppost.light.arbiter import Arbiter
from lamppost.light.dimmer import Dimmer
from lamppost.light.layers import TECHNICIAN
from lamppost.light.output import drive_pm, read_table, scaled
from lamppost.light.plan import Plan, PlanError
from lamppost.light.presence import RISES, Presence
from lamppost.limits import LOG_LINES_MAX, SENSOR_BREAK_MS, SENSOR_STUCK_S, SLOW_FADE_MS, TICKS_MASK, UPKEEP_MS
from lamppost.line import Line
from lamppost.meter import Meter
from lamppost.numbers import Numbers
from lamppost.store.items import RECORD
from lamppost.store.settings import Settings, SettingsError
from lamppost.timing import RTC_UNCERTAIN_MS, Timing
from lamppost.upkeep import Upkeep
from lamppost.wire import access, messages
from lamppost.wire.packed import POWER_MAX_MW, REPEAT_MAX
from lamppost.wire.post_link import PostLink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lamppost.intake import Intake

FIRMWARE = "0.1.0"
_WAKE_MS = 600000  # the clock's wrap wants it once in six days, a plan that is due by UTC more often
_WAKE_SENSOR_MS = 60000  # with a power sensor, whose value ages
_PRESENT_AGAIN_MS = 5000  # somebody who stays is announced again, here and now where no plan says how long light holds
_PRESENT_AGAIN_MIN_MS = 1000  # a quarter of a slow line for eight posts that all see somebody
_PRESENT_AGAIN_MAX_MS = 10000  # and two lost frames in a row must not end a hold of half a minute
_TELL_AGAIN_MS = 300000  # the gateway compares clocks, and its picture must heal: 32 posts take 2 % of a slow line so
_CLOCK_S = 1  # two clocks read in whole seconds
_TELL_MOVES_MS = 1000  # a fade; the gateway publishes a post's state once a second at most
_POWER_STEP_MW = 1000  # with 5 % of the power: what a driver's ripple moves is not worth a frame
_LAMP_RATED_MW = 40000  # until a plan says what hangs here


class Post:
    """One lamp post. `load(name)` reads a stored record or None; `random(n)` gives n unpredictable bytes."""

    firmware = FIRMWARE

    def __init__(self, load, random, baud: int = 19200):
        self._actions = []
        self.random = random
        self._baud = baud
        self.log_lines = []
        self.time = Timing(self, load("clock"))
        self.clock = self.time.clock
        self.writes = 0  # to flash, ever
        self.settings = self._load_settings(load("settings"))
        self.numbers = Numbers(self, load)
        self.items, self.boots = self.numbers.items, self.numbers.boots
        self.upkeep = Upkeep(self, self.numbers.before, load)
        self.writes += self.upkeep.life.writes
        self.items.restore(load(RECORD), self.item_epoch)
        self.plan = None
        self.presence = Presence()
        self.arbiter = Arbiter()
        self.dimmer = Dimmer()
        self.arbiter.half_night.night_s = self.upkeep.life.night_s
        self.meter = Meter(self.upkeep.life.energy_mwh)
        self.meter.rated_mw = _LAMP_RATED_MW
        self.decision = None
        self.lux_mlx = None
        self.temp_dc = None
        self._again_ms = _PRESENT_AGAIN_MS
        self._present = {}  # input -> [class, seq, announced again at t_ms, there since t_ms, how often said again]
        self._gone = {}  # input -> (there since t_ms, gone at t_ms)
        self._identify_until = None
        self._decide_at = 0
        self._read_at = 0
        self.line = None
        self.found = Found(self)
        self.connect(0)
        self._load_plan(load("plan"))
        self._load = load
        self._console = None
        self.intake: "Intake | None" = None  # of firmware, where the board has one
        self.items.add(messages.BOOT, 0, self.boots)
        self.upkeep.start()
        self.clo = read_table(self.settings.get("clo"))
        self.scale(0)

    def handle(self, event, now: int):
        """Take one event at tick `now`; return (actions, the tick at which to send ("tick",) if nothing else comes)."""
        t_ms = self.clock.now(now)
        name = event[0]
        self.numbers.event(name == "flash")
        if name == "rx":
            if not self.line or not self.line.foretold(event[1], t_ms):
                for reply in (self.line or self.found).received(event[1], t_ms):
                    self._actions.append(("tx", reply))
        elif name == "frame":
            reply = (self.line or self.found).frame(event[1], t_ms)
            if reply:
                self._actions.append(("tx", reply))
        elif name != "tick":
            self._news()
            self._take(name, event, t_ms)
        answers_ms = self.line.answers_ms if self.line and name in ("rx", "tick") else None
        if answers_ms is not None and not self._actions and t_ms < self._decide_at:
            if t_ms < answers_ms:  # all else can wait these milliseconds
                return [], (now + answers_ms - t_ms) & TICKS_MASK
            self._speak(self.line, t_ms)
            if self._actions:
                actions, self._actions = self._actions, []
                return actions, now
        if self._present:
            self._present_again(t_ms)
        if t_ms >= self._decide_at or self._identify_until is not None:
            self._light(t_ms)
        if t_ms >= self._read_at or self.meter.sensor:
            self._reading(t_ms)
        if t_ms >= self.upkeep.due_ms:
            self._news()
            self.upkeep.look(t_ms)
        if self.line and self.line.waiting:
            self._speak(self.line, t_ms)
        actions, self._actions = self._actions, []
        wait_ms = self._deadline(t_ms) - t_ms
        most_ms = _WAKE_SENSOR_MS if self.meter.sensor else _WAKE_MS
        wait_ms = 0 if wait_ms < 0 else most_ms if wait_ms > most_ms else wait_ms
        return actions, (now + wait_ms) & TICKS_MASK

    @property
    def console(self):
        """The service console. Most posts never see a technician: its code takes memory from the first key on."""
        if self._console is None:
            from lamppost.console import RECORD as WRONG
            from lamppost.console import Console

            self._console = Console(self, self._load(WRONG))
        return self._console

    # --- what the gateway and the technician ask

    def status(self, t_ms: int) -> list:
        """The first seven fields of a STATUS."""
        self.meter.advance(self.dimmer, t_ms)
        decision = self.decision
        layer = decision.layer if decision else 0
        utc_s = self.clock.utc_s(t_ms) or 0
        level_pm, target_pm = self.dimmer.level(t_ms), self.dimmer.target_pm
        return [level_pm, target_pm, layer, self.upkeep.bits, self.meter.power_mw, self.plan_hash, utc_s]

    def changed(self, told, whole_ms: int, told_ms: int, t_ms: int) -> int:
        """How much of the first seven fields of a STATUS no longer holds: 0 nothing, 1 the light, 2 more than that.

        They were all told at whole_ms, and the light again at told_ms.
        """
        utc_s = self.clock.utc_s(t_ms) or 0
        if told[3] != self.upkeep.bits or told[5] != self.plan_hash or bool(told[6]) != bool(utc_s):
            return 2
        if utc_s and abs(utc_s - told[6] - (t_ms - whole_ms) // 1000) > _CLOCK_S:
            return 2  # its clock has stepped: the gateway is to see that, and put it right
        if t_ms - whole_ms >= _TELL_AGAIN_MS or self.meter.power_mw > POWER_MAX_MW:
            return 2
        if told[1] != self.dimmer.target_pm or told[2] != (self.decision.layer if self.decision else 0):
            return 1
        if t_ms - told_ms < _TELL_MOVES_MS:
            return 0
        self.meter.advance(self.dimmer, t_ms)
        moved_mw = abs(told[4] - self.meter.power_mw)
        return int(told[0] != self.dimmer.level(t_ms) or moved_mw > max(told[4] // 20, _POWER_STEP_MW))

    def why(self, utc_s: "int | None", t_ms: int):
        """What reasons.why says."""
        from lamppost.reasons import why

        return why(self, utc_s, t_ms)

    def command(self, layer: int, op: int, level_pm: int, for_s: int, reason: str, t_ms: int) -> None:
        """Move a layer for `for_s` seconds. Raises CommandError where that layer may not."""
        self.arbiter.commands.give(layer, op, level_pm, reason, self.clock.utc_s(t_ms), t_ms, for_s)
        self._decide_at = t_ms

    def clear(self, layer: int, t_ms: int) -> None:
        """End what was asked of a layer."""
        self.arbiter.commands.clear(layer)
        self._decide_at = t_ms

    def technician_level(self, level_pm: int, for_s: int, t_ms: int) -> None:
        """Local control from the service port."""
        self.command(TECHNICIAN, 0, level_pm, for_s, "service port", t_ms)

    def technician_end(self, t_ms: int) -> None:
        """End local control."""
        self.clear(TECHNICIAN, t_ms)

    def identify(self, for_s: int, t_ms: int) -> None:
        """Show a person which post this is, for some seconds."""
        self._identify_until = t_ms + for_s * 1000
        self._actions.append(("identify", 1))

    def take_plan(self, raw: bytes, t_ms: int) -> str:
        """Run a plan and keep it; return "" or why it is refused (the plan before stays)."""
        utc_s = self.clock.utc_s(t_ms) or 0
        try:
            plan = Plan.from_bytes(raw)
        except (PlanError, MemoryError) as error:
            reason = str(error) if isinstance(error, PlanError) else "no memory for a plan of %d bytes" % len(raw)
            self.items.add(messages.PLAN, utc_s, 0)
            self.log("plan refused: %s" % reason, t_ms)
            return reason
        self.save("plan", raw)
        self._use(plan, t_ms)
        self.items.add(messages.PLAN, utc_s, 1)
        self.log("plan %s applied" % plan.hash.hex(), t_ms)
        return ""

    def configure(self, name: str, value, t_ms: int) -> None:
        """Change a setting and keep it. Raises SettingsError."""
        self.settings.put(name, value)
        self.keep_settings()
        self.log("%s changed" % name, t_ms)
        if name in ("address", "post-key", "bus-key", "turn-ms"):
            self.connect(t_ms)
        self.clo = read_table(self.settings.get("clo"))
        self.scale(t_ms)

    @property
    def item_epoch(self) -> int:
        """The epoch of the item numbers that are told now."""
        return self.numbers.epoch

    @property
    def plan_hash(self) -> bytes:
        """The first 8 bytes of the running plan's SHA-256; empty without a plan."""
        return self.plan.hash if self.plan else b""

    def overheard(self, address: int, user_class: int, t_ms: int) -> bool:
        """Take a detection of the moment `t_ms` that was verified before; return whether there is something to do now:
        send ("tick",)."""
        news = self.presence.detect(address, user_class, t_ms)
        if news:
            self.upkeep.detected(address == self.presence.table[0], t_ms)
        if news != RISES or not self.arbiter.heeds_presence:
            return False
        self._decide_at = self.clock.t_ms
        return True

    def look_again(self, t_ms: int) -> None:
        """Something has changed that the level may depend on."""
        self._decide_at = t_ms

    def say(self, data: bytes) -> None:
        """Send bytes to the service port."""
        self._actions.append(("say", data))

    def log(self, text: str, t_ms: int) -> None:
        """Keep a line for the service console and show it on the board's log."""
        self.log_lines = self.log_lines[1 - LOG_LINES_MAX :] + [(t_ms, text)]
        self._actions.append(("log", text))

    def take_place(self, address: int, bus_key: bytes, t_ms: int) -> None:
        """Take the address and the bus key that the line's gateway gives (found.py); 0 parks the post."""
        self.settings.put("address", address)
        if bus_key:
            self.settings.put("bus-key", bus_key)
        self.keep_settings()
        self.log("address %d from the line" % address, t_ms)
        self.connect(t_ms)

    def connect(self, t_ms: int) -> None:
        """Begin to speak on the bus as the settings say; silent without address and keys."""
        if self.plan:
            self._use(self.plan, t_ms)  # which knows its own sensor by its address, also by none
        self.line = None
        self.rolling = None
        if not self.settings.provisioned:
            return
        post_key, bus_key = self.settings.get("post-key"), self.settings.get("bus-key")
        link = PostLink(self.settings.address, post_key, bus_key, self.random)
        answers = Answers(self, link)
        timing = access.Timing(self._baud, self.settings.turn_ms)
        self.line = Line(link, answers, self._event_heard, self.random, timing)
        self.line.find = self.found.frame
        if self.settings.get("rollover"):
            answers.rolling()

    # --- events

    def _take(self, name: str, event, t_ms: int) -> None:
        if name == "presence":
            self._sensed(event[1], event[2], event[3], t_ms)
        elif name == "service":
            self.console.received(event[1], t_ms)
        elif name == "lux":
            self.lux_mlx = None if event[1] is None else event[1] * 1000
            self._decide_at = t_ms
        elif name == "temp":
            self.temp_dc = event[1]
            self._decide_at = t_ms
            self.upkeep.take(name, event[1], t_ms)
        elif name == "power":
            self.meter.measured(event[1], t_ms)
            self.upkeep.take(name, event[1], t_ms)
            self.upkeep.reach = event[2:]
        elif name in ("voltage", "factor", "gear"):
            self.upkeep.take(name, event[1], t_ms)
        elif name == "flash":
            self.upkeep.flash(event[1], t_ms)
            self.numbers.flash(event[1], event[2])
        elif name == "clock":
            self.time.set(event[1], event[2], RTC_UNCERTAIN_MS, t_ms)
        elif name == "relay":
            self.upkeep.relay(event[1], t_ms)
        elif name == "door":
            self.upkeep.door(event[1], t_ms)
        else:
            raise ValueError("no event '%s'" % name)

    def _sensed(self, source: int, active, user_class: int, t_ms: int) -> None:
        if not active:
            state = self._present.pop(source, None)
            if state is not None:
                self._gone[source] = (state[3], t_ms)
            return
        if source in self._present:
            return
        since_ms, gone_ms = self._gone.get(source, (t_ms, -SENSOR_BREAK_MS))
        if t_ms - gone_ms >= SENSOR_BREAK_MS:
            since_ms = t_ms
        seq = 0
        if t_ms - since_ms < SENSOR_STUCK_S * 1000:  # else a contact that bounces without end: it is not heeded
            seq = self.items.add(messages.PRESENCE, self.clock.utc_s(t_ms) or 0, source, user_class)
        # Of an epoch that the gateway does not know yet nothing is announced that it would store: only repetitions.
        self._present[source] = [user_class, seq, t_ms, since_ms, 0 if self.numbers.parted else -1]

    def stuck_input(self, t_ms: int) -> int:
        """The first input that has seen somebody without a break for too long, -1 if none."""
        for source, state in self._present.items():
            if t_ms - state[3] >= SENSOR_STUCK_S * 1000:
                return source
        return -1

    def present(self) -> list:
        """The inputs that see somebody now."""
        return sorted(self._present)

    def _present_again(self, t_ms: int) -> None:
        for source, state in self._present.items():
            if t_ms >= state[2]:
                if t_ms - state[3] >= SENSOR_STUCK_S * 1000:
                    state[2] = t_ms + UPKEEP_MS
                    self.upkeep.due_ms = t_ms
                    continue
                state[2] = t_ms + self._again_ms
                self.overheard(self.settings.address, state[0], t_ms)
                if self.line:
                    self._announce(self.line, source, state, t_ms)

    def _announce(self, line, source: int, state, t_ms: int) -> None:
        state[4] += 1
        if state[4] > REPEAT_MAX or (state[4] and state[1] < line.first_number):
            # it has no higher number of repetition, or a new gateway takes none for what was before it
            state[1] = self.items.add(messages.PRESENCE, self.clock.utc_s(t_ms) or 0, source, state[0], 1)
            state[4] = 1
        line.announce(state[1], state[0], source, t_ms, state[4])

    def _event_heard(self, message, t_ms: int) -> None:
        user_class, _, age_ms, _ = message.values
        self.overheard(message.src, user_class, t_ms - age_ms)

    # --- what follows from them

    def _light(self, t_ms: int) -> None:
        if self._identify_until is not None and t_ms >= self._identify_until:
            self._identify_until = None
            self._actions.append(("identify", 0))
        if t_ms < self._decide_at:
            return
        utc_s, sub_ms = self.clock.utc(t_ms)
        decision = self.arbiter.decide(self.plan, self.presence, utc_s, t_ms, self.lux_mlx, self.temp_dc, sub_ms)
        self._decide_at = max(decision.next_t_ms, t_ms + 1)
        self._news()
        self.decision = decision
        if not decision.changed:
            return
        self.meter.advance(self.dimmer, t_ms)
        if decision.jump:
            self._fade(decision.now_pm, 0, t_ms)
        if decision.level_pm != decision.now_pm or not decision.jump:
            self._fade(decision.level_pm, decision.fade_ms, t_ms)

    def _fade(self, level_pm: int, fade_ms: int, t_ms: int) -> None:
        self.dimmer.go(level_pm, fade_ms, t_ms)
        self._actions.append(("lamp", scaled(level_pm, self.meter.scale_pm), fade_ms))

    def scale(self, t_ms: int) -> None:
        """Drive the lamp as its settings and its hours ask."""
        settings = self.settings
        drive = drive_pm(self.clo, self.upkeep.lit_s // 3600)
        scale_pm = settings.get("output-pm") * drive // 1000
        if scale_pm == self.meter.scale_pm:
            return
        self.meter.advance(self.dimmer, t_ms)
        self.meter.scale_pm = scale_pm
        if self.decision is not None:
            fade_ms = max(SLOW_FADE_MS, self.dimmer.done_ms - t_ms)
            self._actions.append(("lamp", scaled(self.dimmer.target_pm, scale_pm), fade_ms))

    def _reading(self, t_ms: int) -> None:
        if not self._read_at:
            self._read_at = t_ms + self.settings.reading_s * 1000
        self.meter.advance(self.dimmer, t_ms)
        if t_ms >= self._read_at:
            self._news()
            self._read_at = t_ms + self.settings.reading_s * 1000
            utc_s = self.clock.utc_s(t_ms) or 0
            meter = self.meter
            self.items.add(messages.READING, utc_s, self.dimmer.level(t_ms), meter.power_mw, meter.energy_mwh)

    def _news(self) -> None:
        if self.line:
            self.line.news()

    def _speak(self, line, t_ms: int) -> None:
        data = line.pump(t_ms)
        if data:
            self._actions.append(("tx", data))

    def _deadline(self, t_ms: int) -> int:
        deadline = self._decide_at if self._decide_at < self._read_at else self._read_at
        if self.upkeep.due_ms < deadline:
            deadline = self.upkeep.due_ms
        if self.line and self.line.waiting:
            speak_ms = self.line.deadline()
            if speak_ms is not None and speak_ms < deadline:
                deadline = speak_ms
        for state in self._present.values():
            deadline = min(deadline, state[2])
        if self._identify_until is not None:
            deadline = min(deadline, self._identify_until)
        return deadline

    # --- what is stored

    def _load_settings(self, raw) -> Settings:
        try:
            return Settings.from_bytes(raw)
        except SettingsError as error:
            self.log("%s: starting unprovisioned; configure the post on its service port" % error, 0)
            return Settings()

    def save(self, name: str, data: bytes) -> None:
        """Keep a record in flash, before anything that follows."""
        self.writes += 1
        self._actions.append(("save", name, data))

    def keep_settings(self) -> None:
        """Keep the settings as they are now."""
        if self.rolling:
            self.rolling.before = ()
        self.save("settings", self.settings.to_bytes())

    def _load_plan(self, raw) -> None:
        if raw is None:
            return
        try:
            self._use(Plan.from_bytes(raw), 0)
        except (PlanError, MemoryError) as error:
            self.log("stored plan is damaged (%s): full output until the gateway sends it again" % error, 0)

    def _use(self, plan: Plan, t_ms: int) -> None:
        self.plan = plan
        self.presence.configure(plan, self.settings.address)
        self.meter.advance(self.dimmer, t_ms)
        self.meter.rated_mw = plan.rated_mw
        self.meter.standby_mw = plan.standby_mw
        holds = [profile.hold_ms // 2 for profile in plan.profiles]  # so that the light holds between two of them
        shortest_ms = min(holds) if holds else _PRESENT_AGAIN_MS
        self._again_ms = max(_PRESENT_AGAIN_MIN_MS, min(shortest_ms, _PRESENT_AGAIN_MAX_MS))
        self._decide_at = t_ms
