"""`lampsim bench relay`: real processes on a pty and a real mosquitto, small; and relays that are known to be bad."""

import json
import sys
import time

import pytest
from click.testing import CliRunner

from lampsim.bench.relay import fleet, lines, measure, peers, show, stage
from lampsim.bench.relay.relays import OURS, Relay
from lampsim.cli import main

pytestmark = pytest.mark.system

SMALL = measure.Load(600, 3.0, 30.0, 1.0, 1.0, 100.0, 3.0)
BAD = """
import asyncio, serialx, sys
from lampsim.bench.relay.lines import number_of
from lampsim.bench.relay.mqtt import Client

class Port(asyncio.Protocol):
    rest = b""

    def data_received(self, data):
        *whole, self.rest = (self.rest + bytes(data)).split(b"\\n")
        for text in whole:
            if number_of(text) % 10 != 3:
                client.publish(b"bad/lines", text)
            if number_of(text) % 10 == 7:
                client.publish(b"bad/lines", text)

async def run():
    global client
    client = await Client("bad").connect(sys.argv[3], int(sys.argv[4]))
    await serialx.create_serial_connection(asyncio.get_running_loop(), Port, sys.argv[2], baudrate=115200)
    await asyncio.Event().wait()

asyncio.run(run())
"""


@pytest.fixture
async def place(tmp_path):
    """(folder, port, broker)."""
    broker, port = stage.Mosquitto(tmp_path / "mosquitto"), stage.Port()
    await broker.start()
    yield tmp_path / "relay", port, broker
    port.close()
    await broker.stop()


async def test_ours_loses_nothing_and_repeats_nothing_after_the_upsert(place) -> None:
    told: list[str] = []
    row = await measure.measure(OURS, SMALL, *place, told.append)
    assert (row.flood, row.flood_missing, row.steady, row.steady_missing) == (600, 0, 30, 0), row
    assert row.outage_lines == 300, row
    assert (row.lost, row.repeated_after_upsert) == (0, 0), row
    assert row.lines_per_s > 100, row
    assert 0 < row.p50_ms <= row.p99_ms < 3000, row
    assert 5 < row.resident_mb <= row.most_mb < 200, row
    assert len(told) == 3
    figures = show.Figures("a machine", [row])
    assert "behind a line source" in show.text(figures)
    show.save(figures, place[0] / "plot.png")
    assert (place[0] / "plot.png").read_bytes().startswith(b"\x89PNG")


async def test_lines_that_a_relay_drops_and_repeats_are_counted(place) -> None:
    folder, port, broker = place
    relay = Relay(
        "bad", "drops and repeats", ("bad/#",),
        lambda folder, port, broker: (
            [sys.executable, "-c", BAD, str(folder), port.path, broker.host, str(broker.port)], {"PYTHONWARNINGS": ""}
        ),
    )  # fmt: skip
    row = measure.Row("bad", "")
    async with measure.Trial(relay, folder, port, broker) as trial:
        trial.centre.begin(100)
        trial.source.next = 100
        await measure.steady(trial, measure.Load(steady_per_s=100.0, steady_s=1.0, quiet_s=1.0), row)
        assert (row.steady, row.steady_missing) == (100, 10)
        assert trial.centre.times == 100, "ten of the ninety came twice"


async def test_a_relay_that_does_not_start_is_said(place) -> None:
    folder, port, broker = place
    relay = Relay("gone", "", ("x",), lambda *_: ([sys.executable, "-c", "raise SystemExit('no such thing')"], {}))
    with pytest.raises(stage.StageError, match=r"gone did not open its port: no such thing"):
        await measure.measure(relay, SMALL, folder, port, broker, lambda what: None)


async def test_a_fleet_is_connected_and_its_reports_arrive(tmp_path) -> None:
    broker = stage.Mosquitto(tmp_path / "mosquitto")
    result = await fleet.measure(broker, 200, 1.0, 1, lambda what: None, factor_max=1)
    assert result.connected_s < 10
    assert result.states == 50_000
    (nominal,) = result.rates
    assert nominal.per_s == pytest.approx(200 * 250 / 900)
    assert nominal.missing == 0
    assert 0 < nominal.centre_p50_ms <= nominal.centre_p99_ms < 1000
    assert 0 < nominal.puback_p50_ms <= nominal.puback_p99_ms < 1000
    assert result.at_least or not nominal.within
    assert "fleet of 200 sessions" in show.text(show.Figures("a machine", fleet=result))


def test_headroom_is_the_last_rate_within_the_goal() -> None:
    def rate(factor: float, p99_ms: float, missing: int = 0, busy: float = 0.1, late_ms: float = 1.0) -> fleet.Rate:
        return fleet.Rate(factor, 500 * factor, 1.0, 2.0, 1.0, p99_ms, missing, busy, 0.5, late_ms)

    assert fleet.Fleet(9, 1).headroom == 0
    result = fleet.Fleet(9, 1, rates=[rate(1, 2), rate(2, 9.9), rate(2.8, 9.9, missing=1), rate(4, 11)])
    assert (result.headroom, result.at_least) == (2, False)
    assert fleet.Fleet(9, 1, rates=[rate(1, 2), rate(2, 11, busy=0.95)]).at_least
    assert fleet.Fleet(9, 1, rates=[rate(1, 2)]).at_least
    late = fleet.Fleet(9, 1, rates=[rate(1, 2), rate(2, 2), rate(4, 2, late_ms=40)])
    assert (late.headroom, late.at_least) == (2, True), "what was sent late was not sent at that rate"


def test_other_work_on_the_machine_is_said() -> None:
    watch = stage.Elsewhere(lambda: 0.0)  # nothing is counted as ours, so our own work is somebody's
    all_ours = stage.Elsewhere(stage.machine_cpu_s)
    end_s = time.process_time() + 0.3
    while time.process_time() < end_s:
        pass
    assert 0 < watch.share() <= 1
    assert all_ours.share() < 0.1
    busy = show.Figures("a machine", [measure.Row("ours", "", elsewhere=0.4)])
    assert "up to 40% of the machine did other work" in show.text(busy)
    assert "other work" not in show.text(show.Figures("a machine", [measure.Row("ours", "", elsewhere=0.05)]))


def test_a_line_is_200_bytes_and_found_whole_or_not_at_all() -> None:
    text = lines.line(1_234_567, 42)
    assert len(text) == 200
    assert lines.number_of(text) == 1_234_567
    assert lines.found(b'[{"line":"' + text[:-1] + b'"}]' * 2) == [(1_234_567, 42)]
    assert lines.found(text[:150] + text[:-1]) == [(1_234_567, 42)]
    assert lines.found(text[:-10]) == lines.found(text[3:]) == []
    with pytest.raises(ValueError, match="not a line"):
        lines.number_of(text[5:])


def test_the_command_prints_json_and_says_what_is_missing(tmp_path, monkeypatch) -> None:
    told = CliRunner().invoke(main, ["bench", "relay", "--quick", "--only", "appends", "--json"])
    assert told.exit_code == 0, told.output
    figures = json.loads(told.output)
    assert figures["appends"]["raw_per_s"] > 0
    assert figures["appends"]["shared_per_s"] > 0
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(stage.StageError, match="needs node and npm"):
        peers.install("node-red", tmp_path)
