"""`lamplighter neighbours`: who hears whom in a cabinet, before anything is sent: a table, JSON, or a map.

The table of a post is what its compiled plan will hold. The map is GeoJSON (RFC 7946): posts as points; a line for each
pair of neighbours, and for each pair that is near by air and not along the streets.

Exit codes: 0 good; 1 something a person should look at (a post that hears nobody, aliases that ran out); 2 wrong input.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from lamplighter.gateway.config import Config, ConfigError, load
from lamplighter.plans.neighbourhood import ALIASES, FAR_MAX, Neighbourhood, neighbourhood
from lamplighter.plans.streets import SNAP_M, StreetsError, read_streets
from lamplighter.terminal import EXIT_REFUSED, EXIT_USAGE, BadInput, print_json, printable
from lamppost import limits

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("posts", metavar="[POST]...", nargs=-1)
@click.option(
    "--config", "path", required=True, envvar="LAMPLIGHTER_CONFIG", type=_FILE, help="The gateway's TOML file."
)
@click.option("--streets", type=_FILE, help="Other streets than the configuration's: GeoJSON lines, to try them.")
@click.option("--by-air", is_flag=True, help="As if there were no streets.")
@click.option("--geojson", type=_FILE, help="Write a map of posts, neighbours and what the streets keep apart.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def neighbours(
    posts: tuple[str, ...], path: Path, streets: Path | None, by_air: bool, geojson: Path | None, as_json: bool
) -> int:
    """Show which posts hear which: how far along the streets, and who is relayed from another line or cabinet."""
    try:
        config = load(path)
    except ConfigError as error:
        for text in error.lines:
            click.echo(f"lamplighter: {printable(text)}", err=True)
        return EXIT_USAGE
    hood = _hood(config, streets, by_air)
    unknown = [post for post in posts if post not in hood.near]
    if unknown:
        raise BadInput(f"there is no post {unknown[0]}", f"the configuration has {_some(list(hood.near))}")
    shown = list(posts or hood.near)
    concerns = _concerns(hood)
    if geojson is not None:
        try:
            geojson.write_text(json.dumps(map_of(config, hood)), encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{geojson}: {error.strerror}", "choose a folder that you may write") from None
    if as_json:
        print_json({"ok": not concerns, "concerns": concerns, "posts": {post: _rows(hood, post) for post in shown}})
    else:
        _print(hood, shown)
        click.echo(summary(hood))
        for concern in concerns:
            click.echo(f"look at: {concern}")
    return EXIT_REFUSED if concerns else 0


def _hood(config: Config, file: Path | None, by_air: bool) -> Neighbourhood:
    if by_air:
        return neighbourhood(config.sites, config.far)
    if file is None:
        return config.neighbourhood()
    try:
        return neighbourhood(config.sites, config.far, read_streets(file.read_bytes(), str(file)))
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}", "give the streets as a GeoJSON file") from None
    except StreetsError as error:
        raise BadInput(str(error)) from None


def _rows(hood: Neighbourhood, post: str) -> list[dict[str, Any]]:
    return [
        {
            "post": near.key,
            "address": near.address,
            "way_m": near.way_dm / 10,
            "straight_m": near.distance_dm / 10,
            "bearing": near.bearing,
            "relayed": near.relayed,
        }
        for near in hood.near[post]
    ]


def _print(hood: Neighbourhood, posts: list[str]) -> None:
    for post in posts:
        words = []
        for near in hood.near[post]:
            metres = f"{near.way_dm / 10:.0f}"
            if near.way_dm > near.distance_dm:
                metres += f" ({near.distance_dm / 10:.0f} by air)"
            words.append(f"{near.key} {metres} m" + (f" relayed as {near.address}" if near.relayed else ""))
        click.echo(f"{post}: {', '.join(words) or 'hears nobody'}")


def summary(hood: Neighbourhood) -> str:
    """One line of figures."""
    pairs = sum(map(len, hood.near.values()))
    relayed = sum(near.relayed for rows in hood.near.values() for near in rows)
    words = f"{len(hood.near)} posts, {pairs} neighbours, {relayed} of them relayed"
    if hood.apart:
        words += f"; the streets keep {len(hood.apart)} pairs apart that are near by air"
    return words


def _concerns(hood: Neighbourhood) -> list[str]:
    """What a person should look at, each with what to do."""
    found = []
    alone = [post for post, rows in hood.near.items() if not rows]
    if alone:
        found.append(f"{_some(alone)} hear nobody within 150 m; check their places, or the streets that lead there")
    if hood.off_street:
        found.append(
            f"{_some(hood.off_street)} stand over {SNAP_M:.0f} m off all streets: by air there; add their paths"
        )
    for bus in dict.fromkeys(bus for bus, _ in hood.left_out):
        left = [key for at, key in hood.left_out if at == bus]
        found.append(f"{bus} has no alias left for {_some(left)} (at most {len(ALIASES)}); cut the lines elsewhere")
    full = [post for post, rows in hood.near.items() if len(rows) == limits.NEIGHBOURS_MAX]
    if full:
        found.append(
            f"{_some(full)} have the most neighbours a post can have ({limits.NEIGHBOURS_MAX}): the nearest count"
        )
    if len(hood.wanted) == FAR_MAX:
        found.append(f"{FAR_MAX} posts of other cabinets are the most; list only those within 150 m")
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def map_of(config: Config, hood: Neighbourhood) -> dict[str, Any]:
    """A FeatureCollection of posts (`kind` post or far), pairs (`near`, `relayed`) and those kept `apart`."""
    places = {site.id: site for site in config.sites} | {one.key: one for one in config.far}
    at = {key: [place.lon_ud / 1e6, place.lat_ud / 1e6] for key, place in places.items()}
    features = [
        _feature("Point", at[key], {"kind": "post" if key in hood.near else "far", "post": key}) for key in places
    ]
    drawn: set[tuple[str, str]] = set()
    for post, rows in hood.near.items():
        for near in rows:
            if (near.key, post) not in drawn:  # most hear each other: once
                drawn.add((post, near.key))
                tells = {"way_m": near.way_dm / 10, "straight_m": near.distance_dm / 10}
                kind = "relayed" if near.relayed else "near"
                names = {"kind": kind, "post": post, "hears": near.key}
                features.append(_feature("LineString", [at[post], at[near.key]], names | tells))
    for one, other, distance_dm in hood.apart:
        names = {"kind": "apart", "post": one, "hears": other, "straight_m": distance_dm / 10}
        features.append(_feature("LineString", [at[one], at[other]], names))
    return {"type": "FeatureCollection", "features": features}


def _feature(kind: str, coordinates: list, properties: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry}
