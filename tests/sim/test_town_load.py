"""Towns from files: inventories as GeoJSON and CSV, networks of SUMO; and what is refused."""

import gzip
import json
from pathlib import Path

import pytest

from lampsim.town.load import load
from lampsim.town.model import TownError

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

NET = """<?xml version="1.0" encoding="UTF-8"?>
<net version="1.20">
  <location netOffset="0.00,0.00" convBoundary="0.00,0.00,200.00,100.00"
            origBoundary="4.60,50.66,4.602,50.661" projParameter="+proj=utm +zone=31"/>
  <edge id=":b_0" function="internal"><lane id=":b_0_0" index="0" speed="9" length="9" shape="95,0 105,0"/></edge>
  <edge id="ab" from="a" to="b"><lane id="ab_0" index="0" speed="13.9" length="100" shape="0,-2 100,-2"/></edge>
  <edge id="ba" from="b" to="a"><lane id="ba_0" index="0" speed="13.9" length="100" shape="100,2 0,2"/></edge>
  <edge id="bc" from="b" to="c">
    <lane id="bc_0" index="0" allow="pedestrian bicycle" speed="2" length="100" shape="100,0 100,100"/></edge>
  <edge id="rail" from="x" to="y"><lane id="r_0" index="0" allow="rail" speed="30" shape="0,50 99,50"/></edge>
</net>"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["town.net.xml", "town.net.xml.gz"])
def test_a_sumo_network_gives_streets_and_lamps_beside_them(tmp_path, name):
    town = load(write(tmp_path, name, NET))
    assert [(street.id, street.kind) for street in town.streets] == [("ab", "street"), ("bc", "park")]
    assert [lamp.at for lamp in town.lamps if lamp.street == "ab"] == [(20, -7), (50, -7), (80, -7)]
    assert {lamp.x_m for lamp in town.lamps if lamp.street == "bc"} == {105}  # to the right of somebody going north
    assert town.flat.xy_m(50.6605, 4.601) == pytest.approx((100, 50), abs=0.01)  # middles of both boundaries
    assert town.lamps[0].bus == "bus0"
    assert town.lamps[0].feeder == "feeder0"


def test_csv_in_metres_keeps_its_metres(tmp_path):
    town = load(write(tmp_path, "lamps.csv", "lamp,street,x_m,y_m\n0,0,0.0,15.0\n1,0,0.0,45.0\n2,1,30.5,60.0\n"))
    assert [lamp.at for lamp in town.lamps] == [(0, 15), (0, 45), (30.5, 60)]
    assert [lamp.id for lamp in town.lamps] == ["0", "1", "2"]
    assert town.streets[0].points == ((0, 0), (0, 15), (0, 45), (0, 60))  # half a gap beyond the last lamps


def test_csv_in_degrees_with_all_columns(tmp_path):
    text = "id,lat,lon,street,kind,rated_w,owner\nA 1,50.67,4.61,Rue X,park,40,city\nA 2,50.6702,4.61,Rue X,park,,\n"
    town = load(write(tmp_path, "lamps.csv.gz", text))
    assert [(p.id, p.kind, p.rated_w, p.street) for p in town.lamps] == [
        ("a-1", "park", 40, "Rue X"),
        ("a-2", "park", 80, "Rue X"),
    ]
    assert town.lamps[1].y_m - town.lamps[0].y_m == pytest.approx(22.24, abs=0.02)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("lamps.csv", "lamp,street\n1,2\n", "its columns are lamp, street; give x_m, y_m or lat, lon"),
        ("lamps.csv", "lamp,x_m,y_m\n", "no lamps in it"),
        ("lamps.csv", "lamp,x_m,y_m\n1,2,far\n", "lamps.csv:2: y_m 'far' is no number"),
        ("lamps.csv", "lamp,x_m,y_m\n1,2,nan\n", "lamps.csv:2: y_m 'nan' is no number"),
        ("lamps.csv", "lamp,x_m,y_m\n1,2,3\n1,4,5\n", "lamps.csv:3: lamp '1' is no name of its own"),
        ("lamps.csv", "lamp,lat,lon\n1,120,3\n", "no latitude and longitude"),
        ("lamps.csv", "lamp,x_m,y_m,kind\n1,2,3,sea\n", "kind 'sea'; one of street, park, square"),
        ("lamps.csv", "lamp,x_m,y_m,rated_w\n1,2,3,-4\n", "give 1 to 2000 watts"),
        ("lamps.geojson", "{}", "no list of features"),
        ("lamps.txt", "", "what kind of file is it?"),
        ("town.net.xml", "<net>", "not XML"),
        ("town.net.xml", "<routes/>", "give a SUMO .net.xml"),
        ("town.net.xml", "<net/>", "no road of 10 m or more"),
        ("town.net.xml", '<net><edge id="e"><lane shape="1,2 x,4"/></edge></net>', "edge e: its shape is '1,2 x,4'"),
    ],
)
def test_a_fault_is_one_line_with_what_to_do(tmp_path, name, text, says):
    with pytest.raises(TownError) as caught:
        load(write(tmp_path, name, text))
    assert says in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_or_broken_file(tmp_path):
    with pytest.raises(TownError, match=r"gone\.csv: No such file"):
        load(tmp_path / "gone.csv")
    (tmp_path / "torn.csv.gz").write_bytes(gzip.compress(b"lamp,x_m,y_m\n1,2,3\n")[:-9])
    with pytest.raises(TownError, match=r"torn\.csv\.gz"):
        load(tmp_path / "torn.csv.gz")


def test_geojson_becomes_a_wired_town_with_streets(tmp_path):
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [4.61 + 0.0004 * i, 50.67]},
            "properties": {"id": f"l{i}", "ParkName": "Parc"},
        }
        for i in range(5)
    ]
    document = json.dumps({"type": "FeatureCollection", "features": features})
    town = load(write(tmp_path, "lamps.geojson", document))
    assert [lamp.kind for lamp in town.lamps] == ["park"] * 5
    assert town.buses[0].lamps == ("l0", "l1", "l2", "l3", "l4")
    assert len(town.streets) == 1
    assert town.streets[0].kind == "park"


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data (night, cambridge) lie beside the repository")
@pytest.mark.parametrize(
    ("file", "lamps"), [("night/lamps.csv", 448), ("cambridge/park-lights.geojson", 858)], ids=["night", "parks"]
)
def test_open_inventories(file, lamps):
    town = load(SHARED / file)
    assert len(town.lamps) == lamps
    assert max(len(bus.lamps) for bus in town.buses) <= 32
    assert len(town.sites) == lamps  # every one is a place that the plan compiler takes
    assert sum(len(bus.lamps) < 4 for bus in town.buses) <= len(town.buses) // 8
