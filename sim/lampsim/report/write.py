"""A study as a folder: index.html, its pictures and animations, and the data files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import animation, datafiles, html
from .indicators import area_m2, savings
from .plots import energy, night, place, timespace, year
from .savings import MeterError, Saving
from .study import Study

DPI = 140  # sharp on a good screen at the page's width, 100 KB each

Progress = Callable[[str], None]


def write(
    study: Study, folder: Path, made: str, error: MeterError | None = None, progress: Progress = print
) -> tuple[Path, list[Saving]]:
    """Fill `folder` (made if missing); return the path of the page, and the savings it tells. Raises OSError.

    `made`: the command that made it, as the page shows it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    saved = savings(study, error)
    walk = timespace.find_walk(study)
    figures: dict[str, Callable[[], Any]] = {
        "energy": lambda: energy.energy_and_utility(study),
        "mean": lambda: night.mean_level(study),
        "heat": lambda: night.heat_maps(study),
        "walk": lambda: timespace.time_space(study, walk) if walk else None,
        "year": lambda: year.operating_states(study, area_m2(study)),
        "savings": lambda: year.saving_intervals(study, saved),
        "map": lambda: place.lamp_map(study),
    }
    pictures = _plots(figures, folder, progress)
    progress("animations")
    pictures |= _animations(study, folder, walk)
    data = [path.name for path in datafiles.write_all(study, saved, folder)]
    index = folder / "index.html"
    index.write_text(html.page(study, saved, pictures, data, made), encoding="utf-8")
    return index, saved


def _plots(figures: dict[str, Callable[[], Any]], folder: Path, progress: Progress) -> dict[str, str]:
    pictures = {}
    for name, draw in figures.items():
        progress(f"picture {name}")
        figure = draw()
        if figure is not None:
            figure.savefig(folder / f"{name}.png", dpi=DPI)
            pictures[name] = f"{name}.png"
    return pictures


def _animations(study: Study, folder: Path, walk: timespace.Walk | None) -> dict[str, str]:
    animation.time_lapse(study, folder / "lapse.webp")
    pictures = {"lapse": "lapse.webp"}
    if walk and animation.wave(study, folder / "wave.webp", walk=walk):
        pictures["wave"] = "wave.webp"
    stills = {f"{name}-still": _still(folder / file) for name, file in pictures.items()}
    return pictures | stills


def _still(path: Path) -> str:
    """The middle frame of an animation, beside it."""
    from PIL import Image

    with Image.open(path) as image:
        image.seek(getattr(image, "n_frames", 1) // 2)
        image.convert("RGB").save(path.with_suffix(".still.png"))
    return path.with_suffix(".still.png").name
