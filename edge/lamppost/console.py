"""The service console: plain text on the service port, usable from any terminal, and by `lamplighter tech`.

A line is a command; the answer is any number of lines and then `ok` or `error: what is wrong; what to do`. Reading is
open to whoever holds the cable. Changing wants `login PIN` once the post has keys; each wrong PIN doubles the wait,
from 1 s to 15 min. A session that is idle for 15 minutes ends, and the technician's level with it.
"""

import gc

from lamppost import intake_words
from lamppost.energy import DAYS
from lamppost.intake import IntakeError
from lamppost.light import dates
from lamppost.limits import CONSOLE_IDLE_S, CONSOLE_LINE_MAX
from lamppost.store.settings import KEYS, SettingsError
from lamppost.store.typed import commands, parse, pin_fits, show
from lamppost.wire import faults

_UNITS = {"s": 1, "m": 60, "h": 3600}
_WAIT_MAX_MS = 900000
_UTC_MAX = 0xFFFFFFFF  # 2136: as on the wire
RECORD = "wrong"

HELP = (
    "info                  who this is and what it runs",
    "status                level, why, time, bus",
    "why [TIME]            the reasons for the level, now or at 2026-12-24T22:30:00Z",
    "get [NAME]            settings",
    "set NAME VALUE        change a setting (login)",
    "set PERCENT TIME      set the lamp, such as: set 40 10m; ends by itself (login); also: level 40 10m",
    "auto                  end it now (login)",
    "identify [SECONDS]    show which post this is (login)",
    "log                   the last lines of the log",
    "faults                what is wrong now, and what was measured when it came",
    "energy [DAY]          by the day, or by the hour of a day such as 2026-12-24 (UTC)",
    "test                  what is measured now, against what it should be",
    "firmware              what was sent here; lamplighter tech upload FILE sends one (login)",
    "config                all settings as lines that another post takes; secrets are left out",
    "login PIN, logout     a session ends by itself after 15 minutes",
)


class ConsoleError(Exception):
    """A command is refused; the text says why and what to do."""


