"""Backup and restore as their user runs them: whole, private, never over something, and never an id used twice."""

import json
import stat

import pytest
from boxes import Opened, entry
from cabinet import write_config
from click.testing import CliRunner

from lamplighter.cli import lamplighter
from lamplighter.gateway.clock import true_utc_s
from lamplighter.gateway.store.outbox import EVENTS
from lamplighter.gateway.store.state_folder import lock_state


@pytest.fixture
def cabinet(tmp_path):
    """A configuration and an open store with things in it."""
    config = write_config(tmp_path, "/dev/ttyNONE", ("127.0.0.1", 1883), 2)
    (tmp_path / "state").mkdir(mode=0o700)
    box = Opened(tmp_path / "state" / "gateway.db")
    box.append(*[entry(seq) for seq in range(1, 11)])
    box.ledger.keep_plan('{"v":1}').result(10)
    box.ledger.reserve("bus0", 5000)
    box.ledger.begin("t1", 10).result(10)
    box.ledger.finish("t1", "done").result(10)
    yield config, box
    box.database.close()


def run(*words):
    return CliRunner().invoke(lamplighter, ["backup", *map(str, words)])


def test_a_running_store_is_saved_whole_and_comes_back(cabinet, tmp_path) -> None:
    config, box = cabinet
    target = tmp_path / "saved.db"
    assert run("make", "--config", config, target).exit_code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    box.append(*[entry(seq) for seq in range(11, 16)])  # after the backup: ids that a centre has seen
    epoch, given = box.outbox.epoch, box.outbox.next
    box.database.close()
    result = run("restore", "--config", config, target)
    assert result.exit_code == 0, result.output
    again = Opened(tmp_path / "state" / "gateway.db")
    assert again.outbox.epoch != epoch, "its ids mean other things from here on"
    assert given > again.outbox.next
    assert again.seqs() == list(range(1, 11))
    assert again.append(entry(11), entry(12)) == 2, "what the post still holds is taken"
    assert again.ledger.desired_plan() == '{"v":1}'
    assert again.ledger.begin("t1", 10).result(10) == (False, "done"), "no request acts a second time"
    assert again.ledger.counter("bus0", 0) >= true_utc_s() - 60, "no post takes a new frame for an old one"
    again.database.close()
    kept = Opened(tmp_path / "state" / "gateway.db.before-1")
    assert kept.outbox.epoch == epoch
    kept.database.close()


def test_nothing_is_overwritten_and_nonsense_is_refused(cabinet, tmp_path) -> None:
    config, box = cabinet
    (tmp_path / "there").write_text("something")
    result = run("make", "--config", config, tmp_path / "there")
    assert result.exit_code == 1
    assert "is there already" in result.output
    assert (tmp_path / "there").read_text() == "something"
    box.database.close()
    before = (tmp_path / "state" / "gateway.db").read_bytes()
    result = run("restore", "--config", config, tmp_path / "there")
    assert result.exit_code == 1
    assert "is no backup of a gateway" in result.output
    assert (tmp_path / "state" / "gateway.db").read_bytes() == before


def test_while_the_gateway_runs_nothing_is_restored(cabinet, tmp_path) -> None:
    config, _ = cabinet
    run("make", "--config", config, tmp_path / "saved.db")
    lock = lock_state(tmp_path / "state")
    result = run("restore", "--config", config, tmp_path / "saved.db")
    lock.close()
    assert result.exit_code == 1
    assert "is in use by another gateway; stop that one" in result.output


def test_the_seqs_of_a_backup_are_items(cabinet, tmp_path) -> None:
    config, _ = cabinet
    run("make", "--config", config, tmp_path / "saved.db")
    copy = Opened(tmp_path / "saved.db")
    assert [json.loads(row.body)["post_seq"] for row in copy.outbox.read(EVENTS, 0, 99)] == list(range(1, 11))
    copy.database.close()
