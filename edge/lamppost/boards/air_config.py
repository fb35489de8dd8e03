"""The section "wifi" of board.json: how a post without a wire finds network and broker. No secret has a default."""

from lamppost.boards.config import _REQUIRED, ConfigError, _section, _text, _whole

_LINUX = (
    ("host", _text(15), _REQUIRED),  # an address: looking a name up would hold up the light
    ("port", _whole(1, 65535), 8883),
    ("user", _text(64), _REQUIRED),
    ("secret", _text(64), _REQUIRED),
    ("topic", _text(100), _REQUIRED),
    ("ca", _text(64), None),  # a file beside board.json, DER
    ("name", _text(64), None),
)
_RADIO = _LINUX + (("ssid", _text(32), _REQUIRED), ("password", _text(63), _REQUIRED), ("country", _text(2), None))


def take(found, linux: bool):
    """The checked section, every key there with its default, out of a whole board.json; Linux keeps its Wi-Fi by
    itself. Raises ConfigError."""
    if "bus" in found:
        raise ConfigError("a post has a bus or wifi: leave one out")
    return _section("wifi", found.pop("wifi"), _LINUX if linux else _RADIO)
