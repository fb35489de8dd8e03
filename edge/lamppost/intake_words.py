"""Firmware through the service console: what it says of an Intake, and what a technician's program says to it."""

from binascii import a2b_base64

from lamppost.intake import IntakeError

PIECE = 96  # bytes in a line of the console: 128 characters of base64


def status(intake) -> list:
    """Lines of text."""
    head = ["running " + intake.running, "have %d" % intake.have, "size %d" % intake.size]
    return head + ["outcome " + intake.outcome]


def command(intake, words: list) -> list:
    """begin SIZE SHA256, put OFFSET BASE64, install. Raises IntakeError; OSError from the store."""
    try:
        if words[0] == "begin" and len(words) == 3:
            return ["have %d" % intake.begin(int(words[1]), _hex(words[2]))]
        if words[0] == "put" and len(words) == 3:
            return ["have %d" % intake.put(int(words[1]), a2b_base64(words[2]))]
    except IntakeError:
        raise
    except ValueError:
        raise IntakeError("numbers are whole, a SHA-256 is hexadecimal, bytes are base64")
    if words[0] == "install" and len(words) == 1:
        intake.install()
        return ["outcome " + intake.outcome]
    raise IntakeError("firmware takes: begin SIZE SHA256, put OFFSET BASE64, install; or nothing")


def _hex(text: str) -> bytes:
    return bytes([int(text[at : at + 2], 16) for at in range(0, len(text), 2)])
