"""A street of real posts on one line, and somebody who notes what passes on it, what the gateway takes and who acts.

The posts, links and the gateway's poll scheduler are the real ones (`lampsim.virtual.world`), in virtual time; frames
that overlap meet in `lampsim.line.Line`, byte by byte.
"""

from __future__ import annotations

from lamplighter.gateway.lines import line
from lamppost.wire import messages
from lamppost.wire.frame import GATEWAY, Decoder, Frame

from ..inventory import LOUVAIN_LA_NEUVE, Flat
from ..town.model import Bus, Street, Town, TownLamp, place
from ..virtual.wire import Deaf
from ..virtual.world import Options, World

APART_M = 30
STREETS_APART_M = 200  # nobody in one is of any interest in the next
BUS = "bus1"
EVENING_UTC_S = 824_414_400  # 2026-02-14T20:00:00Z: dark for hours before and after
READY_S = 600  # a line on which not all have their plan by then is broken
PULSE_US = 300_000  # a sensor's contact closes for so long
HOLD_S, DOWN_MS = 5, 1000  # short, so that a street is dark again before the next walker
REACH_M = 90


def plan() -> dict:
    """20 % all night, and light ahead of people: three posts each way."""
    reach = [{"reachMetres": 30, "level": 100}, {"reachMetres": 60, "level": 60}, {"reachMetres": REACH_M, "level": 40}]
    people = {"id": "people", "holdSeconds": HOLD_S, "upMilliseconds": 1000, "downMilliseconds": DOWN_MS}
    program = {"id": "street", "level": 20, "presence": "people", "rampSeconds": 0}
    return {
        "plan": "bench",
        "timeZone": "Europe/Brussels",
        "safeFloor": 5,
        "controlPrograms": [program | {"activePeriods": [{"start": "sunset", "end": "sunrise"}]}],
        "presenceProfiles": [people | dict.fromkeys(("pedestrian", "cyclist", "car"), reach)],
        "calendars": [{"id": "always", "defaultProgram": "street"}],
        "groups": [{"id": "all", "posts": "all", "calendar": "always"}],
    }


def street(posts: int, lines: int = 1) -> Town:
    """Straight streets, one for each line, addresses in their order, as many posts in each as in any other or one less;
    one cabinet."""
    flat, lamps, ways, buses = Flat(*LOUVAIN_LA_NEUVE), [], [], []
    for number in range(lines):
        bus = f"bus{number + 1}"
        count = posts // lines + (number < posts % lines)
        y_m = float(number * STREETS_APART_M)
        mine = [
            TownLamp(f"p{number + 1}-{i:02d}", 0.0, 0.0, float(i * APART_M), y_m, bus, bus=bus, address=i)
            for i in range(1, count + 1)
        ]
        lamps += mine
        ways.append(Street(bus, "street", ((0.0, y_m), (float((count + 1) * APART_M), y_m))))
        buses.append(Bus(bus, tuple(lamp.id for lamp in mine)))
    return Town(place(lamps, flat), tuple(ways), buses=tuple(buses))


class Sight:
    """One detection: when the sensor saw, and when the line, the gateway and each lamp told it; -1: not yet."""

    __slots__ = ("burst", "gateway_us", "lamps_us", "line_us", "post", "seen_us")

    def __init__(self, post: int, seen_us: int, burst: int):
        self.post, self.seen_us, self.burst = post, seen_us, burst
        self.line_us = self.gateway_us = -1
        self.lamps_us: dict[int, int] = {}


