"""Puts a Post on a board and runs it: the same for every board that has a `hardware` object (see edge/BOARDS.md).

Light comes first: the lamp is at its power-on level before anything else is opened. Whatever then goes wrong leaves
`main` as an exception, and who called it (choose.py) restarts the board; the watchdog does so when nothing moves.
"""

import asyncio

from lamppost.agent import Agent
from lamppost.boards.field import LOOK_MS, Field
from lamppost.boards.firmware import Firmware
from lamppost.boards.flash import FolderFlash
from lamppost.boards.lamp import Lamp, Voltage, duty_of
from lamppost.boards.port import Port
from lamppost.clock import Clock
from lamppost.forget import forget
from lamppost.post import Post
from lamppost.store.journal import Journal

_WAIT_MS = 2  # while a frame comes or goes


class PostBoard:
    """The board of an Agent: its ports, lamp, sensors, records and watchdog."""

    def __init__(self, config, hardware, journal: Journal):
        self.gear = open_gear(config["lamp"], hardware) if config["lamp"]["kind"] == "dali" else None
        self.lamp = open_lamp(config, hardware, self.gear)
        self.failed = None
        self._hardware = hardware
        self._journal = journal
        self._watchdog_ms = config["watchdog_ms"]
        self._clock = Clock()
        self._bus = self._air(config["wifi"]) if config["wifi"] else self._port(config["bus"])
        self._service = self._port(config["service"])
        self._field = Field(config, hardware)
        self._look_at = 0
        self._disk_said = False
        self._closed = None  # the relay, as the Post was told
        self.deliver = _nobody
        self.post: "Post | None" = None  # whose time the clock chip keeps
        self.firmware: "Firmware | None" = None
        self.wake = _nothing  # the agent's, while something long is done

    def ticks(self) -> int:
        return self._hardware.ticks()

    def start(self, deliver) -> None:
        """Begin to look, for as long as the agent runs."""
        self.begin(deliver)
        self._task = asyncio.create_task(self._run())

    def begin(self, deliver) -> None:
        """Deliver what is known from the start, and let the watchdog run from here."""
        self.deliver = deliver
        self._feed = self._hardware.watchdog(self._watchdog_ms)
        for event in self._field.first():
            deliver(event)

    def attend(self) -> None:
        """Look, and wake the Post if it is time: called while firmware is checked and copied."""
        self.look()
        self.wake()

    def act(self, action) -> None:
        """Carry out one action of the Post."""
        name = action[0]
        t_ms = self._now()
        if name == "lamp":
            self.lamp.go(action[1], action[2], t_ms)
        elif name == "tx":
            if self._bus:
                self._bus.write(action[1], t_ms)
        elif name == "say":
            if self._service:
                self._service.write(action[1], t_ms)
        elif name == "save":
            self._save(action[1], action[2])
        elif name == "identify":
            self.lamp.identify(action[1])
        elif name == "log":
            print("log", action[1])

    def look(self) -> None:
        """Everything that is looked at again and again, once."""
        t_ms = self._now()
        if self._bus:
            data = self._bus.look(t_ms)
            if data:
                self.deliver(("rx", data))
        if self._service:
            data = self._service.look(t_ms)
            if data:
                self.deliver(("service", data))
        if self.gear:
            for event in self.gear.look(t_ms):
                self.deliver(event)
        if t_ms < self._look_at:
            return
        self._look_at = t_ms + LOOK_MS
        self._feed()
        self.lamp.step(t_ms)
        if self.lamp.closed != self._closed:
            self._closed = self.lamp.closed
            self.deliver(("relay", self._closed))
        for event in self._field.look(t_ms):
            self.deliver(event)
        self.wake()  # and not the agent's own timer alone: the watchdog must not be fed beside a Post that nobody wakes
        if self.post:
            self._field.keep_time(self.post.clock.utc_s(self.post.clock.t_ms), t_ms)

    async def _run(self) -> None:
        try:
            while not self._hardware.ended:
                self.look()
                self._look_after_firmware()
                await self._hardware.pause(_WAIT_MS if self._busy() else LOOK_MS)
            self.deliver(("quit",))
        except Exception as error:  # whatever it is: a board that does not look any more begins again
            self.failed = error
            self.deliver(("quit",))

    def _busy(self) -> bool:
        if self.gear:
            return True  # its line is driven in steps of milliseconds
        return bool((self._bus and self._bus.busy) or (self._service and self._service.busy))

    def _look_after_firmware(self) -> None:
        if self.firmware and self.post:
            post = self.post
            self.firmware.look(self._now(), post.line is not None, post.upkeep.polled_ms, self.attend)

    def _port(self, section):
        if not section:
            return None
        pin = section.get("enable")
        enable = None if pin is None else self._hardware.switch(pin, 1, 0)
        return Port(self._hardware.uart(section), section["baud"], enable)

    def _air(self, section):
        from lamppost.boards.air import open_port  # only a post without a wire pays for it

        return open_port(section, self, self._hardware)

    def _save(self, name: str, data: bytes) -> None:
        try:
            self._journal.put(name, data)
        except (OSError, MemoryError) as error:
            if not self._disk_said:
                self._disk_said = True
                print("log cannot write %s: %s; the post goes on" % (name, error))
            self.deliver(("flash", False, name))
            return
        if self._disk_said:
            self._disk_said = False
            self.deliver(("flash", True, name))

    def _now(self) -> int:
        return self._clock.now(self._hardware.ticks())


