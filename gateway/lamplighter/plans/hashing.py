"""The name of a plan by its content: the same JSON has the same hash, however it is laid out.

Canonical JSON: keys sorted by code point, no white space, UTF-8, a whole number without a decimal point (`60.0` is
`60`), any other number in its shortest form (as RFC 8785 asks, but for key order beyond the basic plane).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any


def document_hash(plan: Any) -> str:
    """16 hexadecimal digits: the first 8 bytes of SHA-256 over the canonical JSON of `plan`."""
    return hashlib.sha256(canonical(plan)).hexdigest()[:16]


def plan_hash(compiled: bytes) -> str:
    """16 hexadecimal digits: the name of a compiled plan, as a post computes it from the bytes it received."""
    return hashlib.sha256(compiled).hexdigest()[:16]


def canonical(plan: Any) -> bytes:
    """Canonical JSON of dict, list, str, bool, None, int and finite float; ValueError for anything else."""
    try:
        text = json.dumps(_whole(plan), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except TypeError as fault:
        raise ValueError(f"not JSON: {fault}") from None
    return text.encode()


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
