"""From the name of a time zone to the POSIX rule that a post carries for years (`CET-1CEST,M3.5.0,M10.5.0/3`).

The rule is the footer of the zone's TZif file (RFC 9636, section 3.3), from the `tzdata` package first, so that two
machines with the same installation compile the same plan, else from the system.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from lamplighter.plans.faults import nearest, quote
from lamppost.light.tz import RULE_MAX, Zone

_NAME = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")  # no dots: a name never leaves the folder of zones
_FILE_MAX = 65536  # bytes; the largest TZif file has under 4 KB


def posix_rule(zone: str) -> str:
    """The POSIX rule of a zone name, or `zone` itself where it is a valid rule.

    Raises ValueError with the nearest name, or with what is wrong with the rule.
    """
    if len(zone) <= RULE_MAX and _NAME.fullmatch(zone):
        found = _footer(zone)
        if found:
            return found
    if zone in names():
        raise ValueError(f"the zone {quote(zone)} has no rule for the coming years; write a POSIX rule")
    if "," in zone or "<" in zone or re.search(r"[A-Za-z]{3}[+-]?[0-9]", zone):
        return _checked(zone)
    best = nearest(zone, names())
    hint = f"did you mean {quote(best)}?" if best else 'write a name such as "Europe/Brussels" or a POSIX rule'
    raise ValueError(f"no time zone is named {quote(zone)}; {hint}")


@cache
def names() -> frozenset[str]:
    """Every zone name that this installation knows."""
    import zoneinfo  # takes memory that a cabinet needs, and only a fault wants it

    return frozenset(zoneinfo.available_timezones())


def _checked(rule: str) -> str:
    if len(rule) > RULE_MAX:
        raise ValueError(f"a rule of {len(rule)} characters is longer than {RULE_MAX}; write it shorter")
    try:
        Zone(rule)
    except ValueError as fault:
        hint = 'write a name such as "Europe/Brussels", or a rule such as CET-1CEST,M3.5.0,M10.5.0/3'
        raise ValueError(f"{quote(rule)} is no POSIX rule: {fault}; {hint}") from None
    return rule


@cache
def _footer(name: str) -> str:
    """The last line of the zone's file, or an empty string where there is no such file or no such line."""
    for read in (_from_package, _from_system):
        data = read(name)
        if data[:4] == b"TZif" and data[4:5] >= b"2" and data.endswith(b"\n"):
            return data[:-1].rpartition(b"\n")[2].decode("ascii", "replace")
    return ""


def _from_package(name: str) -> bytes:
    try:
        import tzdata

        return Path(tzdata.__path__[0], "zoneinfo", *name.split("/")).read_bytes()
    except (ModuleNotFoundError, OSError):
        return b""


def _from_system(name: str) -> bytes:
    from zoneinfo import TZPATH

    for folder in TZPATH:
        try:
            with Path(folder, name).open("rb") as file:
                return file.read(_FILE_MAX)
        except OSError:
            continue
    return b""
