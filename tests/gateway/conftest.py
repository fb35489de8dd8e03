"""The gateway's tests share a street: see helpers/street.py (virtual time) and helpers/pty_street.py (a real port)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "helpers"))
