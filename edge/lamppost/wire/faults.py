"""The faults a post can report: the number is a bit of STATUS `faults` and the `a` of a FAULT item.

Numbers are never given twice. ROWS has, by number: a short name (on topics, and in commands), what it means to a
person, and the unit of the value that a FAULT item carries in `c`.
"""

LAMP, DRIVER, DAY_BURNING, CYCLING, RELAY_STUCK, VOLTAGE_LOW, VOLTAGE_HIGH, POWER_FACTOR = range(1, 9)
HOT, SENSOR_STUCK, SENSOR_DEAD, NEIGHBOURS_LOST, CLOCK_LOST, NO_PLAN, GATEWAY_SILENT, RESETS = range(9, 17)
FLASH_REFUSES, FLASH_WORN, METER_SILENT, DOOR_OPEN = range(17, 21)

ROWS = (
    ("", "", ""),
    ("lamp", "lamp or driver failed: it takes far less power than its level, or says so", "mW"),
    ("driver", "driver takes far more power than its level: it does not dim", "mW"),
    ("day-burning", "lamp burns though it is off", "mW"),
    ("cycling", "lamp goes out and comes back by itself", "times an hour"),
    ("relay-stuck", "relay is open and power still flows", "mW"),
    ("voltage-low", "mains voltage is low", "mV"),
    ("voltage-high", "mains voltage is high", "mV"),
    ("power-factor", "power factor is low: the driver's capacitor or filter ages", "per mille"),
    ("hot", "driver is too hot: its light is lowered", "0.1 C"),
    ("sensor-stuck", "presence sensor sees somebody without end: not heeded", "input"),
    ("sensor-dead", "presence sensor sees nobody though all neighbours' do", "detections there"),
    ("neighbours-lost", "no neighbour is heard though people pass here", "detections here"),
    ("clock-lost", "time is unknown, or nobody has told it for a week", ""),
    ("no-plan", "there is no plan: full output", ""),
    ("gateway-silent", "gateway has not asked for two hours: the plan goes on", ""),
    ("resets", "post restarts again and again", "short starts"),
    ("flash-refuses", "flash refuses to be written: what changes is lost with the power", ""),
    ("flash-worn", "flash has nearly had its writes", "thousand writes"),
    ("meter-silent", "power sensor has gone silent", ""),
    ("door-open", "door is open, or the post leans", ""),
)


def name(number: int) -> str:
    """The short name; `fault-N` for one that a newer post has."""
    return ROWS[number][0] if 0 < number < len(ROWS) else "fault-%d" % number


def names(bits: int) -> list:
    """The short names of the bits that are set, lowest first."""
    return [name(number) for number in range(32) if bits >> number & 1]
