"""The outbox: whatever comes in goes out once by its id; kill -9 at every step, damage, a full budget."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from boxes import Opened, entry
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lamplighter.gateway.store.ledger import STEP_S, TRANSACTIONS_MAX, FullError
from lamplighter.gateway.store.outbox import EPOCHS_MAX, EVENTS, HEARD_MAX, TELEMETRY

CHILD = str(Path(__file__).parent / "helpers" / "outbox_child.py")
POSTS = ("p01", "p02")


@pytest.fixture
def box(tmp_path):
    opened = Opened(tmp_path / "gateway.db")
    yield opened
    opened.database.close()


def test_an_item_is_stored_once_by_whichever_way_it_comes(box) -> None:
    assert box.append(entry(5, fast=True)) == 1
    assert box.append(entry(5, fast=True)) == 0
    assert box.append(entry(4), entry(5), entry(6)) == 2
    assert box.append(entry(6, fast=True), entry(3, fast=True), entry(4)) == 0
    assert box.seqs() == [5, 4, 6]
    assert box.outbox.stored() == {"p01": (1, 6)}


def test_a_post_that_goes_back_to_an_earlier_epoch_tells_nothing_twice(tmp_path) -> None:
    """One whose flash refused for some starts drew an epoch for each, and then goes on with the one it had."""
    box = Opened(tmp_path / "gateway.db")
    assert box.append(*[entry(seq)._replace(told=seq % 2 == 0) for seq in range(1, 6)]) == 5
    for epoch in range(2, EPOCHS_MAX + 1):
        assert box.append(entry(3, epoch=epoch), entry(7, epoch=epoch, fast=True)) == 2
    assert box.append(entry(4), entry(5), entry(5, fast=True)) == 0
    assert box.outbox.had("p01", 2, 3)
    assert not box.outbox.had("p01", 2, 4)
    box.database.close()
    box = Opened(tmp_path / "gateway.db")
    assert box.append(entry(3, epoch=2), entry(4, epoch=2)) == 1
    assert box.append(entry(5), entry(6)) == 1
    assert box.outbox.stored() == {"p01": (1, 6)}
    for epoch in range(50, 50 + EPOCHS_MAX + 1):
        box.append(entry(1, epoch=epoch))
    seen = box.outbox._seen["p01"]
    assert len(seen.before) == EPOCHS_MAX, "the number of those that are remembered is bounded"
    box.database.close()


def test_an_event_that_was_forged_takes_nobodys_place(box) -> None:
    """[I-7] Whoever has the bus key announces numbers that will be those of a reading and a fault."""
    box.append(entry(1))
    assert box.append(*[entry(seq, fast=True) for seq in (2, 3, 5)]) == 3
    assert box.outbox.stored() == {"p01": (1, 3)}
    told = [entry(2)._replace(told=True), entry(3), entry(4), entry(5)._replace(told=True, stream=TELEMETRY)]
    assert box.append(*told) == 3, "the presence of number 3 is known; the others were never told"
    assert box.append(*told) == 0
    assert box.append(entry(6)._replace(told=True)) == 1
    assert box.outbox.stored() == {"p01": (1, 6)}


def test_what_a_status_told_is_known_after_a_restart_and_what_an_event_told_is_not(tmp_path) -> None:
    """[I-7]"""
    box = Opened(tmp_path / "gateway.db")
    box.append(entry(1)._replace(told=True), entry(2, fast=True), entry(4, fast=True))
    box.database.close()
    box = Opened(tmp_path / "gateway.db")
    assert box.append(entry(1)._replace(told=True), entry(4, fast=True)) == 0
    assert box.append(entry(2)._replace(told=True)) == 1
    box.database.close()


def test_a_store_of_a_version_that_did_not_know_what_was_sure_is_read(tmp_path) -> None:
    box = Opened(tmp_path / "gateway.db")
    box.append(entry(1), entry(2), entry(5, fast=True))
    box.database.close()
    with sqlite3.connect(tmp_path / "gateway.db") as connection:
        connection.execute("UPDATE posts SET heard='[5]'")
    connection.close()
    box = Opened(tmp_path / "gateway.db")
    assert box.append(entry(2)._replace(told=True), entry(5, fast=True)) == 0
    assert box.append(entry(3)._replace(told=True)) == 1
    box.database.close()


def test_a_new_item_epoch_counts_anew(box) -> None:
    box.append(entry(7), entry(9, fast=True))
    assert box.append(entry(1, epoch=2), entry(9, epoch=2)) == 2
    assert box.outbox.stored() == {"p01": (2, 9)}


def test_events_far_ahead_of_the_items_wait_for_the_items(box) -> None:
    ahead = [entry(seq, fast=True) for seq in range(2, HEARD_MAX + 12)]  # number 1 is missing
    assert box.append(*ahead) == HEARD_MAX
    assert box.append(*[entry(seq) for seq in range(1, HEARD_MAX + 12)]) == 11


def test_events_in_order_never_wait(box) -> None:
    assert box.append(*[entry(seq, fast=True) for seq in range(1, 2 * HEARD_MAX)]) == 2 * HEARD_MAX - 1


def test_an_id_is_never_used_again(tmp_path) -> None:
    box = Opened(tmp_path / "gateway.db")
    box.append(*[entry(seq) for seq in range(1, 6)])
    last = box.outbox.read(EVENTS, 0, 10)[-1].seq
    box.outbox.acknowledge(EVENTS, 1, last).result(10)
    assert box.outbox.backlog == 0
    box.database.close()
    again = Opened(tmp_path / "gateway.db")
    assert again.append(entry(5), entry(6)) == 1
    assert again.outbox.read(EVENTS, 0, 10)[0].seq == last + 1
    assert again.outbox.epoch == box.outbox.epoch
    again.database.close()


def test_over_the_budget_the_oldest_readings_go_before_any_event(tmp_path) -> None:
    box = Opened(tmp_path / "gateway.db", budget=60_000)
    for start in range(1, 4001, 100):
        box.append(*[entry(seq, stream=TELEMETRY if seq % 2 else EVENTS) for seq in range(start, start + 100)])
    events, readings = box.outbox.dropped
    assert readings == 2000
    assert events > 0
    assert len(box.seqs(EVENTS)) == 2000 - events
    assert box.seqs(EVENTS)[-1] == 4000, "the newest stay"
    box.database.close()
    again = Opened(tmp_path / "gateway.db", budget=60_000)
    assert again.outbox.dropped == (events, readings)
    assert again.outbox.backlog == 2000 - events
    again.database.close()


def test_while_readings_are_left_no_event_is_dropped(tmp_path) -> None:
    box = Opened(tmp_path / "gateway.db", budget=60_000)
    box.append(*[entry(seq) for seq in range(1, 501)])
    for start in range(501, 3501, 100):
        box.append(*[entry(seq, stream=TELEMETRY) for seq in range(start, start + 100)])
    assert box.outbox.dropped[EVENTS] == 0
    assert len(box.seqs(EVENTS)) == 500
    assert box.outbox.dropped[TELEMETRY] > 0
    box.database.close()


@pytest.mark.parametrize("damage", ["head", "middle", "text"])
def test_a_damaged_file_is_kept_aside_said_and_begun_anew(tmp_path, damage) -> None:
    path = tmp_path / "gateway.db"
    box = Opened(path)
    box.append(*[entry(seq) for seq in range(1, 2001)])
    epoch = box.outbox.epoch
    box.database.close()
    spoil(path, damage)
    again = Opened(path)
    assert again.outbox.epoch != epoch
    assert len(again.said) == 1
    assert "gateway.db was damaged" in again.said[0]
    assert (tmp_path / "gateway.db.damaged-1").exists()
    assert again.append(entry(1)) == 1
    again.database.close()


def spoil(path: Path, damage: str) -> None:
    data = bytearray(path.read_bytes())
    chance = random.Random(1)
    if damage == "head":
        data[:100] = bytes(100)
    elif damage == "middle":
        data[4096:] = chance.randbytes(len(data) - 4096)
    else:
        data = bytearray(b"not a database at all, but a text of some length\n" * 50)
    path.write_bytes(data)


@pytest.mark.parametrize("who", ["reader", "writer"])
def test_damage_while_it_runs_is_noticed_and_new_items_are_kept(tmp_path, who) -> None:
    path = tmp_path / "gateway.db"
    box = Opened(path)
    box.append(*[entry(seq) for seq in range(1, 3001)])
    box.database.submit(lambda c: None).result(10)
    box.database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    epoch, size = box.outbox.epoch, path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(random.Random(2).randbytes(size - 4096))
    for connection in (box.database.connection, box.database._read):
        connection.execute("PRAGMA shrink_memory")  # what is cached is still good
    if who == "reader":
        assert box.outbox.read(EVENTS, 0, 3000) == []
    else:
        with pytest.raises(sqlite3.DatabaseError):
            box.append(entry(4000))
    assert box.append(entry(9999)) == 1
    assert box.outbox.epoch != epoch
    assert box.seqs() == [9999]
    assert "was damaged" in box.said[0]
    box.database.close()


def test_a_full_disk_refuses_and_later_takes(box) -> None:
    box.append(entry(1))
    pages = box.database.submit(lambda c: c.execute("PRAGMA page_count").fetchone()[0]).result(10)
    box.database.connection.execute(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        box.append(*[entry(seq) for seq in range(2, 2000)])
    assert box.outbox.stored() == {"p01": (1, 1)}, "the post is not told to forget them"
    assert box.outbox.backlog == 1
    box.database.connection.execute("PRAGMA max_page_count=1000000")
    assert box.append(*[entry(seq) for seq in range(1, 2000)]) == 1998


def test_one_bad_work_does_not_hurt_the_others(box) -> None:
    def bad(connection):
        raise ValueError("no")

    futures = [box.outbox.append([entry(1)]), box.database.submit(bad), box.outbox.append([entry(2)])]
    assert futures[0].result(10) == 1
    assert futures[2].result(10) == 1
    with pytest.raises(ValueError, match="no"):
        futures[1].result(10)
    assert box.seqs() == [1, 2]


def test_many_appends_share_a_commit(box) -> None:
    before = box.database.commits
    futures = [box.outbox.append([entry(seq)]) for seq in range(1, 2001)]
    assert sum(future.result(30) for future in futures) == 2000
    assert box.database.commits - before < 400


def test_requests_and_plans_and_counters_outlive_a_restart(tmp_path) -> None:
    box = Opened(tmp_path / "gateway.db")
    assert box.ledger.counter("bus0", 835_000_000) == 835_000_000
    box.ledger.reserve("bus0", 835_001_024)
    box.ledger.keep_plan('{"v":1}').result(10)
    assert box.ledger.begin("t1", 10).result(10) == (True, None)
    assert box.ledger.begin("t2", 10).result(10) == (True, None)
    box.ledger.finish("t1", "done").result(10)
    box.database.close()
    again = Opened(tmp_path / "gateway.db")
    assert again.ledger.counter("bus0", 5) == 835_001_024
    assert again.ledger.desired_plan() == '{"v":1}'
    assert again.ledger.begin("t1", 11).result(10) == (False, "done")
    assert again.ledger.begin("t2", 11).result(10) == (False, None)
    again.database.close()


def test_a_request_is_forgotten_only_when_it_is_long_expired(box) -> None:
    """However many come, and though the clock steps back by a day: whatever repeats one in its time does nothing."""
    for number in range(TRANSACTIONS_MAX):
        future = box.ledger.begin(f"t{number}", 1000, 2000 + number)
    future.result(30)
    with pytest.raises(FullError, match="ask tomorrow"):
        box.ledger.begin("one-more", 1000, 5000).result(10)
    for number in (0, 1, TRANSACTIONS_MAX - 1):
        assert box.ledger.begin(f"t{number}", 2000 + STEP_S, 9999).result(10) == (False, None)
    assert box.ledger.begin("one-more", 2005 + STEP_S, 9999).result(10) == (True, None), "five have expired"
    assert box.ledger.begin("t5", 2005 + STEP_S, 9999).result(10) == (False, None)
    assert box.ledger.begin("t0", 2005 + STEP_S, 9999).result(10) == (True, None)


def test_what_a_restart_cut_off_is_known(box) -> None:
    for name in ("t1", "t2", "t3"):
        box.ledger.begin(name, 10, 20).result(10)
    box.ledger.finish("t2", "done").result(10)
    assert sorted(box.ledger.cut_off()) == ["t1", "t3"]


class Model(RuleBasedStateMachine):
    """Random posts, restarts, acknowledgements: a model in two sets against the file."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.box = Opened(self.folder / "gateway.db")
        self.made = dict.fromkeys(POSTS, 0)
        self.heard = {post: set() for post in POSTS}
        self.stored = dict.fromkeys(POSTS, 0)
        self.expected: dict[int, tuple[str, int]] = {}
        self.ids: dict[int, tuple[str, int]] = {}

    @rule(post=st.sampled_from(POSTS), ahead=st.integers(1, 4))
    def hear(self, post: str, ahead: int) -> None:
        seq = self.stored[post] + ahead
        new = seq not in self.heard[post]
        assert self.box.append(entry(seq, post, fast=True)) == new
        self.heard[post].add(seq)

    @rule(post=st.sampled_from(POSTS), count=st.integers(1, 5), back=st.integers(0, 3))
    def status(self, post: str, count: int, back: int) -> None:
        first = max(1, self.stored[post] + 1 - back)
        seqs = range(first, self.stored[post] + 1 + count)
        new = {seq for seq in seqs if seq > self.stored[post]} - self.heard[post]
        assert self.box.append(*[entry(seq, post) for seq in seqs]) == len(new)
        self.stored[post] += count
        self.heard[post] = {seq for seq in self.heard[post] if seq > self.stored[post]}

    @rule(count=st.integers(1, 10))
    def deliver(self, count: int) -> None:
        rows = self.box.outbox.read(EVENTS, 0, count)
        self.note(rows)
        if rows:
            assert self.box.outbox.acknowledge(EVENTS, rows[0].seq, rows[-1].seq).result(10) == len(rows)

    @rule()
    def restart(self) -> None:
        self.box.database.close()
        self.box = Opened(self.folder / "gateway.db")

    @invariant()
    def every_id_means_one_item(self) -> None:
        if hasattr(self, "box"):
            self.note(self.box.outbox.read(EVENTS, 0, 10_000))
            wanted = sum(self.stored.values()) + sum(len(heard) for heard in self.heard.values())
            assert len(self.ids) == len(set(self.ids.values())) == wanted

    def note(self, rows) -> None:
        for row in rows:
            value = json.loads(row.body)
            item = value["post"], value["post_seq"]
            assert self.ids.setdefault(row.seq, item) == item

    def teardown(self) -> None:
        if hasattr(self, "box"):
            self.box.database.close()
            shutil.rmtree(self.folder)


