"""A board keeps the firmware on trial only where that is what runs: flash may have refused to count its start."""

import sys
from pathlib import Path

import pytest

from lamppost.boards.firmware import Firmware
from lamppost.boards.flash import FolderFlash
from lamppost.store.journal import Journal
from lamppost.store.slots import HEALTHY_MS, Slots


class Refusing(FolderFlash):
    """A flash that takes nothing."""

    def write(self, name: str, data: bytes) -> None:
        raise OSError(5, "refused")


@pytest.mark.parametrize("refuses", [False, True])
def test_what_did_not_run_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: bool) -> None:
    root, records = str(tmp_path), str(tmp_path / "records")
    Slots(Journal(FolderFlash(records))).begin_trial(7, 7)
    folder = Slots(Journal((Refusing if refuses else FolderFlash)(records))).start()
    assert folder == ("a" if refuses else "b")
    monkeypatch.setattr(sys, "path", [f"{root}/{folder}", *sys.path])  # as choose.py and linux_run.py have it
    board = Firmware(root, "rp2", Journal(FolderFlash(records)), lambda: None, root)  # it takes writes again
    board.look(HEALTHY_MS, True, 5, None)
    found = Slots(Journal(FolderFlash(records)))
    assert (found.trial, found.version, found.minimum) == ((1, 7, 0) if refuses else (0, 7, 7))
