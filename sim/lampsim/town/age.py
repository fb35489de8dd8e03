"""How long a lamp has burnt before a run begins: what an inventory says of it, or what a seed draws.

What it promises
- An age is hours at full output, as LuminaireModel.light_left takes it; a lamp of which nothing is known is new.
- Hours go before dates. Of a date alone the hours are those of a lamp that was full from dusk to dawn since then.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import NamedTuple

from .chance import seed_of, uniform

FULL_H_A_YEAR = 4280.0  # from sunset to sunrise at 50 degrees of latitude
AGE_MAX_H = 200_000.0  # twice what makers claim, and what the posts' table of constant light output ends with
DRAWN_YEARS = 15.0  # since a street of a generated town was last given new luminaires, at most
YEARS = range(1970, 2100)  # an earlier year is a placeholder, or that of the pole
EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
HOURS_KEYS = ("burnth", "burninghours", "burnthours", "lamphours", "operatinghours")
DATE_KEYS = (
    "datelastlampchange",  # FIWARE
    "installed", "installdate", "installationdate", "dateinstalled", "installyear", "installationyear",
    "yearinstalled", "startdate",  # OpenStreetMap: start_date
)  # fmt: skip


class Age(NamedTuple):
    """Hours at full output when the run begins, or since when it burns (seconds of UTC since 2000); None: not known."""

    burnt_h: float | None = None
    installed_s: int | None = None

    def hours(self, utc_s: int) -> float:
        """At full output, at a moment."""
        if self.burnt_h is not None:
            return self.burnt_h
        if self.installed_s is None:
            return 0.0
        years = max(0, utc_s - self.installed_s) / (365.25 * 86400)
        return min(AGE_MAX_H, years * FULL_H_A_YEAR)


NEW = Age()


def of_fields(fields: Mapping[str, object], strict: bool = False) -> Age:
    """The age in the fields of an inventory, by the usual names. What cannot be read is not known; `strict` raises
    ValueError for it."""
    plain = {re.sub(r"[^a-z]", "", str(key).lower()): value for key, value in fields.items()}
    hours = _first(plain, HOURS_KEYS, _hours, strict)
    return Age(hours, _first(plain, DATE_KEYS, _date, strict))


def drawn(seed: int, street: str) -> Age:
    """Of a generated town: all lamps of a street are of one age."""
    return Age(round(DRAWN_YEARS * FULL_H_A_YEAR * uniform(seed_of("age", seed, street))))


def _first(fields: Mapping[str, object], keys: tuple[str, ...], read, strict: bool):
    for key in keys:
        text = str(fields.get(key, "")).strip()
        if text in ("", "None", "<Null>"):
            continue
        found = read(text)
        if found is not None:
            return found
        if strict:
            raise ValueError(f"{key} {text!r}; give hours from 0 to {AGE_MAX_H:.0f}, or a date such as 2014-05-01")
    return None


def _hours(text: str) -> float | None:
    try:
        hours = float(text)
    except ValueError:
        return None
    return hours if 0 <= hours <= AGE_MAX_H else None


def _date(text: str) -> int | None:
    """A year, a date in the order of ISO 8601, milliseconds since 1970 (ArcGIS), or a year after two other numbers."""
    if re.fullmatch(r"\d{11,13}(\.0)?", text):
        moment = datetime.datetime.fromtimestamp(float(text) / 1000, datetime.UTC)
        return _utc_s(moment.year, moment.month, moment.day)
    if match := re.match(r"(\d{4})(?:\.0)?(?:[-/](\d{1,2})(?:[-/](\d{1,2}))?)?(?!\d)", text):
        year, month, day = match.groups()
        return _utc_s(int(year), int(month or 7), int(day or (15 if month else 1)))  # the middle of what is said
    if match := re.match(r"\d{1,2}[-/.]\d{1,2}[-/.](\d{4})(?!\d)", text):
        return _utc_s(int(match[1]), 7, 1)  # day and month, or month and day: nobody knows
    return None


def _utc_s(year: int, month: int, day: int) -> int | None:
    try:
        moment = datetime.datetime(year, month, day, tzinfo=datetime.UTC)
    except ValueError:
        return None
    return round((moment - EPOCH).total_seconds()) if year in YEARS else None
