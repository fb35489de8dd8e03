"""Edge tests share plain modules that stand beside them; MicroPython finds them by its path, pytest by this."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "cpython")]
