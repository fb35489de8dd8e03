"""10**6 hostile inputs at every run; `python tests/security/fuzz_wire.py` gives 10**7."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_wire import Fuzz

INPUTS = 20_000  # of each seed
REACHED = {  # by every seed: or what it says of the code behind is worth little
    "bad stuffing", "bad CRC", "no short frame", "frame too long", "bad seal", "old counter", "not for the gateway",
    "unknown post N", "only the gateway may address a post", "not for everybody", "not a request", "cut short",
    "not the answer to what was asked", "not the shortest form", "map or tag", "float or simple value", "bad text",
    "bytes after the value", "message type N: bad fields", "message type N: bad length",
}  # fmt: skip


@pytest.mark.parametrize("seed", range(50))
def test_hostile_bytes(seed: int) -> None:
    """[F-6] [F-7] [M-2] [S-10] [C-6]"""
    fuzz = Fuzz(seed)
    while fuzz.inputs < INPUTS:
        fuzz.step()
    assert fuzz.accepted > 500, "the stolen key must get some messages through, or nothing behind the seal is tested"
    assert not REACHED - fuzz.errors()
