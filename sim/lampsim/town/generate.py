"""A town of any size from a seed: a grid of streets with lamps each 30 m, with parks and squares in some blocks.

The grid is that of NIGHT.md: blocks of 120 m, lamps at 15, 45, 75 and 105 m of each side. Every ninth block is a park
with a curved path (a lamp each 25 m), every sixteenth a square with lamps on its inner rim. Each of its streets got its
luminaires some years ago (age.py).
"""

import math
import random
from itertools import pairwise

from ..inventory import LOUVAIN_LA_NEUVE, Flat
from .age import Age, drawn
from .model import BUS_POSTS, FEEDER_POSTS, KINDS, Point, Street, Town, TownError, TownLamp, place
from .wiring import wire

BLOCK_M = 120.0
OFFSETS_M = (15.0, 45.0, 75.0, 105.0)
PARK_SPACING_M = 25.0
RIM_M = 20.0  # the inner rim of a square lies this far from the streets around it
RATED_W = {"street": 80.0, "park": 40.0, "square": 120.0}
POSTS_MAX = 200_000  # a province; more is not one simulation


def town(
    posts: int,
    seed: int = 0,
    lat: float = LOUVAIN_LA_NEUVE[0],
    lon: float = LOUVAIN_LA_NEUVE[1],
    bus_posts: int = BUS_POSTS,
    feeder_posts: int = FEEDER_POSTS,
) -> Town:
    """Exactly `posts` lamps (1..POSTS_MAX) around `lat`, `lon`. The same arguments give the same town."""
    if not 1 <= posts <= POSTS_MAX:
        raise TownError(f"{posts} posts; give 1 to {POSTS_MAX}")
    rng = random.Random(f"town {seed}")
    blocks = max(1, math.ceil(math.sqrt(posts / 7)))  # a block brings its two sides' eight lamps, less at the rim
    ways = sorted([*_grid(blocks), *_inside(blocks, rng)], key=lambda way: _from_middle(way[0]))
    lamps: list[TownLamp] = []
    streets: list[Street] = []
    for street, points in ways:
        left = posts - len(lamps)
        if left <= 0:
            break
        streets.append(street)
        age = drawn(seed, street.id)
        lamps += [_lamp(len(lamps) + i, street, point, age) for i, point in enumerate(points[:left])]
    wired, buses, feeders = wire(place(lamps, Flat(lat, lon)), bus_posts, feeder_posts)
    return Town(wired, tuple(streets), feeders, buses, lat, lon, f"town-{posts}-{seed}")


def _lamp(number: int, street: Street, point: Point, age: Age) -> TownLamp:
    return TownLamp(f"p{number + 1:04}", 0.0, 0.0, *point, street.id, street.kind, RATED_W[street.kind], age=age)


def _grid(blocks: int) -> list[tuple[Street, list[Point]]]:
    """The sides of all blocks, each a street section of its own, with its lamps; the middle lies at 0, 0."""
    half = blocks * BLOCK_M / 2
    sections = []
    for line in range(blocks + 1):
        across = line * BLOCK_M - half
        for block in range(blocks):
            begin = block * BLOCK_M - half
            along = [begin + offset for offset in OFFSETS_M]
            ends = (begin, begin + BLOCK_M)
            sections.append((_street(f"x{line}-{block}", [(across, y) for y in ends]), [(across, y) for y in along]))
            sections.append((_street(f"y{line}-{block}", [(x, across) for x in ends]), [(x, across) for x in along]))
    return sections


def _street(name: str, points: list[Point], kind: str = KINDS[0]) -> Street:
    return Street(f"{kind}-{name}", kind, tuple((round(x, 3), round(y, 3)) for x, y in points))


def _inside(blocks: int, rng: random.Random) -> list[tuple[Street, list[Point]]]:
    """Parks and squares. A town of a few blocks has one park, and from four blocks on a square; both in its middle."""
    numbers = list(range(blocks * blocks))
    rng.shuffle(numbers)
    first = sorted(numbers, key=lambda n: abs(n % blocks - blocks // 2) + abs(n // blocks - blocks // 2))[:2]
    numbers = first + [number for number in numbers if number not in first]
    parks, squares = max(1, len(numbers) // 9), len(numbers) // 16 or int(len(numbers) >= 4)
    makes = [_park, _square][: 1 + min(1, squares)] + [_park] * (parks - 1) + [_square] * (squares - 1)
    half = blocks * BLOCK_M / 2
    return [
        make(number, number % blocks * BLOCK_M - half, number // blocks * BLOCK_M - half)
        for make, number in zip(makes, numbers, strict=False)
    ]


def _park(number: int, x_m: float, y_m: float) -> tuple[Street, list[Point]]:
    """A path from corner to corner, bent like an S."""
    points = []
    for step in range(13):
        share = step / 12
        bend = 9 * math.sin(2 * math.pi * share)
        points.append((x_m + BLOCK_M * share + bend, y_m + BLOCK_M * share - bend))
    return _street(str(number), points, "park"), spaced(points, PARK_SPACING_M, PARK_SPACING_M)[:6]


def _square(number: int, x_m: float, y_m: float) -> tuple[Street, list[Point]]:
    """The way leads around the inner rim and, at each of its corners, out to the crossing there and back."""
    corners = ((0, 0), (1, 0), (1, 1), (0, 1))
    inner = [(x_m + RIM_M + a * (BLOCK_M - 2 * RIM_M), y_m + RIM_M + b * (BLOCK_M - 2 * RIM_M)) for a, b in corners]
    outer = [(x_m + a * BLOCK_M, y_m + b * BLOCK_M) for a, b in corners]
    points = [point for rim, crossing in zip(inner, outer, strict=True) for point in (rim, crossing, rim)]
    rim = [*inner, inner[0]]
    return _street(str(number), [*points, inner[0]], "square"), spaced(rim, (BLOCK_M - 2 * RIM_M) / 2, 0.0)[:8]


def spaced(points: list[Point], spacing_m: float, first_m: float) -> list[Point]:
    """Points each `spacing_m` along a polyline, the first at `first_m`, to whole millimetres."""
    found, next_m, gone_m = [], first_m, 0.0
    for (ax, ay), (bx, by) in pairwise(points):
        length_m = math.dist((ax, ay), (bx, by))
        while length_m and next_m <= gone_m + length_m + 1e-9:
            share = (next_m - gone_m) / length_m
            found.append((round(ax + share * (bx - ax), 3), round(ay + share * (by - ay), 3)))
            next_m += spacing_m
        gone_m += length_m
    return found


def _from_middle(street: Street) -> tuple[float, str]:
    xs, ys = [x for x, _ in street.points], [y for _, y in street.points]
    return round(max(abs(min(xs) + max(xs)), abs(min(ys) + max(ys))), 3), street.id
