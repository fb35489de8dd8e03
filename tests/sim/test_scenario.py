"""Scenarios: the packaged ones run, and a file's faults are told whole, each in a line with what to do."""

import datetime
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lamplighter.plans.compile import compile_for
from lamppost.light.plan import Plan
from lampsim.cli import main
from lampsim.scenario import ScenarioError, load, packaged
from lampsim.traffic.model import busy_seconds

NAMES = sorted(packaged())
START = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
PLAN = {
    "plan": "p",
    "timeZone": "Europe/Brussels",
    "safeFloor": 10,
    "controlPrograms": [{"id": "a", "level": 50, "activePeriods": [{"start": "sunset", "end": "sunrise"}]}],
    "calendars": [{"id": "c", "defaultProgram": "a"}],
    "groups": [{"id": "all", "posts": "all", "calendar": "c"}, {"id": "parks", "posts": "all", "calendar": "c"}],
}
GOOD = """
name = "Mine"
start = 2026-06-20T22:00:00
hours = 2
seed = 4
plan = "plan.json"
[town]
posts = 30
[groups.parks]
kind = "park"
[[traffic]]
source = "walkers"
pedestrian = 30
car = [10, 20]
"""


def write(folder: Path, text: str, plan: object = PLAN) -> Path:
    (folder / "plan.json").write_text(json.dumps(plan))
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def faults_of(path: Path) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert all(fault.startswith(f"{path}: ") for fault in caught.value.faults)
    return [fault.removeprefix(f"{path}: ") for fault in caught.value.faults]


def test_there_are_the_five_that_the_design_asks_for():
    assert NAMES == ["feeder-outage", "festival", "park-at-night", "week-without-office", "winter-street"]


@pytest.mark.parametrize("name", NAMES)
def test_a_packaged_scenario_loads_and_its_plan_compiles_for_every_post(name):
    scenario = load(name)
    sites = scenario.town.sites
    for site in sites:
        plan = Plan.from_bytes(compile_for(scenario.plan, site, [one for one in sites if one.bus == site.bus]))
        lit = [plan.level_at(scenario.start_utc_s + s) > 0 for s in range(0, scenario.duration_s, 1800)]
        assert any(lit)
    busy = busy_seconds(scenario.traffic)
    first = next(busy)
    assert scenario.traffic.users(first)
    assert sum(1 for _ in busy) > scenario.duration_s / 20
    assert scenario.traffic.duration_s <= scenario.duration_s
    again = load(name)
    assert again.town == scenario.town
    assert again.traffic.users(first) == scenario.traffic.users(first)


@pytest.mark.parametrize("name", NAMES)
def test_a_part_of_each_runs_in_virtual_time(name):
    scenario = load(name)
    part = scenario.shortened(0.05, from_h=scenario.hours / 2)
    world = part.world()
    recording = world.run(part.hours)
    assert len(recording.ids) == len(scenario.town.lamps)
    assert world.log_sha256 == recording.log_sha256


def test_mains_take_the_posts_of_a_feeder_and_give_them_back():
    scenario = load("feeder-outage").shortened(0.05, from_h=1790 / 3600)
    world = scenario.world()
    feeder = scenario.town.feeders[1]
    world.run_s(9)
    assert all(world.posts[lamp].powered for lamp in feeder.lamps)
    world.run_s(2)
    assert {lamp for lamp, post in world.posts.items() if not post.powered} == set(feeder.lamps)
    later = load("feeder-outage").shortened(0.5, from_h=0.6).world()
    later.run_s(2)
    assert {lamp for lamp, post in later.posts.items() if not post.powered} == set(feeder.lamps)
    later.run_s(1800 + 1200 - 0.6 * 3600)
    assert all(post.powered for post in later.posts.values())


def test_the_office_is_away_while_it_is_and_nothing_is_lost():
    scenario = load("week-without-office").shortened(2.5)
    scenario = scenario.__class__(**{**vars(scenario), "faults": (_away(scenario, 600, 3600),)})
    world = scenario.world(reading_s=300)
    world.run_s(620)
    kept = sum(world.centre.kinds.values())
    world.run_s(3500)
    assert sum(world.centre.kinds.values()) == kept
    world.run_s(700)
    assert sum(world.centre.kinds.values()) > kept
    assert not any(world.centre.gaps().values())


def _away(scenario, at_s, for_s):
    one = next(fault for fault in scenario.faults if fault.name == "office-away")
    return type(one)("office", at_s, for_s)


