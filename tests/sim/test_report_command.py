"""`lampsim report` from a planner's file to a page, on the real posts; and every way to ask for the impossible."""

import datetime
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from lampsim.report import place, policies, simulate, workers
from lampsim.report.build import build
from lampsim.report.command import report
from lampsim.report.datafiles import as_json
from lampsim.report.html import page
from lampsim.report.indicators import savings
from lampsim.report.people import Crowd, generated
from lampsim.report.wishes import Wishes
from lampsim.report.words import light_sentence

CAMBRIDGE = Path(__file__).parents[2].parent / "shared" / "data" / "cambridge" / "park-lights.geojson"
LAMPS = 6
PEOPLE = 20
ZONE = "Europe/Brussels"


def inventory(folder: Path, name: str = "High <Street> & Park", count: int = LAMPS) -> Path:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [4.615 + 0.0004 * i, 50.6693]},
            "properties": {"id": f"L{i}", "StreetName": name},
        }
        for i in range(count)
    ]
    path = folder / "lamps.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def run(*arguments: object):
    return CliRunner().invoke(report, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of six lamps in the shortest night of the year."""
    folder = tmp_path_factory.mktemp("report")
    got = run(
        inventory(folder),
        "--date",
        "2026-06-21",
        "--people",
        PEOPLE,
        "--cyclists",
        8,
        "--cars",
        20,
        "--out",
        folder / "out",
    )
    assert got.exit_code == 0, got.output
    assert f"report: {folder / 'out' / 'index.html'}" in got.output
    assert "Presence, 21 June" in got.output, "progress is told"
    return folder / "out"


def test_the_page_asks_nothing_of_the_world(made: Path) -> None:
    page = (made / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|srcset|href|url|action|data)\s*[=(]\s*["']?\s*(?:https?:|//|ftp:)""", page)
    assert "@import" not in page
    assert "<script" not in page
    loaded = re.findall(r'(?:src|srcset)="([^"]+)"', page) + re.findall(r'href="([^"#]+)"', page)
    assert len(loaded) >= 13
    for name in loaded:
        assert (made / name).is_file(), name


def test_the_page_is_well_formed_and_escaped(made: Path) -> None:
    page = (made / "index.html").read_text(encoding="utf-8")
    body = page.split("\n", 1)[1]
    tree = ElementTree.fromstring(body)  # it is written so that it is XML too
    assert {image.get("alt") for image in tree.iter("img")}.isdisjoint({None, ""})
    links = [a.get("href", "")[1:] for a in tree.iter("a") if a.get("href", "").startswith("#")]
    names = {element.get("id") for element in tree.iter() if element.get("id")}
    assert set(links) <= names
    assert "<Street>" not in page
    HTMLParser().feed(page)


def test_every_picture_decodes_and_is_not_blank(made: Path) -> None:
    from PIL import Image

    names = {path.name for path in made.iterdir()}
    assert {"energy.png", "mean.png", "heat.png", "walk.png", "year.png", "savings.png", "map.png"} <= names
    assert {"lapse.webp", "wave.webp", "lapse.still.png", "wave.still.png"} <= names
    for path in (p for p in made.iterdir() if p.suffix in (".png", ".webp")):
        with Image.open(path) as image:
            small = image.convert("RGB").resize((200, 150))
        colours = small.getcolors(200 * 150)
        assert colours is not None
        assert len(colours) > 20, path.name
        assert path.stat().st_size < 800_000


def test_the_numbers_agree_with_one_another(made: Path) -> None:
    data = json.loads((made / "report.json").read_text(encoding="utf-8"))
    full, part, presence = data["policies"]
    assert full["energy_pct"] == pytest.approx(100, abs=0.2)
    assert presence["energy_pct"] < full["energy_pct"]
    assert full["utility_pedestrian_mean"] > 0.98
    assert presence["utility_pedestrian_mean"] > part["utility_pedestrian_mean"]
    assert [s["completeness"] for s in data["savings"]] == [1.0, 1.0]
    assert [s["verdict"] for s in data["savings"]] == ["verified", "verified"]
    for saving, policy in zip(data["savings"], (part, presence), strict=True):
        assert saving["true_share"] == pytest.approx(1 - policy["energy_pct"] / full["energy_pct"], abs=1e-3)
        assert saving["share"] == pytest.approx(saving["true_share"], abs=0.01)  # the posts' counters tell the truth
    # D_E is the energy of the states over the area; full burns from sunset to sunrise, 4,300 h a year at 50.7 north
    states = {state["name"]: state for state in full["operating_states"]}
    assert states["full"]["hours"] == pytest.approx(4290, abs=40)
    energy = sum(state["energy_wh"] for state in full["operating_states"])
    assert full["d_e_wh_per_m2_a"] == pytest.approx(energy / data["en13201_5"]["area_m2"], rel=1e-4)
    area = LAMPS * 10 * 28.2
    assert data["en13201_5"]["area_m2"] == pytest.approx(area, rel=0.01)
    assert data["en13201_5"]["d_p_w_per_lx_m2"] == pytest.approx(LAMPS * 80.5 / (7.5 * area), rel=0.01)
    for name in ("policies.csv", "lamps.csv", "night.csv"):
        assert len((made / name).read_text(encoding="utf-8").splitlines()) > 3
    assert len((made / "lamps.csv").read_text().splitlines()) == LAMPS + 1


