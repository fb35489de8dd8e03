"""The ideal reference policies: who sees everything at once, and lamps without ramps. One second is one step.

`levels(name, lamps, users)` gives the level of every lamp in every second, per mille, as an array seconds x lamps.
A lamp that is triggered at second t keeps its level while now - t <= hold; the highest wins. The rules:

CONV     full all night                        PART     off from 00:00 to 05:30
STEP     100 % to 20:00, 70 % to 22:00, 50 % to 05:00, then 100 %
PRES20   lamps within 20 m of a user full, hold 20 s; idle 20 %
ZONE20   every lamp of the street of the lamp nearest to a user full, hold 20 s; idle 20 %
AHEAD*   pedestrian: within 30 m full, 60 m 60 %, 90 m 30 %; car: -15 m < along <= 110 m of its heading and under
         15 m sideways, and all within 40 m, full; hold 5 s; idle 20, 10, 0 %
"""

from collections.abc import Callable, Iterator

import numpy as np

from .data import CAR, Lamps, Users

POLICIES = ("CONV", "PART", "STEP", "PRES20", "ZONE20", "AHEAD20", "AHEAD10", "AHEAD0")
_CHUNK = 8192  # user-seconds at once: with 448 lamps 15 MB an array, which stays near the cache
_HOUR = 3600
_DARK, _FULL = np.uint16(0), np.uint16(1000)
_WALK_PM = [_FULL, np.uint16(600), np.uint16(300)]
_CLOCK = {  # seconds from 18:00 at which a level begins
    "CONV": ((0, 1000),),
    "PART": ((0, 1000), (6 * _HOUR, 0), (11 * _HOUR + 1800, 1000)),
    "STEP": ((0, 1000), (2 * _HOUR, 700), (4 * _HOUR, 500), (11 * _HOUR, 1000)),
}
_PRES_HOLD_S = _ZONE_HOLD_S = 20
_AHEAD_HOLD_S = 5

Rule = Callable[[Lamps, tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray], np.ndarray]


def levels(name: str, lamps: Lamps, users: Users, seen: np.ndarray | None = None) -> np.ndarray:
    """The levels of policy `name`; `seen` (a mask of rows) leaves only those users to its rule."""
    if name in _CLOCK:
        return _by_clock(_CLOCK[name], users.seconds, len(lamps))
    rule, hold_s, idle_pm = _RULES[name]
    return np.maximum(_held(_wanted(rule, lamps, users, seen), hold_s), idle_pm)


def all_levels(names: tuple[str, ...], lamps: Lamps, users: Users) -> Iterator[tuple[str, np.ndarray]]:
    """(name, levels) of each policy; the three AHEADs share what they want."""
    shared: dict[Rule, np.ndarray] = {}
    for name in names:
        if name in _CLOCK:
            yield name, levels(name, lamps, users)
            continue
        rule, hold_s, idle_pm = _RULES[name]
        if rule not in shared:
            shared = {rule: _held(_wanted(rule, lamps, users, None), hold_s)}
        yield name, np.maximum(shared[rule], idle_pm)


def chunks(users: Users, lamps: Lamps) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """(rows, dx, dy): slices of the users with the way from each of them to every lamp, in metres."""
    for begin in range(0, len(users), _CHUNK):
        rows = slice(begin, min(begin + _CHUNK, len(users)))
        dx = lamps.x_m.astype(np.float32)[None, :] - users.x_m[rows, None].astype(np.float32)
        dy = lamps.y_m.astype(np.float32)[None, :] - users.y_m[rows, None].astype(np.float32)
        yield rows, dx, dy


def along(heading_deg: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far each lamp lies along a heading (0 = north, clockwise) and to the right of it, in metres."""
    turn = np.radians(heading_deg)[:, None]
    east, north = np.sin(turn).astype(np.float32), np.cos(turn).astype(np.float32)
    return dx * east + dy * north, dx * north - dy * east


def _by_clock(steps: tuple, seconds: int, lamps: int) -> np.ndarray:
    levels_pm = np.zeros((seconds, lamps), np.uint16)
    for begin, level_pm in steps:
        levels_pm[begin:] = level_pm
    return levels_pm


def _wanted(rule: Rule, lamps: Lamps, users: Users, seen: np.ndarray | None) -> np.ndarray:
    """The highest level that any user of a second asks of each lamp in that second."""
    wanted = np.zeros((users.seconds, len(lamps)), np.uint16)
    for rows, dx, dy in chunks(users, lamps):
        asked = rule(lamps, _slice(users, rows), dx, dy)
        if seen is not None:
            asked[~seen[rows]] = 0
        seconds, first = np.unique(users.t_s[rows], return_index=True)
        wanted[seconds] = np.maximum(wanted[seconds], np.maximum.reduceat(asked, first, axis=0))
    return wanted


def _slice(users: Users, rows: slice) -> tuple[np.ndarray, np.ndarray]:
    return users.kind[rows], users.heading_deg[rows]


def _held(wanted: np.ndarray, hold_s: int) -> np.ndarray:
    """The highest of the last `hold_s` seconds and this one; doubling, so a hold of 20 s takes five steps."""
    held, reach = wanted, 1
    while reach < hold_s + 1:
        step = min(reach, hold_s + 1 - reach)
        longer = held.copy()
        longer[step:] = np.maximum(held[step:], held[:-step])
        held, reach = longer, reach + step
    return held


def _pres(_: Lamps, __: tuple, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    return np.where(dx * dx + dy * dy <= 20.0**2, _FULL, _DARK)


def _zone(lamps: Lamps, _: tuple, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    nearest = np.argmin(dx * dx + dy * dy, axis=1)
    return np.where(lamps.street[None, :] == lamps.street[nearest][:, None], _FULL, _DARK)


def _ahead(_: Lamps, who: tuple, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    kind, heading = who
    far2 = dx * dx + dy * dy
    asked = np.select([far2 <= 30.0**2, far2 <= 60.0**2, far2 <= 90.0**2], _WALK_PM, _DARK)
    cars = np.nonzero(kind == CAR)[0]
    on, side = along(heading[cars], dx[cars], dy[cars])
    asked[cars] = np.where(((on > -15) & (on <= 110) & (np.abs(side) < 15)) | (far2[cars] <= 40.0**2), _FULL, _DARK)
    return asked


_RULES: dict[str, tuple] = {
    "PRES20": (_pres, _PRES_HOLD_S, 200),
    "ZONE20": (_zone, _ZONE_HOLD_S, 200),
    "AHEAD20": (_ahead, _AHEAD_HOLD_S, 200),
    "AHEAD10": (_ahead, _AHEAD_HOLD_S, 100),
    "AHEAD0": (_ahead, _AHEAD_HOLD_S, 0),
}