class Console:
    """The console of one Post; `wrong` is the record of the wrong PINs in a row before the power went."""

    def __init__(self, post, wrong: "bytes | None" = None):
        self._post = post
        self._line = bytearray()
        self._logged_in = False
        self._heard_ms = 0
        self._wrong = 0
        self._wait_until = 0
        if wrong:
            self._refuse(wrong[0], 0)
        self._commands = {
            "help": self._help,
            "info": self._info,
            "status": self._status,
            "why": self._why,
            "get": self._get,
            "set": self._set,
            "level": self._level,
            "auto": self._auto,
            "identify": self._identify,
            "log": self._log,
            "config": self._config,
            "faults": self._faults,
            "energy": self._energy,
            "test": self._test,
            "firmware": self._firmware,
            "login": self._login,
            "logout": self._logout,
        }

    def received(self, data: bytes, t_ms: int) -> None:
        """Take typed bytes; answers go out as ("say", bytes) actions of the post."""
        for byte in data:
            if byte in (10, 13):
                line, self._line = bytes(self._line), bytearray()
                if line:
                    self._run(line, t_ms)
            elif byte in (8, 127):
                self._line = self._line[:-1]
            elif len(self._line) <= CONSOLE_LINE_MAX:
                self._line.append(byte)

    def _run(self, line: bytes, t_ms: int) -> None:
        if t_ms - self._heard_ms > CONSOLE_IDLE_S * 1000:
            self._logged_in = False
        self._heard_ms = t_ms
        self._post.arbiter.commands.touch(t_ms)
        try:
            for answer in self._answer(line, t_ms):
                self._say(answer)
            self._say("ok")
        except (ConsoleError, SettingsError) as error:
            self._say("error: %s" % error)

    def _answer(self, line: bytes, t_ms: int):
        if len(line) > CONSOLE_LINE_MAX:
            raise ConsoleError("line over %d characters" % CONSOLE_LINE_MAX)
        if any(byte < 32 or byte > 126 for byte in line):
            raise ConsoleError("only plain text is understood here")
        words = str(line, "utf-8").split()
        if not words or words[0][0] == "#":  # a comment of `config`
            return ()
        command = self._commands.get(words[0])
        if command is None:
            raise ConsoleError("unknown command '%s'; try help" % words[0][:20])
        return command(words[1:], t_ms)

    def _say(self, text: str) -> None:
        self._post.say(text.encode() + b"\r\n")

    def _writable(self) -> None:
        settings = self._post.settings
        if settings.provisioned and not self._logged_in:
            if settings.get("pin"):
                raise ConsoleError("login first")
            raise ConsoleError("this post has keys and no PIN: it is read-only here")

    # --- reading

    def _help(self, words, t_ms):
        return HELP

    def _info(self, words, t_ms):
        post = self._post
        settings = post.settings
        return (
            "identity %s" % settings.get("identity"),
            "address %d" % settings.get("address"),
            "firmware %s" % post.firmware,
            "provisioned %s" % ("yes" if settings.provisioned else "no"),
            "plan %s" % (post.plan_hash.hex() or "none"),
            "boots %d" % post.boots,
            "item-epoch %d" % post.item_epoch,
            "next-item %d" % post.items.next_seq,
            "skipped-items %d %d" % post.items.skipped,
            "waiting-items %d" % len(post.items),
            "dropped-items %d" % post.items.dropped,
            "heap-free %s" % (_heap_free()),
        )

    def _status(self, words, t_ms):
        post = self._post
        status = post.status(t_ms)
        utc_s = post.clock.utc_s(t_ms)
        line = post.line
        decision = post.decision
        return (
            "time %s" % (dates.text(utc_s) if utc_s is not None else "unknown"),
            "clock %s" % _clock(post.clock, t_ms),
            "level-percent %s" % percent(status[0]),
            "target-percent %s" % percent(status[1]),
            "reason %s" % (decision.reason if decision else "starting"),
            "power-mw %d" % status[4],
            "faults %s" % (" ".join(faults.names(status[3])) or "none"),
            "bus %s" % ("silent: address or keys missing" if line is None else "up"),
            "noise %d" % (line.noise if line else 0),
            "refused %d %s" % (line.refused if line else 0, line.last_refusal if line else ""),
        )

    def _why(self, words, t_ms):
        utc_s = None
        if words:
            utc_s = moment(words[0])
        at, level_pm, _, chain = self._post.why(utc_s, t_ms)
        lines = ["at %s" % (dates.text(at) if at is not None else "unknown time")]
        for layer, op, asked_pm, won, until_s, text in chain:
            until = " until " + dates.text(until_s) if until_s else ""
            verb = ("set", "raise to", "cap at", "scale to")[op]
            mark = "*" if won else " "
            lines.append("%s %d %s %s %%: %s%s" % (mark, layer, verb, percent(asked_pm), text, until))
        lines.append("level-percent %s" % percent(level_pm))
        return lines

    def _get(self, words, t_ms):
        settings = self._post.settings
        if words:
            return ("%s %s" % (words[0], show(settings, words[0])),)
        return ["%s %s" % (entry[0], show(settings, entry[0])) for entry in KEYS]

    def _config(self, words, t_ms):
        return commands(self._post.settings)

    def _log(self, words, t_ms):
        return ["%d s ago: %s" % ((t_ms - at) // 1000, text) for at, text in self._post.log_lines]

    def _faults(self, words, t_ms):
        self._post.upkeep.look(t_ms)
        health = self._post.upkeep.health
        lines = []
        for number in range(1, len(faults.ROWS)):
            if health.bits >> number & 1:
                name, text, unit = faults.ROWS[number]
                measured = " (%d %s)" % (health.values.get(number, 0), unit) if unit else ""
                lines.append("%s: %s%s" % (name, text, measured))
        return lines or ("none",)

    def _test(self, words, t_ms):
        post = self._post
        meter, measured = post.meter, post.upkeep.measured
        post.meter.advance(post.dimmer, t_ms)
        lines = ["level-percent %s" % percent(post.dimmer.level(t_ms))]
        lines.append("power-mw %d" % meter.power_mw + ("" if meter.sensor else " by estimate: no sensor"))
        lines.append("expected-mw %d" % meter.expected_mw(post.dimmer.level(t_ms)))
        for name, shown in (("voltage", "voltage-mv"), ("factor", "power-factor-pm"), ("temp", "temperature-dc")):
            found = measured.get(name)
            lines.append("%s %s" % (shown, "no sensor" if found is None else _aged(found[0], t_ms - found[1])))
        lines.append("lux %s" % ("no sensor" if post.lux_mlx is None else post.lux_mlx // 1000))
        lines.append("presence %s" % (" ".join(["input-%d" % source for source in post.present()]) or "nobody"))
        lines.append("flash-writes %d" % post.writes)
        return lines + ["faults %s" % (" ".join(faults.names(post.upkeep.bits)) or "none")]

    def _energy(self, words, t_ms):
        post = self._post
        post.upkeep.look(t_ms)
        energy = post.upkeep.energy
        if words:
            hours = energy.day(moment(words[0] + "T00:00:00Z") // 86400)
            if not hours:
                raise ConsoleError("nothing is kept of that day; energy alone shows which there are")
            return ["%02d %s" % (hour, _watt_hours(tenths)) for hour, tenths in enumerate(hours)]
        lines = ["total-wh %d.%d" % (post.meter.energy_mwh // 1000, post.meter.energy_mwh % 1000 // 100)]
        lines.append("burning-hours %d" % (post.upkeep.lit_s // 3600))
        today = (post.clock.utc_s(t_ms) or 0) // 86400
        for day in range(max(0, today - DAYS), today + 1):
            hours = energy.day(day)
            if any(hours):
                lines.append("%s %s" % (dates.text(day * 86400)[:10], _watt_hours(sum(hours))))
        return lines

    # --- changing

    def _set(self, words, t_ms):
        if len(words) == 2 and words[0][:1] in "0123456789":
            return self._level(words, t_ms)
        self._writable()
        if len(words) != 2:
            raise ConsoleError("set wants a name and a value, such as: set address 5; or a level: set 40 10m")
        post = self._post
        post.configure(words[0], parse(post.settings, words[0], words[1], post.random), t_ms)
        return ()

    def _level(self, words, t_ms):
        self._writable()
        if len(words) != 2:
            raise ConsoleError("level wants a percentage and a time, such as: level 40 10m")
        try:
            value = int(words[0])
        except ValueError:
            value = -1
        if not 0 <= value <= 100:
            raise ConsoleError("level is a whole percentage from 0 to 100")
        for_s = duration(words[1])
        if not 1 <= for_s <= CONSOLE_IDLE_S:
            raise ConsoleError("local control lasts 1s to 15m")
        self._post.technician_level(value * 10, for_s, t_ms)
        return ()

    def _auto(self, words, t_ms):
        self._writable()
        self._post.technician_end(t_ms)
        return ()

    def _identify(self, words, t_ms):
        self._writable()
        for_s = duration(words[0]) if words else 30
        if not 1 <= for_s <= 3600:
            raise ConsoleError("identify lasts 1 to 3600 s")
        self._post.identify(for_s, t_ms)
        return ()

    def _firmware(self, words, t_ms):
        intake = self._post.intake
        if intake is None:
            raise ConsoleError("this board takes no firmware: it has no key of the site")
        if not words:
            return intake_words.status(intake)
        self._writable()
        try:
            return intake_words.command(intake, words)
        except IntakeError as error:
            raise ConsoleError(str(error))
        except OSError as error:
            raise ConsoleError("flash refuses (%s); try again" % error)

    def _login(self, words, t_ms):
        record = self._post.settings.get("pin")
        if not record:
            raise ConsoleError("no PIN is set on this post")
        if t_ms < self._wait_until:
            raise ConsoleError("wait %d s after a wrong PIN" % ((self._wait_until - t_ms + 999) // 1000))
        if len(words) != 1 or not pin_fits(words[0], record):
            self._refuse(self._wrong + 1, t_ms)
            self._post.save(RECORD, bytes([min(self._wrong, 255)]))  # or a pulled plug would end the wait
            self._post.log("wrong PIN on the service port", t_ms)
            raise ConsoleError("wrong PIN")
        if self._wrong:
            self._post.save(RECORD, b"")
        self._wrong = 0
        self._logged_in = True
        self._post.log("login on the service port", t_ms)
        return ()

    def _refuse(self, wrong: int, t_ms: int) -> None:
        self._wrong = wrong
        self._wait_until = t_ms + min(1000 << min(wrong - 1, 10), _WAIT_MAX_MS)

    def _logout(self, words, t_ms):
        self._logged_in = False
        return ()


def _watt_hours(tenths: int) -> str:
    return "%d.%d Wh" % (tenths // 10, tenths % 10)


def _aged(value: int, age_ms: int) -> str:
    return "%d, %d s ago" % (value, age_ms // 1000)


def _clock(clock, t_ms: int) -> str:
    """UTC in milliseconds since 2000, how far it may be off, and the drift of the crystal."""
    if not clock.known:
        return "unknown, drift-ppb %d" % clock.drift_ppb
    utc_s, ms = clock.utc(t_ms)
    return "%d%03d ms, within %d ms, drift-ppb %d" % (utc_s, ms, clock.uncertainty_ms(t_ms), clock.drift_ppb)


def _heap_free() -> str:
    """Bytes of heap left after a collection, on interpreters that know it."""
    if not hasattr(gc, "mem_free"):
        return "unknown"
    gc.collect()
    return str(gc.mem_free())  # pyright: ignore[reportAttributeAccessIssue] - MicroPython's


def percent(level_pm: int) -> str:
    """A level as a person reads it: 1000 -> "100", 455 -> "45.5"."""
    return "%d" % (level_pm // 10) if level_pm % 10 == 0 else "%d.%d" % (level_pm // 10, level_pm % 10)


def duration(text: str) -> int:
    """Seconds in 90, 90s, 10m or 2h. Raises ConsoleError."""
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS else (text, "s")
    try:
        return int(number) * _UNITS[unit]
    except ValueError:
        raise ConsoleError("a time is a number with s, m or h, such as 10m")


def moment(text: str) -> int:
    """utc_s of 2026-12-24T22:30:00Z. Raises ConsoleError."""
    try:
        if len(text) != 20 or text[10] != "T" or text[19] != "Z":
            raise ValueError
        y, mo, d = int(text[0:4]), int(text[5:7]), int(text[8:10])
        h, mi, s = int(text[11:13]), int(text[14:16]), int(text[17:19])
        if not (h < 24 and mi < 60 and s < 60):
            raise ValueError
        utc_s = dates.day_of(y, mo, d) * 86400 + h * 3600 + mi * 60 + s
        if not 0 <= utc_s <= _UTC_MAX:
            raise ValueError
        return utc_s
    except ValueError:
        raise ConsoleError("a moment is written 2026-12-24T22:30:00Z, in UTC, from 2000 to 2135")
