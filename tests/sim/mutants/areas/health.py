"""What a post notices of itself, and what it does when a part of it fails."""

# ruff: noqa: E501 - the lines quote the source as it stands
from areas.base import EDGE_TEST, LIGHT, POST, Mutant

MUTANTS = [
    # health and what a post does when a part of it fails
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
        "a lamp is judged in the middle of a fade", POST + "upkeep.py",
        "or settled_ms < dimmer.done_ms:", "or t_ms < 0:",
        EDGE_TEST + "health.py",
    ),
    Mutant(
        "restarts are not counted", POST + "post.py", "min(short_starts + 1, 0xFFFF)", "0",
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
