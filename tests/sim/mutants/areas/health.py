"""What a post notices of itself, and what it does when a part of it fails."""

# ruff: noqa: E501 - the lines quote the source as it stands
from areas.base import EDGE_TEST, GATEWAY, LIGHT, POST, Case, Mutant

# small worlds whose posts keep one level: 70 %, none, and 55 %
LIT = Case(
    "885",
    """[
    {"fault": "lamp-trouble", "at_s": 60, "for_s": 200, "post": "p01", "kind": "half"},
    {"fault": "lamp-trouble", "at_s": 60, "for_s": 420, "post": "p02", "kind": "cycling"},
    {"fault": "mains-trouble", "at_s": 60, "for_s": 200, "post": "p03", "kind": "low"},
    {"fault": "mains-trouble", "at_s": 60, "for_s": 600, "post": "p04", "kind": "dips"},
    {"fault": "hot-driver", "at_s": 60, "for_s": 100, "post": "p04", "temperature_dc": 900},
    {"fault": "silent-meter", "at_s": 18, "for_s": 690, "post": "p05", "kind": "silent"},
    {"fault": "door", "at_s": 60, "for_s": 100, "post": "p03", "kind": "slams"},
    {"fault": "door", "at_s": 300, "for_s": 100, "post": "p03", "kind": "open"},
    {"fault": "mains-trouble", "at_s": 300, "for_s": 200, "post": "p03", "kind": "high"}]""",
)
SAYS = Case("885", """[{"fault": "lamp-trouble", "at_s": 60, "for_s": 200, "post": "p01", "kind": "says"}]""")
DARK = Case(
    "748",
    """[
    {"fault": "lamp-trouble", "at_s": 60, "for_s": 200, "post": "p01", "kind": "burning"},
    {"fault": "stuck-relay", "at_s": 60, "for_s": 200, "post": "p02", "kind": "closed"},
    {"fault": "reset-storm", "at_s": 60, "for_s": 60, "post": "p03", "every_s": 5}]""",
)
DIM = Case(
    "708",
    """[
    {"fault": "lamp-trouble", "at_s": 60, "for_s": 300, "post": "p01", "kind": "undimmed"}]""",
)

CHATTER = Case(
    "204",
    """[
    {"fault": "chattering-sensor", "at_s": 60, "for_s": 2600, "post": "p02", "shut_s": 60.0, "gap_s": 1.0}]""",
)

WRITTEN = Case("885", """[{"fault": "old-flash", "at_s": 20, "post": "p01"}]""")

