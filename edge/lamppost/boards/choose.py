"""What a board does before anything else: light, then choose the firmware folder, run it, and begin again when it ends.

`main.py` calls `run`. This module comes from the folder `start`, which an update never writes: only the standard
library, the journal and the record of the two folders are used here, and they are forgotten before a firmware folder
is opened.

- The outputs of board.json are full before any file of a firmware folder is read, by pins alone.
- A start of an image on trial is counted before it runs, with the watchdog on: one that raises or hangs is thrown out.
- Ctrl-C ends in the interpreter's prompt, with the watchdog fed, so that a laptop can work on the board.
"""

import json
import sys
import time

import machine

from lamppost.boards.flash import FolderFlash
from lamppost.store.journal import Journal
from lamppost.store.slots import Slots

WATCHDOG_MS = 8000  # below the 8.4 s that every board can do; importing a firmware takes 2 s
_WAIT_S = 5  # before a restart, for a person to read why or to press Ctrl-C
_BOARDS = ("rp2", "esp32")


def run(root: str = "") -> None:
    """Run the firmware in force; restarts the board when it ends, returns on Ctrl-C."""
    found = _read(root + "/board.json")
    light(found)
    slots = Slots(Journal(FolderFlash(root + "/records")))
    folder = slots.start()
    trial = slots.trial and folder != slots.spare
    if trial:
        machine.WDT(timeout=WATCHDOG_MS)
    print("start", folder, slots.version, "on trial" if trial else "")
    _forget()
    sys.path[0] = root + "/" + folder
    try:
        _run_firmware(found.get("board"), root)
    except KeyboardInterrupt:
        _prompt()
        return
    except BaseException as error:  # whatever it is: the lamp is on and the board begins again
        sys.print_exception(error)  # pyright: ignore[reportAttributeAccessIssue] - MicroPython's
    try:
        time.sleep(1 if trial else _WAIT_S)
    except KeyboardInterrupt:
        _prompt()
        return
    machine.reset()


def light(found) -> None:
    """Every output that `found` (a board.json, perhaps a wrong one) names, full. Raises nothing."""
    for section, pin_name in (("relay", "pin"), ("lamp", "pin")):
        try:
            part = found[section]
            on = part.get("active", 1) if section == "relay" else 0 if part.get("inverted") else 1
            machine.Pin(part[pin_name], machine.Pin.OUT, value=on)
        except Exception:  # not there, or not what it should be: the firmware says what
            pass


def _read(path: str) -> dict:
    try:
        with open(path) as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _forget() -> None:
    """Drop our modules, so that those of the firmware folder are loaded in their place."""
    for name in list(sys.modules):
        if name.split(".")[0] == "lamppost":
            del sys.modules[name]


def _run_firmware(board, root: str) -> None:
    if board not in _BOARDS:
        raise ValueError('board.json is missing, or its "board" is not one of %s' % ", ".join(_BOARDS))
    module = __import__("lamppost.boards." + board, None, None, ("Board",))
    runner = __import__("lamppost.boards.run", None, None, ("main",))
    runner.main(module.Board, root)


def _prompt() -> None:
    """Feed the watchdog from a timer for as long as somebody works at the prompt."""
    feed = machine.WDT(timeout=WATCHDOG_MS).feed
    timer = machine.Timer(-1 if sys.platform == "rp2" else 0)
    timer.init(period=2000, mode=machine.Timer.PERIODIC, callback=lambda _: feed())
    print("stopped; the lamp stays as it is. Ctrl-D or machine.reset() begins again")
