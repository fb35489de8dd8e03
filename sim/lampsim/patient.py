"""A terminal that may be slow or stopped (Ctrl-S, a selection, a thin line) without keeping its writer waiting.

`flush()` hands what was written to a thread; `idle` says whether all of it is out. A picture that is drawn again anyhow
is left out while the one before it is still on its way.
"""

import io
import queue
import threading
from typing import IO


class PatientFile(io.TextIOBase):
    """A text file in front of `file`. Write from one thread; `close` waits until everything is out."""

    def __init__(self, file: IO[str]) -> None:
        self.behind = file
        self._written: list[str] = []
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._flushed = self._out = 0
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Whether everything that was flushed has been taken."""
        return self._flushed == self._out or not self._thread.is_alive()

    def fileno(self) -> int:
        return self.behind.fileno()

    def isatty(self) -> bool:
        return self.behind.isatty()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._written.append(text)
        return len(text)

    def flush(self) -> None:
        if self._written and self._thread.is_alive():
            self._flushed += 1
            self._queue.put("".join(self._written))
        self._written.clear()

    def close(self) -> None:
        """Wait until everything is out. The file behind it stays open."""
        if not self.closed:
            super().close()  # flushes
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        try:
            while (text := self._queue.get()) is not None:
                self.behind.write(text)
                self.behind.flush()
                self._out += 1
        except (OSError, ValueError):  # the terminal is gone: nobody looks any more
            return
