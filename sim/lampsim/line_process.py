"""The pty line in a process of its own, so that nothing else a demo does (drawing, parsing) disturbs its timing.

The child prints one JSON object a line: first `{"paths": {node: device}}`, then counters every `REPORT_S`. It reads
commands, one a line: `plug NODE`, `unplug NODE`, `impair LOSS BIT_ERROR`, `quit`; it ends when its stdin closes.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict

from .line import Line
from .processes import Child
from .pty_line import PtyLine, run

REPORT_S = 0.5  # what a person watching counters can follow


class LineProcess(Child):
    """The parent's side. `paths` is filled by `start`; `counters` is the last report (keys as in REPORT_KEYS)."""

    def __init__(
        self,
        name: str,
        nodes: Iterable[str],
        baud: int = 19_200,
        seed: int = 0,
        loss: float = 0.0,
        bit_error: float = 0.0,
        on_report: Callable[[dict], None] = lambda counters: None,
    ) -> None:
        options = {"baud": baud, "nodes": list(nodes), "seed": seed, "loss": loss, "bit_error": bit_error}
        super().__init__(name, [sys.executable, "-m", "lampsim.line_process", json.dumps(options)], on_line=self._hear)
        self.paths: dict[str, str] = {}
        self.counters = dict.fromkeys(REPORT_KEYS, 0)
        self._on_report = on_report
        self._open = asyncio.Event()

    async def start(self) -> None:
        """Returns when every device can be opened. Raises RuntimeError with the child's last words if it cannot."""
        self._open.clear()
        await super().start()
        opened, ended = asyncio.create_task(self._open.wait()), asyncio.create_task(self.wait())
        await asyncio.wait([opened, ended], return_when=asyncio.FIRST_COMPLETED)
        for task in (opened, ended):
            task.cancel()
        if not self._open.is_set():
            raise RuntimeError(f"the simulated line did not start: {' '.join(list(self.errors)[-1:])}")

    def plug(self, node: str) -> None:
        self.send(f"plug {node}")

    def unplug(self, node: str) -> None:
        self.send(f"unplug {node}")

    def impair(self, loss: float, bit_error: float = 0.0) -> None:
        self.send(f"impair {loss} {bit_error}")

    async def stop(self, farewell: str | None = "quit", grace_s: float = 2.0) -> int | None:
        return await super().stop(farewell, grace_s)

    def _hear(self, line: str) -> None:
        message = json.loads(line)
        if "paths" in message:
            self.paths = message["paths"]
            self._open.set()
            return
        self.counters = message
        self._on_report(message)


REPORT_KEYS = (
    "bytes",
    "frames",
    "collisions",
    "garbled",
    "lost_frames",
    "bit_errors",
    "dropped",
    "overruns",
    "load_percent",
)


async def serve(line: Line, say: Callable[[dict], None], commands: asyncio.StreamReader) -> None:
    """The child's side: open the ptys, report, obey, until `quit` or the end of `commands`."""
    async with PtyLine(line) as ptys:
        say({"paths": ptys.paths})
        reporting = asyncio.create_task(_report(ptys, say))
        while (command := (await commands.readline()).decode()) not in ("", "quit\n"):
            obey(ptys, command.split())
        reporting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reporting


def obey(ptys: PtyLine, words: list[str]) -> None:
    """Carry out one command; raises ValueError for an unknown one or an unknown node."""
    match words:
        case ["plug", node] if node in ptys.paths:
            ptys.plug(node)
        case ["unplug", node] if node in ptys.paths:
            ptys.unplug(node)
        case ["impair", loss, bit_error]:
            ptys.line.impair(float(loss), float(bit_error))
        case _:
            raise ValueError(f"line: cannot {' '.join(words)!r}; plug NODE, unplug NODE, impair LOSS BIT_ERROR, quit")


async def _report(ptys: PtyLine, say: Callable[[dict], None]) -> None:
    _, before = ptys.load_percent((ptys.now_us, 0))
    while True:
        await asyncio.sleep(REPORT_S)
        load, before = ptys.load_percent(before)
        say({**asdict(ptys.line.counters), "overruns": ptys.overruns, "load_percent": round(load, 1)})


async def stdin_reader() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _say(message: dict) -> None:
    print(json.dumps(message), flush=True)


async def _main(options: dict) -> None:
    await serve(Line(**options), _say, await stdin_reader())


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        run(_main(json.loads(sys.argv[1])))
