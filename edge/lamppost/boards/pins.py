"""What a board says of its pins, and the words that it shares with config.py, which is read once and forgotten."""

CLASSES = ("pedestrian", "cyclist", "car")


class Pins:
    """What the pins of a board can do: `pins`, `outputs` and `analog` are lists of numbers.

    `uarts` is a list: for each UART the (tx, rx) pins it can use, or None where any pin will do. `devices`: serial
    ports have paths and PWM has a chip and a channel, as on Linux. `watchdog_max_ms`: what its watchdog can be set to.
    """

    def __init__(self, pins, outputs, analog, uarts, watchdog_max_ms, devices=False):
        self.pins = pins
        self.outputs = outputs
        self.analog = analog
        self.uarts = uarts
        self.watchdog_max_ms = watchdog_max_ms
        self.devices = devices
