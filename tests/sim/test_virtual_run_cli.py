"""`lampsim run` as a person types it."""

import json

from click.testing import CliRunner

from lampsim.cli import main
from lampsim.recording import Recording


def run(*arguments: str):
    return CliRunner().invoke(main, ["run", *arguments])


def test_the_same_seed_prints_the_same_hash_and_another_does_not(tmp_path) -> None:
    few = ("--posts", "12", "--hours", "0.3", "--people", "20", "--json")
    results = [json.loads(run(*few, "--seed", seed, "--save", str(tmp_path / f"{i}.npz")).stdout)
               for i, seed in enumerate("112")]  # fmt: skip
    hashes = [result["log_sha256"] for result in results]
    assert hashes[0] == hashes[1] != hashes[2]
    assert results[0]["online"] == results[0]["plans_applied"] == results[0]["posts"] == 12
    assert {"events_per_s", "wall_s", "peak_rss_mb", "latency_ms_p50", "latency_ms_p99"} <= set(results[0])
    assert Recording.load(tmp_path / "1.npz").log_sha256 == hashes[0]


def test_a_fault_plan_is_played(tmp_path) -> None:
    from lampsim.faults import dumps
    from lampsim.faults.posts import PowerCut

    plan = tmp_path / "plan.json"
    plan.write_text(dumps([PowerCut(60.0, 30.0, "p0001")]), encoding="utf-8")
    few = ("--posts", "4", "--hours", "0.1", "--people", "0", "--json")
    cut, plain = json.loads(run(*few, "--faults", str(plan)).stdout), json.loads(run(*few).stdout)
    assert cut["faults"] == 1
    assert cut["log_sha256"] != plain["log_sha256"]
    assert cut["items"] > plain["items"], "the post tells that it has booted again"


def test_what_is_wrong_is_said_in_one_line(tmp_path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{", encoding="utf-8")
    for arguments in (("--faults", str(bad)), ("--plan", str(bad)), ("--scenario", "no-such-thing")):
        result = run("--posts", "2", "--hours", "0.01", *arguments)
        assert result.exit_code != 0
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "Traceback" not in result.output
    assert run("--posts", "0").exit_code == 2


def test_without_json_a_table_is_printed() -> None:
    result = run("--posts", "2", "--hours", "0.01", "--people", "0")
    assert result.exit_code == 0
    assert any(line.startswith("log_sha256") for line in result.stdout.splitlines())
