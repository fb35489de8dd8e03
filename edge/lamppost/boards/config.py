"""board.json: which pins and parts this board has. Read whole at start; whatever is wrong is one line for a person.

A board says what its pins can do in a `Pins`; everything else here is the same for all. An unknown key names the
nearest known one; a pin that is used twice, or cannot do what it is asked, is refused before anything is driven.
"""

import json

from lamppost.boards.pins import CLASSES, Pins
from lamppost.limits import TICKS_MASK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BAUDS = (9600, 19200, 38400, 57600, 115200)
PRESENCE_MAX = 4  # the wire's field for an input
_REQUIRED = object()
_FILE_MAX = 4096  # a full board.json has 1,100 bytes
POWER_ON_MIN_PM = 500  # half the light looks like three quarters of it: enough to walk by until the firmware runs
MIN_OFF_MAX_S = 10  # what limits a driver's inrush has cooled by then, and no person waits longer for light
STAGGER_MAX_MS = 100  # an inrush is over after 10 ms
_PATH_MAX = 128  # /dev/serial/by-id/ and what names an adapter have 70 characters


class ConfigError(ValueError):
    """board.json cannot be used; the text is one line and says what to do."""


def read(text, board: str, pins: Pins) -> "dict[str, Any]":
    """The sections of a board.json (text or bytes), every key there with its default. Raises ConfigError."""
    if len(text) > _FILE_MAX:
        raise ConfigError("board.json is over %d bytes" % _FILE_MAX)
    try:
        found = json.loads(text)
    except ValueError:
        raise ConfigError("board.json is not JSON: check commas, quotes and brackets")
    if not isinstance(found, dict):
        raise ConfigError('board.json is one object: {"board": "%s", ...}' % board)
    wifi = None
    if "wifi" in found:
        from lamppost.boards import air_config  # only a post without a wire pays for it

        wifi = air_config.take(found, pins.devices)
    config = _section("", found, _top(pins))
    config["wifi"] = wifi
    if config["board"] != board:
        raise ConfigError('board.json is for board "%s", this firmware is for "%s"' % (config["board"], board))
    if config["lamp"]["kind"] == "dali" and config["relay"] and config["relay"]["off_after_s"] < 1:
        raise ConfigError("relay.off_after_s is at least 1 with DALI: the gear must hear that it is off first")
    _check_pins(config, pins)
    return config


# --- what there may be: (key, check or nested fields, default)


def _top(pins: Pins):
    serial = _device_port() if pins.devices else _uart_port()
    return (
        ("board", _text(24), _REQUIRED),
        ("bus", serial + (("enable", _pin, None), ("baud", _one_of(BAUDS), 19200)), None),
        ("service", serial + (("baud", _one_of(BAUDS), 115200),), None),
        ("lamp", _lamp(pins), _REQUIRED),
        ("relay", _RELAY if pins.devices else _RELAY + _STAGGER, None),
        ("identify", (("pin", _pin, _REQUIRED), ("active", _LEVEL, 1)), None),
        ("presence", _list(_PRESENCE, PRESENCE_MAX), []),
        ("lux", _LUX_DEVICE if pins.devices else _LUX, None),
        ("door", _INPUT + (("on_ms", _whole(0, 60000), 500), ("off_ms", _whole(0, 60000), 500)), None),
        ("meter", _METER, None),
        ("rtc", _RTC_DEVICE if pins.devices else _RTC, None),
        ("temperature", _flag, False),
        ("watchdog_ms", _whole(1000, pins.watchdog_max_ms), pins.watchdog_max_ms),
    )


def _uart_port():
    return (("uart", _whole(0, 2), _REQUIRED), ("tx", _pin, _REQUIRED), ("rx", _pin, _REQUIRED))


def _device_port():
    return (("device", _text(_PATH_MAX), _REQUIRED),)


