"""Who hears whom in a town: the neighbourhood of every cabinet, with the posts of the next ones near its edge."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from lamplighter.plans.neighbourhood import FAR_MAX, FarSite, Neighbourhood, neighbourhood
from lamplighter.plans.neighbours import EARTH_DM, RADIUS_DM
from lamplighter.plans.site import PostSite
from lamplighter.plans.streets import Streets

CELL_UD = math.degrees(RADIUS_DM / EARTH_DM) * 1e6


def hoods(
    cabinets: Mapping[str, Sequence[PostSite]], streets: Streets | None = None, relay: str = "cabinets"
) -> dict[str, Neighbourhood]:
    """By cabinet. `relay`: over "lines" or "cabinets" too; "": a post knows its own line only."""
    if relay not in ("", "lines", "cabinets"):
        raise ValueError(f'relay {relay!r} is none of "", "lines" and "cabinets"')
    if not relay:
        return {name: _apart(sites, streets) for name, sites in cabinets.items()}
    if relay == "lines" or len(cabinets) == 1:
        return {name: neighbourhood(sites, (), streets) for name, sites in cabinets.items()}
    cells: dict[tuple[int, int], list[tuple[str, PostSite]]] = defaultdict(list)
    squeeze = min(math.cos(math.radians(site.lat_ud / 1e6)) for sites in cabinets.values() for site in sites)
    for name, sites in cabinets.items():
        for site in sites:
            cells[_cell(site, squeeze)].append((name, site))
    return {
        name: neighbourhood(sites, _beyond(name, sites, cells, squeeze), streets) for name, sites in cabinets.items()
    }


def _apart(sites: Sequence[PostSite], streets: Streets | None) -> Neighbourhood:
    """Each line by itself."""
    whole = Neighbourhood()
    for bus in dict.fromkeys(site.bus for site in sites):
        one = neighbourhood([site for site in sites if site.bus == bus], (), streets)
        whole.near |= one.near
        whole.aliases |= one.aliases
    return whole


def _beyond(
    name: str,
    sites: Sequence[PostSite],
    cells: Mapping[tuple[int, int], Sequence[tuple[str, PostSite]]],
    squeeze: float,
) -> list[FarSite]:
    """The posts of other cabinets in the cells around ours: what an operator would list as [[far]]."""
    mine = {_cell(site, squeeze) for site in sites}
    around = {(row + dr, column + dc) for row, column in mine for dr in (-1, 0, 1) for dc in (-1, 0, 1)}
    found = [
        FarSite(site.id, owner, site.lat_ud, site.lon_ud)
        for cell in sorted(around)
        for owner, site in cells.get(cell, ())
        if owner != name
    ]
    return found[:FAR_MAX]


def _cell(site: PostSite, squeeze: float) -> tuple[int, int]:
    return math.floor(site.lat_ud / CELL_UD), math.floor(site.lon_ud * squeeze / CELL_UD)
