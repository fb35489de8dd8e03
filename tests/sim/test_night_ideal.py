"""The ideal policies: against a slow second reading of the rules on a small night, and against the published table."""

import gzip
import json
import math
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

np = pytest.importorskip("numpy", reason="the night benchmark needs lamplighter[report]")

from lampsim.night import command, data, ideal, measure, runs, sensors  # noqa: E402 - after the check above

NIGHT = Path(__file__).parents[2].parent / "shared" / "data" / "night"
SECONDS = 300
TABLE = {  # policy: energy at N = 30, 100, 300, 1000; utility of pedestrians (least, most), of cars
    "CONV": ((100, 100, 100, 100), (1, 1), (1, 1)),
    "PART": ((54.7, 54.7, 54.7, 54.7), (0.37, 0.55), (0.53, 0.61)),
    "STEP": ((67.3, 67.3, 67.3, 67.3), (0.83, 0.86), (0.65, 0.67)),
    "PRES20": ((23.6, 24.2, 25.9, 31.5), (0.83, 0.84), (0.53, 0.57)),
    "ZONE20": ((23.7, 24.7, 27.2, 35.4), (0.85, 0.87), (0.80, 0.83)),
    "AHEAD20": ((23.7, 24.7, 27.2, 35.0), (1, 1), (1, 1)),
    "AHEAD10": ((14.2, 15.4, 18.5, 28.0), (1, 1), (1, 1)),
    "AHEAD0": ((1.8, 3.3, 7.1, 18.9), (1, 1), (1, 1)),
}


def synthetic(seed: int) -> tuple[data.Lamps, list[tuple]]:
    """Two crossing streets, and users who walk, drive, stand, come and go off the grid of seconds' neat places."""
    rng = random.Random(seed)
    places = [(30.0 * i, 0.0, 0) for i in range(-4, 5)] + [(3.0, 15 + 30.0 * i, 1) for i in range(5)]
    lamps = data.Lamps(
        tuple(map(str, range(len(places)))), np.array([p[2] for p in places]),
        np.array([p[0] for p in places]), np.array([p[1] for p in places]),
    )  # fmt: skip
    rows = []
    for who in range(7):
        kind = ("ped", "ped", "car", "bike")[who % 4]
        heading = rng.choice((0, 90, 180, 270, 143))
        speed = {"ped": rng.choice((0, 1.3)), "car": 11.7, "bike": 4.2}[kind]
        x, y, start = rng.uniform(-100, 100), rng.uniform(-20, 90), rng.randrange(0, SECONDS)
        for t in range(start, min(SECONDS, start + rng.randrange(1, 60))):
            rows.append((t, who, kind, round(x, 1), round(y, 1), speed, heading))
            x += speed * math.sin(math.radians(heading))
            y += speed * math.cos(math.radians(heading))
    return lamps, sorted(rows, key=lambda row: row[0])


def as_csv(rows: list[tuple]) -> str:
    return "t_s,id,kind,x_m,y_m,speed_mps,heading_deg\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)


def as_fcd(rows: list[tuple]) -> str:
    text = "<fcd-export>"
    for t in sorted({row[0] for row in rows}):
        text += f'<timestep time="{t}.00">'
        for _, who, kind, x, y, speed, heading in [row for row in rows if row[0] == t]:
            tag, of = ("person", "ped") if kind == "ped" else ("vehicle", "bicycle" if kind == "bike" else "passenger")
            text += f'<{tag} id="{who}" x="{x}" y="{y}" angle="{heading}" speed="{speed}" type="{of}"/>'
        text += "</timestep>"
    return text + "</fcd-export>"


def loaded(tmp_path: Path, name: str, text: str) -> data.Users:
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return data.load_users(path, SECONDS)


# --- the slow reference: plain floats, one lamp and one second at a time


def slow_way(row: tuple, lamps: data.Lamps, lamp: int) -> tuple[float, float, float]:
    dx, dy = float(lamps.x_m[lamp]) - row[3], float(lamps.y_m[lamp]) - row[4]
    turn = math.radians(row[6])
    on = dx * math.sin(turn) + dy * math.cos(turn)
    return math.hypot(dx, dy), on, math.hypot(dx, dy) ** 2 - on**2


