"""Blocks for everybody beside the polls of a line: whose turn it is. What they are is decided in firmware.py."""

from __future__ import annotations

from lamplighter.gateway.lines.line import Cast, Result

Block = tuple[int, bytes, bytes]  # its number, the name of the image, the data


class Casting:
    """At most one Cast at a time; its blocks take every second turn, so that polls, requests and events go on."""

    def __init__(self) -> None:
        self._cast: Cast | None = None
        self._left: list[Block] = []
        self._mine = False

    @property
    def waiting(self) -> bool:
        """Whether there is a block to say."""
        return bool(self._left)

    def begin(self, cast: Cast) -> Result | None:
        """Take a Cast up; its Result where there is another, or nothing to say."""
        if self._cast is not None:
            return Result(cast.id, 0, None, "other blocks are under way on this line")
        if not cast.blocks:
            return Result(cast.id, 0, 0, "")
        self._cast, self._left = cast, list(cast.blocks)
        return None

    def turn(self) -> bool:
        """Whether a block is to be said now."""
        self._mine = bool(self._left) and not self._mine
        return self._mine

    def next(self) -> tuple[Block, Result | None]:
        """The block to say, and the Result where it is the last."""
        block = self._left.pop(0)
        if self._left:
            return block, None
        assert self._cast is not None
        cast, self._cast = self._cast, None
        return block, Result(cast.id, 0, len(cast.blocks), "")

    def drop(self, error: str) -> list[Result]:
        """The line is gone."""
        cast, self._cast, self._left = self._cast, None, []
        return [] if cast is None else [Result(cast.id, 0, None, error)]
