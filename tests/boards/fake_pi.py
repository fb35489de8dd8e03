"""A /sys tree as a Raspberry Pi has it, in a folder; pulses on its PWM are read as a meter on the pin would."""

from pathlib import Path


class FakeSys:
    """`at` is what a board takes for /sys."""

    def __init__(self, at: Path, exported: bool = True) -> None:
        self.at = at
        self.chip = at / "class/pwm/pwmchip0"
        self.chip.mkdir(parents=True)
        (self.chip / "export").write_text("")
        if exported:
            self.export()

    def export(self, channel: int = 0, **values: str) -> None:
        """What the kernel makes of a number written to `export`."""
        folder = self.chip / f"pwm{channel}"
        folder.mkdir()
        for name, value in ({"period": "0", "duty_cycle": "0", "enable": "0", "polarity": "normal"} | values).items():
            (folder / name).write_text(value + "\n")

    def value(self, name: str, channel: int = 0) -> str:
        """The first line of a file of the channel: what the kernel would have taken."""
        return (self.chip / f"pwm{channel}" / name).read_text().split("\n")[0]

    @property
    def duty_pm(self) -> int:
        """Per mille of the period, 0 while it is off."""
        period = int(self.value("period"))
        return int(self.value("duty_cycle")) * 1000 // period if period and self.value("enable") == "1" else 0

    def illuminance(self, **values: str) -> None:
        """A light sensor as iio:device0: input="..." or raw="...", scale="..."."""
        folder = self.at / "bus/iio/devices/iio:device0"
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for name, value in values.items():
            (folder / f"in_illuminance_{name}").write_text(value + "\n")

    def temperature(self, millidegrees: int) -> None:
        """The processor's."""
        folder = self.at / "class/thermal/thermal_zone0"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "temp").write_text(f"{millidegrees}\n")
