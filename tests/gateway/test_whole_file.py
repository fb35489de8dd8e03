"""A file's new contents: whole, its owner's only, and nothing left where they could not be written."""

import os
import stat

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
