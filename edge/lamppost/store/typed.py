"""Settings as a technician types and sees them, and the PIN: only the console needs it, and loads it."""

from hashlib import sha256

from lamppost.store.settings import KEYS, Settings, SettingsError
from lamppost.wire.seal import Key, equal

_TEXTS = ("identity", "clo")


def show(settings: Settings, name: str) -> str:
    """The value as text; of a secret only whether it is set."""
    value = settings.get(name)
    if _secret(name):
        return "set" if value else "not set"
    return "none" if value == "" else str(value)


def commands(settings: Settings) -> list:
    """The lines that a technician types to make another post like this one; a secret is a comment."""
    lines = []
    for name, _, _, _, secret in KEYS:
        shown = show(settings, name)
        lines.append("# %s is %s" % (name, shown) if secret else "set %s %s" % (name, shown))
    return lines


def parse(settings: Settings, name: str, text: str, random):
    """Turn typed text into a value of setting `name`. `random(n)` salts a PIN. Raises SettingsError."""
    settings.get(name)
    if name == "pin":
        return pin_record(text, random(8))
    if _secret(name):
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


def _secret(name: str) -> bool:
    return name in [entry[0] for entry in KEYS if entry[4]]


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
