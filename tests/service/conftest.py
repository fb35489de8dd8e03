"""The service's tests share the gateway's street, and signed releases of it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway" / "helpers"))
sys.path.insert(0, str(Path(__file__).parent / "helpers"))
from updates import base, releases, small  # noqa: F401 - fixtures, from helpers/
