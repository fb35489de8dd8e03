"""The map of a scene in a terminal: pools of light on the ground, posts with their level, people.

Each character cell is two pixels high (an upper half block with two colours), so a pixel is about square. Where the
terminal has no colours only the glyphs and the percentages are drawn: they carry everything.
"""

import math
import random
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from rich.color import Color
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.style import Style

from .scene import PostView, Scene

Rgb = tuple[int, int, int]
GROUND: dict[str, Rgb] = {
    "grass": (9, 22, 15),
    "path": (46, 38, 28),
    "town": (13, 15, 24),
    "street": (36, 38, 46),
}
WIDTH_M = {"path": 4.0, "street": 8.0}
DUSK: Rgb = (34, 38, 82)  # what daylight is left adds to the ground
LAMP: Rgb = (255, 186, 92)  # 2700 K, a little warmer than it is, for the eye
REACH_M = (9.0, 30.0)  # where a pool of light ends on the picture: 1.3 times the usual spacing, within these
BEHIND_MAX = 78  # luminance behind a glyph, 0..255: text stays legible in a pool of light
PEOPLE = {"pedestrian": ("☻", (120, 230, 255)), "cyclist": ("∞", (140, 255, 170)), "car": ("■", (255, 120, 140))}
CPYTHON, MICROPYTHON, DEAD, GATEWAY = "●", "◆", "×", "▣"
MARGIN_M = 14.0