def _nothing() -> None:
    """Before there is an agent nobody has to be woken."""


def _nobody(event) -> None:
    """Before `begin` there is nobody to deliver to."""


def open_gear(section, hardware):
    """The control gear of a lamp with DALI."""
    from lamppost.dali import commands, gear, master  # only a post with DALI pays for it

    number = section["address"]
    address = commands.BROADCAST if number is None else commands.short(number)
    line = master.Master(hardware.dali(section))
    return gear.Gear(line, address, section["curve"] == "linear", section["power_on_pm"])


def open_lamp(config, hardware, gear=None) -> Lamp:
    """The lamp that board.json names, at its power-on level; `gear` is its output where it has DALI."""
    relay = config["relay"]
    lantern = config["identify"]
    section = config["lamp"]
    switch = hardware.switch(relay["pin"], relay["active"], 1) if relay else None
    power_on_pm = section["power_on_pm"]
    output = gear
    if not output:
        logarithmic = section["curve"] == "logarithmic"
        shape = (section["off_pm"], section["low_pm"], section["high_pm"], section["inverted"], logarithmic)
        output = Voltage(hardware.pwm(section, duty_of(power_on_pm, *shape)), *shape)
    show = hardware.switch(lantern["pin"], lantern["active"], 0) if lantern else None
    if not relay:
        return Lamp(output, None, 0, show, 0, power_on_pm)
    return Lamp(output, switch, relay["off_after_s"], show, relay["min_off_s"], power_on_pm)


def read_config(path: str, board):
    """The checked board.json of a board. Raises ConfigError. A microcontroller forgets how to read one: 10 KB."""
    from lamppost.boards import config as configs

    try:
        with open(path) as file:
            text = file.read()
    except OSError:
        raise configs.ConfigError("%s is missing: write it, as edge/BOARDS.md says" % path)
    found = configs.read(text, board.name, board.pins)
    forget("lamppost.boards", "config")
    return found


def keep_turn(config, journal: Journal, address: int) -> None:
    """Write down the post's place in the order in which relays close after mains returns (choose.py)."""
    relay = config["relay"]
    if not relay or not relay.get("stagger_ms") or journal.get("turn") == bytes([address]):
        return
    try:
        journal.put("turn", bytes([address]))
    except OSError:
        pass  # the order is then by the board's serial number


def main(board, root: str = "", settings: "str | None" = None) -> None:
    """Run a post on `board`, a class of hardware, until it fails.

    `root` holds the records and the firmware folders, `settings` (or else `root`) board.json and firmware.pub.
    """
    settings = root if settings is None else settings
    config = read_config(settings + "/board.json", board)
    wifi = config["wifi"]
    if wifi:
        wifi["folder"] = settings
    hardware = board()
    journal = Journal(FolderFlash(root + "/records"))
    post_board = PostBoard(config, hardware, journal)
    bus = config["bus"]
    baud = 0 if wifi else bus["baud"] if bus else 19200
    post = post_board.post = Post(journal.get, hardware.random, baud)
    firmware = post_board.firmware = Firmware(root, board.name, journal, hardware.restart, settings)
    post.intake = firmware.intake
    keep_turn(config, journal, post.settings.address)
    agent = Agent(post, post_board)
    asyncio.run(agent.run())
    if post_board.failed:
        raise post_board.failed
