"""Every edge test module runs on the real MicroPython interpreter too, against the code as boards get it.

That is compiled, with its constants folded. What the tests themselves read of them is folded as well, for a board's
modules no longer have them.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from folded import fold_tests

from lampsim.compile_edge import compile_edge

HERE = Path(__file__).parent
MODULES = sorted(p.stem for p in HERE.glob("test_*.py") if p.stem != "test_both_interpreters")
MICROPYTHON = shutil.which("micropython", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests and what stands beside them, folded."""
    return fold_tests(tmp_path_factory.mktemp("folded"))


@pytest.mark.skipif(MICROPYTHON is None, reason="the micropython interpreter has no wheel for this machine")
@pytest.mark.parametrize("module", MODULES)
def test_on_micropython(module: str, folder: Path) -> None:
    assert MICROPYTHON is not None
    env = {"MICROPYPATH": f"{HERE / 'micropython'}:{compile_edge()}:{folder}:.frozen", "PATH": os.environ["PATH"]}
    command = [MICROPYTHON, "-X", "heapsize=2wM", str(folder / "run_one.py"), module]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
