"""What a version needs beside itself: the distributions installed here that it asks for, copied into its folder.

Each version folder holds all it needs, so going back means the old code with the old dependencies. Which versions fit
is not judged here: pip does that afterwards, on the folder, and says what is missing.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

INSTALLER = "pip"  # goes along, so that the next update can be installed from there
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")


def installed(requirements: Iterable[str], extras: set[str]) -> list[metadata.Distribution]:
    """The distributions here that these requirements (lines of Requires-Dist) name, and all that those ask for."""
    found: dict[str, metadata.Distribution] = {}
    todo = [(INSTALLER, frozenset()), *_wanted(requirements, extras)]
    asked = set()
    while todo:
        name, more = todo.pop()
        if (name, more) in asked:
            continue
        asked.add((name, more))
        try:
            distribution = found.get(name) or metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = distribution
        todo += _wanted(distribution.requires or [], set(more))
    return list(found.values())


def size(distributions: list[metadata.Distribution]) -> int:
    """Bytes on the disk."""
    return sum(path.stat().st_size for one in distributions for path, _ in _files(one))


def copy(distributions: list[metadata.Distribution], target: Path) -> None:
    """Into a folder of packages. Compiled files are left behind: they are made anew for the files as they lie there."""
    for distribution in distributions:
        for source, name in _files(distribution):
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, place)


def _files(distribution: metadata.Distribution) -> list[tuple[Path, str]]:
    """Its files within the folder of packages (scripts lie elsewhere, and name the Python of another folder)."""
    names = [str(path) for path in distribution.files or []]
    inside = [name for name in names if not name.startswith(("..", "/")) and not name.endswith(".pyc")]
    found = [(Path(str(distribution.locate_file(name))), name) for name in inside]
    return [(path, name) for path, name in found if path.is_file()]


def _wanted(requirements: Iterable[str], extras: set[str]) -> list[tuple[str, frozenset[str]]]:
    """(name, its extras) of each requirement that the extras ask for; other markers are left to pip."""
    wanted = []
    for line in requirements:
        head, _, marker = line.partition(";")
        of = _EXTRA.findall(marker)
        match = _NAME.match(head)
        if match and (not of or extras & set(of)):
            more = frozenset(part.strip() for part in (match[2] or "").split(",") if part.strip())
            wanted.append((normal(match[1]), more))
    return wanted


def normal(name: str) -> str:
    """A project's name as the package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
