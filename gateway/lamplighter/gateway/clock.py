"""This computer's clock as the gateway uses it: UTC since 2000 in milliseconds, and how far it may be off."""

from __future__ import annotations

import ctypes
import time

EPOCH_2000 = 946_684_800  # Unix time of 2000-01-01T00:00:00Z
SANE_S = 757_382_400  # 2024: a computer that says an earlier date has no clock yet


def true_utc_s() -> int:
    """Seconds; what requests expire by, whatever date the street rehearses."""
    return int(time.time()) - EPOCH_2000


def true_utc_ms() -> int | None:
    """Milliseconds; None while the clock has not been set."""
    now_ms = time.time_ns() // 1_000_000 - EPOCH_2000 * 1000
    return now_ms if now_ms >= SANE_S * 1000 else None


UNSURE_MS = 50  # NTP over a mobile network, where the kernel cannot be asked
UNCERTAINTY_MAX_MS = 65_535  # what a TIME can say


class _Timex(ctypes.Structure):
    """The beginning of struct timex; see adjtimex(2)."""

    _fields_ = (
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("rest", ctypes.c_char * 512),
    )  # fmt: skip


def uncertainty_ms() -> int:
    """The most this computer's clock may be off, by what NTP has told the kernel; 16 s where none has."""
    timex = _Timex()
    try:
        if ctypes.CDLL(None).adjtimex(ctypes.byref(timex)) < 0:
            return UNSURE_MS
    except (OSError, AttributeError):
        return UNSURE_MS
    return max(1, min(UNCERTAINTY_MAX_MS, -(-timex.maxerror // 1000)))