class Watch(Deaf):
    """A World of one street, from switching on; `sights` are the detections in the order of their making. Raises
    TimeoutError where the posts do not get their plan."""

    name, listening = "watch", True  # as a Station of the wire

    def __init__(self, posts: int, baud: int, turn_us: int, seed: object, exact: bool = False):
        self.world = World(street(posts), plan(), None, (), seed, EVENING_UTC_S,
                           Options(baud, cycle_s=0, exact=exact))  # fmt: skip
        self.loop = self.world.loop
        self.wire = self.world.wires[BUS]
        self.posts = list(self.world.posts.values())
        for post in self.posts:
            post.turn_us = turn_us
        self.sights: list[Sight] = []
        self.statuses = self.frame_bytes = self.others = self.said = 0
        self._open: dict[tuple[int, int], Sight] = {}
        self._decoder = Decoder()
        self._piece = bytearray()
        self._lit: Sight | None = None
        self.wire.plug(self)
        self.world.on_lamp.append(self._lamp)
        gateway = self.gateway = next(iter(self.world.gateways.values()))
        self._take = gateway.take
        gateway.take = self._taken  # type: ignore[method-assign]
        self._begin()

    def _begin(self) -> None:
        for _ in range(READY_S):
            self.run_s(1)
            known = all(p.post is not None and p.post.plan and p.post.clock.utc_s(p.t_ms()) for p in self.posts)
            if known and len(self.gateway.online) == len(self.posts):
                self.run_s(2)
                return
        raise TimeoutError(f"not every post has its plan after {READY_S} s; run lampsim check")

    def run_s(self, seconds: float) -> None:
        """Let time pass. (World.run_s collects garbage first, which is too dear for a few milliseconds.)"""
        self.loop.run_until(self.loop.now_us + round(seconds * 1_000_000))

    @property
    def now_us(self) -> int:
        return self.loop.now_us

    def detect(self, address: int, burst: int = 0, follow_lamps: bool = False) -> Sight | None:
        """Let the sensor of a post see a walker for a moment; None where it sees one already."""
        post = self.posts[address - 1]
        if post.post is None or post.post._present:
            return None
        sight = Sight(address, self.now_us, burst)
        self.sights.append(sight)
        self._lit = sight if follow_lamps else None
        self._open[address, post.post.items.next_seq] = sight
        post.sense(True, 0)
        self.loop.after(PULSE_US, lambda: post.sense(False, 0))
        return sight

    def neighbours(self, address: int) -> int:
        """How many other lamps stand within reach."""
        reach = REACH_M // APART_M
        return min(address - 1, reach) + min(len(self.posts) - address, reach)

    # --- what is noted

    def hear(self, data: bytes) -> None:
        """Every byte of the line, as a stranger hears it."""
        for byte in data:
            if byte:
                self._piece.append(byte)
                continue
            piece, self._piece = bytes(self._piece), bytearray()
            if piece:
                for frame in self._decoder.feed(b"\0" + piece + b"\0"):
                    self._frame(frame, len(piece) + 2)

    def _frame(self, frame: Frame, size: int) -> None:
        if frame.type == messages.EVENT:
            self.said += 1
            sight = self._open.get((frame.src, frame.counter))
            if sight is not None and sight.line_us < 0:
                sight.line_us = self.now_us
        elif frame.type in (messages.STATUS, messages.STILL, messages.MOVED):
            self.statuses += 1
            self.frame_bytes += size
        elif frame.src == GATEWAY and frame.type == messages.POLL:
            self.frame_bytes += size
        else:
            self.others += 1

    def _taken(self, port, action: tuple) -> None:
        if isinstance(action, line.Heard):
            self._told(action.address, action.seq)
        elif isinstance(action, line.Items):
            for item in action.items:
                if item[1] == messages.PRESENCE:
                    self._told(action.address, item[0])
        self._take(port, action)

    def _told(self, address: int, seq: int) -> None:
        sight = self._open.get((address, seq))
        if sight is not None and sight.gateway_us < 0:
            sight.gateway_us = self.now_us

    def _lamp(self, post, from_pm: int, target_pm: int, fade_ms: int) -> None:
        sight = self._lit
        if sight is not None and target_pm > from_pm:
            sight.lamps_us.setdefault(post.address, self.now_us)
