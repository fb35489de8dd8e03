"""The truth comparison: its sensors are those of lampsim.people, and the gateway's counts keep their stated errors."""

import json
import math

import pytest
from click.testing import CliRunner

from lampsim import flow_truth as truth
from lampsim.flow_cli import flow
from lampsim.people import Person, Sensors


def announcements(street: truth.Street) -> list[tuple[int, int, int]]:
    """The rising edges that lampsim.people.Sensors gives when it sees everybody."""
    sensors = Sensors({str(i): post for i, post in enumerate(street.posts)}, detection_per_s=1.0)
    edges = sensors.look(street.people, 0) + sensors.look(street.people, street.duration_ms)
    return sorted((t_ms, int(edge.post), edge.user_class) for t_ms, edge in edges if edge.active)


def test_the_fast_sensors_are_the_real_ones() -> None:
    street = truth.walkers("way", 200, 5, 0.1, eastward=0.5)
    firsts = {(event.post, event.number): event for event in reversed(truth.sensed(street, detection_per_s=1.0))}
    assert sorted((event.t_ms, event.post, event.kind) for event in firsts.values()) == announcements(street)


def test_a_post_announces_who_stays_every_five_seconds() -> None:
    person = Person("a", "pedestrian", ((-5.0, 0.0), (5.0, 0.0)), 10_000, 0.5)
    street = truth.Street("one", ((0.0, 0.0),), (person,), 60_000)
    events = truth.sensed(street, detection_per_s=1.0)
    assert [event.t_ms for event in events] == [10_000, 15_000, 20_000, 25_000, 30_000]
    assert {event.number for event in events} == {1}


def test_the_truth_of_one_walker() -> None:
    person = Person("a", "pedestrian", ((-60.0, 0.0), (390.0, 0.0)), 350, 1.5)
    street = truth.Street("one", truth.corridor(), (person,), 600_000)
    real = truth.Truth(street)
    assert real.people[:2] == [1, 0]
    assert real.first_sense[0] == 1
    assert sum(real.way_m) == pytest.approx(12 * 24, rel=0.06)
    assert sum(real.present_s) == pytest.approx(12 * 16, rel=0.08)


@pytest.mark.parametrize(
    ("rate", "eastward", "footfall", "density"), [(120, 1.0, 15, 12), (240, 0.7, 15, 12), (480, 0.7, 20, 20)]
)
def test_stated_errors_hold(rate, eastward, footfall, density) -> None:
    """Percent, over 40 minutes; the table of `lampsim flow` is over hours."""
    street = truth.walkers("way", rate, 7, 50 / 60, eastward)
    found = truth.errors("way", truth.compare(street, truth.count(street, truth.sensed(street, 7))))
    assert found.footfall_bias is not None
    assert found.density_bias is not None
    assert found.speed_bias is not None
    assert abs(found.footfall_bias) < footfall
    assert abs(found.density_bias) < density
    assert abs(found.speed_bias) < 20


def test_without_the_correction_most_people_of_a_busy_path_are_lost() -> None:
    """What the estimator is for: the comparison fails a gateway that only counts edges."""
    street = truth.walkers("way", 480, 7, 0.5)
    windows = truth.count(street, truth.sensed(street, 7))
    rows = truth.compare(street, windows)
    edges = [window["zones"][0]["detections"] / len(street.posts) for window in windows[2:]]
    assert all(count is None or count < 0.25 * row.true_footfall for count, row in zip(edges, rows, strict=False))


def test_a_lost_share_of_events_costs_little() -> None:
    street = truth.walkers("way", 240, 7, 0.5)
    events = truth.sensed(street, 7)
    whole, lossy = (truth.errors("", truth.compare(street, truth.count(street, events, lost))) for lost in (0.0, 0.05))
    assert whole.density_bias is not None
    assert lossy.density_bias is not None
    assert abs(lossy.density_bias - whole.density_bias) < 8


def test_real_posts_and_lines_give_the_same_counts() -> None:
    street = truth.walkers("way", 240, 7, 0.5, eastward=0.7)
    for loss in (0.0, 0.05):
        found = truth.errors("way", truth.compare(street, truth.count_real(street, 7, loss)))
        assert found.footfall_bias is not None
        assert found.density_bias is not None
        assert abs(found.footfall_bias) < 15
        assert abs(found.density_bias) < 15
        assert found.edges_bias is not None
        assert found.edges_bias < -50


def test_party_makes_up_for_people_in_step() -> None:
    street = truth.walkers("way", 120, 3, 50 / 60, party=truth.parties)
    assert 1.5 < street.per_party < 2.1
    events = truth.sensed(street, 3)
    alone, party = (truth.errors("", truth.compare(street, truth.count(street, events, party=p))) for p in (1.0, 1.8))
    assert alone.footfall_bias is not None
    assert party.footfall_bias is not None
    assert alone.footfall_bias < -25
    assert abs(party.footfall_bias) < 20


def test_a_festival_is_as_dense_as_said() -> None:
    street = truth.festival("fair", 100, 3, 0.5)
    found = truth.errors("fair", truth.compare(street, truth.count(street, truth.sensed(street, 3))))
    assert found.density_bias is not None
    assert abs(found.density_bias) < 25


def test_a_figure_that_is_not_told_is_no_error() -> None:
    row = truth.Row(2, 1.9, None, 1.0, None, 1.3, None, 0.5, None, None, None)
    found = truth.errors("quiet", [row] * 3)
    assert (found.withheld, found.footfall_bias, found.footfall_error) == (3, None, None)
    assert found.per_window == pytest.approx(1.9)


def test_the_command_prints_a_table_json_and_a_plot(tmp_path, monkeypatch) -> None:
    few = [truth.walkers("one way 240/h", 240, 1, 0.5), truth.walkers("groups 240/h", 240, 1, 0.5, party=truth.parties)]
    monkeypatch.setattr("lampsim.flow_cli.streets", lambda hours, seed: few)
    table = CliRunner().invoke(flow, ["--plot", str(tmp_path / "flow.png")], catch_exceptions=False)
    assert table.exit_code == 0
    assert [line.split("  ")[0] for line in table.output.splitlines()[1:3]] == ["one way 240/h", "groups 240/h"]
    assert (tmp_path / "flow.png").read_bytes().startswith(b"\x89PNG")
    report = json.loads(CliRunner().invoke(flow, ["--json"], catch_exceptions=False).stdout)
    assert [row["street"] for row in report["rows"]][:2] == ["one way 240/h", "groups 240/h"]
    assert all(math.isfinite(row["per_100m"]) for row in report["rows"])
