"""Provisioning's tests share the gateway's helpers and a broker of a provisioned site."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE / "helpers", HERE.parent / "gateway" / "helpers"):
    sys.path.insert(0, str(folder))
