"""`lamplighter plan check|preview` as a person runs them: what they print, and with which exit code they end."""

import csv
import io
import json
import os
import subprocess
import sys
from importlib import resources

import pytest

EXAMPLES = resources.files("lamplighter.plans") / "examples"
STREET = EXAMPLES / "street-part-night.json"
SQUARE = EXAMPLES / "event-square.json"
LOUVAIN = ("--lat", "50.6693", "--lon", "4.6150")


@pytest.fixture
def broken(tmp_path):
    file = tmp_path / "broken.json"
    file.write_text(STREET.read_text().replace('"level": 100', '"level": 170').replace('"safeFloor"', '"safeFlor"'))
    return file


def test_check_says_that_a_plan_is_good(lamp):
    result = lamp("plan", "check", STREET)
    assert result.exit_code == 0
    assert result.stdout.startswith("street-part-night.json: plan lauzelle-streets is good, hash ")
    assert "3 control programs, 2 calendars, 2 groups" in result.stdout
    assert result.stderr == ""


def test_check_names_every_fault_with_its_line(lamp, broken):
    result = lamp("plan", "check", broken)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert 'broken.json:6: unknown key "safeFlor" in the plan; did you mean "safeFloor"?' in lines
    assert sum("level 170 is outside 0..100; it is in percent of full light" in line for line in lines) == 2
    assert result.stdout == ""


def test_check_as_json(lamp, broken):
    good = json.loads(lamp("plan", "check", STREET, "--json").stdout)
    assert (good["ok"], good["plan"], good["faults"]) == (True, "lauzelle-streets", [])
    bad = json.loads(lamp("plan", "check", broken, "--json").stdout)
    assert bad["ok"] is False
    assert bad["faults"][0] == {"line": 6, "text": 'unknown key "safeFlor" in the plan; did you mean "safeFloor"?'}


@pytest.mark.parametrize("command", [("check",), ("preview", *LOUVAIN)])
def test_a_file_that_is_not_there(lamp, command, tmp_path):
    result = lamp("plan", command[0], tmp_path / "none.json", *command[1:])
    assert (result.exit_code, result.stderr) == (
        2,
        "none.json: cannot be read: No such file or directory; check the path\n",
    )


def test_preview_prints_every_change_as_csv(lamp):
    result = lamp("plan", "preview", STREET, *LOUVAIN, "--from", "2026-06-21", "--nights", "3", "--csv")
    assert result.exit_code == 0
    rows = list(csv.reader(io.StringIO(result.stdout)))
    assert rows[0] == ["utc", "level_percent", "reason"]
    assert rows[2] == ["2026-06-21T22:30:00Z", "0", "part-night: 00:30 -> off"]
    assert rows[3] == ["2026-06-22T03:00:00Z", "60", "part-night: 05:00 -> 60 %"]
    assert [row[0] for row in rows[1:]] == sorted(row[0] for row in rows[1:])
    assert len(rows) == 1 + 3 * 4
    assert result.stderr == "showing group street; --group shows another: crossing\n"


def test_preview_of_a_group_and_of_a_post(lamp):
    by_group = lamp("plan", "preview", STREET, *LOUVAIN, "--from", "2026-06-21", "--group", "crossing", "--csv")
    by_post = lamp("plan", "preview", STREET, *LOUVAIN, "--from", "2026-06-21", "--post", "p17", "--csv")
    assert by_group.stdout == by_post.stdout
    assert "all-night: sunset" in by_group.stdout
    assert by_group.stderr == ""


def test_preview_shows_a_picture_and_a_table(lamp):
    result = lamp("plan", "preview", SQUARE, *LOUVAIN, "--from", "2026-06-20", "--group", "square")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    picture = next(line for line in lines if "█" in line)
    assert len(picture) == 72
    # dark until 21:30, full until 02:00, 80 % until 03:30, 40 % until 05:28, dark
    assert picture.startswith(" " * 28 + "█" * 14)
    assert picture.rstrip().endswith("▇▇▇▇▄▄▄▄▄▄")
    assert "Night of Saturday 2026-06-20" in lines
    assert any("21:30" in line and "fete-de-la-musique: set 100 %" in line for line in lines)
    assert max(len(line) for line in lines) <= 80


