"""What a board does before anything else: light, then choose the firmware folder, run it, and begin again when it ends.

`main.py` calls `run`. This module comes from the folder `start`, which an update never writes: only the standard
library, the journal and the record of the two folders are used here, and they are forgotten before a firmware folder
is opened.

- The outputs of board.json are on before any file of a firmware folder is read, by pins alone: the dimming output at
  its power-on level, full if the firmware then fails; the relay at once, or, where board.json says so and mains has
  just returned, in the post's turn of its street: two seconds later at most.
- The watchdog is on before the firmware is read. A start of an image on trial is counted before it runs: one that
  raises or hangs is thrown out.
- Ctrl-C ends in the interpreter's prompt, with the watchdog fed for half an hour, so that a laptop can work on the
  board; one that was forgotten there, or stopped by noise on its port, begins again.
"""

import gc
import json
import sys
import time

import machine

from lamppost.boards.flash import FolderFlash
from lamppost.store.journal import Journal
from lamppost.store.slots import Slots

WATCHDOG_MS = 8000  # below the 8.4 s that every board can do; importing a firmware takes 2 s
_WAIT_S = 5  # before a restart, for a person to read why or to press Ctrl-C
_PROMPT_S = 1800  # files are written within minutes; the lamp stays as it is for no longer
_FEED_S = 2
_TURNS_MS = 2000  # all of a street are lit within two seconds, as fast as lamps of the old kind were
_BOARDS = ("rp2", "esp32")
_GC_THRESHOLD = 16384  # as agent.py has it, and from the first module on: what imports leave must not lie between them


def run(root: str = "") -> None:
    """Run the firmware in force; restarts the board when it ends, returns on Ctrl-C."""
    found = _read(root + "/board.json")
    light(found)
    journal = Journal(FolderFlash(root + "/records"))
    close(found, journal)
    slots = Slots(journal)
    folder = slots.start()
    trial = slots.trial and folder != slots.spare
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
        light(found, False)
    try:
        time.sleep(1 if trial else _WAIT_S)
    except KeyboardInterrupt:
        _prompt()
        return
    machine.reset()


def light(found, power_on=True) -> None:
    """The dimming output that `found` (a board.json, perhaps a wrong one) names, at its power-on level or full.
    A driver with a logarithmic curve is full until the firmware knows better.

    Raises nothing.
    """
    try:
        lamp = found["lamp"]
        pin = machine.Pin(lamp["pin"], machine.Pin.OUT, value=0 if lamp.get("inverted") else 1)
        level_pm = lamp.get("power_on_pm", 1000)
        if power_on and 0 < level_pm < 1000 and lamp.get("curve") != "logarithmic":
            low_pm = lamp.get("low_pm", 0)
            duty = (low_pm * 1000 + (lamp.get("high_pm", 1000) - low_pm) * level_pm) * 65535 // 1000000
            machine.PWM(pin, freq=lamp.get("hz", 1000), duty_u16=65535 - duty if lamp.get("inverted") else duty)
    except Exception:  # not there, or not what it should be: the firmware says what
        pass


def close(found, journal) -> None:
    """Close the relay that `found` names, in the post's turn where that is asked for. Raises nothing."""
    try:
        relay = found["relay"]
        pin, active = relay["pin"], relay.get("active", 1)
    except Exception:
        return
    try:
        time.sleep_ms(wait_ms(relay, journal))  # pyright: ignore[reportAttributeAccessIssue] - MicroPython's
    except Exception:
        pass
    try:
        machine.Pin(pin, machine.Pin.OUT, value=active)
    except Exception:
        pass


def wait_ms(relay, journal) -> int:
    """How long after mains return the relay closes: the post's address times `stagger_ms`, within _TURNS_MS.

    Without an address its place is that of the board's serial number. A restart that is no mains return waits not.
    """
    step_ms = relay.get("stagger_ms", 0)
    if not isinstance(step_ms, int) or not 0 < step_ms <= _TURNS_MS or machine.reset_cause() != machine.PWRON_RESET:
        return 0
    turn = journal.get("turn")
    place = turn[0] if turn and turn[0] else sum(machine.unique_id())
    return place % (_TURNS_MS // step_ms + 1) * step_ms


def _read(path: str) -> dict:
    try:
        with open(path) as file:
            found = json.load(file)
    except Exception:  # whatever is in it: the firmware says what, with the watchdog on
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
    gc.collect()
    if hasattr(gc, "threshold"):
        gc.threshold(_GC_THRESHOLD)  # pyright: ignore[reportAttributeAccessIssue] - MicroPython's
    module = __import__("lamppost.boards." + board, None, None, ("Board",))
    runner = __import__("lamppost.boards.run", None, None, ("main",))
    runner.main(module.Board, root)


def _prompt() -> None:
    """Feed the watchdog from a timer while somebody works at the prompt, for _PROMPT_S."""
    watchdog = machine.WDT(timeout=WATCHDOG_MS)
    left = [_PROMPT_S // _FEED_S]

    def feed(_) -> None:
        if left[0]:
            left[0] -= 1
            watchdog.feed()

    timer = machine.Timer(-1 if sys.platform == "rp2" else 0)
    timer.init(period=_FEED_S * 1000, mode=machine.Timer.PERIODIC, callback=feed)
    print("stopped; the lamp stays as it is. Ctrl-D or machine.reset() begins again, half an hour does so too")
