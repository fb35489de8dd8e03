"""10**6 lines typed at a console at every run; `python tests/security/fuzz_console.py` types 10**7."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_console import STATED, Fuzz

INPUTS = 20_000  # of each seed
OPEN = (  # reached by every seed without a PIN; and by one who has it, what is below
    "login first", "wrong PIN", "unknown command '%s'; try help", "line over %d characters",
    "only plain text is understood here", "wait %d s after a wrong PIN",
    "nothing is kept of that day; energy alone shows which there are",
    "a moment is written 2026-12-24T22:30:00Z, in UTC, from 2000 to 2135",
)  # fmt: skip
INSIDE = (
    "level is a whole percentage from 0 to 100", "local control lasts 1s to 15m", "identify lasts 1 to 3600 s",
    "a time is a number with s, m or h, such as 10m", "%s is a whole number", "%s is given in hexadecimal digits",
    "numbers are whole, a SHA-256 is hexadecimal, bytes are base64", "go on at byte %d",
    "the image is not whole: %d of %d bytes",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(50))
def test_whatever_is_typed(seed: int) -> None:
    fuzz = Fuzz(seed, login=bool(seed & 1))
    for _ in range(INPUTS):
        fuzz.step()
    assert not set(INSIDE if fuzz.login else OPEN) - fuzz.errors()


def test_there_are_errors_to_reach() -> None:
    assert set(STATED) > {*OPEN, *INSIDE}