def test_a_file_of_ones_own(tmp_path):
    scenario = load(write(tmp_path, GOOD))
    assert START + datetime.timedelta(seconds=scenario.start_utc_s) == datetime.datetime(
        2026, 6, 20, 20, tzinfo=datetime.UTC
    )
    assert len(scenario.town.lamps) == 30
    parks = next(group for group in scenario.plan.groups if group.id == "parks")
    assert parks.posts == {lamp.id for lamp in scenario.town.of_kind("park")}
    assert scenario.traffic.kinds == ("pedestrian", "car")
    east = load(write(tmp_path, GOOD.replace("22:00:00", "22:00:00+05:00")))
    assert east.start_utc_s == scenario.start_utc_s - 3 * 3600


def test_an_inventory_a_recording_and_everything_else_a_file_can_say(tmp_path):
    rows = "".join(f"l{i},{30 * i},0,Rue {i // 10}\n" for i in range(20))
    (tmp_path / "lamps.csv").write_text("id,x_m,y_m,street\n" + rows)
    users = "t_s,id,kind,x_m,y_m,speed_mps,heading_deg\n100,a,ped,30,2,1.4,90\n101,a,ped,31.4,2,1.4,90\n"
    (tmp_path / "users.csv").write_text(users)
    text = """
name = "All"
start = 2026-06-20T20:00:00Z
hours = 0.1
plan = "plan.json"
[town]
file = "lamps.csv"
bus_posts = 10
switched = true
[groups.parks]
streets = ["Rue 1"]
[line]
baud = 9600
loss = 0.01
[sensors]
detection = 1
field_deg = 180
false_per_h = 60
[sky]
weather = "rain"
photocells = true
[[traffic]]
source = "recorded"
file = "users.csv"
from_s = 50
[[traffic]]
source = "typical"
car = 100
[[mains]]
at_s = 200
for_s = 60
volts = 90
[[away]]
what = "gateway"
at_s = 10
for_s = 20
"""
    scenario = load(write(tmp_path, text))
    assert [len(bus.lamps) for bus in scenario.town.buses] == [10, 10]
    assert [user.id for user in scenario.traffic.users(50) if user.kind == "pedestrian"] == ["0:a"]
    assert [fault.name for fault in scenario.faults] == ["mains", "gateway-away"]
    world = scenario.world()
    world.run_s(199)
    assert all(post.powered for post in world.posts.values())
    world.run_s(2)
    assert not any(post.powered for post in world.posts.values())
    world.run_s(100)
    lux = {post.post.lux_mlx for post in world.posts.values() if post.post}
    assert world.counters()["detections"] > 10  # nearly all of them false
    assert len(world.posts) == 20
    assert lux


