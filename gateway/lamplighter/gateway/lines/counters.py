"""What passed on a line, for metrics and for who judges whether it is disturbed."""

from __future__ import annotations


class Counters:
    """What passed on the line since the start."""

    __slots__ = ("bytes", "errors", "frames_rx", "frames_tx", "heard_bytes", "last_error", "noise_bytes", "retries")

    def __init__(self) -> None:
        self.bytes = self.errors = self.frames_rx = self.frames_tx = self.retries = 0
        self.heard_bytes = self.noise_bytes = 0  # those of others; and what of them were no frames
        self.last_error = ""
