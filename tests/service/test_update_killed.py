"""kill -9 at every step of an update of the gateway, there and back: the old or the new version runs."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from updates import says, stand_in, two

from lamplighter.update import boot

CHILD = Path(__file__).parent / "helpers" / "update_child.py"


def child(number: int, *words: object) -> subprocess.CompletedProcess:
    command = [sys.executable, str(CHILD), str(number), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def killed_after(seconds: float, *words: object) -> None:
    """Killed at a moment; pip, where it runs, goes on by itself."""
    command = [sys.executable, str(CHILD), "0", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for_lock(base: Path) -> None:
    """pip may outlive whoever started it; the lock is its as well."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with boot.locked(base):
                return
        except boot.Busy:
            time.sleep(0.05)
    pytest.fail("the lock is held for ever")


def points(lines: list[str], inside: str, some: int) -> list[int]:
    """The numbers of all changes outside of a folder, and of some inside, of which there are a thousand alike."""
    outer = [n for n, line in enumerate(lines, 1) if inside not in line or line.endswith(inside)]
    inner = sorted(set(range(1, len(lines) + 1)) - set(outer))
    return sorted({*outer, *random.Random(6).sample(inner, some)})


@pytest.mark.slow
@pytest.mark.system
def test_killed_at_every_step_of_an_installation_the_old_or_the_new_version_runs(releases, small, tmp_path) -> None:
    def fresh(name: str) -> Path:
        base = tmp_path / name
        stand_in(base, "0.9.0")
        stand_in(base, "1.0.0")
        boot.begin_trial(base, "1.0.0", "0.9.0")
        return base

    begun = time.monotonic()
    whole = child(0, "install", small, releases.public, fresh("whole"))
    took_s = time.monotonic() - begun
    assert whole.returncode == 0, whole.stderr
    steps = points(whole.stdout.splitlines(), "/versions/2.0.0/", 6)
    ran, ends = {"1.0.0": 0, "2.0.0": 0}, 0
    chance = random.Random(8)
    moments = [chance.uniform(0.2, 1.0) * took_s for _ in range(4)]  # most of them fall into pip's work
    for count, number in enumerate([*steps, *(-moment for moment in moments)]):
        base = fresh(f"base-{count}")
        if number > 0:
            done = child(number, "install", small, releases.public, base)
            assert done.returncode == -signal.SIGKILL, (number, done.stderr)
        else:
            killed_after(-number, "install", small, releases.public, base)
        wait_for_lock(base)
        version = says(base)
        ran[version] += 1
        assert boot.whole(base, version), number
        boot.step(base, tmp_path, "starts")
        assert says(base) == version, "and a start does not change that"
        record = boot.read(base)
        assert record["trial"] is None or (version, record["previous"]) == ("2.0.0", "1.0.0"), "with a way back"
        if version == "1.0.0" and (count % 6 == 0 or number < 0):
            again = child(0, "install", small, releases.public, base)
            assert again.returncode == 0, again.stderr
            assert says(base) == "2.0.0"
            ends += 1
        shutil.rmtree(base)
    print(f"{len(steps)} of {len(whole.stdout.splitlines())} steps: {ran}, {ends} installed again")
    assert ran["1.0.0"] > 25
    assert ran["2.0.0"] > 0
    assert ends > 4


@pytest.mark.system
@pytest.mark.parametrize("case", ["starts are over", "it is well", "its folder is lost", "cut off before the switch"])
def test_killed_at_every_step_of_the_way_back(tmp_path, case) -> None:
    def fresh(name: str) -> Path:
        base = tmp_path / name / "opt"
        stand_in(base, "1.0.0")
        boot.begin_trial(base, "1.0.0", "0.9.0")
        state = two(base)
        record = boot.read(base)
        if case == "starts are over":
            boot.write(base, record | {"trial": record["trial"] | {"starts": 0}})
        elif case == "it is well":
            (state / "confirmed").write_text(record["trial"]["id"])
        elif case == "its folder is lost":
            shutil.rmtree(base / "versions" / "2.0.0")
        else:
            boot.switch(base, "1.0.0")
        return base

    base = fresh("whole")
    whole = child(0, "start", base, base.parent / "state")
    assert whole.returncode == 0, whole.stderr
    wanted, record = says(base), boot.read(base)
    assert (wanted, record["trial"]) == ("2.0.0" if case == "it is well" else "1.0.0", None)
    steps = len(whole.stdout.splitlines())
    assert steps >= 2
    for number in range(1, steps + 1):
        base = fresh(f"base-{number}")
        done = child(number, "start", base, base.parent / "state")
        assert done.returncode == -signal.SIGKILL, (number, done.stderr)
        version = boot.current(base)
        assert version in ("1.0.0", "2.0.0")
        assert boot.whole(base, version) or case == "its folder is lost"
        boot.step(base, base.parent / "state", "starts")
        assert says(base) == wanted, "the next start ends what was begun"
        assert boot.read(base) == record
