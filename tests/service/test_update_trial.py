"""A version of the gateway on trial: it proves itself, or the one before is taken back."""

import os
import shutil
import subprocess
import sys

import pytest
from updates import says, stand_in, status, two, update

from lamplighter.gateway.own_update import missing
from lamplighter.update import boot


def test_the_first_version_is_on_no_trial(base) -> None:
    assert status(base) == {
        "version": "1.0.0", "whole": True, "on_trial": False, "previous": None, "minimum": "0.9.0", "refused": [],
    }  # fmt: skip


def test_a_version_that_says_it_is_well_stays_and_sets_the_minimum(base) -> None:
    state = two(base)
    assert boot.step(base, state, "starts") is False
    (state / "confirmed").write_text("of another trial")
    assert boot.step(base, state, "checks") is False
    assert status(base) | {"previous": "1.0.0", "minimum": "0.9.0"} == status(base), "until it has proved itself"
    assert status(base)["on_trial"]
    (state / "confirmed").write_text(boot.read(base)["trial"]["id"])
    assert boot.step(base, state, "checks") is False
    assert status(base) == {
        "version": "2.0.0", "whole": True, "on_trial": False, "previous": "1.0.0", "minimum": "1.0.0", "refused": [],
    }  # fmt: skip


@pytest.mark.parametrize(("count", "most"), [("starts", boot.STARTS), ("checks", boot.CHECKS)])
def test_a_version_that_is_never_well_is_taken_back(base, count, most, capsys) -> None:
    state = two(base)
    trial = boot.read(base)["trial"]
    if count == "checks":
        boot.write(base, boot.read(base) | {"trial": trial | {"checks": 30}})
        most = 30
    turns = 0
    while not boot.step(base, state, count):
        assert says(base) == "2.0.0"
        turns += 1
    assert turns == most
    assert says(base) == "1.0.0"
    assert status(base) | {"on_trial": False, "minimum": "0.9.0", "refused": ["2.0.0"]} == status(base)
    assert "was never well; version 1.0.0 runs again" in capsys.readouterr().err


def test_a_confirmation_that_is_a_link_or_a_flood_is_none(base) -> None:
    state = two(base)
    (state / "elsewhere").write_text(boot.read(base)["trial"]["id"])
    (state / "confirmed").symlink_to(state / "elsewhere")
    assert not boot.confirmed(state, boot.read(base)["trial"])
    (state / "confirmed").unlink()
    (state / "confirmed").write_text("x" * 10_000_000)
    assert not boot.confirmed(state, boot.read(base)["trial"])
    (state / "confirmed").unlink()
    os.mkfifo(state / "confirmed")
    assert not boot.confirmed(state, boot.read(base)["trial"]), "nor does it hang"


def test_a_lost_folder_is_made_up_for(base) -> None:
    state = two(base)
    shutil.rmtree(base / "versions" / "2.0.0")
    assert boot.step(base, state, "starts") is True
    assert says(base) == "1.0.0"
    stand_in(base, "0.9.5")
    shutil.rmtree(base / "versions" / "1.0.0")
    assert boot.step(base, state, "starts") is True
    assert says(base) == "0.9.5"


def test_the_way_back_never_stands_in_the_way_of_a_start(base) -> None:
    shutil.copy(boot.__file__, base / "boot.py")
    (base / "update.json").write_text('{"v": 1, "trial": {"version"')
    words = [sys.executable, "-I", str(base / "boot.py"), "start", "--state", str(base)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (done.returncode, len(done.stderr.splitlines())) == (0, 1)
    assert "JSONDecodeError" in done.stderr
    assert says(base) == "1.0.0"


@pytest.mark.system
def test_a_trial_that_a_full_disk_cannot_count_is_over(tmp_path) -> None:
    code = (
        "import sys; from pathlib import Path; from lamplighter.update import boot\n"
        "base = Path(sys.argv[1])\n"
        "for version in ('1.0.0', '2.0.0'):\n"
        "    (base / 'versions' / version).mkdir(parents=True)\n"
        "    (base / 'versions' / version / 'complete').write_text('x')\n"
        "    boot.begin_trial(base, version, '1.0.0')\n"
        "(base / 'lock').touch()\n"
        "file = open(base / 'filler', 'wb', buffering=0)\n"
        "try:\n"
        "    while file.write(bytes(4096)): pass\n"
        "except OSError: pass\n"
        "print(boot.step(base, base, 'starts'), boot.current(base))\n"
    )
    place = tmp_path / "disk"
    place.mkdir()
    words = f'mount -t tmpfs -o size=128k tmpfs {place} && exec {sys.executable} -c "$CODE" {place}'
    command = [shutil.which("unshare") or "unshare", "--mount", "--map-root-user", "sh", "-c", words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | {"CODE": code})
    assert done.stdout.split() == ["True", "1.0.0"], done.stderr
    assert "cannot be written down" in done.stderr


def test_going_back_by_hand(base) -> None:
    state = two(base)
    assert update("revert", "--base", base, "--no-restart").returncode == 0
    assert says(base) == "1.0.0"
    assert status(base)["refused"] == ["2.0.0"]
    done = update("revert", "--base", base, "--no-restart")
    assert (done.returncode, done.stderr) == (
        1, "lamplighter: there is no version to go back to; install the one you want\n",
    )  # fmt: skip
    boot.begin_trial(base, "2.0.0", "1.5.0")
    (state / "confirmed").write_text(boot.read(base)["trial"]["id"])
    boot.step(base, state, "checks")
    done = update("revert", "--base", base, "--no-restart")
    assert "below the minimum 1.5.0" in done.stderr, "a confirmed version may close the door to those before it"


def test_what_a_version_must_have_is_what_the_one_before_had() -> None:
    all_of_it = {"lines": 2, "posts": True, "broker": True}
    assert missing({}, {"lines": 0, "posts": False, "broker": False}, "") == []
    assert missing(all_of_it, all_of_it, "") == []
    assert missing(all_of_it, all_of_it | {"broker": False}, "") == ["there is no connection to the broker"]
    assert missing(all_of_it, all_of_it | {"posts": False}, "") == ["no post answers"]
    assert missing(all_of_it, all_of_it | {"lines": 1}, "") == ["1 lines are open, and were 2"]
    assert missing(all_of_it | {"broker": False}, all_of_it | {"broker": False}, "") == []
    assert missing({}, all_of_it, "full") == ["items cannot be stored (full)"]
