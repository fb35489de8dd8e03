"""Short moving pictures of the night, as WebP or GIF files of a few hundred kilobytes.

`time_lapse`: the whole night, all policies side by side; a frame is the mean of ten minutes, so nothing flickers.
`wave`: two minutes around somebody who walks, five times faster than life: light runs ahead of them.
Drawn with pillow from the same levels and people as every other picture; no text but what is on it is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .palette import NIGHT, USER, light_rgb
from .plots.timespace import Walk, find_walk
from .study import KINDS, Policy, Study, binned

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

SHADES = 64  # of light; with the colours of people and text it fits the 256 of a GIF
LAPSE_S = 600
LAPSE_FRAME_MS, WAVE_FRAME_MS = 130, 100
WAVE_SPEED = 5  # times life, at one frame each half second of life
WAVE_S = 110
PANEL_PX, WAVE_PX = 316, 800
HEAD_PX, FOOT_PX = 30, 26
WEBP_QUALITY = 45  # a third of the bytes of a GIF, and no step of the light's scale is seen
MARGIN = 0.10
OFF = "#2a3258"  # a lamp that gives no light is still there
RINGS = 4  # of a halo


@dataclass(frozen=True)
class View:
    """Metres to pixels of one panel, north up."""

    left_m: float
    top_m: float
    scale: float  # pixels a metre
    width: int
    height: int

    def px(self, x_m: np.ndarray | float, y_m: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        return (np.asarray(x_m) - self.left_m) * self.scale, (self.top_m - np.asarray(y_m)) * self.scale


def time_lapse(study: Study, path: Path) -> None:
    """The night in some seconds: a panel a policy, the clock, and the energy used so far."""
    view = _view(study.lamps.x_m, study.lamps.y_m, PANEL_PX, PANEL_PX)
    means = [binned(policy.levels_pm, LAPSE_S) for policy in study.policies]
    frames = [_lapse_frame(study, view, means, i) for i in range(means[0].shape[1])]
    _save(frames, path, LAPSE_FRAME_MS)


def wave(study: Study, path: Path, policy: Policy | None = None, walk: Walk | None = None) -> bool:
    """Two minutes around a walker under `policy` (the last one by default). False where nobody walks past lamps."""
    walk, policy = walk or find_walk(study), policy or study.policies[-1]
    if walk is None:
        return False
    begin = max(0, int(walk.t_s[0]) - 8)
    seconds = range(begin, min(begin + WAVE_S, study.night.seconds))
    x_m, y_m = study.lamps.x_m[walk.lamps], study.lamps.y_m[walk.lamps]
    view = _view(x_m, y_m, WAVE_PX, round(WAVE_PX * 0.6), 45.0)
    step = WAVE_SPEED * WAVE_FRAME_MS / 1000  # seconds of life a frame
    times = np.arange(seconds.start, max(seconds.stop - 1, seconds.start + 1), step)
    _save([_wave_frame(study, view, policy, float(t)) for t in times], path, WAVE_FRAME_MS)
    return True


# --- frames


def _lapse_frame(study: Study, view: View, means: list[np.ndarray], i: int) -> "Image.Image":
    width = view.width * len(study.policies)
    image, draw = _canvas(width, view.height + HEAD_PX + FOOT_PX)
    begin_s = study.night.start_s + i * LAPSE_S
    rows = slice(*np.searchsorted(study.night.users.t_s, (i * LAPSE_S, i * LAPSE_S + 1)))
    for number, (policy, mean) in enumerate(zip(study.policies, means, strict=True)):
        at = (number * view.width, HEAD_PX)
        _lamps(draw, view, at, study.lamps.x_m, study.lamps.y_m, mean[:, i] / 1000)
        _people(draw, view, at, study, rows)
        _text(draw, (at[0] + 12, 8), policy.title, "white")
        used = _kwh(study, policy, (i + 1) * LAPSE_S)
        _text(draw, (at[0] + 12, HEAD_PX + view.height + 4), f"{used:.1f} kWh", "#c3cbe0")
    _text(draw, (width - 12, 8), f"{study.local(begin_s):%H:%M}", "white", "ra")
    return image


def _wave_frame(study: Study, view: View, policy: Policy, t_s: float) -> "Image.Image":
    image, draw = _canvas(view.width, view.height + HEAD_PX + FOOT_PX)
    low, share = int(t_s), t_s - int(t_s)
    levels = policy.levels_pm[:, low] * (1 - share) + policy.levels_pm[:, low + 1] * share
    _lamps(draw, view, (0, HEAD_PX), study.lamps.x_m, study.lamps.y_m, levels / 1000)
    rows = slice(*np.searchsorted(study.night.users.t_s, (low, low + 1)))
    _people(draw, view, (0, HEAD_PX), study, rows, share, 5)
    draw.rectangle((0, 0, view.width, HEAD_PX - 1), fill=NIGHT)
    draw.rectangle((0, HEAD_PX + view.height, view.width, image.height), fill=NIGHT)
    _text(draw, (12, 8), f"{policy.title}  ·  {WAVE_SPEED} x life", "white")
    _text(draw, (view.width - 12, 8), f"{study.local(study.night.start_s + low):%H:%M:%S}", "white", "ra")
    _legend(draw, (12, HEAD_PX + view.height + 5), view.width)
    return image


def _lamps(draw: "ImageDraw.ImageDraw", view: View, at: tuple[int, int], x_m, y_m, level: np.ndarray) -> None:
    """A halo and a dot each; the halo of a lamp shows its level by colour and by size. All halos lie under all dots."""
    shades = _shades()
    x, y = view.px(x_m, y_m)
    dot = _dot_px(view, len(x))
    step = np.clip((level * (SHADES - 1)).round().astype(int), 0, SHADES - 1)
    inside = (x > -40) & (x < view.width + 40) & (y > -40) & (y < view.height + 40)
    order = [int(i) for i in np.argsort(level, kind="stable") if inside[i]]  # the brightest last, on top
    for ring in range(RINGS, 0, -1):  # from the rims of the halos inwards, brighter each
        for i in order:
            if level[i] > 0:
                shade = shades[int(step[i]) * (RINGS + 1 - ring) // (2 * RINGS + 1)]
                _disc(draw, at[0] + float(x[i]), at[1] + float(y[i]), dot * (1 + 0.5 * ring * float(level[i])), shade)
    for i in order:
        _disc(draw, at[0] + float(x[i]), at[1] + float(y[i]), dot, shades[step[i]] if level[i] > 0 else OFF)


def _people(draw: "ImageDraw.ImageDraw", view: View, at: tuple[int, int], study: Study, rows: slice,
            share: float = 0.0, size: float = 2.2) -> None:  # fmt: skip
    users = study.night.users
    speed, turn = users.speed_mps[rows] * share, np.radians(users.heading_deg[rows])
    x, y = view.px(users.x_m[rows] + speed * np.sin(turn), users.y_m[rows] + speed * np.cos(turn))
    for px, py, kind in zip(x, y, users.kind[rows], strict=True):
        if 0 <= px < view.width and 0 <= py < view.height:
            _disc(draw, at[0] + float(px), at[1] + float(py), size + 1.4, NIGHT)
            _disc(draw, at[0] + float(px), at[1] + float(py), size, USER[KINDS[int(kind)]])


def _legend(draw: "ImageDraw.ImageDraw", at: tuple[int, int], width: int) -> None:
    x = at[0]
    for kind in KINDS:
        _disc(draw, x + 5, at[1] + 8, 5, USER[kind])
        _text(draw, (x + 15, at[1]), kind, "#c3cbe0")
        x += 35 + 8 * len(kind)
    shades = _shades()
    _text(draw, (width - 300, at[1]), "light 0 %", "#c3cbe0")
    for i, shade in enumerate(shades):
        draw.rectangle((width - 225 + 2 * i, at[1] + 3, width - 224 + 2 * i, at[1] + 12), fill=shade)
    _text(draw, (width - 88, at[1]), "100 %", "#c3cbe0")


# --- drawing


def _kwh(study: Study, policy: Policy, until_s: int) -> float:
    """What the policy had used `until_s` seconds into the first night, by Lamps.power_w."""
    return float(_used_wh(_Key(study, policy))[min(until_s, study.night.seconds) - 1]) / 1000


class _Key:
    """A policy of a study by identity: arrays cannot be hashed, but they do not change either."""

    def __init__(self, study: Study, policy: Policy) -> None:
        self.study, self.policy = study, policy

    def __hash__(self) -> int:
        return id(self.policy.levels_pm)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.policy.levels_pm is self.policy.levels_pm


@cache
def _used_wh(key: _Key) -> np.ndarray:
    watts = np.zeros(key.study.night.seconds)
    for begin in range(0, len(watts), LAPSE_S):
        part = slice(begin, begin + LAPSE_S)
        watts[part] = key.study.lamps.power_w(key.policy.levels_pm[:, part]).sum(axis=0)
    return np.cumsum(watts) / 3600


def _view(x_m: np.ndarray, y_m: np.ndarray, width: int, height: int, around_m: float = 0.0) -> View:
    """All the points, with a margin; the panel is no higher than they need."""
    span_x = max(float(np.ptp(x_m)), 40.0) * (1 + 2 * MARGIN) + 2 * around_m
    span_y = max(float(np.ptp(y_m)), 40.0) * (1 + 2 * MARGIN) + 2 * around_m
    scale = min(width / span_x, height / span_y)
    height = min(height, max(120, round(span_y * scale)))
    middle_x, middle_y = (x_m.min() + x_m.max()) / 2, (y_m.min() + y_m.max()) / 2
    return View(float(middle_x - width / 2 / scale), float(middle_y + height / 2 / scale), scale, width, height)


def _dot_px(view: View, lamps: int) -> float:
    """About a seventh of the distance between lamps, from a dot to a lantern."""
    room = (view.width * view.height / max(lamps, 1)) ** 0.5
    return float(np.clip(room / 10, 1.2, 5.0))


def _canvas(width: int, height: int) -> "tuple[Image.Image, ImageDraw.ImageDraw]":
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (width, height), NIGHT)
    return image, ImageDraw.Draw(image)


def _disc(draw: "ImageDraw.ImageDraw", x: float, y: float, radius: float, fill: str | tuple[int, int, int]) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _text(draw: "ImageDraw.ImageDraw", at: tuple[float, float], text: str, fill: str, anchor: str = "la") -> None:
    draw.text(at, text, fill=fill, font=_font(), anchor=anchor)


@cache
def _font():
    """The type of the plots: it comes with matplotlib."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), 13)


