"""A whole Post on a Raspberry Pi's board: gpiozero's mock pins, a /sys tree in a folder, real ptys as serial ports."""

import asyncio
import errno
import json
import os
import select
import socket
import threading
import time
from types import SimpleNamespace

import pytest
from board_process import raw_pty
from dali.address import GearShort
from dali.driver.atxled import SyncDaliHatDriver
from dali.gear.general import DAPC, DTR0, QueryActualLevel, QueryStatus, SetFadeTime
from fake_pi import FakeSys
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from lamppost.agent import Agent
from lamppost.boards import config, linux, raspberry_pi
from lamppost.boards.dali_bridge import Line
from lamppost.boards.ds3231 import Ds3231
from lamppost.boards.raspberry_pi import Board
from lamppost.boards.run import PostBoard
from lamppost.dali import bits, commands, master
from lamppost.light import dates
from lamppost.post import Post
from lamppost.store.journal import Journal

CONFIG = {
    "board": "raspberry_pi",
    "lamp": {"kind": "0-10v", "low_pm": 100},
    "relay": {"pin": 5},
    "presence": [{"pin": 22, "pull": "down"}, {"pin": 23, "pull": "up", "active": 0, "class": "car"}],
    "door": {"pin": 24, "pull": "up", "active": 1},
    "meter": {"pin": 25, "pulses_kwh": 1000},
    "lux": {"device": "iio:device0"},
    "temperature": True,
}


class Flash(dict):
    def read(self, name):
        return self.get(name)

    def write(self, name, data):
        self[name] = data


@pytest.fixture
def pins():
    Device.pin_factory = MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = None


@pytest.fixture
def sysfs(tmp_path) -> FakeSys:
    return FakeSys(tmp_path / "sys")


@pytest.fixture
def pi(pins, sysfs, monkeypatch):
    """Begin a post: pi(changes of board.json) -> (post, board, agent)."""
    monkeypatch.setattr(Board, "sysfs", str(sysfs.at))
    now = [5]
    monkeypatch.setattr(raspberry_pi, "time", SimpleNamespace(monotonic_ns=lambda: now[0] * 1_000_000))

    def begin(**changes):
        whole = config.read(json.dumps({**CONFIG, **changes}), Board.name, Board.pins)
        journal = Journal(Flash())
        board = PostBoard(whole, Board(), journal)
        post = board.post = Post(journal.get, os.urandom)
        agent = Agent(post, board)
        board.begin(agent.deliver)
        agent.deliver(("tick",))

        def run(for_ms: int) -> None:
            agent.deliver(("tick",))
            for _ in range(for_ms // 2):
                now[0] += 2
                board.look()
                agent.wake()

        return post, run

    return begin


def until(done, for_s: float = 10.0) -> None:
    """Wait for a thread or a port of the operating system."""
    end = time.monotonic() + for_s
    while not done():
        assert time.monotonic() < end, done
        time.sleep(0.005)


# --- board.json


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lamp": {"kind": "pwm", "pin": 18}}, "unknown key 'lamp.pin'"),
        ({"lamp": {"kind": "dali"}}, "lamp.device is missing"),
        ({"relay": {"pin": 18}}, "this board has no pin 18"),
        ({"lux": {"pin": 3, "lx_full": 1000}}, "unknown key 'lux.lx_full'"),
        ({"bus": {"uart": 0}}, "unknown key 'bus.uart'"),
        ({"bus": {"device": ""}}, "bus.device is a text of 1 to 128 characters"),
        ({"relay": {"pin": 5, "stagger_ms": 50}}, "unknown key 'relay.stagger_ms'"),
        ({"rtc": {"sda": 2}}, "unknown key 'rtc.sda'"),
        ({"watchdog_ms": 61000}, "watchdog_ms is a whole number from 1000 to 60000"),
    ],
)
def test_a_wrong_board_json_is_one_line(changes, words) -> None:
    with pytest.raises(config.ConfigError) as refused:
        config.read(json.dumps({**CONFIG, **changes}), Board.name, Board.pins)
    assert words in str(refused.value)


# --- the lamp


def test_light_is_first_and_full_and_dims_by_the_plan_of_its_output(pi, sysfs, pins) -> None:
    post, run = pi()
    assert (sysfs.value("period"), sysfs.value("duty_cycle"), sysfs.value("enable")) == ("1000000", "1000000", "1")
    assert pins.pin(5).state
    post.technician_level(400, 60, post.clock.t_ms)
    run(3000)
    assert sysfs.duty_pm == 100 + 900 * 400 // 1000 - 1  # 1/65535 of it is lost
    post.technician_level(0, 60, post.clock.t_ms)
    run(20000)
    assert sysfs.duty_pm == 0
    assert not pins.pin(5).state
    run(61000)
    assert (sysfs.duty_pm, bool(pins.pin(5).state)) == (1000, True)


def test_an_inverted_output_begins_at_nothing_which_is_full(pi, sysfs) -> None:
    pi(lamp={"kind": "pwm", "inverted": True, "hz": 500})
    assert (sysfs.value("period"), sysfs.value("duty_cycle"), sysfs.value("enable")) == ("2000000", "0", "1")


