"""The rules of light, time and presence."""

from areas.base import EDGE_TEST, LIGHT, POST, Mutant

MUTANTS = [
    # rules
    Mutant("a switch point comes one cut late", LIGHT + "night.py", "if at <= cut:", "if at < cut:"),
    Mutant("a period does not end", LIGHT + "night.py", "if begin <= cut < end and", "if begin <= cut and"),
    Mutant(
        "weekdays are one off", LIGHT + "program.py", "weekday = 1 << dates.weekday(day)",
        "weekday = 1 << (dates.weekday(day) + 1) % 7",
    ),
    Mutant("a raise lowers", LIGHT + "layers.py", "max(level, asked) if op == RAISE", "asked if op == RAISE"),
    Mutant(
        "an energy cap goes below the safe floor", LIGHT + "commands.py",
        "level = max(level, LEVEL_MAX if plan is None else plan.floor_pm)", "level = max(level, 0)",
    ),
    Mutant(
        "a command outlives its end by a minute", LIGHT + "commands.py", "return t_ms >= self.end_ms() or (",
        "return t_ms >= self.end_ms() + 60000 or (",
    ),
    Mutant(
        "dark while the time is unknown", LIGHT + "arbiter.py",
        "[(PLAN, SET, LEVEL_MAX, LEVEL_MAX, 0, \"time unknown: full output unless it is day\")]",
        "[(PLAN, SET, 0, LEVEL_MAX, 0, \"time unknown: full output unless it is day\")]",
    ),
    Mutant(
        "dark without a plan", LIGHT + "arbiter.py", "[(PLAN, SET, LEVEL_MAX, LEVEL_MAX, 0, \"no plan: full output\")]",
        "[(PLAN, SET, 300, LEVEL_MAX, 0, \"no plan: full output\")]",
    ),
    Mutant(
        "a step amid a ramp is smeared", LIGHT + "arbiter.py", "leap = steps and", "leap = False and steps and",
        EDGE_TEST + "arbiter_steps.py",
    ),
    Mutant(
        "a broken temperature sensor darkens", LIGHT + "layers.py", " or temperature_dc > TEMPERATURE_MAX_DC:", ":"
    ),
    Mutant(
        "the clock does not unwrap its ticks", POST + "clock.py", "step = (ticks - self._ticks) & TICKS_MASK",
        "step = max(0, ticks - self._ticks)",
    ),
    Mutant(
        "a second of each minute is lost", POST + "clock.py", "self.t_ms += step", "self.t_ms += step * 59 // 60"
    ),
    Mutant(
        "a photocell that is stuck at day is believed for ever", LIGHT + "arbiter.py", "            lux_mlx = None\n",
        "            pass\n", "tests/edge/test_arbiter.py",
    ),
    # presence
    Mutant(
        "presence holds for a tenth of its time", LIGHT + "read_plan.py",
        "HOLD_MAX_S, \"profile\", i, \"hold\") * 1000",
        "HOLD_MAX_S, \"profile\", i, \"hold\") * 100",
    ),
    Mutant(
        "the own sensor does not count", POST + "post.py",
        "self.overheard(self.settings.address, state[0], t_ms)", "pass",
    ),
    Mutant(
        "neighbours are not heard", POST + "post.py", "self.overheard(message.src, user_class, t_ms - age_ms)",
        "pass",
    ),
]  # fmt: skip