def slow_asks(policy: str, row: tuple, lamps: data.Lamps, lamp: int) -> int:
    d, on, side2 = slow_way(row, lamps, lamp)
    if policy == "PRES20":
        return 1000 if d <= 20 else 0
    if policy == "ZONE20":
        nearest = min(range(len(lamps)), key=lambda other: slow_way(row, lamps, other)[0])
        return 1000 if lamps.street[nearest] == lamps.street[lamp] else 0
    if row[2] == "car":
        return 1000 if d <= 40 or (-15 < on <= 110 and side2 < 15**2) else 0
    return 1000 if d <= 30 else 600 if d <= 60 else 300 if d <= 90 else 0


def slow_level(policy: str, rows: list[tuple], lamps: data.Lamps, lamp: int, t: int) -> int:
    hold = 5 if policy.startswith("AHEAD") else 20
    idle = {"20": 200, "10": 100, "D0": 0}[policy[-2:]]
    return max([idle] + [slow_asks(policy, row, lamps, lamp) for row in rows if t - hold <= row[0] <= t])


def slow_figures(policy: str, lamps: data.Lamps, rows: list[tuple]) -> dict[str, float]:
    level = {(t, i): slow_level(policy, rows, lamps, i, t) for t in range(SECONDS) for i in range(len(lamps))}
    power = sum(0.0125 + (0.03 + 0.97 * v / 1000 if v else 0) for v in level.values())
    utility = {"ped": [], "car": []}
    for row in rows:
        asked = given = 0
        for i in range(len(lamps)):
            d, on, side2 = slow_way(row, lamps, i)
            if row[2] == "car":
                req = 1000 if -5 <= on <= 63.4 and side2 <= 144 else 0
            else:
                req = 1000 if d <= 15 else 600 if d <= 30 else 300 if d <= 60 else 0
            asked, given = asked + req, given + min(req, level[row[0], i])
        if asked:
            utility["car" if row[2] == "car" else "ped"].append(given / asked)
    u_ped, u_car = (sum(u) / len(u) for u in utility.values())
    return {"energy_pct": 100 * power / (1.0125 * len(level)), "u_ped": u_ped, "u_car": u_car}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("policy", ["PRES20", "ZONE20", "AHEAD20", "AHEAD10", "AHEAD0"])
def test_as_the_slow_reading_of_the_rules(tmp_path, seed, policy):
    lamps, rows = synthetic(seed)
    users = loaded(tmp_path, "night.csv", as_csv(rows))
    fast = measure.Needs(lamps, users).figures(ideal.levels(policy, lamps, users))
    slow = slow_figures(policy, lamps, rows)
    for name, value in slow.items():
        assert getattr(fast, name) == pytest.approx(value, abs=1e-6), (seed, policy, name)


def test_fcd_is_the_same_night(tmp_path):
    _, rows = synthetic(4)
    plain, packed = loaded(tmp_path, "a.csv", as_csv(rows)), loaded(tmp_path, "b.csv.gz", as_csv(rows))
    fcd = loaded(tmp_path, "fcd.xml.gz", as_fcd(rows))
    for name in ("t_s", "kind", "x_m", "y_m", "speed_mps", "heading_deg"):
        assert np.array_equal(getattr(plain, name), getattr(packed, name))
        assert sorted(getattr(plain, name)) == sorted(getattr(fcd, name)), name


def test_policies_by_the_clock_need_nobody():
    lamps, _ = synthetic(0)
    nobody = data.Users(*(np.zeros(0, int) for _ in range(7)))
    for policy, energy in (("CONV", 100), ("PART", 54.73), ("STEP", 67.27)):
        figures = measure.Needs(lamps, nobody).figures(ideal.levels(policy, lamps, nobody))
        assert figures.energy_pct == pytest.approx(energy, abs=0.01)
        assert np.isnan(figures.u_ped)
        assert figures.as_json()["u_car"] is None


def test_levels_by_the_clock():
    lamps, _ = synthetic(0)
    nobody = data.Users(*(np.zeros(0, int) for _ in range(7)))
    at = {
        "STEP": ((7199, 1000), (7200, 700), (14400, 500), (39599, 500), (39600, 1000)),
        "PART": ((21599, 1000), (21600, 0), (41399, 0), (41400, 1000)),
    }
    for policy, points in at.items():
        levels = ideal.levels(policy, lamps, nobody)
        for second, expected in points:
            assert (levels[second] == expected).all(), (policy, second)