def test_preview_as_json(lamp):
    found = json.loads(
        lamp("plan", "preview", SQUARE, *LOUVAIN, "--from", "2026-06-20", "--group", "square", "--json").stdout
    )
    assert found[0] == {
        "utc": "2026-06-20T19:30:00Z",
        "level_percent": 100.0,
        "reason": "fete-de-la-musique: set 100 %",
    }


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--lat", "91", "--lon", "4"], "91"),
        (["--lat", "50"], "Missing option '--lon'"),
        ([*LOUVAIN, "--from", "2026-02-30"], "--from '2026-02-30' is no date"),
        ([*LOUVAIN, "--from", "1999-02-20"], "is out of reach"),
        ([*LOUVAIN, "--nights", "0"], "0 is not in the range"),
        ([*LOUVAIN, "--group", "sqare"], 'no group is named "sqare"; did you mean "square"?'),
        ([*LOUVAIN, "--group", "square", "--post", "p01"], "--group and --post"),
        ([*LOUVAIN, "--post", "P 1"], "is no post id"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_2(lamp, args, words):
    result = lamp("plan", "preview", SQUARE, *args)
    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) <= 2
    assert result.stdout == ""


def test_an_unknown_command_is_exit_2(lamp):
    result = lamp("plan", "chek", STREET)
    assert result.exit_code == 2
    assert result.stderr == "lamplighter: there is no command 'chek'\nhint: did you mean 'check'?\n"
    assert lamp("xyz").stderr == "lamplighter: there is no command 'xyz'\nhint: try 'lamplighter --help'\n"


def test_the_examples_and_the_schema_can_be_printed(lamp, tmp_path):
    names = lamp("plan", "example").stdout.split()
    assert names == ["event-square", "park-presence", "street-part-night"]
    for name in names:
        mine = tmp_path / "mine.json"
        mine.write_text(lamp("plan", "example", name).stdout)
        assert lamp("plan", "check", mine).exit_code == 0
    assert json.loads(lamp("plan", "schema").stdout)["title"] == "Lamplighter plan"
    result = lamp("plan", "example", "park")
    assert (result.exit_code, "there is no example 'park'" in result.stderr) == (2, True)


def test_help_lists_the_commands_without_importing_them():
    code = "import sys; from lamplighter.cli import lamplighter as l; l.main(['--help'])"
    done = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    for name in ("plan", "posts", "override", "why", "watch", "gateway", "tech"):
        assert f"\n  {name} " in done.stdout
    for module in ("aiomqtt", "rich", "asyncio", "lamplighter.office", "lamplighter.plans"):
        assert f" {module}\n" not in done.stderr


def test_every_command_of_the_office_has_help(lamp):
    for command in (
        ["plan", "check"],
        ["plan", "preview"],
        ["plan", "publish"],
        ["override"],
        ["posts"],
        ["why"],
        ["watch"],
    ):
        result = lamp(*command, "--help")
        assert result.exit_code == 0
        assert "--json" in result.stdout


def test_no_color_is_honoured_and_no_traceback_is_shown(tmp_path):
    env = os.environ | {"NO_COLOR": "1", "TERM": "xterm-256color"}
    args = [sys.executable, "-m", "lamplighter", "plan", "preview", str(STREET), *LOUVAIN, "--from", "2026-06-20"]
    done = subprocess.run(args, capture_output=True, env=env, check=True)
    assert b"\x1b" not in done.stdout


def test_an_unforeseen_fault_is_one_line(lamp, monkeypatch):
    def fails(*_):
        raise RuntimeError("a bug\nin two lines")

    monkeypatch.setattr("lamplighter.office.cli_plan_check.load_file", fails)
    result = lamp("plan", "check", STREET)
    assert result.exit_code == 1
    assert "unforeseen fault: RuntimeError: a bug in two lines" in result.stderr
    assert "Traceback" not in result.stderr
