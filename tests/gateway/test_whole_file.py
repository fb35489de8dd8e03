"""A file's new contents: whole, its owner's only, and nothing left where they could not be written."""

import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from lamplighter import whole_file


def test_a_file_is_replaced_whole_with_its_own_mode(tmp_path) -> None:
    path = tmp_path / "kept.json"
    before = os.umask(0)
    try:
        whole_file.replace(path, b"old")
        whole_file.replace(path, b"new")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        whole_file.replace(path, b"for all", 0o644)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.read_bytes() == b"for all"
    assert [one.name for one in tmp_path.iterdir()] == ["kept.json"]


def test_a_failure_leaves_the_old_contents_and_nothing_else(tmp_path, monkeypatch) -> None:
    path = tmp_path / "kept.json"
    whole_file.replace(path, b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        whole_file.replace(path, b"new")
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["kept.json"]


def test_the_name_is_on_disk_too(tmp_path, monkeypatch) -> None:
    """The order that a power cut asks for: contents, name, folder."""
    steps = []
    fsync, rename = os.fsync, os.replace

    def synced(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "contents")
        fsync(handle)

    def renamed(source, target) -> None:
        steps.append("name")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    whole_file.replace(tmp_path / "kept.json", b"x")
    assert steps == ["contents", "name", "folder"]


def test_what_a_power_cut_left_goes_with_the_next_replace_of_that_file(tmp_path) -> None:
    path = tmp_path / "kept.json"
    code = (
        "import os, signal, sys; from pathlib import Path; from lamplighter import whole_file\n"
        "os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)\n"
        "whole_file.replace(Path(sys.argv[1]), b'half')\n"
    )
    for _ in range(3):
        assert subprocess.run([sys.executable, "-c", code, str(path)], timeout=60).returncode == -signal.SIGKILL
    others = {
        ".kept.json.notes",
        ".kept.jsonx.0badcafe",
        ".other.json.0badcafe",
        ".kept.json.0badcaf",
        ".kept.json.d00d",
    }
    for name in others:
        (tmp_path / name).write_text("of somebody else")
    left = {one.name for one in tmp_path.iterdir()} - others
    assert len(left) == 1, "each replace has removed what the one before it left"
    whole_file.replace(path, b"new")
    assert {one.name for one in tmp_path.iterdir()} == others | {"kept.json"}
    assert path.read_bytes() == b"new"


def test_what_cannot_be_removed_stands_in_nobodys_way(tmp_path) -> None:
    (tmp_path / ".kept.json.0badcafe").mkdir()
    (tmp_path / ".kept.json.deadbeef").symlink_to(tmp_path / "of somebody else")
    (tmp_path / "of somebody else").write_text("kept")
    whole_file.replace(tmp_path / "kept.json", b"new")
    assert (tmp_path / "kept.json").read_bytes() == b"new"
    assert (tmp_path / "of somebody else").read_text() == "kept"


def test_many_that_replace_one_file_at_once_all_succeed_and_leave_nothing(tmp_path) -> None:
    path = tmp_path / "kept.json"

    def write(number: int) -> None:
        for turn in range(25):
            whole_file.replace(path, f"{number} {turn}".encode() * 100)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(write, number) for number in range(8)]:
            done.result()
    assert path.read_bytes() in {f"{number} {turn}".encode() * 100 for number in range(8) for turn in range(25)}
    assert [one.name for one in tmp_path.iterdir()] == ["kept.json"]
