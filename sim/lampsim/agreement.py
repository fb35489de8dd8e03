"""How well the pty line keeps the model's time: poll and reply over real ptys, against the same exchange in a `Line`.

The requester and the responder run in their own process and answer at once, so the difference is all that ptys, the
kernel and two process switches a frame add. The figure to hold: within 0.6 ms an exchange at the median.
"""

import asyncio
import json
import os
import select
import sys
import termios
import time

from .line import Line
from .line_process import LineProcess

POLL = bytes(range(1, 24)) + b"\0"  # as long as a poll of the protocol
REPLY = bytes(range(1, 32)) + b"\0"  # a status reply with one reading


def predict_us(baud: int) -> int:
    """What the model says one exchange takes, from the poll's first bit to the reply's last."""
    line = Line(baud, ["gw", "post"])
    line.write("gw", POLL, 0)
    polled_us = line.next_end_us or 0
    line.write("post", REPLY, polled_us)
    return line.next_end_us or 0


def measure_us(paths: dict[str, str], count: int) -> list[int]:
    """`count` exchanges between the two devices, each from write to the last byte heard. Raises TimeoutError."""
    gateway, post = (os.open(paths[name], os.O_RDWR | os.O_NOCTTY) for name in ("gw", "post"))
    taken = []
    try:
        for _ in range(count):
            start_ns = time.monotonic_ns()
            os.write(gateway, POLL)
            _read(post, len(POLL))
            os.write(post, REPLY)
            _read(gateway, len(REPLY))
            taken.append((time.monotonic_ns() - start_ns) // 1000)
            time.sleep(0.004)  # the pause between two polls
    finally:
        os.close(gateway)
        os.close(post)
    return taken


def _read(fd: int, count: int) -> None:
    got = 0
    while got < count:
        if not select.select([fd], [], [], 2.0)[0]:
            termios.tcflush(fd, termios.TCIOFLUSH)
            raise TimeoutError(f"{got} of {count} bytes came")
        got += len(os.read(fd, count - got))


async def compare(baud: int, count: int = 200, nodes: int = 25) -> dict:
    """{"baud", "model_us", "p50_us", "p99_us", "max_us"}: by how much real exchanges took longer than the model's."""
    line = LineProcess("agreement", ["gw", "post", *(f"other{i}" for i in range(nodes - 2))], baud)
    await line.start()
    try:
        taken = await asyncio.to_thread(measure_us, line.paths, count)
    finally:
        await line.stop()
    model = predict_us(baud)
    late = sorted(t - model for t in taken)
    return {
        "baud": baud,
        "exchanges": count,
        "model_us": model,
        "p50_us": late[count // 2],
        "p99_us": late[count * 99 // 100],
        "max_us": late[-1],
    }


if __name__ == "__main__":
    for arg in sys.argv[1:] or ["9600", "19200", "115200"]:
        print(json.dumps(asyncio.run(compare(int(arg)))))