def test_a_channel_that_nobody_has_asked_for_is_asked_for(tmp_path) -> None:
    tree = FakeSys(tmp_path, exported=False)

    def kernel() -> None:
        until(lambda: (tree.chip / "export").read_text() == "1\n")
        tree.export(1)

    thread = threading.Thread(target=kernel)
    thread.start()
    linux.Pwm(str(tmp_path), 0, 1, 1000, 65535)
    thread.join()
    assert tree.value("duty_cycle", 1) == "1000000"


def test_the_duty_is_never_above_the_period_on_the_way_to_another(tmp_path, monkeypatch) -> None:
    tree = FakeSys(tmp_path, exported=False)
    tree.export(0, period="10000000", duty_cycle="9000000", enable="1", polarity="inversed")
    write = linux._put
    written = []

    def kernel(path: str, value) -> None:
        name = path.rsplit("/", 1)[1]
        write(path, value)
        written.append((name, str(value)))
        if int(tree.value("duty_cycle")) > int(tree.value("period")):
            raise OSError(errno.EINVAL, "duty above period")
        if name == "polarity" and tree.value("enable") == "1":
            raise OSError(errno.EBUSY, "it runs")

    monkeypatch.setattr(linux, "_put", kernel)
    linux.Pwm(str(tmp_path), 0, 0, 1000, 65535)
    assert written == [
        ("enable", "0"), ("polarity", "normal"), ("duty_cycle", "1000000"), ("period", "1000000"),
        ("duty_cycle", "1000000"), ("enable", "1"),
    ]  # fmt: skip


def test_no_pwm_says_what_to_do(tmp_path, monkeypatch) -> None:
    with pytest.raises(linux.PartError, match="add dtoverlay=pwm to config"):
        linux.Pwm(str(tmp_path), 0, 0, 1000, 65535)
    monkeypatch.setattr(linux, "_PERMISSION_S", 0.05)
    tree = FakeSys(tmp_path)
    (tree.chip / "pwm0" / "period").unlink()
    (tree.chip / "pwm0" / "period").mkdir()
    with pytest.raises(linux.PartError, match="group gpio"):
        linux.Pwm(str(tmp_path), 0, 0, 1000, 65535)


# --- what is around it


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


# --- serial ports


def test_a_port_gives_what_comes_wakes_the_board_and_sends() -> None:
    far, near = raw_pty()

    async def talk() -> None:
        board = Board()
        uart = board.uart({"device": os.ttyname(near), "baud": 19200})
        assert uart.any() == 0
        before = time.monotonic()
        asyncio.get_running_loop().call_later(0.05, os.write, far, b"\0hello\0")
        await board.pause(20_000)
        assert time.monotonic() - before < 10, "woken by the bytes, not by the time"
        assert uart.any() == 7
        assert uart.read(256) == b"\0hello\0"
        uart.write(b"answer")
        assert os.read(far, 64) == b"answer"
        assert uart.txdone()
        before = time.monotonic()
        for _ in range(3):  # the first may still be woken by what has been read
            await board.pause(50)
        assert time.monotonic() - before >= 0.09

    asyncio.run(talk())
    os.close(near)
    os.close(far)


def test_a_port_that_is_missing_or_pulled_costs_no_light_and_comes_back(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(linux, "_AGAIN_S", 0.05)
    device = tmp_path / "bus"

    async def run() -> None:
        board = Board()
        uart = board.uart({"device": str(device), "baud": 19200})
        uart.write(b"nobody hears this")
        assert (uart.any(), uart.read(9), uart.txdone()) == (0, b"", True)
        for _ in range(2):
            far, near = raw_pty()
            device.symlink_to(os.ttyname(near))
            await again(uart.any, far)
            assert uart.read(99)[:1] == b"x"
            os.close(near)
            os.close(far)
            device.unlink()
            await board.pause(50)
            uart.any()
            before = time.monotonic()
            for _ in range(5):
                await board.pause(20)
                uart.any()
            assert time.monotonic() - before > 0.08, "a port that hung up does not spin"

    async def again(done, far: int) -> None:
        for _ in range(200):
            os.write(far, b"x")
            if done():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it did not come back")

    asyncio.run(run())
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 3, "said once each time that it goes"


def test_a_port_that_nobody_reads_blocks_nothing() -> None:
    far, near = raw_pty()
    uart = linux.Uart(os.ttyname(near), 19200)
    before = time.monotonic()
    for _ in range(200):
        uart.write(bytes(1000))
    assert time.monotonic() - before < 5
    os.close(near)
    os.close(far)


def test_a_transceiver_is_released_after_the_last_byte(pi, pins) -> None:
    far, near = raw_pty()
    bus = {"device": os.ttyname(near), "enable": 17}
    post, run = pi(bus=bus)
    enable = pins.pin(17)
    assert not enable.state
    for name, value in (("address", 7), ("post-key", b"1" * 32), ("bus-key", b"2" * 32)):
        post.configure(name, value, post.clock.t_ms)
    pins.pin(22).drive_high()
    enable.clear_states()
    run(3000)
    driven = [state.state for state in enable.states]
    assert driven.count(True) >= 1
    assert not enable.state
    sent = os.read(far, 4096)
    assert sent.endswith(b"\0")
    os.close(near)
    os.close(far)


# --- DALI


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
