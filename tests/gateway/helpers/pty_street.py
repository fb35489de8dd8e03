"""A pty with real Posts behind it, driven by a thread on the real clock: what a cabinet's serial port leads to."""

import os
import queue
import select
import threading
import time
import tty

from street import Lamp

LOOK_MS = 500


class PtyStreet:
    """`port` is the serial port. Posts keep running while gateways come and go."""

    def __init__(self, count: int, lamps: list[Lamp] | None = None):
        self.lamps = lamps or [Lamp(address) for address in range(1, count + 1)]
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._calls: queue.SimpleQueue = queue.SimpleQueue()
        self._wake_read, self._wake_write = os.pipe()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def call(self, function):
        """Run function(self) in the street's thread; return its result."""
        answers: queue.SimpleQueue = queue.SimpleQueue()
        self._calls.put((function, answers))
        os.write(self._wake_write, b"x")
        return answers.get(timeout=10)

    def sense(self, address: int, user_class: int = 0) -> None:
        """Somebody comes and goes."""

        def pass_by(street) -> None:
            lamp = street.lamps[address - 1]
            street.handle(lamp, ("presence", 0, 1, user_class))
            street.handle(lamp, ("presence", 0, 0, user_class))

        self.call(pass_by)

    def wait_for(self, condition, timeout_s: float = 120.0):
        """Wait until condition(street) is true; return it."""
        end = time.monotonic() + timeout_s
        while True:
            value = self.call(condition)
            if value:
                return value
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.02)

    def handle(self, lamp: Lamp, event) -> None:
        """In the street's thread only."""
        for frame in lamp.handle(event, self.now_ms()):
            self.send(frame, lamp)

    def send(self, data: bytes, sender: Lamp | None = None) -> None:
        """Put bytes on the line, in the street's thread only."""
        os.write(self._master, data)
        for other in self.lamps:
            if other is not sender:
                self.handle(other, ("rx", data))

    def close(self) -> None:
        self.call(lambda street: setattr(street, "_stopped", True))
        self._thread.join()
        for handle in (self._master, self._slave, self._wake_read, self._wake_write):
            os.close(handle)

    @staticmethod
    def now_ms() -> int:
        return int(time.monotonic() * 1000)

    def _run(self) -> None:
        while not self._stopped:
            wait_ms = max(0, min(lamp.wake_ms for lamp in self.lamps) - self.now_ms())
            ready, _, _ = select.select([self._master, self._wake_read], [], [], min(wait_ms, LOOK_MS) / 1000)
            if self._wake_read in ready:
                os.read(self._wake_read, 1)
                function, answers = self._calls.get()
                answers.put(function(self))
            if self._master in ready:
                data = os.read(self._master, 4096)
                for lamp in self.lamps:
                    self.handle(lamp, ("rx", data))
            for lamp in self.lamps:
                lamp.look(self.now_ms())
                if lamp.wake_ms <= self.now_ms():
                    self.handle(lamp, ("tick",))