def test_the_same_command_gives_the_same_numbers(made: Path, tmp_path: Path) -> None:
    """Simulated again by itself, without the policies before it: the same events to the last."""
    town, _ = place.town_of(inventory(tmp_path), None, 1000, None)
    night = simulate.window(town.lat, town.lon, datetime.date(2026, 6, 21))
    people = generated(town, Crowd(PEOPLE, 8, 20), ZONE, 1)
    result = simulate.run(town, policies.named("presence", ZONE).document, people(night, 0), night, "1 0")
    first = json.loads((made / "report.json").read_text())["policies"][2]
    assert first["log_sha256"] == result.log_sha256


def test_processes_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town, _ = place.town_of(inventory(tmp_path), None, 1000, None)
    night = simulate.Window(834_000_300, 900, 0, 0)
    people = generated(town, Crowd(600, 0, 0), ZONE, 1)(night, 0)
    plans = [policies.named(name, ZONE).document for name in policies.NAMES[1:]]
    tasks = [workers.Task(str(i), town, plan, people, night, "s") for i, plan in enumerate(plans)]
    told: list[float] = []
    alone = workers.run_all(tasks, lambda name, share: None)
    monkeypatch.setattr(workers, "ALONE_BELOW", 0)
    monkeypatch.setattr(workers.os, "cpu_count", lambda: 2)
    together = workers.run_all(tasks, lambda name, share: told.append(share))
    assert [r.log_sha256 for r in alone] == [r.log_sha256 for r in together]
    assert told == sorted(told)
    assert 0.5 < told[-1] <= 1


def test_plans_of_the_operators_own(tmp_path: Path) -> None:
    plan = {
        "plan": "quiet-street",
        "timeZone": "Europe/Brussels",
        "controlPrograms": [
            {"id": "all", "level": 50, "activePeriods": [{"start": "sunset", "end": "sunrise"}]},
            {"id": "off", "level": 0, "activePeriods": []},
        ],
        "calendars": [{"id": "c", "rules": [{"program": "off", "weekDays": ["mon"]}], "defaultProgram": "all"}],
        "groups": [{"id": "g", "posts": "all", "calendar": "c"}],
    }
    path = tmp_path / "quiet.json"
    path.write_text(json.dumps(plan), encoding="utf-8")
    arguments = ("--plan", path, "--plan", path, "--people", 0, "--cyclists", 0, "--cars", 0, "--date", "2026-06-21")
    got = run(inventory(tmp_path), *arguments, "--nights", 2, "--out", tmp_path / "o")
    assert got.exit_code == 0, got.output
    data = json.loads((tmp_path / "o" / "report.json").read_text(encoding="utf-8"))
    assert [p["policy"] for p in data["policies"]] == ["quiet-street", "quiet-street-2"]
    assert len(data["nights"]) == 2
    states = {s["name"]: s["hours"] for s in data["policies"][0]["operating_states"]}
    assert states["50 %"] == pytest.approx(4290 * 6 / 7, rel=0.02), "Mondays are off"
    assert not (tmp_path / "o" / "walk.png").exists(), "nobody walked"
    assert "nobody was about" in (tmp_path / "o" / "index.html").read_text(encoding="utf-8") or "No policy" in (
        tmp_path / "o" / "index.html"
    ).read_text(encoding="utf-8")


