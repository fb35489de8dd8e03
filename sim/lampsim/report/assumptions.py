"""Everything a report assumes, in sentences: what a reader must know to trust a figure, or to doubt it."""

from ..town.age import FULL_H_A_YEAR, NEW
from ..town.model import Town
from .savings import MeterError
from .wishes import Wishes


def assumptions(wishes: Wishes, town: Town, zone: str, error: MeterError, area_words: str) -> tuple[str, ...]:
    """A sentence or two each, for the page and the data file."""
    how = "as given" if wishes.zone else "taken from the nearest city of the tz database (--time-zone)"
    lux = ", ".join(f"{kind} {value:g} lx" for kind, value in wishes.lux.items())
    return (
        "The real program of a lamp post ran for each lamp, on simulated RS-485 lines at 19,200 baud with a gateway. "
        "A sensor on each lamp sees 12 m and misses one look in twenty; ramps, holds and delays are the real ones.",
        f"{_lines(len(town.buses))}, cut where the cable would be; a post hears the sensors of its own line, so light "
        "does not run ahead into the next one.",
        "Power of a lamp: standby always; switched on 3 % of its rated power, and 97 % in proportion to its level. "
        "Rated power from the inventory; where it names none, 80 W on a street and 40 W in a park.",
        "What presence saves depends on how many people are about: give counts of your own (--people, --cyclists, "
        "--cars, or --traffic).",
        _ages(wishes, town),
        "Energy counts from shortly before sunset to shortly after sunrise; 100 % is full from sunset to sunrise.",
        "Utility counts user-seconds between sunset and sunrise with a lamp near enough to be needed.",
        f"Time zone {zone}, {how}. Sunset and sunrise for a flat horizon.",
        f"Maintained average illuminance at full output: {lux}. Lit area of a lamp: {area_words}.",
        "A year: the plan of every night of the year, exactly; what people add was measured in the simulated nights, "
        "for each level of the plan, and taken for all hours with that level.",
        f"Meters: standard uncertainty of {100 * error.own:g} % each, independent of one another, and "
        f"{100 * error.shared:g} % in common.",
        f"Seed {wishes.seed}: the same command gives the same numbers.",
    )


def _ages(wishes: Wishes, town: Town) -> str:
    known = sum(lamp.age != NEW for lamp in town.lamps)
    text = (
        f"Of {len(town.lamps):,} lamps the inventory says how old {known:,} are (burnt_h, or when they were installed: "
        f"{FULL_H_A_YEAR:,.0f} hours at full output a year); the others count as new. 80 % of the light is left after "
        "100,000 hours, a fifth more or less from lamp to lamp."
    )
    if not wishes.clo:
        return text
    return (
        f"{text} Constant light output {wishes.clo}: levels in pictures and files are how strongly a lamp is driven; "
        "the planned light is that of a new lamp at the first step."
    )


def _lines(count: int) -> str:
    return "The lamps hang on one line" if count == 1 else f"The lamps hang on {count} lines"
