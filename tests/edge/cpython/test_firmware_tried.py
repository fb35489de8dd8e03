"""A board keeps the firmware on trial only where that is what runs: flash may have refused to count its start."""

import sys
from hashlib import sha256
from pathlib import Path

import pytest

from lamplighter.provision import image
from lamplighter.provision.secret_key import SecretKey
from lamppost.boards.firmware import Firmware
from lamppost.boards.flash import FolderFlash
from lamppost.store.journal import Journal
from lamppost.store.slots import HEALTHY_MS, TRIES, Slots
from lampsim.virtual.firmware import Flash, VirtualFirmware


class Refusing(FolderFlash):
    """A flash that takes nothing."""

    def write(self, name: str, data: bytes) -> None:
        raise OSError(5, "refused")


@pytest.mark.parametrize("refuses", [False, True])
def test_what_did_not_run_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: bool) -> None:
    root, records = str(tmp_path), str(tmp_path / "records")
    (tmp_path / "firmware.pub").write_text(SecretKey(bytes(32), b"eight..8").public_text())
    Slots(Journal(FolderFlash(records))).begin_trial(7, 7)
    folder = Slots(Journal((Refusing if refuses else FolderFlash)(records))).start()
    assert folder == ("a" if refuses else "b")
    monkeypatch.setattr(sys, "path", [f"{root}/{folder}", *sys.path])  # as choose.py and linux_run.py have it
    board = Firmware(root, "rp2", Journal(FolderFlash(records)), lambda: None, root)  # it takes writes again
    assert board.intake is not None
    assert board.intake.untried == refuses
    board.look(HEALTHY_MS, True, 5, None)
    found = Slots(Journal(FolderFlash(records)))
    assert (found.trial, found.version, found.minimum) == ((1, 7, 0) if refuses else (0, 7, 7))


def test_how_long_the_firmware_before_ran_keeps_no_new_one(tmp_path: Path) -> None:
    """A board that has been up for a week installs, and begins the trial with all its tries at the next start."""
    (tmp_path / "post.mpy").write_bytes(b"new" * 400)
    key = SecretKey(bytes(32), b"eight..8")
    data = image.make(tmp_path, "rp2", 7, 7, "0.7.0", key).data
    memory, starts = Flash(), []
    week_ms = 7 * 86_400_000
    board = VirtualFirmware(memory, "rp2", key.public_text(), lambda: starts.append(week_ms))
    board.look(week_ms - 10_000, True, week_ms - 10_000)
    assert board.intake is not None
    board.intake.begin(len(data), sha256(data).digest())
    for at in range(0, len(data), 128):
        board.intake.put(at, data[at : at + 128])
    board.intake.install()
    assert not board.intake.untried
    board.look(week_ms, True, week_ms)
    assert board.intake.untried
    assert not starts
    while not starts:
        board.look(week_ms, True, week_ms)
        week_ms += 100
        found = Slots(Journal(memory))
        assert (found.trial, found.version, found.minimum, found.tries_left) == (1, 7, 0, TRIES)


def test_a_trial_that_flash_could_not_count_begins_when_flash_works_again(tmp_path: Path) -> None:
    class Worn(Flash):
        refuses = False

        def write(self, name: str, data: bytes) -> None:
            if self.refuses:
                raise OSError(5, "refused")
            super().write(name, data)

    memory, starts = Worn(), []
    Slots(Journal(memory)).begin_trial(7, 7)
    memory.refuses = True
    board = VirtualFirmware(memory, "rp2", SecretKey(bytes(32), b"eight..8").public_text(), lambda: starts.append(1))
    assert board.intake is not None
    for t_ms in range(0, 5 * HEALTHY_MS, 10_000):
        board.look(t_ms, True, t_ms)
    assert not starts
    memory.refuses = False
    for t_ms in range(5 * HEALTHY_MS, 6 * HEALTHY_MS + 20_000, 10_000):
        board.look(t_ms, True, t_ms)
    assert starts
    assert Slots(Journal(memory)).start() == "b"
    assert Slots(Journal(memory)).tries_left == TRIES - 1
