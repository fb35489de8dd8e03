"""The parts around a board's lamp: inputs, light sensor, door, meter, clock chip; what they say as events for the Post.

Looked at each LOOK_MS; `t_ms` is an unwrapped count of milliseconds.
"""

from lamppost.boards.inputs import Contact, Lux, Pulses
from lamppost.boards.pins import CLASSES
from lamppost.limits import SENSOR_BREAK_MS

LOOK_MS = 20  # a person crosses a sensor's beam in some 300 ms
_SLOW_MS = 1000
_TEMPERATURE_MS = 30000  # a driver warms up in minutes
_POWER_MS = 15000  # a value of a minute ago no longer counts for the meter
_CLOCK_MS = 86400000  # 2 ppm are 0.2 s a day
_CHIP_MS = (
    60000  # whether the chip still runs; a read takes 2 ms, one of a bus that hangs 50, and a POLL is answered in 2
)


class Field:
    """What board.json says is connected to `hardware`."""

    def __init__(self, config, hardware):
        self._hardware = hardware
        self._presence = []
        for sensor in config["presence"]:
            read = hardware.contact(sensor["pin"], sensor["active"], sensor["pull"])
            contact = Contact(sensor["on_ms"], max(sensor["off_ms"], SENSOR_BREAK_MS))  # less is a bounce
            self._presence.append((read, contact, CLASSES.index(sensor["class"])))
        door, lux, meter = config["door"], config["lux"], config["meter"]
        self._door = self._lux = self._meter = None
        if door:
            read = hardware.contact(door["pin"], door["active"], door["pull"])
            self._door = (read, Contact(door["on_ms"], door["off_ms"]))
        if lux:
            self._lux = (hardware.lux(lux), Lux(lux["hysteresis_percent"], lux["hold_s"] * 1000))
        if meter:
            self._meter = (hardware.counter(meter["pin"], meter["pull"]), Pulses(meter["pulses_kwh"]))
        self._temperature = config["temperature"]
        self._chip = hardware.rtc(config["rtc"]) if config["rtc"] else None
        self._due_ms = [0, 0, 0]  # slow looks, temperature, power
        self._chip_due_ms = 0
        self._clock_due_ms = _CLOCK_MS

    def first(self) -> list:
        """What is known before anything has happened: the time, from the clock chip."""
        utc_s = self._chip.read() if self._chip else None
        return [("clock", utc_s, 0)] if utc_s is not None else []

    def look(self, t_ms: int) -> list:
        """The events since the last look."""
        events = []
        for place, (read, contact, user_class) in enumerate(self._presence):
            state = contact.look(read(), t_ms)
            if state is not None:
                events.append(("presence", place, state, user_class))
        if self._door:
            read, contact = self._door
            state = contact.look(read(), t_ms)
            if state is not None:
                events.append(("door", state))
        if t_ms >= self._due_ms[0]:
            self._due_ms[0] = t_ms + _SLOW_MS
            self._look_slowly(events, t_ms)
        return events

    def keep_time(self, utc_s: "int | None", t_ms: int) -> None:
        """Set the clock chip by the Post's time, once a day, and where it stands still once that is known."""
        if not self._chip or utc_s is None or t_ms < self._chip_due_ms:
            return
        self._chip_due_ms = t_ms + _CHIP_MS
        if t_ms < self._clock_due_ms and self._chip.read() is not None:
            return
        self._clock_due_ms = t_ms + _CLOCK_MS
        self._chip.write(utc_s)

    def _look_slowly(self, events: list, t_ms: int) -> None:
        if self._lux:
            read, lux = self._lux
            measured = read()
            if measured is None:
                if lux.forget():
                    events.append(("lux", None))
            else:
                lx = lux.look(measured, t_ms)
                if lx is not None:
                    events.append(("lux", lx))
        if self._temperature and t_ms >= self._due_ms[1]:
            self._due_ms[1] = t_ms + _TEMPERATURE_MS
            temperature_dc = self._hardware.temperature_dc()
            if temperature_dc is not None:
                events.append(("temp", temperature_dc))
        if self._meter and t_ms >= self._due_ms[2]:
            counter, pulses = self._meter
            power_mw = pulses.look(counter.count, t_ms - counter.age_ms(), t_ms)
            if power_mw is not None:
                self._due_ms[2] = t_ms + _POWER_MS
                events.append(("power", power_mw, pulses.most_mw, pulses.reach_ms))
