"""The rule engine on the bench and the real posts on their lines, on a small night of its own."""

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

np = pytest.importorskip("numpy", reason="the night benchmark needs lamplighter[report]")

from lamppost.light.dimmer import Dimmer  # noqa: E402 - after the check above
from lampsim.night import bench, causes, command, course, data, ideal, measure, real, sensors, steps, watch  # noqa: E402

SECONDS = 240
NIGHT = Path(__file__).parents[2].parent / "shared" / "data" / "night"


def street(lamps: int) -> data.Lamps:
    """Lamps 30 m apart along a road to the east; a street of the wiring has four."""
    return data.Lamps(
        tuple(map(str, range(lamps))), np.arange(lamps) // 4, 30.0 * np.arange(lamps), np.full(lamps, 4.0)
    )  # fmt: skip


def passing(*users: tuple[str, float, float, int], seconds: int = SECONDS) -> data.Users:
    """Users (kind, first x, speed to the east, second of their start), each to the end."""
    rows = []
    for who, (kind, x, speed, start) in enumerate(users):
        for t in range(start, seconds):
            rows.append((t, who, data.KINDS[kind], x + speed * (t - start), 0.0, abs(speed), 90 if speed > 0 else 270))
    columns = zip(*sorted(rows), strict=True)
    return data.Users(*(np.array(column) for column in columns), seconds=seconds)


# --- the parts


@pytest.mark.parametrize("seed", range(20))
def test_mean_levels_are_those_of_the_dimmer(seed):
    rng = random.Random(seed)
    dimmer, fades, t_ms, course_of = Dimmer(100), [], 0, []
    for _ in range(12):
        t_ms += rng.choice((0, 1, 7, 333, 1500, 4000))
        to_pm, fade_ms = rng.randrange(1001), rng.choice((0, 1, 500, 3000))
        fades.append((t_ms, dimmer.level(t_ms), to_pm, fade_ms))
        course_of.append((t_ms, to_pm, fade_ms))
        dimmer.go(to_pm, fade_ms, t_ms)
    means = course.mean_levels([fades], 100, 40)
    slow, at = Dimmer(100), 0
    for second in range(40):
        total = 0
        for ms in range(1000 * second, 1000 * second + 1000):
            while at < len(course_of) and course_of[at][0] <= ms:
                slow.go(course_of[at][1], course_of[at][2], course_of[at][0])
                at += 1
            total += slow.level(ms)
        assert means[second, 0] == pytest.approx(total / 1000, abs=1.5), (seed, second)


def test_a_sensor_has_an_output_for_each_class():
    lamps = street(2)
    users = passing(("ped", 0, 1.0, 0), ("car", 0, 10.0, 3), seconds=16)
    seen = sensors.sightings(lamps, users, 1, chance=1.0)
    assert list(watch.edges(seen, users)) == [
        (0, 0, 0, True), (3, 0, 2, True), (5, 0, 2, False), (5, 1, 2, True),
        (8, 1, 2, False), (12, 0, 0, False),
    ]  # fmt: skip


def test_causes_add_up():
    users = passing(("ped", 0, 1.0, 0), ("car", 0, 10.0, 3))
    rng = np.random.default_rng(1)
    still, ramped, told = (rng.random(len(users)) for _ in range(3))
    still[3] = ramped[3] = told[3] = np.nan
    parts = causes.parts(users, rng.random(len(users)) < 0.7, still, ramped, told)
    for name, cars in (("ped", False), ("car", True)):
        mine = (users.kind == data.CAR) == cars
        total = sum(value for key, value in parts.items() if key.startswith(f"lost_{name}_"))
        assert total == pytest.approx(1 - np.nanmean(told[mine]), abs=1e-4)


def test_every_neighbour_is_in_hearing_over_lines_and_cabinets():
    lamps = street(290)
    world = real.World(real.town_of(lamps), None, options=real.Options(relay="cabinets"))
    assert len(world.gateways) == 2
    assert real.heard_share(lamps, world) == 1.0
    assert not any(gateway.hood.left_out for gateway in world.gateways.values())
    alone = real.World(real.town_of(lamps), None, options=real.Options(relay=""))
    assert 0.8 < real.heard_share(lamps, alone) < 0.99


# --- the rules


def test_light_runs_ahead_of_a_walker_and_fades_behind():
    lamps, users = street(12), passing(("ped", 30, 1.2, 0))
    levels = bench.Bench(lamps, steps.TUNED).run(sensors.sightings(lamps, users, 1), users)
    needs = measure.Needs(lamps, users)
    assert np.nanmin(needs.utilities(levels)[5:]) > 0.97
    t = 150  # at x = 210, lamp 7
    assert levels[t, 7] == 1000
    assert levels[t, 8] == 1000
    assert levels[t, 9] == 300
    assert levels[t, 6] < 1000
    assert levels[t, 3] == levels[t, 11] == 100


def test_a_car_lights_its_road_and_nothing_behind():
    lamps, users = street(40), passing(("car", 15, 12.0, 0), seconds=90)
    levels = bench.Bench(lamps, steps.TUNED).run(sensors.sightings(lamps, users, 1), users)
    assert np.nanmean(measure.Needs(lamps, users).utilities(levels)[4:]) > 0.99
    t = 50  # at x = 615
    assert (levels[t, 21:24] == 1000).all()
    assert (levels[t, :16] == 100).all()


