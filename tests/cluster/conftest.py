"""The cluster's tests use deploy/cluster/trial.py, and the gateway's helpers."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE / "helpers", HERE.parent / "gateway" / "helpers", HERE.parents[1] / "deploy" / "cluster"):
    sys.path.insert(0, str(folder))