def test_recorded_users_on_the_map_of_the_lamps(tmp_path: Path) -> None:
    """Lamps in metres each 30 m; one person walks past all of them from 01:00 on, the only one in the night."""
    lamps, users = tmp_path / "lamps.csv", tmp_path / "users.csv"
    rows = [f"l{i},High St,{1000 + 30 * i},500" for i in range(8)]
    lamps.write_text("\n".join(["lamp,street,x_m,y_m", *rows]) + "\n", encoding="utf-8")
    walk = [f"{7 * 3600 + t},anna,ped,{1000 + 1.4 * t:.1f},503,1.4,90" for t in range(150)]
    users.write_text("\n".join(["t_s,id,kind,x_m,y_m,speed_mps,heading_deg", *walk]) + "\n", encoding="utf-8")
    arguments = ("--most", 6, "--place", "50.67,4.61", "--traffic", users, "--policies", "part-night,presence")
    got = run(lamps, *arguments, "--date", "2026-06-21", "--out", tmp_path / "o")
    assert got.exit_code == 0, got.output
    data = json.loads((tmp_path / "o" / "report.json").read_text(encoding="utf-8"))
    assert data["lamps"] == 6
    assert data["latitude"] == 50.67
    part, presence = data["policies"]
    assert part["utility_pedestrian_mean"] == 0, "at one o'clock part-night is off"
    assert presence["utility_pedestrian_mean"] > 0.9
    assert presence["detections"] >= 5
    assert (tmp_path / "o" / "walk.png").exists()


def test_one_lamp_and_nobody_is_a_report_too(tmp_path: Path) -> None:
    nobody = ("--people", 0, "--cyclists", 0, "--cars", 0)
    got = run(
        inventory(tmp_path, count=1), *nobody, "--date", "2026-06-21", "--policies", "part-night", "--out", tmp_path
    )
    assert got.exit_code == 0, got.output
    got = run(inventory(tmp_path, count=1), "--date", "2026-06-21", "--out", tmp_path)
    assert got.exit_code == 2
    assert "nobody can walk" in got.output


