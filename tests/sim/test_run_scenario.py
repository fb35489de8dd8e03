"""`lampsim run` with scenarios and fault plans: what is given counts, and what is wrong is one line and exit code 2."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from lampsim import faults
from lampsim.cli import main
from lampsim.faults.cabinet import WrongPlan
from lampsim.faults.lines import BitErrors, CableCut
from lampsim.faults.posts import ClockDrift, PowerCut

SHORT = ("--scenario", "park-at-night", "--hours", "0.02", "--json")


def run(*arguments: str):
    return CliRunner().invoke(main, ["run", *arguments])


def answer(*arguments: str) -> dict:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_hours_and_seed_go_over_the_scenarios_own() -> None:
    own, other = answer(*SHORT), answer(*SHORT, "--seed", "99", "--loss", "0.2")
    assert own["hours"] == 0.02
    assert own["seed"] != other["seed"] == 99
    assert own["log_sha256"] != other["log_sha256"]
    assert other["lost_frames"] > own["lost_frames"]


def test_a_fault_plan_goes_with_a_scenario_too(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(faults.dumps([PowerCut(30.0, 20.0, "p0001"), WrongPlan(40.0, 0.0, "p0002", "deep")]))
    own, cut = answer(*SHORT), answer(*SHORT, "--faults", str(plan))
    assert cut["faults"] == own["faults"] + 2
    assert cut["log_sha256"] != own["log_sha256"]


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (faults.dumps([PowerCut(1.0, 1.0, "p0019")]), 'fault 1: power-cut: no post "p0019" in the town; did you mean'),
        (faults.dumps([BitErrors(1.0, 1.0, "bus0"), BitErrors(1.0, 1.0)]), 'fault 2: bit-errors: no line "a" in the'),
        (faults.dumps([BitErrors(1.0, 1.0, "bus0", 7.0)]), "bit-errors: rate must be 0.0 to 0.99"),
        (faults.dumps([ClockDrift(1.0, 1.0, "p0001", -1_000_000)]), "clock-drift: ppm must be -100000 to 100000"),
        (faults.dumps([CableCut(1.0, 1.0, "bus0", ("x",))]), 'cable-cut: no post "x" on line bus0'),
        (faults.dumps([WrongPlan(1.0, 0.0, "p0001", "noize")]), 'wrong-plan: no kind "noize"; did you mean "noise"?'),
        ('[{"fault": "power-cut", "at_s": 1, "post": 7}]', "power-cut: post must be a text"),
        ('[{"fault": "cable-cut", "at_s": 1, "line": "bus0", "some": [1]}]', "some must be a list of names"),
        ('[{"fault": "clock-step", "at_s": 1, "post": "p0001", "ahead_s": "x"}]', "ahead_s must be a whole number"),
        ('[{"fault": "power-cat", "at_s": 1}]', "did you mean 'power-cut'?"),
        ("{", "not JSON"),
        (b"\xff\xfe", "can't decode"),
    ],
)
def test_a_fault_that_means_nothing_is_one_line(tmp_path: Path, plan: str | bytes, says: str) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(plan if isinstance(plan, bytes) else plan.encode())
    _is_refused(run("--posts", "4", "--hours", "0.01", "--people", "0", "--faults", str(file)), says)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--scenario", "park-at-nite"), "did you mean 'park-at-night'?"),
        (("--scenario", "park-at-night", "--hours", "500"), "lasts"),
        (("--scenario", "park-at-night", "--seed", "-1"), "seed"),
        (("--scenario", "park-at-night", "--posts", "5"), "a scenario brings its own --posts"),
        (("--posts", "2", "--save", "no/such/directory/r.npz"), "no such directory"),
    ],
)
def test_what_cannot_be_run_is_one_line(arguments: tuple[str, ...], says: str) -> None:
    _is_refused(run(*arguments), says)


def test_a_scenarios_own_faults_are_checked_with_the_file(tmp_path: Path) -> None:
    text = 'name = "x"\nstart = 2026-06-20T22:00:00\nhours = 0.01\nplan = "plan.json"\n[town]\nposts = 4\n'
    plan = {
        "plan": "p", "timeZone": "Europe/Brussels", "safeFloor": 10,
        "controlPrograms": [{"id": "a", "level": 50, "activePeriods": [{"start": "sunset", "end": "sunrise"}]}],
        "calendars": [{"id": "c", "defaultProgram": "a"}], "groups": [{"id": "all", "posts": "all", "calendar": "c"}],
    }  # fmt: skip
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    file = tmp_path / "s.toml"
    file.write_text(text + '[[fault]]\nfault = "jabber"\nline = "bus0"\nat_s = 5\nfor_s = 10\n')
    assert answer("--scenario", str(file), "--json")["faults"] == 1
    file.write_text(text + '[[fault]]\nfault = "jabber"\nline = "bus9"\nat_s = 5\nfor_s = 10\n')
    _is_refused(run("--scenario", str(file)), '[[fault]] 1: jabber: no line "bus9" in the town')


def _is_refused(result, says: str) -> None:
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert says in result.output
    assert len(result.output.strip().splitlines()) == 1
