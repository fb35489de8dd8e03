"""From the fades of a lamp to its mean level in each second, exactly: a level moves in straight lines."""

from collections.abc import Sequence

import numpy as np

Fade = tuple[int, int, int, int]  # t_ms, level at that moment, target, fade_ms


def mean_levels(fades: Sequence[Sequence[Fade]], start_pm: int, seconds: int) -> np.ndarray:
    """The mean level of each lamp in each second [t, t + 1), per mille; one sequence of fades, by time, for each."""
    levels = np.empty((seconds, len(fades)), np.float32)
    for lamp, course in enumerate(fades):
        levels[:, lamp] = _means(course, start_pm, seconds)
    return levels


def _means(course: Sequence[Fade], start_pm: int, seconds: int) -> np.ndarray:
    t, level = _corners(course, start_pm, seconds * 1000)
    area = np.concatenate(([0.0], np.cumsum(np.diff(t) * (level[1:] + level[:-1]) / 2)))
    whole = np.arange(seconds + 1) * 1000.0
    at = np.clip(np.searchsorted(t, whole, side="right") - 1, 0, len(t) - 2)
    length = t[at + 1] - t[at]
    since = whole - t[at]
    slope = np.divide(level[at + 1] - level[at], length, out=np.zeros(len(at)), where=length > 0)
    return np.diff(area[at] + since * level[at] + slope * since * since / 2) / 1000


def _corners(course: Sequence[Fade], start_pm: int, end_ms: int) -> tuple[np.ndarray, np.ndarray]:
    """Times and levels between which the level is a straight line."""
    corners = [(0.0, float(start_pm))]
    target, done_ms = start_pm, 0
    for t_ms, from_pm, to_pm, fade_ms in course:
        if done_ms < t_ms:
            corners.append((done_ms, target))
        corners += [(t_ms, from_pm), (t_ms, from_pm if fade_ms else to_pm)]
        target, done_ms = to_pm, t_ms + fade_ms
    corners.append((done_ms, target))
    corners.append((max(end_ms, done_ms) + 1, target))
    t, level = zip(*corners, strict=True)
    return np.array(t, float), np.array(level, float)
