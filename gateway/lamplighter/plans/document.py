"""Loading a plan file: parsed, checked and known to compile, or refused with every fault and its line.

A document that `load` returns compiles for every post that one of its groups names, wherever it stands: the check
compiles each kind of post once, with the largest neighbour table there can be.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lamplighter.plans.compile import compile_at
from lamplighter.plans.faults import Fault, PlanFileError
from lamplighter.plans.model import ANYONE, Document
from lamplighter.plans.positions import SIZE_MAX, parse
from lamplighter.plans.reader import Reader
from lamplighter.plans.reading import read_document
from lamplighter.plans.site import Luminaire, PostSite
from lamppost import limits

__all__ = ["Document", "PlanFileError", "load", "load_file", "load_value"]

# A post at the far end of every range, whose numbers need the most bytes.
_LARGEST = ((limits.ADDRESS_MAX, 1500, 359),) * limits.NEIGHBOURS_MAX
_LAMP = Luminaire(1000, 1000, limits.RATED_MW_MAX, limits.RATED_MW_MAX)


def load(data: str | bytes, name: str = "plan") -> Document:
    """The plan in `data`, called `name` in messages. Raises PlanFileError with all faults, in order of lines."""
    root, faults = parse(data, name)
    reader = Reader(name, faults)
    document = read_document(root, reader)
    reader.end()
    _check_sizes(document)
    return document


def load_file(path: str | Path) -> Document:
    """The plan in a file; one that cannot be read is a PlanFileError too."""
    name = Path(path).name
    try:
        with Path(path).open("rb") as file:
            data = file.read(SIZE_MAX + 1)  # one byte more than allowed is enough to refuse it
    except OSError as fault:
        raise PlanFileError([Fault(0, f"cannot be read: {fault.strerror}; check the path")], name) from None
    return load(data, name)


def load_value(value: Any, name: str = "plan") -> Document:
    """The plan in a JSON value, as it comes in a message; lines count in its two-space layout."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as fault:
        raise PlanFileError(
            [Fault(0, f"not a JSON value: {type(fault).__name__}; send the plan's JSON")], name
        ) from None
    return load(text, name)


def _check_sizes(document: Document) -> None:
    """Compile each kind of post once: those that follow the same calendar and belong to the same groups."""
    kinds: dict[frozenset[str], str] = {}
    named = set().union(*(group.posts for group in document.groups if group.posts is not None))
    for post in (*sorted(named), ANYONE):
        kinds.setdefault(frozenset(group.id for group in document.groups_of(post)), post)
    faults: list[Fault] = []
    for groups, post in kinds.items():
        try:
            if groups:
                compile_at(document, PostSite(post, 1, "any", -89_999_999, -179_999_999, _LAMP), _LARGEST)
        except PlanFileError as fault:
            faults += fault.faults
    if faults:
        raise PlanFileError(faults, document.name)
