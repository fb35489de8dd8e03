"""`lamplighter tech upload FILE`: a signed firmware image through the service port, from where it stopped.

The board checks everything itself; what is checked here saves a technician the minute that sending takes.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from lamplighter.technician.console_client import ConsoleClient, PortFault
from lamplighter.terminal import BadInput, Failed

MAGIC = b"LLF1"
PIECE = 96  # bytes in a line: what the board's console takes
IMAGE_MAX = 540_672  # the board's own bound
INSTALL_S = 120.0  # two signatures and 70 files take an RP2040 some 20 s
ASK_S = 0.5


def read_image(path: Path) -> bytes:
    """The bytes of an image file. Raises BadInput where it cannot be one."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from None
    if data[:4] != MAGIC:
        raise BadInput(f"{path} is no firmware image", "lamplighter sign makes one")
    if len(data) > IMAGE_MAX:
        raise BadInput(f"{path} has {len(data)} bytes, more than the {IMAGE_MAX} a board takes")
    return data


def send(console: ConsoleClient, data: bytes, progress: Callable[[int], None]) -> str:
    """Send an image and have it installed; returns what the board says of it. `progress(bytes so far)`."""
    have = _have(console.ask(f"firmware begin {len(data)} {hashlib.sha256(data).hexdigest()}"))
    while have < len(data):
        progress(have)
        piece = base64.b64encode(data[have : have + PIECE]).decode()
        now = _have(console.ask(f"firmware put {have} {piece}"))
        if now <= have:
            raise Failed(f"the board stays at byte {now} of {len(data)}", "send again: it goes on from there")
        have = now
    progress(have)
    console.ask("firmware install")
    return _outcome(console, data)


def _outcome(console: ConsoleClient, data: bytes) -> str:
    wanted = next(line for line in data[8:].split(b"\n") if line.startswith(b"version "))[8:].decode("ascii", "replace")
    end = time.monotonic() + INSTALL_S
    while time.monotonic() < end:
        try:
            lines = console.ask("firmware")
        except PortFault:  # it checks a signature, or starts again
            continue
        outcome = _field(lines, "outcome")
        if outcome.startswith("refused"):
            raise Failed(f"the board has {outcome}")
        if outcome == "nothing yet":  # it has started again in the meantime
            running = _field(lines, "running")
            if running.split()[1] != wanted:
                raise Failed(f"the board tried it, did not keep it, and runs {running}", "see its log on the USB port")
            return f"the board now runs {running}"
        if not outcome.startswith("checking"):
            return outcome
        time.sleep(ASK_S)
    raise Failed(f"the board is still at it after {INSTALL_S:g} s", "ask it later: lamplighter tech firmware")


def _have(lines: list[str]) -> int:
    return int(_field(lines, "have"))


def _field(lines: list[str], name: str) -> str:
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == name:
            return rest
    raise Failed(f"the post did not say '{name}'", "is its firmware older than this program?")
