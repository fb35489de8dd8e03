"""`lampsim bench turn`, `agree`, `repower`."""

import json

import pytest
from click.testing import CliRunner

from lampsim import agreement
from lampsim.bench import line_commands, repower
from lampsim.bench.watch import street
from lampsim.cli import main


def run(*args: str):
    return CliRunner().invoke(main, ["bench", *args])


@pytest.fixture(scope="module")
def results():
    return {too: repower.measure(9, 2, 19200, 2000, 5, too) for too in (False, True)}


def test_a_cabinet_comes_back(results):
    stays, too = results[False], results[True]
    assert (stays.posts, stays.lines) == (9, 2)
    for result in (stays, too):
        assert 0 < result.reporting_s < 60
        assert 0 < result.timed_s <= result.lit_s < 60
        assert 0.05 < result.peak_load < 1
        assert result.looks >= 9
        assert result.darker == 0
    assert too.reporting_s > repower.BOOT_S > stays.reporting_s


def test_a_lamp_that_is_darker_than_its_plan_is_seen(monkeypatch):
    monkeypatch.setattr(repower, "LEVEL_PM", 1001)
    monkeypatch.setattr(repower, "_lit", lambda world: True)
    result = repower.measure(4, 1, 115200, 2000, 5, False)
    assert result.darker == result.looks > 0


def test_a_cabinet_that_never_reports_is_an_error(monkeypatch):
    monkeypatch.setattr(repower, "GIVE_UP_S", 1)
    with pytest.raises(TimeoutError, match="not every post reports 1 s after the power came back"):
        repower.measure(4, 1, 115200, 2000, 5, True)


def test_streets_have_their_posts_spread_evenly():
    town = street(250, 8)
    assert sorted(len(bus.lamps) for bus in town.buses) == [31] * 6 + [32] * 2
    assert {bus.gateway for bus in town.buses} == {"gw1"}


def test_the_repower_command_prints_json_and_refuses_what_no_line_holds():
    told = run("repower", "--posts", "4", "--lines", "1", "--json")
    assert told.exit_code == 0, told.output
    rows = json.loads(told.output)["rows"]
    assert [row["gateway_too"] for row in rows] == [False, True]
    wrong = run("repower", "--posts", "250", "--lines", "2")
    assert wrong.exit_code == 2
    assert wrong.output == "Error: 250 posts on 2 lines: give 2 to 64 for each line\n"


def test_turn_arounds_stand_side_by_side():
    told = run("turn", "--models", "--posts", "4", "--turn", "0.3,2")
    assert told.exit_code == 0, told.output
    lines = told.output.splitlines()
    assert lines[1].split() == ["0.3", "ms", "2", "ms"]
    quick, slow = (
        float(part.split()[-1]) for part in next(x for x in lines if x.startswith("slots:")).split(" / ")[1:3]
    )  # fmt: skip
    assert quick < slow
    rows = json.loads(run("turn", "--posts", "2", "--turn", "0.3", "--events", "10", "--json").output)["rows"]
    assert [row["scheme"] for row in rows] == ["polling", "design", "slots", "real"]


@pytest.mark.parametrize(("p50_us", "code"), [(150, 0), (-700, 1), (601, 1)])
def test_agreement_is_judged_by_the_median(monkeypatch, p50_us, code):
    async def compare(baud, count, nodes):
        assert (count, nodes) == (10, 25)
        return {"baud": baud, "exchanges": count, "model_us": 5000, "p50_us": p50_us, "p99_us": 9000, "max_us": 9000}

    monkeypatch.setattr(agreement, "compare", compare)
    plain = run("agree", "--baud", "19200", "--count", "10")
    assert plain.exit_code == code
    assert plain.output.endswith("too long\n") == bool(code)
    rows = json.loads(run("agree", "--baud", "19200", "--count", "10", "--json").output)["rows"]
    assert rows[0]["agrees"] is not bool(code)


def test_what_stops_agree_is_said_in_one_line(monkeypatch):
    async def compare(baud, count, nodes):
        raise TimeoutError("3 of 24 bytes came")

    monkeypatch.setattr(agreement, "compare", compare)
    wrong = run("agree")
    assert wrong.exit_code == 2
    assert "3 of 24 bytes came; are there ptys" in wrong.output

    def refuse(*args):
        raise PermissionError

    monkeypatch.setattr(line_commands.os, "sched_setscheduler", refuse)
    wrong = run("agree", "--first")
    assert wrong.exit_code == 2
    assert wrong.output == "Error: --first needs Linux and root (or CAP_SYS_NICE)\n"


@pytest.mark.slow
@pytest.mark.system
def test_real_ptys_are_compared():
    told = run("agree", "--baud", "115200", "--count", "20", "--nodes", "3", "--json")
    assert told.exit_code in (0, 1), told.output
    row = json.loads(told.output)["rows"][0]
    assert row["model_us"] == agreement.predict_us(115200)
    assert row["max_us"] >= row["p50_us"] > -row["model_us"]
