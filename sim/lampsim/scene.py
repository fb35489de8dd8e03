"""What the live view shows, as plain state: the demo writes it, the view draws it, neither knows the other."""

from collections import deque
from dataclasses import dataclass, field

EVENTS_MAX = 200  # the view shows the last few; a log on a pipe is written as they come


@dataclass
class PostView:
    """One post. `level_pm` is what its lamp gives now (per mille); metres of a flat map, y to the north."""

    id: str
    x_m: float
    y_m: float
    level_pm: int = 0
    micropython: bool = False
    alive: bool = True  # False: its process is not running
    sees: bool = False  # its sensor sees somebody
    identify: bool = False


@dataclass
class PersonView:
    x_m: float
    y_m: float
    kind: str = "pedestrian"  # or cyclist, car


@dataclass(frozen=True)
class Way:
    """A park path or a street, drawn on the ground."""

    kind: str  # "path" or "street"
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Event:
    """One line of the story: `kind` picks its colour (walk, light, plan, gateway, fault, post, ok)."""

    clock: str
    kind: str
    text: str


@dataclass
class GatewayView:
    up: bool = True
    plugged: bool = True  # False: its cable is pulled
    at: tuple[float, float] | None = None  # where its cabinet stands on the map, in metres
    posts_online: int = 0
    backlog: int = 0  # readings and events waiting for the broker
    retries: int = 0

    @property
    def polls(self) -> bool:
        """Whether the line has a gateway now."""
        return self.up and self.plugged


@dataclass
class BrokerView:
    up: bool = True
    name: str = "embedded"
    received: int = 0
    lost: int = 0
    doubled: int = 0


@dataclass
class BusView:
    baud: int = 19_200
    load_percent: float = 0.0
    frames: int = 0
    collisions: int = 0
    lost: int = 0


@dataclass
class PlanView:
    name: str = ""
    hash: str = ""
    applied: int = 0


@dataclass
class Scene:
    """Everything on the picture. `ambient` 0..1 is the daylight left; `progress` 0..1 of the whole story."""

    place: str
    posts: list[PostView]
    ways: list[Way] = field(default_factory=list)
    people: list[PersonView] = field(default_factory=list)
    clock: str = ""
    chapters: tuple[str, ...] = ()
    chapter: int = 0  # index into chapters
    story: str = ""  # one sentence: what one sees now
    progress: float = 0.0
    ambient: float = 0.0
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENTS_MAX))
    told: int = 0  # how many events there ever were
    gateway: GatewayView = field(default_factory=GatewayView)
    broker: BrokerView = field(default_factory=BrokerView)
    bus: BusView = field(default_factory=BusView)
    plan: PlanView = field(default_factory=PlanView)
    wave_ms: tuple[int, int] | None = None  # p50, p99 from a sensor's edge to the neighbours' lamps
    note: str = ""  # one line, e.g. why no post runs on MicroPython

    @property
    def title(self) -> str:
        return self.chapters[self.chapter] if self.chapter < len(self.chapters) else ""

    def tell(self, kind: str, text: str, clock: str | None = None) -> None:
        """Add an event; it shows at the bottom of the picture."""
        self.events.append(Event(self.clock if clock is None else clock, kind, text))
        self.told += 1
