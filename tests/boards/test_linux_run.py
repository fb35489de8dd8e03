"""On Linux the firmware folder in force goes before the package that was installed, in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from lamppost.boards.flash import FolderFlash
from lamppost.store.journal import Journal
from lamppost.store.slots import Slots

EDGE = Path(__file__).parents[2] / "edge"
LOOK = """
import sys
from lamppost.boards import linux_run
linux_run.choose(sys.argv[1])
import lamppost
from lamppost import post
print("runs", lamppost.__file__, getattr(post, "MARK", "none"))
print("spare", sys.argv[1] + "/" + sys.argv[2] in sys.path)
"""


def chosen(state: Path, spare: str) -> list[str]:
    """What a process has after `choose`: its lines."""
    words = [sys.executable, "-c", LOOK, str(state), spare]
    done = subprocess.run(words, env={"PYTHONPATH": str(EDGE)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """An update has come and is kept: version 7 in folder b."""
    for name in ("lamppost/__init__.py", "lamppost/post.py"):
        path = tmp_path / "b" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("MARK = 7\n" if path.name == "post.py" else "")
    slots = Slots(Journal(FolderFlash(str(tmp_path / "records"))))
    slots.begin_trial(7, 1)
    slots.confirm()
    return tmp_path


def test_the_folder_in_force_is_what_is_imported(state: Path) -> None:
    start, runs, _ = chosen(state, "a")
    assert start == "start b 7"
    assert runs == f"runs {state}/b/lamppost/__init__.py 7"


def test_on_trial_it_is_and_the_start_is_counted(state: Path) -> None:
    Slots(Journal(FolderFlash(str(state / "records")))).begin_trial(8, 1)  # nothing lies in folder a
    start, runs, spare = chosen(state, "a")
    assert start == "start as installed"
    assert runs.split()[2] == "none"
    assert spare == "spare True", "by it the board knows which of the two folders it was that did not run"
    slots = Slots(Journal(FolderFlash(str(state / "records"))))
    assert (slots.active, slots.trial, slots.tries_left) == (0, 1, 2)


def test_as_delivered_nothing_goes_before_what_was_installed(tmp_path: Path) -> None:
    start, runs, spare = chosen(tmp_path, "a")
    assert start == "start as installed"
    assert runs.startswith(f"runs {EDGE}")
    assert spare == "spare False"
