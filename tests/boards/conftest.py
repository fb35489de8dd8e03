"""Tests of boards share the cabinet of the gateway's tests."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "gateway" / "helpers")]
