"""A town as the simulator knows it: lamps with their place, and the streets, mains feeders and bus lines they hang on.

What it promises
- Every lamp has one feeder, one bus and an address that is its own on that bus; a `Town` that breaks this is refused.
- Metres (`x_m` east, `y_m` north) and degrees of a lamp name the same place: the town's origin lies at x = y = 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from lamplighter.plans.site import Luminaire, PostSite

from ..inventory import LOUVAIN_LA_NEUVE, Flat, Lamp
from .age import NEW, Age

BUS_POSTS_MAX = 64  # DESIGN.md: cable length and drivers set 32 to 64 posts a line
BUS_POSTS = 32  # what an RS-485 driver without repeaters drives
GATEWAY_POSTS_MAX = 250  # DESIGN.md: one cabinet, several lines
FEEDER_POSTS = 48  # 48 lamps of 100 W on a 25 A phase, with room for their inrush
KINDS = ("street", "park", "square")
STANDBY_W = 0.5  # driver, sensor and radio-less controller of the commissioned demo

Point = tuple[float, float]


class TownError(ValueError):
    """The town cannot be; the text is one line: what is wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class TownLamp:
    """One post and its luminaire; `street` names the street, path or square it belongs to."""

    id: str
    lat: float
    lon: float
    x_m: float
    y_m: float
    street: str = ""
    kind: str = "street"  # one of KINDS
    rated_w: float = 80.0
    feeder: str = ""
    bus: str = ""
    address: int = 0
    age: Age = NEW

    @property
    def at(self) -> Point:
        return self.x_m, self.y_m

    @property
    def site(self) -> PostSite:
        """As the plan compiler takes it. Raises ValueError for a lamp without address or with an impossible one."""
        lamp = Luminaire(0, 1000, round(self.rated_w * 1000), round(min(STANDBY_W, self.rated_w) * 1000))
        return PostSite(self.id, self.address, self.bus, round(self.lat * 1e6), round(self.lon * 1e6), lamp)


@dataclass(frozen=True, slots=True)
class Street:
    """A way one can go: a street, a path through a park, or the rim of a square. `points` has two or more."""

    id: str
    kind: str  # one of KINDS
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Feeder:
    """A switched mains cable and the lamps on it."""

    id: str
    lamps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bus:
    """One line and its posts, in the order of their addresses; `gateway` names the cabinet it ends in."""

    id: str
    lamps: tuple[str, ...]
    gateway: str = "gw1"


@dataclass(frozen=True)
class Town:
    """Lamps and what connects them. `lat`, `lon`: the place of x_m = y_m = 0."""

    lamps: tuple[TownLamp, ...]
    streets: tuple[Street, ...] = ()
    feeders: tuple[Feeder, ...] = ()
    buses: tuple[Bus, ...] = ()
    lat: float = LOUVAIN_LA_NEUVE[0]
    lon: float = LOUVAIN_LA_NEUVE[1]
    name: str = "town"
    _index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", {lamp.id: i for i, lamp in enumerate(self.lamps)})
        _check(self)

    def index(self, lamp: str) -> int:
        """The place of a lamp in `lamps`. Raises KeyError."""
        return self._index[lamp]

    def lamp(self, lamp: str) -> TownLamp:
        return self.lamps[self._index[lamp]]

    @cached_property
    def sites(self) -> list[PostSite]:
        """All posts for the plan compiler, in the order of `lamps`."""
        return [lamp.site for lamp in self.lamps]

    @cached_property
    def flat(self) -> Flat:
        """The map that turns degrees into this town's metres and back."""
        return Flat(self.lat, self.lon)

    def of_kind(self, kind: str) -> list[TownLamp]:
        return [lamp for lamp in self.lamps if lamp.kind == kind]

    def inventory(self) -> list[Lamp]:
        """As `lampsim.inventory` holds lamps, for what is built on that."""
        return [Lamp(p.id, p.lat, p.lon, p.rated_w, p.street, p.kind, p.age) for p in self.lamps]


def place(lamps: Iterable[TownLamp], flat: Flat) -> tuple[TownLamp, ...]:
    """The lamps with degrees, to whole microdegrees as plans hold them, from their metres."""
    placed = []
    for lamp in lamps:
        lat, lon = flat.lat_lon(lamp.x_m, lamp.y_m)
        placed.append(replace(lamp, lat=round(lat, 6), lon=round(lon, 6)))
    return tuple(placed)


def _check(town: Town) -> None:
    if not town.lamps:
        raise TownError("a town without lamps; give it at least one")
    if len(town._index) != len(town.lamps):
        raise TownError("two lamps have the same id; name each once")
    _check_groups("feeder", [(f.id, f.lamps) for f in town.feeders], {p.id: p.feeder for p in town.lamps})
    _check_groups("bus", [(b.id, b.lamps) for b in town.buses], {p.id: p.bus for p in town.lamps})
    taken = {(lamp.bus, lamp.address) for lamp in town.lamps if lamp.bus}
    if town.buses and len(taken) != len(town.lamps):
        raise TownError("two lamps of one bus have the same address; number them 1 to 64")
    for bus in town.buses:
        if len(bus.lamps) > BUS_POSTS_MAX:
            raise TownError(f"bus {bus.id}: {len(bus.lamps)} posts, at most {BUS_POSTS_MAX}; split the line")


def _check_groups(what: str, groups: Sequence[tuple[str, tuple[str, ...]]], said: dict[str, str]) -> None:
    """Both sides must say the same: the group's list and the lamp's own field."""
    if not groups:
        return
    listed = {lamp: name for name, lamps in groups for lamp in lamps}
    for lamp, name in said.items():
        if listed.get(lamp) != name:
            raise TownError(f"lamp {lamp}: its {what} is {name!r}, listed in {listed.get(lamp)!r}; make both the same")