def test_faults_of_the_registry_can_be_named(tmp_path):
    text = GOOD + '[[fault]]\nfault = "power-cut"\npost = "p0003"\nat_s = 30\nfor_s = 60\n'
    scenario = load(write(tmp_path, text))
    assert [fault.name for fault in scenario.faults] == ["power-cut"]
    assert scenario.faults[0].to_json() == {"fault": "power-cut", "post": "p0003", "at_s": 30, "for_s": 60}
    assert scenario.shortened(1, from_h=20 / 3600).faults[0].at_s == 10
    assert scenario.shortened(1, from_h=40 / 3600).faults == ()
    assert any("did you mean" in f for f in faults_of(write(tmp_path, text.replace("power-cut", "power-cat"))))
    assert '[[fault]] 1: power-cut: no post "p3003" in the town; did you mean' in faults_of(
        write(tmp_path, text.replace("p0003", "p3003"))
    )[0]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("hours = 2", "huors = 2"), "unknown key 'huors'; did you mean 'hours'?"),
        (("hours = 2", "huors = 2"), "hours is missing; add it"),
        (("posts = 30", "post = 30"), "[town] unknown key 'post'; did you mean 'posts'?"),
        (("posts = 30", "posts = 0"), "[town] posts: '0' must be a whole number from 1 to 100000"),
        (("posts = 30", "posts = 30\nfile = 'x.csv'"), "[town] give either file"),
        (("posts = 30", "file = 'x.csv'"), "x.csv: No such file or directory; check the path"),
        (("[groups.parks]", "[groups.park]"), "[groups] unknown key 'park'; did you mean 'parks'?"),
        (('kind = "park"', 'kind = "parc"'), "[groups.parks] kind: 'parc' must be one of street, park, square"),
        (('kind = "park"', 'streets = ["Rue"]'), "[groups.parks] no lamp is in it"),
        (("car = [10, 20]", "cart = 4"), "[[traffic]] 1: walkers: unknown key 'cart'; did you mean 'car'?"),
        (("car = [10, 20]", "car = [10, -1]"), "[[traffic]] 1: walkers: car: '[10, -1]' must be a number from 0"),
        (('source = "walkers"', 'source = "walks"'), "[[traffic]] 1: source: 'walks' must be one of walkers"),
        (('source = "walkers"', ""), "[[traffic]] 1: source is missing; add it"),
        (("[[traffic]]", "[traffic]"), "traffic must be tables, at most 200; write [[traffic]]"),
        (("22:00:00", "22:00:00.5"), "start: '2026-06-20 22:00:00.500000' must be a date and time"),
        (("plan.json", "plan.jsn"), "plan: plan.jsn: cannot be read"),
        (("[town]", "[sensor]\n[town]"), "unknown key 'sensor'; did you mean 'sensors'?"),
        (("[town]", "[sky]\nweather = 'hail'\n[town]"), "[sky] weather: 'hail' must be one of"),
        (("[town]", "[[mains]]\nfeeder='f'\nat_s=1\nfor_s=1\n[town]"), "[[mains]] there is no feeder 'f'; there are"),
        (("[town]", "[[mains]]\nat=1\nfor_s=1\n[town]"), "[[mains]] 1: unknown key 'at'"),
        (("[town]", "[[away]]\nwhat='gateway'\ngateway='gw9'\nat_s=1\nfor_s=1\n[town]"), "no gateway 'gw9'; there are"),
    ],
)
def test_each_fault_is_named_with_its_key(tmp_path, change, says):
    assert GOOD.count(change[0])
    assert any(says in fault for fault in faults_of(write(tmp_path, GOOD.replace(*change, 1))))


def test_all_faults_of_a_file_are_told_at_once(tmp_path):
    text = GOOD.replace("hours", "huors").replace("posts", "post").replace("source", "sauce")
    found = "\n".join(faults_of(write(tmp_path, text)))
    for word in ("huors", "'post'", "sauce"):
        assert word in found


def test_a_plan_that_cannot_be_is_told_with_its_lines(tmp_path):
    path = write(tmp_path, GOOD, {**PLAN, "safeFloor": 170})
    assert any("plan: plan.json:" in fault and "170" in fault for fault in faults_of(path))
    nobody = {**PLAN, "groups": [{"id": "parks", "posts": "all", "calendar": "c"}]}
    assert any("no group names the post" in fault for fault in faults_of(write(tmp_path, GOOD, nobody)))


def test_what_is_no_scenario_at_all(tmp_path):
    for data, says in ((b"name = ", "not TOML"), (b"\xff", "not UTF-8"), (b"#" * (2 << 20), "is this the right file?")):
        (tmp_path / "bad.toml").write_bytes(data)
        with pytest.raises(ScenarioError, match=says):
            load(tmp_path / "bad.toml")
    with pytest.raises(ScenarioError, match="did you mean 'festival'"):
        load("festivall")


# --- the command


def run(*args: str):
    return CliRunner().invoke(main, ["scenario", *args])


def test_list_names_them_all():
    result = run("list")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in NAMES)
    assert {row["scenario"] for row in json.loads(run("list", "--json").stdout)} == set(NAMES)


def test_check_tells_what_is_in_it_or_every_fault(tmp_path):
    result = run("check", str(write(tmp_path, GOOD)))
    assert result.exit_code == 0
    assert "30" in result.stdout
    facts = json.loads(run("check", "--json", "winter-street").stdout)
    assert (facts["posts"], facts["goes_wrong"]) == (80, ["mains"])
    result = run("check", str(write(tmp_path, GOOD.replace("hours", "huors"))))
    assert result.exit_code == 2
    assert "did you mean 'hours'?" in result.stderr
    assert "Traceback" not in result.output


def test_show_draws_a_png(tmp_path):
    pytest.importorskip("matplotlib")
    target = tmp_path / "town.png"
    result = run("show", str(write(tmp_path, GOOD)), "--out", str(target))
    assert result.exit_code == 0, result.output
    assert target.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert target.stat().st_size > 20_000
    assert run("show", "park-at-night", "--out", str(tmp_path / "no" / "where.png")).exit_code == 1