def _lamp(pins: Pins):
    if pins.devices:
        where = (("chip", _whole(0, 9), 0), ("channel", _whole(0, 15), 0), ("device", _text(_PATH_MAX), None))
    else:
        where = (("pin", _pin, None), ("tx", _pin, None), ("rx", _pin, None))
    return (
        ("kind", _one_of(("pwm", "0-10v", "dali")), _REQUIRED),
        ("hz", _whole(100, 20000), 1000),
        ("off_pm", _whole(0, 1000), 0),
        ("low_pm", _whole(0, 1000), 0),
        ("high_pm", _whole(1, 1000), 1000),
        ("inverted", _flag, False),
        ("power_on_pm", _whole(POWER_ON_MIN_PM, 1000), 1000),
        ("address", _whole(0, 63), None),
        ("curve", _one_of(("logarithmic", "linear")), None),
        ("active", _LEVEL, 1),
    ) + where


def _whole(low: int, high: int):
    def check(name, value):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError("%s is a whole number from %d to %d" % (name, low, high))
        return value

    return check


def _one_of(values):
    def check(name, value):
        if isinstance(value, bool) or value not in values:
            raise ConfigError("%s is one of %s" % (name, ", ".join([str(one) for one in values])))
        return value

    return check


def _text(most: int):
    def check(name, value):
        if not isinstance(value, str) or not 1 <= len(value) <= most:
            raise ConfigError("%s is a text of 1 to %d characters" % (name, most))
        return value

    return check


def _flag(name, value):
    if value is not True and value is not False:
        raise ConfigError("%s is true or false" % name)
    return value


def _list(fields, most: int):
    def check(name, value):
        if not isinstance(value, list) or len(value) > most:
            raise ConfigError("%s is a list of at most %d" % (name, most))
        return [_section("%s[%d]" % (name, place), one, fields) for place, one in enumerate(value)]

    return check


_pin = _whole(0, 48)
_LEVEL = _one_of((0, 1))
_INPUT = (("pin", _pin, _REQUIRED), ("active", _LEVEL, 1), ("pull", _one_of(("up", "down", "none")), "none"))
_PRESENCE = _INPUT + (
    ("class", _one_of(CLASSES), "pedestrian"),
    ("on_ms", _whole(0, 10000), 60),  # three looks: a radio beside the sensor makes shorter pulses
    ("off_ms", _whole(0, 600000), 2000),  # a PIR drops out while somebody stands still
)
_RELAY = (
    ("pin", _pin, _REQUIRED),
    ("active", _LEVEL, 1),
    ("off_after_s", _whole(0, 3600), 5),
    ("min_off_s", _whole(0, MIN_OFF_MAX_S), 2),
)
_STAGGER = (("stagger_ms", _whole(0, STAGGER_MAX_MS), 0),)  # Linux starts in 20 s, give or take a few: spread enough
_LUX_TOLD = (("hysteresis_percent", _whole(0, 100), 10), ("hold_s", _whole(0, 600), 5))
_LUX = (
    ("pin", _pin, _REQUIRED),
    ("lx_full", _whole(1, 200000), _REQUIRED),  # what the sensor's full scale stands for
) + _LUX_TOLD
_LUX_DEVICE = (("device", _text(_PATH_MAX), _REQUIRED),) + _LUX_TOLD
_METER = (
    ("pin", _pin, _REQUIRED),
    ("pulses_kwh", _whole(100, 100000), _REQUIRED),
    ("pull", _one_of(("up", "none")), "up"),
)
_RTC = (
    ("i2c", _whole(0, 2), 0),
    ("sda", _pin, None),
    ("scl", _pin, None),
)
_RTC_DEVICE = (("i2c", _whole(0, 99), 1),)


def _section(name: str, found, fields) -> "dict[str, Any]":
    if not isinstance(found, dict):
        raise ConfigError("%s is an object with keys: %s" % (name, ", ".join([field[0] for field in fields])))
    known = [field[0] for field in fields]
    for key in sorted(found):
        if key not in known:
            raise ConfigError("unknown key '%s': did you mean '%s'?" % (_path(name, key)[:60], nearest(key, known)))
    return {key: _value(_path(name, key), found.get(key), check, default) for key, check, default in fields}


