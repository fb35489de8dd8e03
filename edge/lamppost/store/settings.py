"""What makes one post different from another: identity, address, keys, PIN, how often it reads, its lamp.

Settings are a CBOR array in the order of KEYS; one that a newer firmware adds comes at the end with its default. Keys
and PIN can be set and never read back. Nothing has a default that opens a door: without keys a post takes no
frames, and without a PIN the console of a post that has keys is read-only.
"""

from lamppost.light.output import read_table
from lamppost.limits import ADDRESS_MAX
from lamppost.wire import cbor
from lamppost.wire.errors import WireError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ID = "abcdefghijklmnopqrstuvwxyz0123456789-"


class SettingsError(ValueError):
    """A value is refused; the text says what would be right."""


# name, default, and of a number the least and the most, of a secret its size, of text its most characters
KEYS = (
    ("identity", "unnamed", 1, 32, False),
    ("address", 0, 0, ADDRESS_MAX, False),
    ("post-key", b"", 0, 32, True),
    ("bus-key", b"", 0, 32, True),
    ("pin", b"", 0, 40, True),
    ("reading-s", 900, 1, 86400, False),
    ("output-pm", 1000, 100, 1000, False),
    ("clo", "", 0, 80, False),
    ("turn-ms", 2, 1, 50, False),
    ("rollover", b"", 0, 65, True),  # rolling.py: keys beside those in force
)
_PLACE = {entry[0]: place for place, entry in enumerate(KEYS)}


class Settings:
    """The settings of one post; `values` is a list in the order of KEYS."""

    def __init__(self, values=None):
        self.values = [entry[1] for entry in KEYS]
        for place, value in enumerate(values or ()):
            if place < len(KEYS):
                self.values[place] = _checked(KEYS[place], value)

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
        self.values[_PLACE[name]] = _checked(KEYS[_PLACE[name]], value)
        if name in ("post-key", "bus-key"):
            self.values[_PLACE["rollover"]] = b""  # what was to take its place, or had it

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


def _checked(entry, value):
    name, default, least, most, secret = entry
    if secret:
        if not isinstance(value, bytes) or len(value) not in (0, most):
            raise SettingsError("%s is %d bytes, %d hexadecimal digits" % (name, most, 2 * most))
    elif isinstance(default, int):
        if not isinstance(value, int) or value is True or value is False or not least <= value <= most:
            raise SettingsError("%s is a whole number from %d to %d" % (name, least, most))
    elif name == "identity":
        if not isinstance(value, str) or not least <= len(value) <= most or any([one not in _ID for one in value]):
            raise SettingsError("identity is 1 to 32 of a-z, 0-9 and -")
    else:
        _check_clo(value, most)
    return value


def _check_clo(value, most: int) -> None:
    if not isinstance(value, str) or len(value) > most:
        raise SettingsError("clo is text of at most %d characters" % most)
    try:
        read_table(value)
    except ValueError as error:
        raise SettingsError(str(error))
