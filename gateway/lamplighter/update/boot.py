"""Which version of the gateway starts: the record, the switch, and the way back from a version that does not last.

    boot.py start [--state DIR]                   before each start of the gateway (ExecStartPre of its unit)
    boot.py check [--state DIR] [--unit UNIT]     each minute (lamplighter-update.timer)

This file is copied beside the version folders when the first version is installed, and runs there as root with the
system's own Python; no update replaces it, so nothing that a new version breaks can break the way back.

    BASE/boot.py, BASE/update.json (the record), BASE/lock
    BASE/versions/0.2.0/              a version with all it needs; whole when it holds the file `complete`
    BASE/current -> versions/0.2.0    what the unit starts

What it promises
- `current` is replaced by one rename, and only ever by a whole version: it names the old or the new one at any moment.
- A new version is on trial: STARTS starts and CHECKS minutes. Within these the gateway says in the file `confirmed` of
  its state folder that it is well (see gateway/own_update.py), or the version before it runs again, and it is refused.
- Whatever happens here, the gateway is started: every fault is one line, and the exit code is 0.
- The trial is counted and not timed, because a cabinet's clock may step.
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import sys
from pathlib import Path
from typing import Any

STARTS = 5  # a crash at start is over in half a minute
CHECKS = 1440  # a day of minutes: posts on a switched feeder answer only in the night
REFUSED_MAX = 20  # versions that did not last; older ones are below the minimum by then
ID_MAX = 64  # bytes read of what an unprivileged gateway wrote
RECORD_MAX = 65536
FRESH: dict[str, Any] = {"v": 1, "minimum": "0", "previous": None, "refused": [], "trial": None}


class Busy(Exception):
    """Somebody else is changing the versions."""


def number(version):
    """0.2.0 as (0, 2, 0), so that versions compare. Raises ValueError unless it is one to four whole numbers."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9}){0,3}", version):
        raise ValueError("a version is whole numbers with points, such as 0.2.0")
    parts = [int(part) for part in version.split(".")]
    return tuple(parts + [0] * (4 - len(parts)))


def read(base):
    """The record; a fresh one where there is none. Raises ValueError where it is damaged."""
    try:
        with open(base / "update.json", encoding="utf-8") as file:
            value = json.loads(file.read(RECORD_MAX))
    except FileNotFoundError:
        return dict(FRESH, refused=[])
    number(value["minimum"])
    if value["v"] != 1 or not isinstance(value["refused"], list):
        raise ValueError("of another kind")
    if value["trial"] is not None:
        number(value["trial"]["version"])
        _ = value["trial"]["id"], int(value["trial"]["starts"]), int(value["trial"]["checks"])
    return value


def write(base, record):
    """Put the record on disk at once and whole."""
    replace(base / "update.json", json.dumps(record) + "\n")