class Picture:
    """A rich renderable; it keeps what does not move (the ground, which lamp lights which pixel) between frames."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._ground: _Ground | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        columns, rows = options.max_width, options.height or 20
        if self._ground is None or self._ground.size != (columns, rows):
            self._ground = _Ground(self.scene, columns, rows)
        colours = console.color_system is not None and not console.no_color
        for line in draw(self.scene, self._ground, colours):
            yield from line
            yield Segment.line()


def draw(scene: Scene, ground: "_Ground", colours: bool) -> list[list[Segment]]:
    """The map as lines of segments, exactly `ground.size` cells."""
    columns, rows = ground.size
    over = _overlay(scene, ground)
    if not colours:
        return [[Segment("".join(over.get((r, c), " ")[0] for c in range(columns)))] for r in range(rows)]
    pixels = ground.lit(scene)
    over = {**ground.trees(pixels), **over}
    return [_line(pixels, over, r, columns) for r in range(rows)]


def _line(pixels: list[list[Rgb]], over: dict, row: int, columns: int) -> list[Segment]:
    segments: list[Segment] = []
    upper, lower = pixels[2 * row], pixels[2 * row + 1]
    for c in range(columns):
        glyph = over.get((row, c))
        if glyph:
            text, style = glyph[0], _style(glyph[1], _behind(upper[c], lower[c]), glyph[2])
        elif upper[c] == lower[c]:
            text, style = " ", _style(upper[c], lower[c])
        else:
            text, style = "▀", _style(upper[c], lower[c])
        segments.append(Segment(text, style))
    return list(Segment.simplify(segments))


@lru_cache(maxsize=8192)
def _behind(upper: Rgb, lower: Rgb) -> Rgb:
    """The ground of a cell with a glyph: its two pixels mixed, and darkened where it is bright."""
    red, green, blue = ((a + b) // 2 for a, b in zip(upper, lower, strict=True))
    share = min(1.0, BEHIND_MAX / max(1.0, 0.3 * red + 0.59 * green + 0.11 * blue))
    return int(red * share), int(green * share), int(blue * share)


@lru_cache(maxsize=8192)
def _style(front: Rgb, back: Rgb, bold: bool = False) -> Style:
    return Style(color=Color.from_rgb(*front), bgcolor=Color.from_rgb(*back), bold=bold)


# --- what stands on the ground


def _overlay(scene: Scene, ground: "_Ground") -> dict[tuple[int, int], tuple[str, Rgb, bool]]:
    """Cells with a glyph: the percentages first, so that posts, then people, win a cell they share."""
    over: dict[tuple[int, int], tuple[str, Rgb, bool]] = {}
    at = {post.id: ground.cell(post.x_m, post.y_m) for post in scene.posts}
    if scene.gateway.at:
        _put_gateway(scene, ground.cell(*scene.gateway.at), over)
    taken = set(over) | {(row, column + d) for row, column in at.values() for d in (-1, 0, 1)}
    for post in scene.posts:
        _put_label(post, at[post.id], taken, over, ground.size)
    for post in scene.posts:
        over[at[post.id]] = _glyph(post)
    for person in scene.people:
        cell = ground.cell(person.x_m, person.y_m)
        glyph, colour = PEOPLE.get(person.kind, PEOPLE["pedestrian"])
        if 0 <= cell[0] < ground.size[1] and 0 <= cell[1] < ground.size[0]:
            over[cell] = (glyph, colour, True)
    return over


def _put_gateway(scene: Scene, cell: tuple[int, int], over: dict) -> None:
    colour = (110, 220, 140) if scene.gateway.polls else (255, 90, 90)
    for i, char in enumerate(f"{GATEWAY} gw" if scene.gateway.polls else f"{GATEWAY} gw off"):
        over[cell[0], cell[1] + i] = (char, colour, True)


def _glyph(post: PostView) -> tuple[str, Rgb, bool]:
    if not post.alive:
        return DEAD, (255, 90, 90), True
    glyph = MICROPYTHON if post.micropython else CPYTHON
    if post.identify:
        return glyph, (255, 110, 255), True
    if post.sees:
        return glyph, PEOPLE["pedestrian"][1], True
    return glyph, _blend((130, 136, 150), (255, 246, 222), post.level_pm / 1000), post.level_pm > 0


def _put_label(post: PostView, cell: tuple[int, int], taken: set, over: dict, size: tuple[int, int]) -> None:
    """The level in percent under (else above) its post, where no other post or label is in the way."""
    text = str(round(post.level_pm / 10)) if post.alive else "off"
    colour = _blend((158, 164, 180), (255, 228, 170), post.level_pm / 1000) if post.alive else (255, 90, 90)
    for row in (cell[0] + 1, cell[0] - 1):
        first = cell[1] - len(text) // 2
        cells = [(row, first + i) for i in range(len(text))]
        around = [(row, first - 1), *cells, (row, first + len(text))]
        if 0 <= row < size[1] and first >= 0 and first + len(text) <= size[0] and not taken.intersection(around):
            taken.update(cells)
            over.update({c: (char, colour, False) for c, char in zip(cells, text, strict=True)})
            return


# --- the ground


class _Ground:
    """What a size of the map fixes: the scale, the colour of each pixel unlit, and how much of each lamp reaches it."""

    def __init__(self, scene: Scene, columns: int, rows: int) -> None:
        self.size = (columns, rows)
        points = [(p.x_m, p.y_m) for p in scene.posts]
        xs, ys = zip(*(points or [(0.0, 0.0)]), strict=True)
        self._middle = ((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)
        wide, high = max(xs) - min(xs) + 2 * MARGIN_M, max(ys) - min(ys) + 2 * MARGIN_M
        self.metres = max(wide / columns, high / (2 * rows))  # a pixel
        self._base = [[self._kind(scene, c, y) for c in range(columns)] for y in range(2 * rows)]
        self._reach_m = _reach_m(points)
        self._light = {
            (c, y): light for y in range(2 * rows) for c in range(columns) if (light := self._reaching(points, c, y))
        }
        self._trees = self._plant()

    def cell(self, x_m: float, y_m: float) -> tuple[int, int]:
        """(row, column) of a place; outside the map too."""
        column = (x_m - self._middle[0]) / self.metres + self.size[0] / 2
        return math.floor((self.size[1] - (y_m - self._middle[1]) / self.metres) / 2), math.floor(column)

    def lit(self, scene: Scene) -> list[list[Rgb]]:
        """All pixels, rows of columns, top first."""
        ambient = _steps(scene.ambient)
        dark = {kind: _add(colour, DUSK, ambient) for kind, colour in GROUND.items()}
        pixels = [[dark[kind] for kind in row] for row in self._base]
        levels = [(p.level_pm / 1000) ** 0.7 if p.alive else 0.0 for p in scene.posts]  # the eye is not linear
        for (c, y), light in self._light.items():
            lux = sum(share * levels[i] for i, share in light)
            if lux > 0.01:
                pixels[y][c] = _add(pixels[y][c], LAMP, _steps(0.85 * (1 - math.exp(-1.3 * lux))))
        return pixels

    def trees(self, pixels: list[list[Rgb]]) -> dict[tuple[int, int], tuple[str, Rgb, bool]]:
        """Trees of the park: greener where light falls on them."""
        return {(r, c): ("♣", _add((18, 40, 26), pixels[2 * r][c], 0.6), False) for r, c in self._trees}

    def _place(self, column: float, y: float) -> tuple[float, float]:
        return (
            self._middle[0] + (column + 0.5 - self.size[0] / 2) * self.metres,
            self._middle[1] - (y + 0.5 - self.size[1]) * self.metres,
        )

    def _kind(self, scene: Scene, column: int, y: int) -> str:
        place, nearest, kind = self._place(column, y), math.inf, "grass"
        for way in scene.ways:
            distance = min(_distance(place, a, b) for a, b in pairwise(way.points))
            if distance < max(WIDTH_M[way.kind] / 2, self.metres / 2):
                return way.kind
            if distance < nearest:
                nearest, kind = distance, "grass" if way.kind == "path" else "town"
        return kind

    def _reaching(self, points: list[tuple[float, float]], column: int, y: int) -> list[tuple[int, float]]:
        place = self._place(column, y)
        near = [(i, math.dist(place, point)) for i, point in enumerate(points)]
        reach = self._reach_m
        return [(i, (1 - (d / reach) ** 2) / (1 + (3.3 * d / reach) ** 2)) for i, d in near if d < reach]

    def _plant(self) -> list[tuple[int, int]]:
        chance = random.Random(7)  # always the same park
        columns, rows = self.size
        places = [(r, c) for r in range(rows) for c in range(columns) if chance.random() < 0.025]
        return [p for p in places if {self._base[2 * p[0]][p[1]], self._base[2 * p[0] + 1][p[1]]} == {"grass"}]


def _reach_m(points: list[tuple[float, float]]) -> float:
    """1.3 times the median distance to the nearest other lamp, within REACH_M."""
    gaps = sorted(min((math.dist(p, q) for q in points if q is not p), default=REACH_M[1]) for p in points)
    return min(max(1.3 * gaps[len(gaps) // 2], REACH_M[0]), REACH_M[1]) if gaps else REACH_M[0]


def _distance(p: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    (px, py), (ax, ay), (bx, by) = p, a, b
    length2 = (bx - ax) ** 2 + (by - ay) ** 2
    t = max(0.0, min(1.0, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length2)) if length2 else 0.0
    return math.hypot(px - ax - t * (bx - ax), py - ay - t * (by - ay))


def _steps(share: float) -> float:
    """In 48 steps: fewer colours make fewer bytes on the terminal, and the eye does not see the difference."""
    return round(48 * share) / 48


def _add(colour: Rgb, light: Rgb, share: float) -> Rgb:
    return tuple(min(255, int(c + share * part)) for c, part in zip(colour, light, strict=True))  # type: ignore[return-value]


def _blend(dark: Rgb, bright: Rgb, share: float) -> Rgb:
    return tuple(int(a + share * (b - a)) for a, b in zip(dark, bright, strict=True))  # type: ignore[return-value]
