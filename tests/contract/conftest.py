"""The contract's tests share the gateway's street, and the contract itself."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent / "gateway" / "helpers"):
    sys.path.insert(0, str(folder))
