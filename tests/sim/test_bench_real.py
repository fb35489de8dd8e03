"""`lampsim bench real`: the real posts and poll scheduler, measured without a model."""

import json
import math
import random

import pytest
from click.testing import CliRunner

from lampsim.bench import real, watch
from lampsim.bench.setup import Setup
from lampsim.cli import main

LOAD = real.Load(events=12, walkers=2, burst_count=2, burst_sizes=(2,))


@pytest.fixture(scope="module")
def street():
    return watch.Watch(5, 115200, 2000, 3)


def test_a_detection_is_noted_on_the_line_at_the_gateway_and_at_the_lamps(street):
    street.run_s(1)
    sight = street.detect(2, follow_lamps=True)
    assert street.detect(2) is None  # its sensor sees somebody already
    street.run_s(real.ALONE_S)
    frame_us = 10 * 10_000_000 / 115200
    assert sight.seen_us + frame_us < sight.line_us < sight.seen_us + 1_000_000
    assert sight.seen_us + frame_us < sight.gateway_us < sight.seen_us + 1_000_000  # it may have come in a status first
    assert sorted(sight.lamps_us) == [1, 2, 3, 4, 5]  # 90 m each way, at 30 m apart
    assert all(sight.line_us <= at_us for address, at_us in sight.lamps_us.items() if address != 2)
    assert [street.neighbours(address) for address in range(1, 6)] == [3, 4, 4, 4, 3]


def test_what_passes_while_nothing_happens_is_counted(street):
    setup = Setup(5, 115200)
    cycle_ms, of_bits = real.quiet(street, setup)
    assert len(street.gateway.status) == 5
    assert 5 * 2 < cycle_ms < 1000
    assert of_bits > 1


def test_who_does_not_act_is_counted_as_dark(street):
    street.posts[2].unplug()
    try:
        street.run_s(5)
        spans, dark = real.walkers(street, 3, random.Random(1))
        assert dark == 3
        assert math.isnan(spans[0])  # nobody had all of its neighbours
    finally:
        street.posts[2].plug()
        street.run_s(20)


def test_the_same_seed_measures_the_same_and_hears_every_byte_where_wanted():
    setup = Setup(3, 38400)
    row = real.measure(setup, LOAD, 1)
    assert row == real.measure(setup, LOAD, 1)
    assert row.lost == 0
    assert row.dark == 0
    assert row.events == 12
    assert row.bursts[2, "neighbours"][1] >= row.bursts[2, "neighbours"][0] > 0
    told = []
    exact = real.measure(setup, LOAD, 1, exact=True, told=told.append)
    assert exact.lost == 0
    assert exact.cycle_ms == pytest.approx(row.cycle_ms, rel=0.02)
    assert told[0] == "real, 3 posts, 38400 baud: switching on"


def test_without_a_gateway_each_event_is_said_once_and_a_burst_gets_its_order():
    """[A-11]: a post keeps the line; without it each would be said three times, and a burst take some 400 ms."""
    load = real.Load(events=12, walkers=2, burst_count=5, burst_sizes=(6,))
    with_gateway, alone = real.measure_both(Setup(16, 19200), load, 1)
    assert with_gateway.said == 0
    assert alone.lost == 0
    assert alone.said <= 1.2
    assert alone.near_ms[1] <= 20
    assert alone.bursts[6, "scattered"][0] <= 160


def test_a_street_that_never_gets_its_plan_is_an_error(monkeypatch):
    monkeypatch.setattr(watch, "READY_S", 1)
    with pytest.raises(TimeoutError, match="not every post has its plan"):
        watch.Watch(32, 9600, 2000, 1)


def test_the_command():
    args = ["bench", "real", "--posts", "2", "--events", "10", "--bursts", "2"]
    told = CliRunner().invoke(main, [*args, "--json"])
    assert told.exit_code == 0, told.output
    rows = {row["scheme"]: row for row in json.loads(told.output)["rows"]}
    assert set(rows) == {"polling", "design", "slots", "real", "no gateway"}
    assert rows["real"]["edge_to_last_lamp_ms"]["p50"] > 0
    assert rows["real"]["not_lit"] == 0
    assert "edge_to_last_lamp_ms" not in rows["slots"]
