"""What the board of a post measures: a lamp behind its relay, the mains, a photocell, a door; each whole or spoilt.

A lamp follows the actions of its post, as a board's does, and takes what the plan's luminaire takes: standby + rated *
(0.03 + 0.97 * level). A meter tells power, voltage and power factor each METER_US, within 1 %. Only posts that a fault
names for it have one (or a relay, or a photocell), from the start on. `spoil(part, kind)`; kind "" mends it:

    lamp       dead, half (40 % of its light is left), undimmed, burning (also when off), cycling, says (its DALI gear
               says that it failed; a post of which that was ever so has such gear, which it asks with its meter)
    mains      low, high, between (in no man's land), dips (of half a minute), factor, factor-between
    relay      closed (it does not open), open (it does not close)
    meter      silent
    photocell  dead, dark, bright, noise
    thermometer hot (it shows 90 C once more, and nothing after that)
    door       open, slams
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lampsim.check.world.post import StreetPost
    from lampsim.check.world.street import Street

METER_US = 15_000_000  # as a board reads its meter
RELAY_US = 5_000_000  # a relay opens when the lamp has been dark for so long
SLAM_US = 4_000_000
HEAT_US = 30_000_000  # as a board reads its thermometer
COOL_DC, HOT_DC = 400, 900
LEAK_MW = 450  # of a driver whose relay does not open: its own consumption, with the lamp dark
CYCLE_US, OUT_US = 60_000_000, 25_000_000
DIP_US = 35_000_000
NOISE_US = 7_000_000


class Instruments:
    """Those of one post."""

    def __init__(self, street: Street, one: StreetPost) -> None:
        mine = [fault for fault in street.faults if one.name in fault.posts()]
        self.has = {need for fault in mine for need in getattr(fault, "needs", ())}
        if street.spec.photocells:
            self.has.add("photocell")
        lamp = next(site.luminaire for site in street.spec.sites if site.id == one.name)
        self._rated_mw, self._standby_mw = lamp.rated_mw, lamp.standby_mw
        self._street, self._one = street, one
        self._random = street.random_of("instruments", one.name)
        self._spoilt: dict[str, str] = {}
        self._temperature_dc: int | None = None  # until a fault has said one, nobody looks
        self._since_us = 0  # of the last thing that was spoilt or mended
        self._fade = (1000, 1000, 0, 0)  # from, to, begun, over
        self._relay_closed = True
        self._dali = False
        self._order = 0  # of what goes on in one life of the post: what was begun in an earlier one ends

    # --- its post

    def start(self) -> None:
        """The board has power: it says what it finds."""
        self._order += 1
        self._fade = (1000, 1000, 0, 0)
        self._relay_closed = True
        if "photocell" in self.has:
            self._one.handle(("lux", self.lux()))
        if "relay" in self.has:
            self._one.handle(("relay", True))
        if self._spoilt.get("door"):
            self._door()
        if self._one.sensor == "stuck":
            self._one.handle(("presence", 0, 1, 0))
        if self._temperature_dc is not None:
            self._feel()
        if "meter" in self.has:
            self._later(self._random.randrange(METER_US), self._measure)

    def lamp(self, level_pm: int, fade_ms: int) -> None:
        """The post wants this of its lamp."""
        now = self._street.loop.now_us
        self._fade = (self._level_pm(), level_pm, now, now + fade_ms * 1000)
        if "relay" not in self.has:
            return
        if level_pm:
            self._switch(True)
        else:
            self._open_later(now + fade_ms * 1000 + RELAY_US)

    def _open_later(self, at_us: int) -> None:
        fade = self._fade
        self._later(at_us - self._street.loop.now_us, lambda: self._switch(False) if fade == self._fade else None)

    def _switch(self, closed: bool) -> None:
        if closed != self._relay_closed:
            self._relay_closed = closed
            self._later(0, lambda: self._one.handle(("relay", closed)))

    # --- faults

    def spoil(self, part: str, kind: str) -> None:
        """A part is no good any more, or (kind "") mended."""
        self._spoilt[part] = kind
        self._dali = self._dali or kind == "says"
        self._since_us = self._street.loop.now_us
        if part == "photocell":
            self._look_at_the_sky()
        elif part == "door":
            self._door()
        elif part == "thermometer":
            if kind:
                self._one.handle(("temp", HOT_DC))
            self.heat(COOL_DC)

    def heat(self, temperature_dc: int) -> None:
        """The thermometer shows this from now on, unless it is silent."""
        first, self._temperature_dc = self._temperature_dc is None, temperature_dc
        if not self._spoilt.get("thermometer"):
            self._one.handle(("temp", temperature_dc))
        if first and self._one.post is not None:
            self._later(HEAT_US, self._feel)

    def _feel(self) -> None:
        if not self._spoilt.get("thermometer"):
            self._one.handle(("temp", self._temperature_dc))
        self._later(HEAT_US, self._feel)

    def _door(self) -> None:
        kind, begun_us = self._spoilt.get("door"), self._since_us

        def slam(is_open: bool) -> None:
            if self._spoilt.get("door") == "slams" and self._since_us == begun_us:
                self._one.handle(("door", is_open))
                self._later(self._random.randrange(500_000, SLAM_US), lambda: slam(not is_open))

        if kind == "slams":
            slam(True)
        else:
            self._one.handle(("door", kind == "open"))

    def _look_at_the_sky(self) -> None:
        self._one.handle(("lux", self.lux()))
        if self._spoilt.get("photocell") == "noise":
            self._later(NOISE_US, self._look_at_the_sky)

    # --- what is measured

    def lux(self) -> int | None:
        """What the photocell shows."""
        kind = self._spoilt.get("photocell")
        if kind == "dead":
            return None
        if kind == "noise":
            return self._random.choice((0, 5, 34, 36, 50, 69, 71, 500, 90_000))
        return {"dark": 0, "bright": 1000}.get(kind or "", self._street.lux())

    def _measure(self) -> None:
        if not self._spoilt.get("meter"):
            self._one.handle(("power", self._power_mw()))
            self._one.handle(("voltage", self._voltage_mv()))
            self._one.handle(("factor", self._factor_pm()))
            if self._dali and self._relay_closed:
                self._one.handle(("gear", self._spoilt.get("lamp") == "says"))
        self._later(METER_US, self._measure)

    def _power_mw(self) -> int:
        lamp, relay = self._spoilt.get("lamp"), self._spoilt.get("relay")
        level_pm = self._level_pm()
        if lamp == "burning" or (lamp == "undimmed" and level_pm):
            level_pm = 1000
        if relay == "open" or (not self._relay_closed and relay != "closed"):
            return 0
        if not self._relay_closed:
            return LEAK_MW
        out = lamp == "cycling" and (self._street.loop.now_us - self._since_us) % CYCLE_US < OUT_US
        if not level_pm or lamp == "dead" or out:
            return self._standby_mw
        light_mw = self._rated_mw * (30_000 + 970 * level_pm) // 1_000_000
        if lamp == "half":
            light_mw = light_mw * 2 // 5
        return self._standby_mw + light_mw * self._random.randrange(990, 1011) // 1000

    def _voltage_mv(self) -> int:
        kind, within = self._spoilt.get("mains"), self._random.randrange
        if kind == "low":
            return within(150_000, 207_000)
        if kind == "high":
            return within(253_001, 280_000)
        if kind == "between":
            return self._random.choice((within(207_000, 211_001), within(249_000, 253_001)))
        dip = kind == "dips" and (self._street.loop.now_us - self._since_us) // DIP_US % 2 == 0
        return within(100_000, 200_000) if dip else within(225_000, 236_000)

    def _factor_pm(self) -> int:
        kind, within = self._spoilt.get("mains"), self._random.randrange
        if self._level_pm() < 650:
            return within(300, 900)  # drivers keep theirs near full load only
        return (
            within(400, 800)
            if kind == "factor"
            else within(800, 851)
            if kind == "factor-between"
            else within(900, 1001)
        )

    def _level_pm(self) -> int:
        from_pm, to_pm, begun_us, over_us = self._fade
        now = self._street.loop.now_us
        if now >= over_us:
            return to_pm
        return from_pm + (to_pm - from_pm) * (now - begun_us) // (over_us - begun_us)

    def _later(self, wait_us: int, work) -> None:
        order = self._order
        self._street.loop.at(
            self._street.loop.now_us + wait_us, lambda: work() if order == self._order and self._one.post else None
        )
