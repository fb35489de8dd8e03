"""`lampsim bench firmware`: what it measures is what the real code does, and it can fail."""

import json

from click.testing import CliRunner

from lampsim.bench.command import bench


def test_all_at_once_is_as_many_times_faster_as_there_are_posts_and_people_are_seen() -> None:
    """[D-11]"""
    words = ["firmware", "--posts", "12", "--baud", "19200", "--loss", "0,0.1", "--size", "20000", "--json"]
    done = CliRunner().invoke(bench, words)
    assert done.exit_code == 0, done.output
    clean, lossy = json.loads(done.output)["rows"]
    assert clean["blocks"] == clean["needed"]
    assert lossy["blocks"] > lossy["needed"]
    assert clean["in_turn_s"] > 6 * clean["sent_s"]
    assert lossy["sent_s"] < 3 * clean["sent_s"]
    count, p50, _, most = clean["event_ms_during"]
    assert count > 5
    assert p50 < 100
    assert most < 250