Model.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestModel = Model.TestCase


def run_child(path: Path, seed: int, rounds: int, statement: int = 0) -> list[str]:
    command = [sys.executable, CHILD, str(path), str(seed), str(rounds), str(statement)]
    process = subprocess.run(command, capture_output=True, timeout=60, text=True)
    assert process.returncode in (0, -signal.SIGKILL), process.stderr
    return process.stdout.splitlines()


def check(lines: list[str], path: Path) -> int:
    """Nothing stored is lost, and no item has two ids; the number of items."""
    ids: dict[tuple[str, int], tuple[str, int]] = {}
    promised: dict[str, int] = {}
    for words in map(str.split, lines):
        if words[0] == "published":
            note(ids, (words[1], int(words[2])), (words[3], int(words[4])))
        elif words[0] == "stored":
            promised[words[1]] = int(words[3])
    box = Opened(path)
    for stream in (EVENTS, TELEMETRY):
        for row in box.outbox.read(stream, 0, 100_000):
            value = json.loads(row.body)
            note(ids, (box.outbox.epoch, row.seq), (value["post"], value["post_seq"]))
    assert not box.said
    box.database.close()
    items = set(ids.values())
    assert len(items) == len(ids), "an item has two ids"
    for post, last in promised.items():
        assert {(post, seq) for seq in range(1, last + 1)} <= items, "a post was told to forget what is nowhere"
    return len(items)


def note(ids, name, item) -> None:
    assert ids.setdefault(name, item) == item, "an id means two things"


def test_killed_at_every_statement_nothing_is_lost_or_doubled(tmp_path) -> None:
    """The child of each step goes on with the file that the one before has left."""
    lines: list[str] = []
    path = tmp_path / "gateway.db"
    for statement in range(1, 60):
        lines += run_child(path, statement, 12, statement)
    assert "end" not in lines, "every one of them was killed"
    lines += run_child(path, 99, 12)
    assert lines[-1] == "end"
    assert check(lines, path) > 20


def test_killed_at_random_moments_nothing_is_lost_or_doubled(tmp_path) -> None:
    chance = random.Random(5)
    lines: list[str] = []
    path = tmp_path / "gateway.db"
    for turn in range(6):
        command = [sys.executable, CHILD, str(path), str(turn), "100000"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        wanted = chance.randrange(50, 400)
        for _ in range(wanted):
            lines.append(process.stdout.readline().strip())
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.read().splitlines()
        process.stdout.close()
        assert process.wait(10) == -signal.SIGKILL
    assert check([text for text in lines if text], path) > 200
