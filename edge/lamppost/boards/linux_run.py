"""A post on a Linux board, started by systemd: light first, then the firmware in force, and full light at the end.

    python3 -m lamppost.boards.linux_run --settings FOLDER --state FOLDER [--check | --light] [--sys FOLDER]

`--settings` holds board.json and, where updates are taken, firmware.pub; nothing there is ever written. `--state` holds
the records and the two firmware folders. `--check` only judges board.json, `--light` only drives the lamp full. The
package that this module belongs to is what runs until an update has come, and what decides after one.

Exit codes: 0 ended by a signal or to begin again, 1 a part is missing, 2 wrong arguments or a wrong board.json.
"""

import json
import os
import signal
import sys

from lamppost.boards import config as configs
from lamppost.boards import linux
from lamppost.boards.flash import FolderFlash
from lamppost.store.journal import Journal
from lamppost.store.slots import Slots

USAGE = "usage: linux_run --settings FOLDER --state FOLDER [--check | --light] [--sys FOLDER]"
BOARDS = ("raspberry_pi",)
_OPTIONS = {"--settings": "", "--state": "", "--sys": "/sys"}
_HZ = 1000  # where board.json does not say it


def main(words=None) -> int:
    """Run a post until a signal ends it; returns the exit code."""
    options, flags = dict(_OPTIONS), []
    words = list(sys.argv[1:] if words is None else words)
    while words:
        word = words.pop(0)
        if word in ("--check", "--light"):
            flags.append(word)
        elif word in options and words:
            options[word] = words.pop(0)
        else:
            return _say(USAGE, 2)
    if not options["--settings"] or not (options["--state"] or flags):
        return _say(USAGE, 2)
    found = _read(options["--settings"])
    if "--check" in flags:
        return _check(found, options["--settings"])
    if "--light" in flags:
        light(found, options["--sys"])
        return 0
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    try:
        return _run(found, options)
    finally:
        light(found, options["--sys"])


def light(found, sysfs: str) -> None:
    """The PWM that `found` (a board.json, perhaps a wrong one) names, full. Raises nothing."""
    try:
        lamp = found["lamp"]
        if lamp.get("kind") != "dali":
            hz = lamp.get("hz", _HZ)
            full = 0 if lamp.get("inverted") else 65535
            linux.Pwm(sysfs, lamp.get("chip", 0), lamp.get("channel", 0), hz, full)
    except Exception as error:  # not there, or not what it should be: what runs next says what
        _say("no light by PWM: %s" % error, 1)


def choose(state: str) -> None:
    """Put the firmware folder in force before the package that was installed; a start of a trial is counted."""
    slots = Slots(Journal(FolderFlash(state + "/records")))
    folder = slots.start()
    place = state + "/" + folder
    updated = slots.version and os.path.isdir(place + "/lamppost")
    trial = " on trial" if slots.trial and folder != slots.spare else ""
    print("start " + ("%s %d%s" % (folder, slots.version, trial) if updated else "as installed"), flush=True)
    if updated:
        for name in list(sys.modules):
            if name.split(".")[0] == "lamppost":
                del sys.modules[name]
    if updated or slots.trial:
        sys.path.insert(0, place)  # also where nothing lies there: by it Firmware knows which of the two runs


def _run(found, options) -> int:
    code = _check(found, options["--settings"])
    if code:
        return code
    choose(options["--state"])
    board = _board(found)
    board.sysfs = options["--sys"]
    errors = __import__("lamppost.boards.linux", None, None, ("PartError",))
    runner = __import__("lamppost.boards.run", None, None, ("main",))
    try:
        runner.main(board, options["--state"], options["--settings"])
    except errors.PartError as error:
        return _say(str(error), 1)
    return 0


def _board(found):
    return __import__("lamppost.boards." + found["board"], None, None, ("Board",)).Board


def _check(found, settings: str) -> int:
    if found.get("board") not in BOARDS:
        boards = ", ".join(BOARDS)
        return _say('%s/board.json is missing, no JSON, or its "board" is not one of %s' % (settings, boards), 2)
    board = _board(found)
    try:
        configs.read(json.dumps(found), board.name, board.pins)
    except configs.ConfigError as error:
        return _say(str(error), 2)
    return 0


def _read(settings: str) -> dict:
    try:
        with open(settings + "/board.json") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _say(text: str, code: int) -> int:
    sys.stderr.write("lamppost: %s\n" % text)
    return code


def _end(*_) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
