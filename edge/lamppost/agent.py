"""The one asyncio file of the post: carries events from a board to the Post and its actions back, and keeps its time.

A board has `ticks()` (milliseconds, wrapping at 2**30), `start(deliver)` which begins to call `deliver(event)`,
`act(action)`, and `deliver` and `wake`, which are set at once: what flash refuses at the very start must be told too.
A full disk or a gone port is the board's trouble: it is said once on the board's log and the light goes on.
`("quit",)` ends the agent.
"""

import asyncio
import gc

from lamppost.limits import TICKS_MASK

GC_THRESHOLD = 16384  # on boards: collect before garbage lies between what is kept, or a 4 KB plan finds no room
_HALF = (TICKS_MASK + 1) // 2
_wait_for = asyncio.wait_for  # MicroPython reads its file at the first use: now, while the heap is whole


class Agent:
    """Drives one Post with one board."""

    def __init__(self, post, board):
        self._post = post
        self._board = board
        board.deliver, board.wake = self.deliver, self.wake
        self._deadline = 0
        self._asleep_until = 0
        self._wake = asyncio.Event()
        self._stop = False

    def deliver(self, event) -> None:
        """Hand one event to the Post, now, and carry out what it answers."""
        if event[0] == "quit":
            self._stop = True
            self._wake.set()
            return
        actions, self._deadline = self._post.handle(event, self._board.ticks())
        for action in actions:
            self._board.act(action)
        if _before(self._deadline, self._asleep_until):
            self._wake.set()

    async def run(self) -> None:
        """Until `quit`: sleep to the Post's deadline, wake it, again."""
        if hasattr(gc, "threshold"):
            gc.threshold(GC_THRESHOLD)  # pyright: ignore[reportAttributeAccessIssue] - MicroPython's
        self.deliver(("tick",))
        self._board.start(self.deliver)
        while not self._stop:
            now = self._board.ticks()
            wait_ms = (self._deadline - now) & TICKS_MASK
            if wait_ms >= _HALF:
                wait_ms = 0
            self._asleep_until = self._deadline
            if wait_ms:
                await self._sleep(wait_ms)
            else:
                await asyncio.sleep(0)
            if self._stop:
                return
            self.wake()

    def wake(self) -> None:
        """Wake the Post if its deadline has come; for a board that is busy with something long."""
        if not _before(self._board.ticks(), self._deadline):
            self.deliver(("tick",))

    async def _sleep(self, wait_ms: int) -> None:
        self._wake.clear()
        try:
            await _wait_for(self._wake.wait(), wait_ms / 1000)
        except asyncio.TimeoutError:
            pass


def _before(a: int, b: int) -> bool:
    """Whether tick a comes before tick b, over the wrap."""
    return (a - b) & TICKS_MASK >= _HALF