BAD = {
    "no such file": (["nowhere.geojson"], "nowhere.geojson"),
    "no lamps": (["EMPTY"], "no lamps"),
    "unknown policy": (["LAMPS", "--policies", "full,presense"], "did you mean 'presence'"),
    "policy twice": (["LAMPS", "--policies", "full,full,presence"], "named twice"),
    "no such park": (["LAMPS", "--park", "Nowhere"], "no place called 'Nowhere'"),
    "bad place": (["LAMPS", "--place", "here"], "give LAT,LON"),
    "place out of range": (["LAMPS", "--place", "95,4"], "latitude"),
    "places twice": (["LAMPS", "--place", "50,4"], "leave --place away"),
    "bad date": (["LAMPS", "--date", "2026-02-30"], "give a day such as"),
    "year too far": (["LAMPS", "--date", "2150-01-01"], "2000 to 2098"),
    "no such zone": (["LAMPS", "--time-zone", "Europe/Bruges"], "no such zone"),
    "zone with dots": (["LAMPS", "--time-zone", "../etc"], "no such zone"),
    "no traffic file": (["LAMPS", "--traffic", "users.csv"], "users.csv"),
    "bad traffic start": (["LAMPS", "--traffic", "users.csv", "--traffic-start", "6pm"], "18:00"),
    "no plan file": (["LAMPS", "--plan", "missing.json"], "missing.json"),
    "too many nights": (["LAMPS", "--nights", "99"], "--nights"),
    "bad table": (["LAMPS", "--clo", "0:100"], "clo drives with 500 to 1000"),
    "negative people": (["LAMPS", "--people", "-1"], "--people"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_and_exit_2(name: str, tmp_path: Path) -> None:
    arguments, words = BAD[name]
    empty = tmp_path / "empty.geojson"
    empty.write_text('{"type": "FeatureCollection", "features": []}')
    files = {"LAMPS": inventory(tmp_path), "EMPTY": empty}
    got = run(*(files.get(a, a) for a in arguments), "--out", tmp_path / "o")
    assert got.exit_code == 2
    assert words in got.output
    assert len([line for line in got.output.splitlines() if "lampsim: " in line and words in line]) == 1 or (
        "Usage:" in got.output
    )
    assert "Traceback" not in got.output
    assert not (tmp_path / "o").exists()


def test_a_day_without_night(tmp_path: Path) -> None:
    path = inventory(tmp_path)
    path.write_text(path.read_text().replace("50.6693", "70.0"))
    got = run(path, "--date", "2026-06-21", "--out", tmp_path / "o")
    assert got.exit_code == 2
    assert "does not set" in got.output


def test_a_folder_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    got = run(inventory(tmp_path), "--date", "2026-06-21", "--policies", "full", "--out", blocked / "o")
    assert got.exit_code == 1
    assert "--out" in got.output


@pytest.mark.skipif(not CAMBRIDGE.is_file(), reason="the Cambridge inventory is not beside this checkout")
@pytest.mark.slow
def test_a_park_of_cambridge(tmp_path: Path) -> None:
    got = run(
        CAMBRIDGE,
        "--park",
        "Cambridge Common",
        "--most",
        10,
        "--policies",
        "presence",
        "--date",
        "2026-06-21",
        "--out",
        tmp_path,
    )
    assert got.exit_code == 0, got.output
    data = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert data["time_zone"] == "America/New_York"
    assert data["lamps"] == 10
    assert data["savings"][0]["share"] > 0.3


AGED_NIGHT = ("--policies", "full,presence", "--date", "2026-06-21", "--cyclists", 0, "--cars", 0)


def studied(lamps: Path, *arguments: object) -> dict:
    """The study of a command, as data, with its page and its sentence, but without pictures, which take longest."""
    words = [str(lamps), "--out", str(lamps.parent / "none"), *map(str, (*AGED_NIGHT, *arguments))]
    options = report.make_context("report", words).params
    wishes = Wishes.of(options.pop("lamps"), options)
    study, error = build(wishes, lambda step, share: None)
    saved = savings(study, error)
    return as_json(study, saved) | {"page": page(study, saved, {}, (), ""), "said": light_sentence(study)}


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """The same six lamps and people: new, 100,000 hours old, and as old with constant light output."""
    folder, found = tmp_path_factory.mktemp("aged"), {}
    for name, hours, more in (("new", 0, ()), ("old", 100_000, ()), ("clo", 100_000, ("--clo", "0:800,100000:1000"))):
        rows = [f"l{i},{50.6693},{4.615 + 0.0004 * i},street,{hours}" for i in range(LAMPS)]
        (folder / f"{name}.csv").write_text("\n".join(["id,lat,lon,street,burnt_h", *rows]), encoding="utf-8")
        found[name] = studied(folder / f"{name}.csv", "--people", PEOPLE, *more)
    return found


def test_old_lamps_give_people_the_light_that_is_left_and_draw_as_much(aged: dict[str, dict]) -> None:
    new, old = (aged[name]["policies"] for name in ("new", "old"))
    left = aged["old"]["light"]["light_left_mean"]
    assert left == pytest.approx(0.8, abs=0.03)
    for a, b in zip(new, old, strict=True):
        assert b["energy_pct"] == a["energy_pct"]
        assert b["log_sha256"] == a["log_sha256"], "the same things happened"
        assert b["d_e_wh_per_m2_a"] == a["d_e_wh_per_m2_a"]
    assert new[0]["utility_pedestrian_mean"] > 0.98
    # What needs all the light gets what is left; what needs 60 or 30 % of it has enough
    assert left - 0.03 < old[0]["utility_pedestrian_mean"] < 0.95


def test_constant_light_output_gives_the_planned_light_for_its_energy(aged: dict[str, dict]) -> None:
    new, old, clo = (aged[name] for name in ("new", "old", "clo"))
    assert clo["light"]["light_kept_mean"] == pytest.approx(1.0, abs=0.03)
    assert clo["light"]["light_left_mean"] == old["light"]["light_left_mean"] == old["light"]["light_kept_mean"]
    assert clo["policies"][0]["utility_pedestrian_mean"] > 0.97
    assert new["said"] == "the lamps are new"
    assert "with constant light output" not in old["said"]
    assert "with constant light output they give" in clo["said"]
    for study in (old, clo):
        shown = {f"{100 * study['light'][key]:.1f}" for key in ("light_left_least", "light_kept_mean")}
        assert all(f"<td>{share}</td>" in study["page"] for share in shown)
    assert "<td>100,000</td>" in clo["page"]


def test_lamps_with_light_in_reserve_draw_less_for_full_level(tmp_path: Path) -> None:
    """New lamps, driven with 80 %: the year, the night and the light agree."""
    data = studied(inventory(tmp_path), "--people", 0, "--clo", "0:800,100000:1000")
    assert data["light"]["light_kept_mean"] == pytest.approx(1.0, abs=1e-3)
    full, presence = data["policies"]
    states = {state["name"]: state for state in full["operating_states"]}
    assert full["energy_pct"] == pytest.approx(100, abs=0.2), "full level is full level"
    watts = LAMPS * (0.5 + 80 * (0.03 + 0.97 * 0.8))
    assert states["full"]["energy_wh"] / states["full"]["hours"] == pytest.approx(watts, rel=1e-3)
    assert full["energy_kwh_per_night"] * 1000 / 7.7 == pytest.approx(watts, rel=0.1)  # the night is 7.5 h, and a rim
    assert {state["name"] for state in presence["operating_states"]} == {"20 %", "standby"}, "nobody came"
