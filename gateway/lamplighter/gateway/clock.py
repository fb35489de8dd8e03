"""This computer's clock as the gateway uses it: seconds and milliseconds of UTC since 2000."""

from __future__ import annotations

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
