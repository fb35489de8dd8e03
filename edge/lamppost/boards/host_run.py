"""Puts a Post on the host board together and runs it."""

import sys

from lamppost.agent import Agent
from lamppost.boards import host
from lamppost.boards.flash import FolderFlash
from lamppost.boards.host_ports import PortError, open_port, start_stdin
from lamppost.post import Post
from lamppost.store.journal import Journal


class HostBoard:
    """Carries out actions: bytes to ports, records to the folder, lamp and log to stdout."""

    def __init__(self, bus, service, journal: Journal):
        self._bus = bus
        self._service = service
        self._journal = journal
        self._disk_said = False
        self.deliver = _nobody

    ticks = staticmethod(host.ticks)

    def start(self, deliver) -> None:
        self.deliver = deliver
        if self._bus:
            self._bus.start(lambda data: deliver(("rx", data)))
        if self._service:
            self._service.start(lambda data: deliver(("service", data)))
        self._stdin = start_stdin(self._line)
        say("ready")

    def act(self, action) -> None:
        """Carry out one action of the Post."""
        name = action[0]
        if name == "tx":
            if self._bus:
                self._bus.write(action[1])
        elif name == "say":
            if self._service:
                self._service.write(action[1])
        elif name == "save":
            self._save(action[1], action[2])
        else:
            line = host.action_line(action)
            if line:
                say(line)

    def _save(self, name: str, data: bytes) -> None:
        try:
            self._journal.put(name, data)
        except (OSError, MemoryError) as error:
            if not self._disk_said:
                self._disk_said = True
                say("log cannot write %s: %s; free some space, the post goes on" % (name, error))
            self.deliver(("flash", False, name))
            return
        if self._disk_said:
            self._disk_said = False
            self.deliver(("flash", True, name))

    def _line(self, line) -> None:
        if line is None:
            self.deliver(("quit",))
            return
        try:
            event = host.field_event(line)
        except ValueError as error:
            say("log %s" % error)
            return
        if event:
            self.deliver(event)


def _nobody(event) -> None:
    """Before `start` there is nobody to deliver to."""


def say(line: str) -> None:
    """One line on stdout, at once. A reader that has gone ends nothing."""
    try:
        sys.stdout.write(line + "\n")
        if host.CPYTHON:
            sys.stdout.flush()
    except OSError:
        pass


async def run(options: dict) -> None:
    """Open what the command line names and run until `quit`. Raises PortError."""
    flash = FolderFlash(options["state"])
    journal = Journal(flash)
    try:
        flash.write("probe", b"")
    except OSError as error:
        raise PortError("cannot write to folder %s (%s): choose another --state" % (options["state"], error))
    air = None
    if options["air"]:
        from lamppost.boards.host_air import AirLine  # only such a post pays for it

        air = AirLine(options["air"], host.random_bytes)
    bus = air or (open_port(options["bus"], options["baud"]) if options["bus"] else None)
    service = open_port(options["service"], options["baud"]) if options["service"] else None
    board = HostBoard(bus, service, journal)
    post = Post(journal.get, host.random_bytes, 0) if air else Post(journal.get, host.random_bytes)
    if air:
        air.post = post
    await Agent(post, board).run()
