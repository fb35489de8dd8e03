"""`lamplighter neighbours` as an operator runs it: a table, JSON, a map, and what it asks a person to look at."""

import json
import math

import pytest
from click.testing import CliRunner

from lamplighter.cli import lamplighter

LAT, LON = 50.6693, 4.6150
NORTH = 1 / 111_194.93
EAST = NORTH / math.cos(math.radians(LAT))


def at(x_m: float, y_m: float) -> tuple[float, float]:
    return LON + x_m * EAST, LAT + y_m * NORTH


@pytest.fixture
def config(tmp_path):
    """Two parallel streets 60 m apart on two lines, joined at the west end, and one post of the next cabinet."""
    places = {f"a{i}": ("bus0", i + 1, 30 * i, 0) for i in range(5)} | {
        f"b{i}": ("bus1", i + 1, 30 * i, 60) for i in range(5)
    }
    keys = {"bus_keys": {"bus0": "11" * 32, "bus1": "22" * 32}, "posts": dict.fromkeys(places, "33" * 32)}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    (tmp_path / "keys.json").chmod(0o600)
    text = '[gateway]\nid = "gw1"\nsite = "lln"\nstate_dir = "state"\nkeys_file = "keys.json"\n'
    text += 'streets = "streets.geojson"\n'
    text += '[mqtt]\nhost = "broker"\n[[bus]]\nid = "bus0"\nport = "/dev/a"\n[[bus]]\nid = "bus1"\nport = "/dev/b"\n'
    for name, (bus, address, x, y) in places.items():
        lon, lat = at(x, y)
        text += f'[[post]]\nid = "{name}"\nbus = "{bus}"\naddress = {address}\nlat = {lat:.6f}\nlon = {lon:.6f}\n'
    lon, lat = at(150, 0)
    text += f'[[far]]\nid = "p01"\ngateway = "gw2"\nlat = {lat:.6f}\nlon = {lon:.6f}\n'
    (tmp_path / "gateway.toml").write_text(text)
    lines = [[at(0, 0), at(200, 0)], [at(0, 60), at(200, 60)], [at(0, 0), at(0, 60)]]
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "LineString", "coordinates": line}} for line in lines
    ]
    (tmp_path / "streets.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return tmp_path / "gateway.toml"


def run(config, *words: str):
    return CliRunner().invoke(lamplighter, ["neighbours", "--config", str(config), *words])


def test_the_table_names_ways_relays_and_what_the_streets_keep_apart(config) -> None:
    done = run(config, "a0", "a3")
    assert done.exit_code == 0, done.output
    first, second, last = done.output.splitlines()
    assert first.startswith("a0: a1 30 m, ")
    assert "b0 60 m relayed as" in first
    assert "b1 90 (67 by air) m relayed as" in first
    assert "gw2/p01 60 m relayed as" in second
    assert "b3" not in second, "through the block"
    assert last.startswith("10 posts, ")
    assert "the streets keep" in last


def test_json_and_by_air(config) -> None:
    along = json.loads(run(config, "--json").output)
    air = json.loads(run(config, "--json", "--by-air").output)
    assert along["ok"]
    assert air["ok"]
    names = lambda table, post: {row["post"] for row in table["posts"][post]}  # noqa: E731 - said once, used twice
    assert "b3" in names(air, "a3")
    assert "b3" not in names(along, "a3")
    row = next(row for row in along["posts"]["a0"] if row["post"] == "b1")
    assert (row["way_m"], row["straight_m"], row["relayed"]) == (
        pytest.approx(90, abs=0.3),
        pytest.approx(67, abs=0.3),
        True,
    )
    assert 193 <= row["address"] <= 250


def test_the_map_is_geojson_with_every_pair_once(config, tmp_path) -> None:
    assert run(config, "--geojson", str(tmp_path / "map.geojson")).exit_code == 0
    features = json.loads((tmp_path / "map.geojson").read_text())["features"]
    kinds = [feature["properties"]["kind"] for feature in features]
    assert {kind: kinds.count(kind) for kind in ("post", "far")} == {"post": 10, "far": 1}
    pairs = [(f["properties"]["post"], f["properties"]["hears"]) for f in features if "hears" in f["properties"]]
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    assert {"near", "relayed", "apart"} <= set(kinds)
    apart = [f["properties"] for f in features if f["properties"]["kind"] == "apart"]
    assert ("a3", "b3") in [(one["post"], one["hears"]) for one in apart]


def test_what_to_look_at_ends_with_1(config) -> None:
    config.write_text(
        config.read_text() + f'[[far]]\nid = "p02"\ngateway = "gw2"\nlat = {at(0, 120)[1]:.6f}\nlon = {LON}\n'
    )
    done = run(config)
    assert done.exit_code == 1
    assert "look at: gw2/p02 stand over 30 m off all streets: by air there; add their paths" in done.output


def test_wrong_input_ends_with_2_and_one_line(config, tmp_path) -> None:
    done = run(config, "nobody")
    assert done.exit_code == 2
    assert "there is no post nobody" in done.output
    assert run(config, "--streets", str(tmp_path / "none")).exit_code == 2
    (tmp_path / "bad").write_text("{}")
    done = run(config, "--streets", str(tmp_path / "bad"))
    assert done.exit_code == 2
    assert "not a FeatureCollection" in done.output
    assert run(tmp_path / "none.toml").exit_code == 2
    assert run(config, "--geojson", str(tmp_path / "no" / "map")).exit_code == 2
