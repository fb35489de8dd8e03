"""The gateway's own update as a test calls it: installing, its state, stand-ins for versions."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from releases import Releases

from lamplighter.update import boot


@pytest.fixture(scope="session")
def releases(tmp_path_factory):
    return Releases(tmp_path_factory.mktemp("releases"))


@pytest.fixture(scope="session")
def small(releases):
    """A small wheel of version 2.0.0, signed."""
    wheel = releases.small("2.0.0")
    releases.sign(wheel, "1.0.0")
    return wheel


@pytest.fixture
def base(tmp_path):
    """Two stand-ins: 1.0.0 runs, 2.0.0 is not there yet."""
    place = tmp_path / "opt"
    stand_in(place, "1.0.0")
    boot.begin_trial(place, "1.0.0", "0.9.0")
    return place


def update(*words: object, program: str = "") -> subprocess.CompletedProcess:
    command = [program, "update"] if program else [sys.executable, "-m", "lamplighter", "update"]
    return subprocess.run([*command, *map(str, words)], capture_output=True, text=True, timeout=300, check=False)


def install(releases, wheel: Path, base: Path, *more: object, program: str = "") -> subprocess.CompletedProcess:
    words = ("install", wheel, f"{wheel}.minisig", "--public-key", releases.public, "--base", base, "--no-restart")
    return update(*words, *more, program=program)


def status(base: Path) -> dict:
    done = update("status", "--base", base, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def stand_in(base: Path, version: str) -> None:
    """A version that is whole and only says its name."""
    folder = base / "versions" / version / "bin"
    folder.mkdir(parents=True)
    (folder / "lamplighter").write_text(f'#!/bin/sh\necho "lamplighter, version {version}"\n')
    (folder / "lamplighter").chmod(0o755)
    (folder.parent / "complete").write_text(version)


def says(base: Path) -> str:
    """What the version that `current` names says of itself."""
    words = [str(base / "current" / "bin" / "lamplighter"), "--version"]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout.split()[-1]


def two(base: Path) -> Path:
    """2.0.0 on trial after 1.0.0; the state folder."""
    stand_in(base, "2.0.0")
    boot.begin_trial(base, "2.0.0", "1.0.0")
    state = base.parent / "state"
    state.mkdir()
    return state