MUTANTS = [
    Mutant(
        "gear that says its lamp failed is not heard", POST + "health.py", "self.failed if self.failed or level_pm else None",
        "None", EDGE_TEST + "health.py",
    ),
    Mutant(
        "power that flows makes a failed lamp well", POST + "health.py", "        if not self.failed:\n", "        if True:\n",
        case=SAYS,
    ),
    Mutant(
        "a flash that is worn is not said", POST + "limits.py", "FLASH_WRITES_MAX = const(10000000)",
        "FLASH_WRITES_MAX = const(20000000)", case=WRITTEN,
    ),
    Mutant(
        "each bounce of a contact is somebody new", POST + "post.py",
        "        if t_ms - gone_ms >= SENSOR_BREAK_MS:\n", "        if True:\n", case=CHATTER,
    ),
    # what is reported, held against edge/FALLBACKS.md by the checker
    Mutant(
        "half a lamp is a lamp", POST + "limits.py", "LAMP_ON_PERCENT = const(50)", "LAMP_ON_PERCENT = const(35)",
        case=LIT,
    ),
    Mutant(
        "a lamp that is well again is not", POST + "health.py", "False if percent > limits.LAMP_OFF_PERCENT else None",
        "False if percent > 120 else None", case=LIT,
    ),
    Mutant(
        "a driver that does not dim is not seen", POST + "health.py",
        "over_mw * 100 > expected_mw * limits.DRIVER_ON_PERCENT", "over_mw > expected_mw * limits.DRIVER_ON_PERCENT",
        case=DIM,
    ),
    Mutant(
        "a lamp burns by day and nobody says so", POST + "health.py", "power_mw > lit_mw, power_mw, t_ms)",
        "power_mw > 2 * rated_mw, power_mw, t_ms)", case=DARK,
    ),
    Mutant(
        "a lamp that comes back has never been out", POST + "health.py", "            if self._lit and not lit:",
        "            if not self._lit and not lit:", case=LIT,
    ),
    Mutant(
        "a relay is not judged while it is open", POST + "upkeep.py", "        if is_open:\n",
        "        if is_open and reach_ms:\n", case=DARK,
    ),
    Mutant(
        "a dip is low voltage", POST + "health.py", "    (60, 60),  # voltage", "    (10, 60),  # voltage", case=LIT,
    ),
    Mutant(
        "low voltage is looked for at -15 %", POST + "limits.py", "VOLTAGE_LOW_ON_MV = const(207000)",
        "VOLTAGE_LOW_ON_MV = const(195500)", case=LIT,
    ),
    Mutant(
        "a fault that has gone is told no more", POST + "upkeep.py",
        "        post.items.add(messages.FAULT, post.clock.utc_s(t_ms) or 0, number, int(on), value)",
        "        on and post.items.add(messages.FAULT, post.clock.utc_s(t_ms) or 0, number, int(on), value)", case=LIT,
    ),
    Mutant(
        "what was measured stays with the post", POST + "upkeep.py", "number, int(on), value)\n", "number, int(on), 0)\n",
        case=LIT,
    ),
    Mutant(
        "each slam of a door is told", POST + "health.py", "    (5, 60),  # door", "    (0, 0),  # door", case=LIT,
    ),
    Mutant(
        "a meter that fell silent is believed", POST + "limits.py", "MEASURED_FRESH_MS = const(60000)",
        "MEASURED_FRESH_MS = const(6000000)", case=LIT,
    ),
    Mutant(
        "a driver cools in no time", POST + "health.py", "    (60, 300),  # heat", "    (60, 0),  # heat", case=LIT,
    ),
    Mutant(
        "a storm of restarts is quiet", POST + "upkeep.py", "self.short_starts >= limits.SHORT_STARTS_ON",
        "self.short_starts >= 16 * limits.SHORT_STARTS_ON", case=DARK,
    ),
    Mutant(
        "the centre gets a fault by its neighbour's name", GATEWAY + "store/items.py", '"name": faults.name(a)',
        '"name": faults.name(a + b)', case=LIT,
    ),
    # what a post does when a part of it fails
    Mutant(
        "a stuck sensor lights the night", POST + "post.py",
        "                if t_ms - state[3] >= SENSOR_STUCK_S * 1000:\n                    state[2]",
        "                if t_ms < 0:\n                    state[2]", EDGE_TEST + "health.py",
    ),
    Mutant(
        "a fault comes without its delay", POST + "health.py",
        "if t_ms - since_ms < DELAYS_S[number][on] * 1000:", "if t_ms < since_ms:", EDGE_TEST + "health.py",
    ),
    Mutant(
        "a fault flickers between its thresholds", POST + "health.py",
        "        if bad is None or bool(bad) == bool(on):", "        if bool(bad) == bool(on):",
        EDGE_TEST + "health.py",
    ),
    Mutant(
        "a meter's pulses of before a change of level count after it", POST + "upkeep.py",
        "value_ms - max(reach_ms, limits.SETTLED_MS) < rest_ms", "value_ms - limits.SETTLED_MS < rest_ms",
        EDGE_TEST + "health.py",
    ),
    Mutant(
        "a lamp is judged in the middle of a fade", POST + "upkeep.py",
        "if value_ms - max(reach_ms, limits.SETTLED_MS) < rest_ms:", "if t_ms < 0:",
        EDGE_TEST + "health.py",
    ),
    Mutant(
        "restarts are not counted", POST + "numbers.py", "min(self.before + 1, 0xFFFF)", "0",
        EDGE_TEST + "health.py",
    ),
    Mutant(
        "half a night is taken for a whole one", POST + "life.py",
        "            self._pieces_min = whole_min  # a piece of a night: this period may be the rest of it\n            return\n",
        "            self._pieces_min = whole_min\n", EDGE_TEST + "nights.py",
    ),
    Mutant(
        "a post without the time dims past the safe floor", LIGHT + "half_night.py", "max(plan.floor_pm, max([",
        "max(0, max([", EDGE_TEST + "nights.py",
    ),
    Mutant(
        "summer time is forgotten in a learned night", LIGHT + "half_night.py", "max(tz.std_s, tz.dst_s)\n",
        "min(tz.std_s, tz.dst_s)\n", EDGE_TEST + "nights.py",
    ),
    Mutant(
        "a checkpoint of the night before counts twice", POST + "upkeep.py", "        self._note(0)\n", "",
        EDGE_TEST + "nights.py",
    ),
    Mutant(
        "a faint light is scaled to nothing", LIGHT + "output.py", "max(1, level_pm * scale_pm // 1000)",
        "level_pm * scale_pm // 1000", EDGE_TEST + "output.py",
    ),
    Mutant(
        "a scaled lamp is judged by its full power", POST + "meter.py", "970 * level_pm * self.scale_pm // 1000",
        "970 * level_pm", EDGE_TEST + "output.py",
    ),
]  # fmt: skip
