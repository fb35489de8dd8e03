"""What makes one post different from another: identity, address, keys, PIN, how often it reads, its lamp.

Settings are a CBOR array in the order of KEYS; one that a newer firmware adds comes at the end with its default. Keys
and PIN can be set and never read back. Nothing has a default that opens a door: without keys a post takes no
frames, and without a PIN the console of a post that has keys is read-only.
"""

from hashlib import sha256

from lamppost.light.output import read_table
from lamppost.limits import ADDRESS_MAX
from lamppost.wire import cbor
from lamppost.wire.errors import WireError
from lamppost.wire.seal import Key, equal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ID = "abcdefghijklmnopqrstuvwxyz0123456789-"


class SettingsError(ValueError):
    """A value is refused; the text says what would be right."""


def _identity(value):
    if not isinstance(value, str) or not 1 <= len(value) <= 32 or any(letter not in _ID for letter in value):
        raise SettingsError("identity is 1 to 32 of a-z, 0-9 and -")
    return value


def _between(name: str, low: int, high: int):
    def check(value):
        if not isinstance(value, int) or value is True or value is False or not low <= value <= high:
            raise SettingsError("%s is a whole number from %d to %d" % (name, low, high))
        return value

    return check


def _secret(name: str, size: int):
    def check(value):
        if not isinstance(value, bytes) or len(value) not in (0, size):
            raise SettingsError("%s is %d bytes, %d hexadecimal digits" % (name, size, 2 * size))
        return value

    return check


def _clo(value):
    if not isinstance(value, str) or len(value) > 80:
        raise SettingsError("clo is text of at most 80 characters")
    try:
        read_table(value)
    except ValueError as error:
        raise SettingsError(str(error))
    return value


# name, default, check, secret
KEYS = (
    ("identity", "unnamed", _identity, False),
    ("address", 0, _between("address", 0, ADDRESS_MAX), False),
    ("post-key", b"", _secret("post-key", 32), True),
    ("bus-key", b"", _secret("bus-key", 32), True),
    ("pin", b"", _secret("pin", 40), True),
    ("reading-s", 900, _between("reading-s", 1, 86400), False),
    ("output-pm", 1000, _between("output-pm", 100, 1000), False),
    ("clo", "", _clo, False),
    ("turn-ms", 2, _between("turn-ms", 1, 50), False),
    ("rollover", b"", _secret("rollover", 65), True),  # rolling.py: keys beside those in force
)
_PLACE = {entry[0]: place for place, entry in enumerate(KEYS)}
_TEXTS = ("identity", "clo")


class Settings:
    """The settings of one post; `values` is a list in the order of KEYS."""

    def __init__(self, values=None):
        self.values = [entry[1] for entry in KEYS]
        for place, value in enumerate(values or ()):
            if place < len(KEYS):
                self.values[place] = KEYS[place][2](value)

    @staticmethod
    def from_bytes(data: "bytes | None") -> "Settings":
        """Read a stored record; None gives the defaults. Raises SettingsError where it is not one."""
        if data is None:
            return Settings()
        try:
            values = cbor.decode(data)
        except WireError:
            raise SettingsError("stored settings are damaged")
        if not isinstance(values, list):
            raise SettingsError("stored settings are damaged")
        return Settings(values)

    def to_bytes(self) -> bytes:
        return cbor.encode(self.values)

    def get(self, name: str) -> "Any":
        """The value of a setting. Raises SettingsError on a name that does not exist."""
        if name not in _PLACE:
            raise SettingsError("no setting '%s'; there are: %s" % (name, ", ".join([entry[0] for entry in KEYS])))
        return self.values[_PLACE[name]]

    def put(self, name: str, value) -> None:
        """Set a checked value. Raises SettingsError and changes nothing where it is refused."""
        self.get(name)
        self.values[_PLACE[name]] = KEYS[_PLACE[name]][2](value)
        if name in ("post-key", "bus-key"):
            self.values[_PLACE["rollover"]] = b""  # what was to take its place, or had it

    def show(self, name: str) -> str:
        """The value as text; of a secret only whether it is set."""
        value = self.get(name)
        if KEYS[_PLACE[name]][3]:
            return "set" if value else "not set"
        return "none" if value == "" else str(value)

    def parse(self, name: str, text: str, random):
        """Turn typed text into a value of setting `name`. `random(n)` salts a PIN. Raises SettingsError."""
        self.get(name)
        if name == "pin":
            return pin_record(text, random(8))
        if KEYS[_PLACE[name]][3]:
            try:
                return bytes([int(text[at : at + 2], 16) for at in range(0, len(text), 2)])
            except ValueError:
                raise SettingsError("%s is given in hexadecimal digits" % name)
        if name in _TEXTS:
            return "" if text == "none" and name != "identity" else text
        try:
            return int(text)
        except ValueError:
            raise SettingsError("%s is a whole number" % name)

    @property
    def identity(self) -> str:
        return str(self.get("identity"))

    @property
    def address(self) -> int:
        """1..250 on its line, 0 while it has none."""
        return int(self.get("address"))

    @property
    def reading_s(self) -> int:
        """Seconds from one reading to the next."""
        return int(self.get("reading-s"))

    @property
    def turn_ms(self) -> int:
        """The turn-around of its line, the same at every end."""
        return int(self.get("turn-ms"))

    @property
    def provisioned(self) -> bool:
        """Whether the post has all it needs to speak on a line."""
        return bool(self.get("address") and self.get("post-key") and self.get("bus-key"))


def pin_record(pin: str, salt: bytes) -> bytes:
    """What is kept of a PIN: salt and digest. Raises SettingsError unless it has 6 to 16 digits."""
    if not 6 <= len(pin) <= 16 or not all("0" <= letter <= "9" for letter in pin):
        raise SettingsError("pin is 6 to 16 digits")
    return salt + _stretch(pin, salt)


def pin_fits(pin: str, record: bytes) -> bool:
    """Whether `pin` is the one that `record` was made from."""
    return equal(_stretch(pin, record[:8]), record[8:])


def _stretch(pin: str, salt: bytes) -> bytes:
    # 64 rounds cost 0.1 s on an RP2040. Against a stolen flash a short PIN is weak whatever the rounds: the guard
    # that counts is the growing wait after a wrong PIN, and that the keys lie in the same flash anyway.
    key = Key(sha256(b"lamplighter pin" + salt).digest())
    digest = pin.encode()
    for _ in range(64):
        digest = key.digest(salt, digest)
    return digest
