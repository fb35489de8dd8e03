"""`lampsim bench bus`: DESIGN.md's figures come out again, the goals hold, the same seed gives the same table."""

import json

import pytest
from click.testing import CliRunner

from lampsim.bench.measure import SCHEMES, Load, completions, measure, percentile
from lampsim.bench.setup import DESIGN, Setup, bursts
from lampsim.cli import main

TOLERANCE = 0.2  # DESIGN.md says neither how long its slots are nor how long its frames: both are fitted
LOAD = Load(events=3000, burst_count=60)


@pytest.mark.parametrize(
    ("baud", "polling", "scheme"),
    [(9600, (364, 722), (38, 64)), (19200, (209, 406), (18, 36)), (115200, (81, 147), (6, 13))],
)
def test_design_md_comes_out_again(baud, polling, scheme):
    setup = Setup(32, baud, 2000, DESIGN, 3.0)
    load = Load(events=700, burst_count=50)
    for name, figures in (("polling", polling), ("design", scheme)):
        row = measure(name, setup, load, 1)
        for measured, expected in zip(row.gateway_ms, figures, strict=True):
            assert measured == pytest.approx(expected, rel=TOLERANCE), name
        if baud == 19200:
            burst = {"polling": 514, "design": 166}[name]
            assert row.bursts[8, "scattered"][1] == pytest.approx(burst, rel=TOLERANCE)


def test_the_goals_at_19200():
    row, basis = (measure(name, Setup(), LOAD, 1) for name in ("slots-fold", "polling"))
    assert row.gateway_ms[1] <= 30
    assert row.near_ms[1] <= 30
    assert row.bursts[8, "neighbours"][1] <= 120
    assert row.cycle_of_bits <= 1.7
    assert basis.gateway_ms[1] >= 8 * row.gateway_ms[1]
    ordered = measure("slots", Setup(), LOAD, 1)
    assert max(ordered.bursts[8, kind][1] for kind in ("neighbours", "scattered")) <= 166
    assert measure("slots", Setup(baud=115200), LOAD, 1).gateway_ms[1] <= 13


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_tells_every_event_and_says_the_same_again(name):
    setup, load = Setup(8, 19200), Load(events=200, burst_count=10, burst_sizes=(1, 4))
    row, again = (measure(name, setup, load, 4) for _ in range(2))
    assert row == again
    assert row.lost == 0
    assert row.gateway_ms[0] >= 16 * 10 / 19.2 * (name not in ("polling", "polling-full"))
    assert row.cycle_of_bits >= 1
    assert set(row.bursts) == {(size, kind) for size in (1, 4) for kind in ("neighbours", "scattered")}
    assert row != measure(name, setup, load, 5)


def test_bursts_are_of_neighbours_or_of_any():
    setup = Setup(16)
    for event_post in (e.post for e in bursts(setup, 50, 8, True, 1)):
        assert 1 <= event_post <= 16
    events = bursts(setup, 50, 8, True, 1)
    for number in range(50):
        posts = [e.post for e in events if e.burst == number]
        assert posts == list(range(posts[0], posts[0] + 8))
    scattered = bursts(setup, 50, 8, False, 1)
    assert all(len({e.post for e in scattered if e.burst == n}) == 8 for n in range(50))
    for event in events:
        event.gateway_us = event.seen_us + event.post
    assert completions(events)[0] == max(e.post for e in events if e.burst == 0)


def test_percentiles():
    assert percentile(range(1, 101), 50) == 50
    assert percentile(range(1, 101), 99) == 99
    assert percentile([7], 99) == 7


def test_the_command_prints_tables_and_json(tmp_path):
    runner = CliRunner()
    args = ["bench", "bus", "--baud", "19200", "--posts", "4", "--schemes", "polling,slots", "--events", "30"]
    plain = runner.invoke(main, args)
    assert plain.exit_code == 0, plain.output
    assert "4 posts, 19200 baud" in plain.output
    assert "burst 8" not in plain.output  # of four posts eight cannot see anybody
    png = tmp_path / "bus.png"
    told = runner.invoke(main, [*args, "--json", "--bursts", "2", "--plot", str(png)])
    rows = json.loads(told.output)["rows"]
    assert [row["scheme"] for row in rows] == ["polling", "slots"]
    assert rows[1]["event_to_gateway_ms"]["p99"] < rows[0]["event_to_gateway_ms"]["p99"]
    assert set(rows[1]["bursts_ms"]) == {"2 neighbours", "2 scattered"}
    assert png.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--schemes", "ethernet"], "is no scheme; take polling-full"),
        (["--posts", "many"], "give numbers such as 8,32"),
        (["--posts", "65"], "not from 1 to 64"),
        (["--posts", "2", "--schemes", "slots", "--events", "10", "--plot", "/no/such/x.png"], "/no/such/x.png"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_in_one_line(args, words):
    result = CliRunner().invoke(main, ["bench", "bus", *args])
    assert result.exit_code == 2
    assert words in result.output.strip().splitlines()[-1]
