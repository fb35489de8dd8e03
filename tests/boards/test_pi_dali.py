"""A DALI HAT on a Raspberry Pi, spoken to as python-dali does."""

import os
import select
import threading
import time

from dali.address import GearShort
from dali.driver.atxled import SyncDaliHatDriver
from dali.gear.general import DAPC, DTR0, QueryActualLevel, QueryStatus, SetFadeTime
from pi_board import until
from ptys import raw_pty

from lamppost.boards import linux
from lamppost.boards.dali_bridge import Line
from lamppost.dali import bits, commands, master


class Bridge(threading.Thread):
    """A DALI HAT with one gear, behind a pty; `heard` is what was sent to it, in its own words."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.master, self.slave = raw_pty()
        self._over, self._end = os.pipe()
        self.heard: list[str] = []
        self.answers = {0x0190: b"J24\n", 0x01A0: b"JFE\n", 0x0191: b"X\n", 0x0196: b"J1\xff\n"}
        self.start()

    def run(self) -> None:
        rest = b""
        while self._over not in select.select([self.master, self._over], [], [])[0]:
            rest += os.read(self.master, 64)
            *lines, rest = rest.split(b"\n")
            for line in lines:
                self.heard.append(line.decode())
                twice = line[:1] == b"t"
                os.write(self.master, self.answers.get(int(line[1:], 16), b"N\n") * (2 if twice else 1))

    def close(self) -> None:
        os.close(self._end)
        self.join()  # first: the number of a closed file may be another test's by the time that a thread reads it
        for descriptor in (self._over, self.slave, self.master):
            os.close(descriptor)


def test_the_bridge_is_spoken_to_as_python_dali_does() -> None:
    bridge = Bridge()
    oracle = SyncDaliHatDriver(port=os.ttyname(bridge.slave))
    gear = GearShort(0)
    said = [
        oracle.send(command)
        for command in (DAPC(gear, 200), DTR0(7), SetFadeTime(gear), QueryStatus(gear), QueryActualLevel(gear))
    ]
    theirs, bridge.heard = bridge.heard, []
    assert said[3].value.as_integer == 0x24
    oracle.close()

    ours = []
    uart = linux.Uart(os.ttyname(bridge.slave), 19200)
    line = master.Master(Line(uart))

    def ask():
        for frame in (0x00C8, commands.special(commands.DTR0, 7), commands.command(0, commands.SET_FADE_TIME),
                      commands.command(0, commands.QUERY_STATUS), commands.command(0, commands.QUERY_ACTUAL_LEVEL),
                      commands.command(0, commands.QUERY_CONTROL_GEAR_PRESENT), 0x0196):  # fmt: skip
            ours.append((yield frame))

    line.start(ask(), lambda _: None)
    play(line)
    assert bridge.heard[:5] == theirs
    assert ours == [None, None, None, 0x24, 0xFE, bits.GARBLED, bits.GARBLED]
    bridge.close()


def play(line: master.Master) -> None:
    """Look in real time until nothing is left."""
    begun = time.monotonic()
    line.look(0)
    while not line.idle:
        time.sleep(0.002)
        line.look(int((time.monotonic() - begun) * 1000))
        assert time.monotonic() - begun < 30


def test_a_post_dims_a_gear_behind_the_bridge(pi) -> None:
    bridge = Bridge()
    post, run = pi(lamp={"kind": "dali", "device": os.ttyname(bridge.slave), "address": 0}, relay=None)
    run(1000)
    post.technician_level(400, 60, post.clock.t_ms)
    run(1000)
    until(lambda: "h00DC" in bridge.heard)  # 40 % on the logarithmic curve
    bridge.close()