@cache
def _shades() -> list[tuple[int, int, int]]:
    return light_rgb(SHADES)


def _save(frames: "list[Image.Image]", path: Path, frame_ms: int) -> None:
    """WebP, or GIF with one palette for all frames; the last frame stays for a second."""
    from PIL import Image

    durations = [frame_ms] * (len(frames) - 1) + [1000]
    if path.suffix == ".webp":
        frames[0].save(
            path, save_all=True, append_images=frames[1:], duration=durations, loop=0, quality=WEBP_QUALITY, method=3
        )
        return
    palette = Image.new("P", (1, 1))
    colours = [*_shades(), *_fixed_colours()]
    palette.putpalette([c for colour in colours for c in colour])
    flat = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    flat[0].save(path, save_all=True, append_images=flat[1:], duration=durations, loop=0, optimize=False)


def _fixed_colours() -> Iterator[tuple[int, int, int]]:
    """Of people, text and lamps that are off; with greys between night and white for the edges of letters."""
    from PIL import ImageColor

    def rgb(name: str) -> tuple[int, int, int]:
        red, green, blue = ImageColor.getrgb(name)[:3]
        return red, green, blue

    yield from (rgb(name) for name in (*USER.values(), OFF, "#c3cbe0"))
    night = rgb(NIGHT)
    for i in range(8):
        yield tuple(round(n + (255 - n) * i / 7) for n in night)  # pyright: ignore[reportReturnType]
