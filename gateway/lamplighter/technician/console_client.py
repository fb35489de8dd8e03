"""The far side of a post's service console: one command, its lines, and `ok` or the post's own error."""

from __future__ import annotations

import time

import serial
from serial.tools import list_ports

ANSWER_S = 3.0  # the slowest answer, a login, takes a board 0.2 s
LINES_MAX = 400  # a whole log and a margin; more is not a post talking
LINE_MAX = 512


class PortFault(Exception):
    """The port cannot be used; the text is one line and says what to do."""


class PostRefused(Exception):
    """The post answered `error: ...`; the text is the post's."""


def found_ports() -> list[str]:
    """Serial ports with hardware behind them, USB first."""
    ports = [port for port in list_ports.comports() if port.hwid != "n/a"]
    return [port.device for port in sorted(ports, key=lambda port: (port.vid is None, port.device))]


class ConsoleClient:
    """An open, locked service port. Use as a context manager."""

    def __init__(self, port: str, baud: int) -> None:
        self._name = port
        try:
            self._serial = serial.Serial(port, baud, timeout=0.1, write_timeout=ANSWER_S, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as error:
            raise PortFault(_reason(port, error)) from None

    def __enter__(self) -> ConsoleClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._serial.close()

    def ask(self, command: str) -> list[str]:
        """Send one command line; return the lines of the answer. Raises PostRefused and PortFault."""
        try:
            self._serial.reset_input_buffer()
            self._serial.write(b"\r" + command.encode("ascii") + b"\r")
            return self._answer()
        except (serial.SerialException, OSError):
            raise PortFault(f"port {self._name} went away: plug the cable in again") from None
        except UnicodeEncodeError:
            raise PostRefused("only plain ASCII text can be sent to a post") from None

    def _answer(self) -> list[str]:
        lines: list[str] = []
        pending = b""
        end = time.monotonic() + ANSWER_S
        while time.monotonic() < end and len(lines) <= LINES_MAX and len(pending) <= LINE_MAX:
            pending += self._serial.read(max(1, self._serial.in_waiting))
            while b"\n" in pending:
                raw, pending = pending.split(b"\n", 1)
                line = raw.strip(b"\r\0").decode("ascii", "replace")
                if line == "ok":
                    return lines
                if line.startswith("error: "):
                    raise PostRefused(line[len("error: ") :])
                lines.append(line)
        if lines or pending:
            raise PortFault(f"what answers on {self._name} is no service console: is this the service port?")
        raise PortFault(
            f"no answer on {self._name} within {ANSWER_S:g} s: is the post powered, and this the service port?"
        )


def _reason(port: str, error: Exception) -> str:
    text = str(error)
    number = getattr(error, "errno", None)
    if "exclusively lock" in text or number == 16:
        return f"port {port} is already open in another program: close it there"
    if number == 13:
        return f"no right to open {port}: add this user to the group dialout"
    return f"cannot open port {port}: is it plugged in? `lamplighter tech devices` lists the ports"