def replace(path, text, mode=0o644):
    """New contents for a file: after a power cut it holds the old ones or the new ones."""
    fresh = path.with_name(path.name + ".new")
    with open(fresh, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    settle(path.parent)


def settle(folder):
    """Make the names in a folder last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def whole(base, version):
    """Whether a version can be started."""
    return version is not None and (base / "versions" / version / "complete").is_file()


def current(base):
    """The version that `current` names, whole or not; None where it names none."""
    try:
        return Path(os.readlink(base / "current")).name
    except OSError:
        return None


def switch(base, version):
    """Let `current` name a version that is whole."""
    if not whole(base, version):
        raise ValueError(f"version {version} is not whole")
    fresh = base / "current.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(fresh)
    os.symlink(os.path.join("versions", version), fresh)
    os.replace(fresh, base / "current")
    settle(base)


def begin_trial(base, version, minimum):
    """Let the next start try a whole version. The record comes first: killed in between, the old one goes on."""
    record = read(base)
    running = current(base)
    if whole(base, running):
        trial = {"version": version, "minimum": minimum, "id": secrets.token_hex(16), "back": ""}
        write(base, dict(record, previous=running, trial=dict(trial, starts=STARTS, checks=CHECKS)))
    else:  # the first one: there is nothing to go back to
        write(base, dict(record, minimum=max(record["minimum"], minimum, key=number), previous=None, trial=None))
    switch(base, version)


def go_back(base, record, why):
    """From a version on trial to the one before it. Noted first, so that a kill in between only delays it."""
    trial = record["trial"]
    if not whole(base, record["previous"]):
        say(f"version {trial['version']} {why}, but there is no version to go back to")
        write(base, dict(record, trial=None))
        return False
    write(base, dict(record, trial=dict(trial, back=why)))
    switch(base, record["previous"])
    refused = [*(one for one in record["refused"] if one != trial["version"]), trial["version"]][-REFUSED_MAX:]
    write(base, dict(record, trial=None, previous=None, refused=refused))
    say(f"version {trial['version']} {why}; version {record['previous']} runs again")
    return True


def confirmed(state, trial):
    """Whether the gateway has said that this trial is well."""
    try:
        handle = os.open(state / "confirmed", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return os.read(handle, ID_MAX).decode().strip() == trial["id"]
        finally:
            os.close(handle)
    except (OSError, ValueError):
        return False


def step(base, state, count):
    """One start or one check (`count` says which); returns whether another version runs from now on."""
    record = read(base)
    try:
        return _step(base, record, state, count)
    except OSError as error:  # a full disk: what cannot be counted is not tried
        running, before = current(base), record["previous"]
        if record["trial"] is None or running != record["trial"]["version"] or not whole(base, before):
            raise
        switch(base, before)
        say(f"the trial of version {running} cannot be written down ({error}); version {before} runs again")
        return True


def _step(base, record, state, count):
    trial = record["trial"]
    if trial is None:
        return mend(base, record)
    if trial["back"]:
        return go_back(base, record, trial["back"])
    if current(base) != trial["version"]:  # it was cut off before the switch
        record = dict(record, trial=None, previous=None)
        write(base, record)
        return mend(base, record)
    if confirmed(state, trial):
        minimum = max(record["minimum"], trial["minimum"], key=number)
        refused = [one for one in record["refused"] if one != trial["version"]]
        write(base, dict(record, trial=None, minimum=minimum, refused=refused))
        say(f"version {trial['version']} has proved itself")
        return False
    if trial[count] <= 0 or not whole(base, trial["version"]):
        words = {"starts": f"was started {STARTS} times", "checks": f"ran for {CHECKS} minutes"}
        return go_back(base, record, words[count] + " and was never well")
    write(base, dict(record, trial=dict(trial, **{count: trial[count] - 1})))
    return False


def mend(base, record):
    """Where `current` names no whole version (a lost folder), take the best that is left."""
    if whole(base, current(base)):
        return False
    there = [path.name for path in (base / "versions").glob("*") if whole(base, path.name)]
    left = [one for one in there if one not in record["refused"]] or there
    if not left:
        say(f"there is no whole version in {base}; install one with  lamplighter update install")
        return False
    best = record["previous"] if record["previous"] in left else max(left, key=number)
    switch(base, best)
    say(f"what was to run is not there; version {best} runs")
    return True


@contextlib.contextmanager
def locked(base):
    """Hold the versions alone; gives the file, for a child to hold too. Raises Busy."""
    with open(base / "lock", "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy("the versions are being changed; try again in a minute") from None
        yield file


def say(text):
    print("lamplighter: " + text, file=sys.stderr, flush=True)


def main(words=None):
    import argparse  # here, because the gateway reads this file too, and has better uses for its memory
    import subprocess

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("start", "check"))
    parser.add_argument("--state", type=Path, default=Path("/var/lib/lamplighter"))
    parser.add_argument("--unit", default="lamplighter-gateway.service")
    options = parser.parse_args(words)
    base = Path(__file__).resolve().parent
    try:
        with locked(base):
            other = step(base, options.state, {"start": "starts", "check": "checks"}[options.what])
        if other and options.what == "check":
            subprocess.run(["systemctl", "--no-block", "restart", options.unit], check=False)
    except Busy:
        pass  # an installation is under way: whatever starts now is whole
    except Exception as fault:
        say(f"the versions in {base}: {type(fault).__name__}: {fault}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