def _value(name: str, value, check, default):
    if value is None:
        if default is _REQUIRED:
            raise ConfigError("%s is missing" % name)
        return default
    return _section(name, value, check) if isinstance(check, tuple) else check(name, value)


def _path(name: str, key: str) -> str:
    return name + "." + key if name else key


# --- pins


def _check_pins(config, pins: Pins) -> None:
    used = {}
    for name, pin, output in _used(config):
        if pin not in pins.pins:
            raise ConfigError("%s: this board has no pin %d" % (name, pin))
        if output and pin not in pins.outputs:
            raise ConfigError("%s: pin %d can only be an input" % (name, pin))
        if pin in used:
            raise ConfigError("%s: pin %d is already used by %s" % (name, pin, used[pin]))
        used[pin] = name
    lux = config["lux"]
    if lux and not pins.devices and lux["pin"] not in pins.analog:
        raise ConfigError("lux.pin is one of %s: only they measure" % ", ".join([str(pin) for pin in pins.analog]))
    _check_lamp(config["lamp"], pins)
    _check_uarts(config, pins)


def _check_lamp(lamp, pins: Pins) -> None:
    dali = lamp["kind"] == "dali"
    if pins.devices:
        wanted = ("device",) if dali else ()
    else:
        wanted = ("tx", "rx") if dali else ("pin",)
    for key in wanted:
        if lamp[key] is None:
            raise ConfigError("lamp.%s is missing: where the %s is" % (key, lamp["kind"]))
    lamp["curve"] = lamp["curve"] or ("logarithmic" if dali else "linear")
    if lamp["low_pm"] >= lamp["high_pm"]:
        raise ConfigError("lamp.low_pm is below lamp.high_pm; turn the output with lamp.inverted")


def _check_uarts(config, pins: Pins) -> None:
    taken = None
    for name in ("bus", "service"):
        port = config[name]
        if not port or pins.devices:
            continue
        number = port["uart"]
        if number >= len(pins.uarts):
            raise ConfigError("%s.uart is 0 to %d on this board" % (name, len(pins.uarts) - 1))
        if number == taken:
            raise ConfigError("service.uart: the bus has UART %d already" % number)
        taken = number
        for key, place in (("tx", 0), ("rx", 1)):
            can = pins.uarts[number] and pins.uarts[number][place]
            if can and port[key] not in can:
                shown = ", ".join([str(pin) for pin in can])
                raise ConfigError("%s.%s of UART %d is one of %s" % (name, key, number, shown))


def _used(config):
    """(name, pin, whether it is an output) of every pin that is set."""
    for name, keys in (
        ("bus", ("tx", "rx", "enable")), ("service", ("tx", "rx")), ("lamp", ("pin", "tx", "rx")), ("relay", ("pin",)),
        ("identify", ("pin",)), ("lux", ("pin",)), ("door", ("pin",)), ("meter", ("pin",)), ("rtc", ("sda", "scl")),
    ):  # fmt: skip
        section = config[name]
        for key in keys:
            if section and section.get(key) is not None:
                drives = key in ("tx", "enable", "sda", "scl") or name in ("relay", "identify")
                yield name + "." + key, section[key], drives or (name == "lamp" and key == "pin")
    for place, section in enumerate(config["presence"]):
        yield "presence[%d].pin" % place, section["pin"], False


def nearest(word: str, known) -> str:
    """The one of `known` that is fewest letters away."""
    best, fewest = known[0], TICKS_MASK
    for one in known:
        away = _distance(word[:24], one)
        if away < fewest:
            best, fewest = one, away
    return best


def _distance(a: str, b: str) -> int:
    """Levenshtein's: insertions, deletions and changes from one to the other."""
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a):
        before, row[0] = row[0], i + 1
        for j, other in enumerate(b):
            change = before + (letter != other)
            before = row[j + 1]
            row[j + 1] = min(change, before + 1, row[j] + 1)
    return row[len(b)]
