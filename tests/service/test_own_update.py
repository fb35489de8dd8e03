"""The gateway's own update: signed wheels, version folders, a trial, the way back, and kill -9 at every step."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cabinet import Centre, write_config
from pty_street import PtyStreet
from releases import Releases
from small_systemd import SmallSystemd

from lamplighter.gateway.own_update import missing
from lamplighter.update import boot

CHILD = Path(__file__).parent / "helpers" / "update_child.py"
MINISIGN = shutil.which("minisign")


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    return Releases(tmp_path_factory.mktemp("releases"))


@pytest.fixture(scope="module")
def small(releases):
    """A small wheel of version 2.0.0, signed."""
    wheel = releases.small("2.0.0")
    releases.sign(wheel, "1.0.0")
    return wheel


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


@pytest.fixture
def base(tmp_path):
    """Two stand-ins: 1.0.0 runs, 2.0.0 is not there yet."""
    place = tmp_path / "opt"
    stand_in(place, "1.0.0")
    boot.begin_trial(place, "1.0.0", "0.9.0")
    return place


def two(base: Path) -> Path:
    """2.0.0 on trial after 1.0.0; the state folder."""
    stand_in(base, "2.0.0")
    boot.begin_trial(base, "2.0.0", "1.0.0")
    state = base.parent / "state"
    state.mkdir()
    return state


# --- the trial


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


# --- installing


@pytest.mark.system
def test_everything_that_is_wrong_is_one_line_and_changes_nothing(releases, small, base, tmp_path) -> None:
    before = sorted(str(path) for path in base.rglob("*"))

    def refused(words: str, wheel: Path, *more: object) -> None:
        done = install(releases, wheel, base, *more)
        assert done.returncode == 1, (words, done.stdout)
        said = [line for line in done.stderr.splitlines() if line.startswith("lamplighter: ")]
        assert len(said) == 1
        assert words in said[0], said
        assert "Traceback" not in done.stderr
        assert says(base) == "1.0.0"
        assert sorted(str(path) for path in base.rglob("*") if path.name != "lock") == before, words

    changed = tmp_path / small.name
    data = bytearray(small.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    shutil.copy(f"{small}.minisig", f"{changed}.minisig")
    refused("the signature is not that of this content", changed)
    (tmp_path / "stranger").mkdir()
    stranger = Releases(tmp_path / "stranger")
    theirs = stranger.small("2.0.0")
    stranger.sign(theirs)
    refused("signed by a key that is not known here", theirs)
    other = releases.small("3.0.0", name="lighthouse")
    releases.sign(other)
    refused("is a wheel of lighthouse, not of lamplighter", other)
    relabelled = releases.small("2.1.0")
    key = releases.key
    Path(f"{relabelled}.minisig").write_bytes(key.sign(relabelled.read_bytes(), "lamplighter 9.0.0 minimum 0"))
    refused("is lamplighter 2.1.0, and was signed as lamplighter 9.0.0", relabelled)
    Path(f"{relabelled}.minisig").write_bytes(key.sign(relabelled.read_bytes(), "release"))
    refused("does not say what it is", relabelled)
    releases.sign(relabelled, "2.2.0")
    refused("above its own version", relabelled)
    old = releases.small("0.8.0")
    releases.sign(old)
    refused("version 0.8.0 is below the minimum 0.9.0", old)
    same = releases.small("1.0.0")
    releases.sign(same)
    refused("version 1.0.0 already runs", same)
    wants = releases.small("2.2.0", requires='["no-such-thing-anywhere>=3"]')
    releases.sign(wants)
    refused("give a folder with its signed wheels: --wheels FOLDER", wants)
    falls = releases.small("2.3.0", start='sys.exit("it falls")')
    releases.sign(falls)
    refused("version 2.3.0 does not start; it says: it falls", falls)
    nothing = tmp_path / "lamplighter-2.0.0-py3-none-any.whl.zip"
    nothing.write_bytes(b"nothing")
    Path(f"{nothing}.minisig").write_bytes(key.sign(b"nothing", "lamplighter 2.0.0 minimum 0"))
    refused("is not a wheel", nothing)
    boot.write(base, boot.read(base) | {"refused": ["2.0.0"]})
    refused("was tried here and did not last", small)
    with boot.locked(base):
        refused("the versions are being changed", small)
    done = install(releases, small, base, "--again")
    assert done.returncode == 0, done.stderr
    assert says(base) == "2.0.0"
    releases.sign(relabelled)
    assert "is still on trial" in install(releases, relabelled, base).stderr


@pytest.mark.system
def test_a_disk_without_room_is_said_before_anything_is_written(releases, small, tmp_path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    words = f"install {small} {small}.minisig --public-key {releases.public} --base {place} --no-restart"
    script = (
        f"mount -t tmpfs -o size=30m tmpfs {place} && {sys.executable} -m lamplighter update {words}; ls -R {place}"
    )
    command = [shutil.which("unshare") or "unshare", "--mount", "--map-root-user", "sh", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "are needed; make room first" in done.stderr, done.stderr
    assert "2.0.0" not in done.stdout


@pytest.mark.system
def test_what_a_version_needs_comes_from_a_folder_of_signed_wheels(releases, base, tmp_path) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()
    shutil.copy(releases.small("4.0", name="lantern-oil"), folder)
    (oil,) = folder.glob("*.whl")
    wheel = releases.small("2.4.0", requires='["lantern-oil>=3"]')
    releases.sign(wheel)
    done = install(releases, wheel, base, "--wheels", folder)
    assert done.returncode == 1
    assert "No such file" in done.stderr, "what is not signed is not taken"
    releases.sign(oil)
    done = install(releases, wheel, base, "--wheels", folder)
    assert done.returncode == 0, done.stderr
    assert list((base / "versions" / "2.4.0").rglob("lantern_oil-4.0.dist-info"))


@pytest.mark.system
@pytest.mark.skipif(MINISIGN is None, reason="minisign is not installed; tests/run installs it")
def test_what_minisign_signs_is_taken(releases, base) -> None:
    wheel = releases.small("2.5.0")
    words = ["-S", "-l", "-W", "-s", releases.folder / "site.key", "-m", wheel, "-t", "lamplighter 2.5.0 minimum 1.0.0"]
    done = subprocess.run([MINISIGN or "", *map(str, words)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    done = install(releases, wheel, base)
    assert done.returncode == 0, done.stderr
    assert status(base)["version"] == "2.5.0"


# --- kill -9


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
    steps = points(whole.stdout.splitlines(), "/versions/2.0.0/", 12)
    ran, ends = {"1.0.0": 0, "2.0.0": 0}, 0
    moments = [random.Random(8).uniform(0.2, 1.0) * took_s for _ in range(6)]  # most of them fall into pip's work
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


# --- the real gateway


@pytest.mark.slow
@pytest.mark.system
async def test_a_real_gateway_updates_itself_is_watched_and_goes_back(releases, tmp_path, mosquitto) -> None:
    """1.0.0 serves; 1.1.0 proves itself, but not without the broker that 1.0.0 had; 1.2.0 falls and is taken back."""
    good, better = releases.whole("1.0.0"), releases.whole("1.1.0")
    broken = releases.whole(
        "1.2.0",
        (
            "gateway/lamplighter/gateway/daemon.py",
            "        self._loop = asyncio.get_running_loop()\n",
            "        1 / 0\n",
        ),
    )
    releases.sign(good)
    releases.sign(better, "1.1.0")
    releases.sign(broken, "1.1.0")
    base, street = tmp_path / "opt", PtyStreet(1)
    config = write_config(tmp_path, street.port, mosquitto, 1, "trial_s = 2")
    state = tmp_path / "state"
    done = install(releases, good, base, "--config", config)
    assert done.returncode == 0, done.stderr
    program = str(base / "current" / "bin" / "lamplighter")
    systemd, centre = SmallSystemd(base, config, state), Centre(mosquitto)

    def serves(version: str):
        def now() -> bool:
            told = centre.last.get("status", {})
            return told.get("version") == version and told.get("online") and told.get("posts_online") == 1

        return now

    def log() -> str:
        return systemd.log.read_text()

    try:
        async with centre.listening():
            await centre.until(serves("1.0.0"))
            await centre.until(lambda: had(state).get("broker") and had(state)["posts"])
            done = install(releases, better, base, "--config", config, program=program)
            assert done.returncode == 0, done.stderr
            right = config.read_text()
            config.write_text(right.replace(f"port = {mosquitto[1]}", "port = 1"))
            systemd.kill()
            lacks = "there is no connection to the broker"
            await asyncio.to_thread(wait, lambda: "1.1.0 is on trial and not yet well" in log() and lacks in log())
            await asyncio.sleep(4)
            assert not (state / "confirmed").exists(), "twice the time, but without the broker"
            config.write_text(right)
            systemd.kill()
            await centre.until(serves("1.1.0"))
            await asyncio.to_thread(wait, (state / "confirmed").exists)
            assert check(base, state) == ["lamplighter: version 1.1.0 has proved itself"]
            assert status(base) | {"version": "1.1.0", "on_trial": False, "minimum": "1.1.0"} == status(base)
            done = install(releases, good, base, program=program)
            assert "version 1.0.0 is below the minimum 1.1.0" in done.stderr
            done = install(releases, broken, base, program=program)
            assert done.returncode == 0, done.stderr
            before = systemd.starts
            systemd.kill()
            await asyncio.to_thread(wait, lambda: systemd.starts - before > boot.STARTS)
            centre.last["status"] = {}
            await centre.until(serves("1.1.0"))
            assert systemd.starts - before == boot.STARTS + 1
            assert "version 1.2.0 was started 5 times and was never well; version 1.1.0 runs again" in log()
            assert status(base)["refused"] == ["1.2.0"]
            items = [item["post_seq"] for item in centre.items.values()]
            assert len(items) == len(set(items)), "no item has come under two ids"
    finally:
        systemd.close()
        street.close()


def had(state: Path) -> dict:
    """What the gateway has written down."""
    with contextlib.closing(sqlite3.connect(f"{(state / 'gateway.db').as_uri()}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT value FROM meta WHERE name='had'").fetchall()
    return json.loads(rows[0][0]) if rows else {}


def check(base: Path, state: Path) -> list[str]:
    """One minute of the timer."""
    words = [sys.executable, "-I", str(base / "boot.py"), "check", "--state", str(state)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60).stderr.splitlines()


def wait(condition, timeout_s: float = 60.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