def test_every_step_of_the_logic_is_worth_its_place():
    lamps = street(24)
    users = passing(("ped", 30, 1.2, 0), ("ped", 600, -1.1, 5), ("car", 40, 12, 20), ("car", 650, -11, 100))
    sightings, needs = sensors.sightings(lamps, users, 1), measure.Needs(lamps, users)
    table = {}
    for name, profile, rules in steps.steps():
        table[name] = needs.figures(bench.Bench(lamps, profile, presence=rules).run(sightings, users))
        assert table[name].u_ped > 0.98, name
        assert table[name].u_car > 0.97, name
    assert table["wide"].energy_pct > table["reach"].energy_pct > table["ramps"].energy_pct
    assert table["ramps"].energy_pct > table["bridge"].energy_pct > table["leave"].energy_pct
    assert table["bridge"].energy_pct <= table["direction"].energy_pct


# --- the whole posts


def test_real_posts_do_as_the_bench_on_one_line():
    lamps, users = street(12), passing(("ped", 30, 1.2, 0), ("car", 320, -11, 100))
    sightings, needs = sensors.sightings(lamps, users, 1), measure.Needs(lamps, users)
    on_bench = needs.figures(bench.Bench(lamps, steps.TUNED).run(sightings, users))
    outcome = real.run(lamps, users, sightings, steps.TUNED, 19200, 0.0, 1)
    whole = needs.figures(outcome.levels)
    assert whole.u_ped == pytest.approx(on_bench.u_ped, abs=0.005)
    assert whole.u_car == pytest.approx(on_bench.u_car, abs=0.02)
    assert whole.energy_pct == pytest.approx(on_bench.energy_pct, rel=0.02)
    assert 8 < np.percentile(outcome.latencies_ms, 50) < 60
    again = real.run(lamps, users, sightings, steps.TUNED, 19200, 0.0, 1)
    assert np.array_equal(outcome.levels, again.levels)


def test_relays_carry_the_light_from_line_to_line_and_from_cabinet_to_cabinet():
    lamps, users = street(140), passing(("car", 900, 12.0, 0), ("car", 3900, -12.0, 60))
    sightings, needs = sensors.sightings(lamps, users, 2), measure.Needs(lamps, users)
    relayed = real.run(lamps, users, sightings, steps.TUNED, 19200, 0.0, 1)
    alone = real.run(lamps, users, sightings, steps.TUNED, 19200, 0.0, 1, relay=False)
    assert relayed.heard == 1.0
    assert alone.heard < 0.99
    assert needs.figures(relayed.levels).u_car > 0.985
    assert needs.figures(alone.levels).u_car < needs.figures(relayed.levels).u_car - 0.005


def test_a_line_that_loses_frames_still_lights():
    lamps, users = street(12), passing(("ped", 30, 1.2, 0))
    sightings, needs = sensors.sightings(lamps, users, 1), measure.Needs(lamps, users)
    outcome = real.run(lamps, users, sightings, steps.TUNED, 19200, 0.05, 1)
    assert outcome.counters["lost_frames"] > 0
    assert needs.figures(outcome.levels).u_ped > 0.97


def test_the_command_tells_real_figures_and_what_is_lost_to_what(tmp_path):
    lamps, users = street(10), passing(("ped", 30, 1.2, 0), ("car", 20, 11, 30))
    rows = "".join(f"{i},{i // 4},{x},4\n" for i, x in enumerate(lamps.x_m))
    (tmp_path / "lamps.csv").write_text("lamp,street,x_m,y_m\n" + rows)
    text = "t_s,id,kind,x_m,y_m,speed_mps,heading_deg\n"
    for t, who, kind, x in zip(users.t_s, users.who, users.kind, users.x_m, strict=True):
        text += f"{t},{who},{'car' if kind == data.CAR else 'ped'},{x:.1f},0,1,90\n"
    (tmp_path / "users.csv").write_text(text)
    files = ["--lamps", str(tmp_path / "lamps.csv"), "--users", str(tmp_path / "users.csv"), "--hours", "0.05"]
    run = CliRunner().invoke(command.night, [*files, "--policy", "CEILING", "--real", "--why", "--json"])
    assert run.exit_code == 0, run.output
    found = {row["policy"]: row for row in json.loads(run.output)}
    assert list(found) == ["CEILING", "BENCH", "REAL"]
    assert found["REAL"]["latency_ms_p99"] >= found["REAL"]["latency_ms_p50"] > 5
    lost = sum(value for name, value in found["REAL"].items() if name.startswith("lost_ped_"))
    assert lost == pytest.approx(1 - found["REAL"]["u_ped"], abs=2e-4)
    run = CliRunner().invoke(command.night, [*files, "--policy", "AHEAD10", "--steps"])
    assert run.exit_code == 0, run.output
    assert "BENCH leave" in run.output


@pytest.mark.skipif(not NIGHT.exists(), reason="the nights of the benchmark are not beside the repository")
def test_the_bench_beats_the_ceiling():
    """N = 1000, twenty minutes: better light than the ceiling's, for less energy."""
    lamps = data.load_lamps(NIGHT / "lamps.csv")
    users = data.load_users(NIGHT / "users-1000.csv.gz").between(18000, 19200)
    sightings, needs = sensors.sightings(lamps, users, 1), measure.Needs(lamps, users)
    ceiling = needs.figures(ideal.levels("AHEAD10", lamps, users, sightings.seen(len(users))))
    found = needs.figures(bench.Bench(lamps, steps.TUNED).run(sightings, users))
    assert found.energy_pct < 1.05 * ceiling.energy_pct
    assert found.u_ped > ceiling.u_ped
    assert found.u_car > ceiling.u_car - 0.01
