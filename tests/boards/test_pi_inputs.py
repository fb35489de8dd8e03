"""What a Raspberry Pi's board senses: contacts, pulses, light, warmth, and a clock chip."""

import os
import socket
import threading

from pi_board import until

from lamppost.boards import linux
from lamppost.boards.ds3231 import Ds3231
from lamppost.light import dates


def test_presence_and_door_with_pulls_both_ways(pi, pins) -> None:
    post, run = pi()
    assert (pins.pin(22).pull, pins.pin(23).pull, pins.pin(24).pull) == ("down", "up", "up")
    run(1000)
    before = len(post.items)
    pins.pin(22).drive_high()
    pins.pin(23).drive_low()
    run(200)
    found = [(item[1], item[3], item[4]) for item in post.items.oldest(99)[before:]]
    assert found == [(2, 0, 0), (2, 1, 2)]
    assert "door open" in [text for _, text in post.log_lines], "the contact at its pull-up is open"
    pins.pin(24).drive_low()
    run(1000)
    assert post.log_lines[-1][1] == "door closed"


def test_pulses_are_power(pi, pins) -> None:
    post, run = pi()
    for _ in range(3):
        pins.pin(25).drive_low()
        pins.pin(25).drive_high()
        run(9000)
    assert post.meter.sensor
    assert 390_000 <= post.meter.power_mw <= 410_000, "a pulse, 1 Wh, each 9 s"


def test_the_processors_temperature(pi, sysfs) -> None:
    sysfs.temperature(47233)
    post, run = pi()
    run(2000)
    assert post.temp_dc == 472


def test_a_light_sensor_and_one_that_is_pulled_out(pi, sysfs, monkeypatch) -> None:
    monkeypatch.setattr(linux, "_SENSOR_S", 0.01)
    sysfs.illuminance(raw="200", scale="2.5")
    post, run = pi()

    def told(value: "int | None"):
        def look() -> bool:
            run(1000)
            return post.lux_mlx == value

        return look

    until(told(500_000))
    sysfs.illuminance(input="81.7")
    until(told(81_000))
    assert post.arbiter._dark is False, "81 lx: day"
    sysfs.illuminance()
    until(told(None))
    assert post.arbiter._dark is True, "a sensor that is gone holds no lamp dark"
    sysfs.illuminance(input="5000")
    until(told(5_000_000))


class Chip(threading.Thread):
    """A DS3231 at the other end of a socket: what is written is a register and bytes, what is read follows it."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.memory = bytearray(19)
        self.memory[15] = 0x80
        self.start()

    def run(self) -> None:
        while found := self.ours.recv(64):
            register = found[0]
            self.memory[register : register + len(found) - 1] = found[1:]
            if len(found) == 1:
                self.ours.send(self.memory[register : register + (7 if register == 0 else 1)])


def test_a_clock_chip_on_the_i2c_bus(monkeypatch) -> None:
    chip = Chip()
    bus = linux.I2c("")
    monkeypatch.setattr(bus, "_open", lambda address: os.dup(chip.theirs.fileno()))
    clock = Ds3231(bus)
    assert clock.read() is None, "its oscillator has stood still"
    noon = dates.day_of(2026, 6, 21) * 86400 + 43200
    assert clock.write(noon)
    until(lambda: chip.memory[15] == 0)
    assert clock.read() == noon
    chip.theirs.close()
    chip.join(5)
    chip.ours.close()


def test_a_bus_without_the_chip_has_no_time(tmp_path) -> None:
    (tmp_path / "i2c-1").touch()
    asked = []
    bus = linux.I2c(str(tmp_path / "i2c-1"), lambda *words: asked.append(words[1:]))
    assert Ds3231(bus).read() is None, "a chip that gives too few bytes"
    assert asked == [(0x0703, 0x68)]
    for path in ("i2c-1", "i2c-2"):  # what refuses the address, and what is not there
        bus = linux.I2c(str(tmp_path / path))
        assert (Ds3231(bus).read(), Ds3231(bus).write(0)) == (None, False)