def test_sensors_see_their_share_within_their_range(tmp_path):
    lamps, rows = synthetic(5)
    users = loaded(tmp_path, "night.csv", as_csv(rows * 1))
    everything = sensors.sightings(lamps, users, 1, chance=1.0)
    d = np.hypot(
        lamps.x_m[everything.lamp] - users.x_m[everything.row], lamps.y_m[everything.lamp] - users.y_m[everything.row]
    )
    assert d.max() <= 12
    many = data.Users(
        *(np.repeat(getattr(users, n), 1) for n in ("t_s", "who", "kind", "x_m", "y_m", "speed_mps", "heading_deg"))
    )
    shares = [len(sensors.sightings(lamps, many, seed).row) / len(everything.row) for seed in range(200)]
    assert 0.94 < np.mean(shares) < 0.96
    again = sensors.sightings(lamps, users, 7)
    assert np.array_equal(again.row, sensors.sightings(lamps, users, 7).row)
    assert not np.array_equal(again.row, sensors.sightings(lamps, users, 8).row)


def test_what_is_wrong_with_a_file_is_said(tmp_path):
    header = "t_s,id,kind,x_m,y_m,speed_mps,heading_deg\n"
    for text, words in (
        ("", "columns"), (header, "nobody"), (header + "1,2,dog,0,0,0,0\n", "dog"), (header + "1,2,ped,0\n", ":2:"),
        (header + "1,2,ped,x,0,0,0\n", "numbers"), (header + "1,2,ped,nan,0,0,0\n", "finite"), ("<fcd", "SUMO"),
        ('<a><timestep time="x"/></a>', "SUMO"),
    ):  # fmt: skip
        with pytest.raises(data.DataError, match=words):
            loaded(tmp_path, "bad.csv", text)
    path = tmp_path / "lamps.csv"
    path.write_text("lamp,street\n1,2\n")
    with pytest.raises(data.DataError, match="columns"):
        data.load_lamps(path)
    path.write_text("lamp,street,x_m,y_m\n1,2,a,3\n")
    with pytest.raises(data.DataError, match="metres"):
        data.load_lamps(path)


@pytest.fixture
def files(tmp_path) -> list[str]:
    lamps, rows = synthetic(1)
    (tmp_path / "users-9.csv").write_text(as_csv(rows))
    table = "".join(
        f"{i},{s},{x},{y}\n" for i, s, x, y in zip(lamps.ids, lamps.street, lamps.x_m, lamps.y_m, strict=True)
    )
    (tmp_path / "lamps.csv").write_text("lamp,street,x_m,y_m\n" + table)
    return ["--lamps", str(tmp_path / "lamps.csv"), "--users", str(tmp_path / "users-9.csv"), "--hours", "0.1"]


def test_command_prints_json_table_and_picture(files, tmp_path):
    run = CliRunner().invoke(command.night, [*files, "--json", "--policy", "ahead10", "--policy", "CEILING"])
    assert run.exit_code == 0, run.output
    rows = json.loads(run.output)
    assert [row["policy"] for row in rows] == ["AHEAD10", "CEILING"]
    assert {"energy_pct", "u_ped", "u_car", "u_ped_p5", "u_car_p5"} <= rows[0].keys()
    assert rows[0]["u_ped"] == 1.0
    assert rows[1]["u_ped"] < 1.0
    picture = tmp_path / "night.png"
    run = CliRunner().invoke(command.night, [*files, "--plot", str(picture)])
    assert run.exit_code == 0, run.output
    assert all(name in run.output for name in runs.NAMES)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_command_refuses_what_it_does_not_know(files):
    run = CliRunner().invoke(command.night, [*files, "--policy", "AHEAD5"])
    assert run.exit_code == 2
    assert "AHEAD20" in run.output
    run = CliRunner().invoke(command.night, [*files, "--from", "11"])
    assert run.exit_code == 2
    assert "nobody" in run.output


@pytest.mark.skipif(not NIGHT.exists(), reason="the nights of the benchmark are not beside the repository")
@pytest.mark.parametrize(("column", "n"), [(0, 30), (1, 100), (2, 300), pytest.param(3, 1000, marks=pytest.mark.slow)])
def test_the_table_of_the_benchmark(column, n):
    lamps, users = data.load_lamps(NIGHT / "lamps.csv"), data.load_users(NIGHT / f"users-{n}.csv.gz")
    needs = measure.Needs(lamps, users)
    for policy, levels in ideal.all_levels(ideal.POLICIES, lamps, users):
        energy, ped, car = TABLE[policy]
        figures = needs.figures(levels)
        assert figures.energy_pct == pytest.approx(energy[column], abs=0.3), (n, policy)
        assert ped[0] - 0.01 <= figures.u_ped <= ped[1] + 0.01, (n, policy)
        assert car[0] - 0.01 <= figures.u_car <= car[1] + 0.01, (n, policy)
