"""Every edge test module runs on the real MicroPython interpreter too, from the same file."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EDGE = HERE.parent.parent / "edge"
MODULES = sorted(p.stem for p in HERE.glob("test_*.py") if p.stem != "test_both_interpreters")
MICROPYTHON = shutil.which("micropython", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


@pytest.mark.skipif(MICROPYTHON is None, reason="the micropython interpreter has no wheel for this machine")
@pytest.mark.parametrize("module", MODULES)
def test_on_micropython(module: str) -> None:
    assert MICROPYTHON is not None
    env = {"MICROPYPATH": f"{HERE / 'micropython'}:{EDGE}:{HERE}:.frozen", "PATH": os.environ["PATH"]}
    command = [MICROPYTHON, "-X", "heapsize=2wM", str(HERE / "run_one.py"), module]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
