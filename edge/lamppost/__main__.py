"""The command `lamppost`: a post on this machine, on CPython or on MicroPython (`micropython -m lamppost`).

    lamppost --bus PATH [--baud N] | --air FILE [--service PATH] --state FOLDER

Exit codes: 0 ended by `quit` or the end of stdin, 1 a port or the folder cannot be used, 2 wrong arguments.
"""

import asyncio
import sys

USAGE = "usage: lamppost [--bus PATH] [--baud 9600..115200] [--air FILE] [--service PATH] --state FOLDER"
BAUDS = (9600, 19200, 38400, 57600, 115200)


class UsageError(Exception):
    """Wrong arguments; the text is one line."""


def arguments(words: list) -> dict:
    """Read the command line. Raises UsageError."""
    options = {"bus": None, "air": None, "service": None, "state": None, "baud": "19200"}
    place = 0
    while place < len(words):
        name = words[place]
        if not name.startswith("--") or name[2:] not in options:
            raise UsageError("unknown argument '%s'" % name)
        if place + 1 >= len(words):
            raise UsageError("%s wants a value" % name)
        options[name[2:]] = words[place + 1]
        place += 2
    if not options["state"]:
        raise UsageError("--state FOLDER is missing: the folder that holds settings, keys and plan")
    try:
        options["baud"] = int(options["baud"])
    except ValueError:
        options["baud"] = 0
    if options["baud"] not in BAUDS:
        raise UsageError("--baud is one of %s" % ", ".join([str(baud) for baud in BAUDS]))
    return options


def main() -> int:
    """Run a post until its stdin ends."""
    words = sys.argv[1:]
    if "--help" in words or "-h" in words:
        print(USAGE)
        return 0
    try:
        options = arguments(words)
    except UsageError as error:
        sys.stderr.write("lamppost: %s\n%s\n" % (error, USAGE))
        return 2
    from lamppost.boards.host_ports import PortError
    from lamppost.boards.host_run import run

    try:
        asyncio.run(run(options))
    except PortError as error:
        sys.stderr.write("lamppost: %s\n" % error)
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
