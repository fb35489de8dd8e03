"""Inventories: real ones, generated ones and broken ones."""

import itertools
import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampsim.inventory import Flat, InventoryError, default, from_document, load, nearest, routes

CAMBRIDGE = Path(__file__).parents[2] / ".." / "shared" / "data" / "cambridge"
needs_cambridge = pytest.mark.skipif(not CAMBRIDGE.is_dir(), reason="../shared/data/cambridge is not on this machine")


def point(lon=4.6, lat=50.6, **properties):
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": properties}


def collection(*features):
    return {"type": "FeatureCollection", "features": list(features)}


@needs_cambridge
@pytest.mark.parametrize(("file", "count"), [("park-lights", 858), ("street-lights", 6117)])
def test_all_lamps_of_cambridge_have_a_slug_of_their_own(file, count):
    lamps = load(CAMBRIDGE / f"{file}.geojson")
    assert len({p.id for p in lamps}) == len(lamps) == count
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", p.id) for p in lamps)
    assert all(42.3 < p.lat < 42.5 and -71.2 < p.lon < -71.0 for p in lamps)


@needs_cambridge
def test_power_follows_the_fixture():
    by_id = {p.id: p.rated_w for p in load(CAMBRIDGE / "street-lights.geojson")}
    assert by_id["791-2"] == 80  # A2
    assert by_id["456-7"] == 40  # A3


@needs_cambridge
def test_the_nearest_24_are_of_the_park_with_the_most_lamps():
    lamps = nearest(load(CAMBRIDGE / "park-lights.geojson"), 24)
    assert len(lamps) == 24
    assert {p.place for p in lamps} == {"CAMBRIDGE COMMON"}
    flat = Flat.around(lamps)
    assert all(math.hypot(*flat.xy_m(p.lat, p.lon)) < 200 for p in lamps)


@needs_cambridge
def test_a_park_by_name_and_one_that_is_not_there():
    lamps = load(CAMBRIDGE / "park-lights.geojson")
    assert {p.place for p in nearest(lamps, 5, "joan lorentz park")} == {"JOAN LORENTZ PARK"}
    with pytest.raises(InventoryError, match="no place called 'Hyde Park' in the inventory; there are: "):
        nearest(lamps, 5, "Hyde Park")


def test_streets_serve_where_there_is_no_park():
    lamps = from_document(collection(point(StreetName="A", PoleID="1"), point(StreetName="A"), point(StreetName="B")))
    assert {p.place for p in nearest(lamps, 24)} == {"A"}


def test_the_generated_town():
    lamps = default()
    flat = Flat(50.6693, 4.6150)
    at = {p.id: flat.xy_m(p.lat, p.lon) for p in lamps}
    assert len(at) == 24
    for letter, count, step in (("p", 12, 25), ("a", 6, 30), ("b", 6, 30)):
        names = [f"{letter}{i:02}" for i in range(1, count + 1)]
        gaps = [math.dist(at[a], at[b]) for a, b in itertools.pairwise(names)]
        assert all(abs(gap - step) < 0.5 for gap in gaps), (letter, gaps)
    assert min(math.dist(at[a], at[b]) for a in at for b in at if a[0] != b[0]) > 20


def test_routes_join_the_lamps_of_a_place_and_end_at_a_gap():
    lamps = default()
    flat = Flat.around(lamps)
    assert [(kind, len(points)) for kind, points in routes(lamps, flat)] == [("path", 12), ("street", 6), ("street", 6)]
    gone = [p for p in lamps if p.id not in ("p04", "p05", "p06")]
    assert [len(points) for _, points in routes(gone, flat)][:2] == [6, 3]


@given(st.floats(-20_000, 20_000), st.floats(-20_000, 20_000), st.floats(-65, 65), st.floats(-179, 179))
def test_the_flat_map_goes_there_and_back(x, y, lat, lon):
    flat = Flat(lat, lon)
    assert flat.xy_m(*flat.lat_lon(x, y)) == pytest.approx((x, y), abs=1e-3)


def test_poles_named_twice_or_not_at_all_get_names():
    lamps = from_document(collection(point(PoleID="929-P?"), point(PoleID="929-P?"), point(), point(PoleID="É")))
    assert [p.id for p in lamps] == ["929-p", "929-p-2", "lamp-3", "lamp-4"]


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ([], "inventory: no list of features; export a FeatureCollection of points"),
        (collection(), "inventory: no lamps in it"),
        (collection(point(), 7), "inventory: feature 2: not an object"),
        (collection({"type": "Feature", "geometry": {"type": "LineString"}}), "feature 1: its geometry is LineString"),
        (collection({"type": "Feature", "geometry": None}), "feature 1: its geometry is nothing; give points only"),
        (collection(point(lat=150_000, lon=5)), "is not [longitude, latitude] in degrees; reproject to WGS 84"),
        (collection(point(lat=float("nan"))), "is not [longitude, latitude]"),
        (collection(point(lat="50")), "is not [longitude, latitude]"),
        (collection(point(lat=True)), "is not [longitude, latitude]"),
    ],
)
def test_a_fault_is_one_clear_line(document, fault):
    with pytest.raises(InventoryError, match=re.escape(fault)) as raised:
        from_document(document)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"features": [}'])
def test_a_file_that_is_no_json_names_itself(tmp_path, content):
    path = tmp_path / "lamps.geojson"
    path.write_bytes(content)
    with pytest.raises(InventoryError, match=r"lamps\.geojson.*export"):
        load(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InventoryError, match="no such file or directory; give a GeoJSON file"):
        load(tmp_path / "none.geojson")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.fixed_dictionaries({"geometry": JSON, "properties": JSON}) | JSON)
def test_any_json_is_lamps_or_a_clear_error(feature):
    try:
        (lamp,) = from_document(json.loads(json.dumps(collection(feature))))
    except InventoryError:
        return
    assert re.fullmatch(r"[a-z0-9-]{1,32}", lamp.id)
