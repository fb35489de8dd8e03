"""Recorded road users: the night's CSV and SUMO's FCD output."""

import gzip
from pathlib import Path

import pytest

from lampsim.traffic.fcd import load
from lampsim.traffic.model import Cut, Several, TrafficError, User, busy_seconds

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "night"
HEAD = "t_s,id,kind,x_m,y_m,speed_mps,heading_deg\n"
NIGHT = HEAD + "0,0,car,118.4,227.7,13.9,180\n0,1,ped,836.5,472.8,0.0,0\n4,1,bike,837.0,473.6,1.1,17\n"

FCD = """<?xml version="1.0"?>
<fcd-export>
  <timestep time="0.00"/>
  <timestep time="0.50"><vehicle id="v0" x="1" y="2" angle="90" type="car" speed="3" pos="0" lane="a_0"/></timestep>
  <timestep time="1.00">
    <vehicle id="v0" x="2.5" y="2" angle="90.00" type="passenger" speed="3.00" pos="1" lane="a_0" slope="0"/>
    <vehicle id="b0" x="5" y="6" angle="0" type="bike_bicycle" speed="4"/>
    <person id="p0" x="9" y="8" angle="270" speed="1.2" pos="1" edge="a" slope="0"/>
  </timestep>
  <timestep time="2.00"/>
  <timestep time="3.00"><vehicle id="v0" x="8.5" y="2" angle="90" type="passenger" speed="3"/></timestep>
</fcd-export>"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["users.csv", "users.csv.gz"])
def test_the_csv_of_a_night(tmp_path, name):
    traffic = load(write(tmp_path, name, NIGHT))
    assert traffic.kinds == ("pedestrian", "cyclist", "car")
    assert traffic.duration_s == 5
    assert traffic.users(0)[0] == User("0", "car", 118.4, 227.7, 13.9, 180)
    assert [user.id for second in (0, 4) for user in traffic.users(second)] == ["0", "pedestrian:1", "cyclist:1"]
    assert traffic.users(1) == []
    assert traffic.users(99) == []
    assert traffic.users(-1) == []
    assert list(busy_seconds(traffic)) == [0, 4]
    assert list(busy_seconds(traffic, 1, 4)) == []


@pytest.mark.parametrize("name", ["fcd.xml", "fcd.xml.gz"])
def test_the_fcd_output_of_sumo(tmp_path, name):
    traffic = load(write(tmp_path, name, FCD))
    assert list(busy_seconds(traffic)) == [1, 3]
    assert traffic.users(1) == [
        User("v0", "car", 2.5, 2, 3, 90),
        User("b0", "cyclist", 5, 6, 4, 0),
        User("p0", "pedestrian", 9, 8, 1.2, 270),
    ]


def test_rows_out_of_order_are_put_in_order(tmp_path):
    traffic = load(write(tmp_path, "users.csv", HEAD + "7,a,ped,1,1,1,0\n3,a,ped,0,0,1,0\n7,b,car,2,2,9,0\n"))
    assert [(t, [user.id for user in traffic.users(t)]) for t in busy_seconds(traffic)] == [(3, ["a"]), (7, ["a", "b"])]


def test_a_part_of_it_and_several_at_once(tmp_path):
    whole = load(write(tmp_path, "users.csv", NIGHT))
    part = Cut(whole, 3, 100)
    assert (part.duration_s, list(busy_seconds(part)), part.users(1)) == (2, [1], whole.users(4))
    both = Several([whole, part])
    assert list(busy_seconds(both)) == [0, 1, 4]
    assert both.duration_s == 5
    assert both.kinds == whole.kinds
    assert Several([]).next_busy(0) is None


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("u.csv", "t_s,id\n", "u.csv:1: no column kind; the header is t_s,id,kind,x_m,y_m,speed_mps,heading_deg"),
        ("u.csv", HEAD + "0,1,horse,1,2,3,4\n", "u.csv:2: kind 'horse'; one of pedestrian, cyclist, car"),
        ("u.csv", HEAD + "0,1,ped,1,2,3\n", "u.csv:2:"),
        ("u.csv", HEAD + "0,1,ped,inf,2,3,4\n", "is no row; mend it"),
        ("u.txt", "", "what kind of file is it?"),
        ("u.xml", "<fcd-export><timestep", "not XML"),
        ("u.xml", "", "not XML"),
        ("u.xml", "<net/>", "its root is <net>; give the file of sumo --fcd-output"),
        ("u.xml", '<fcd-export><timestep time="1"><person id="a"/></timestep></fcd-export>', "a value is no number"),
    ],
)
def test_a_fault_names_the_file_and_what_to_do(tmp_path, name, text, says):
    with pytest.raises(TrafficError) as caught:
        load(write(tmp_path, name, text))
    assert says in str(caught.value)
    assert name in str(caught.value)


def test_an_empty_recording_is_an_empty_night(tmp_path):
    traffic = load(write(tmp_path, "users.csv", HEAD))
    assert (traffic.duration_s, traffic.kinds, traffic.next_busy(0), traffic.users(0)) == (0, (), None, [])


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data (night) lie beside the repository")
def test_a_real_night():
    traffic = load(SHARED / "users-30.csv.gz")
    assert len(traffic) == 13_973
    assert sum(1 for _ in busy_seconds(traffic)) == 11_841
    assert sum(len(traffic.users(t)) for t in busy_seconds(traffic)) == 13_973
