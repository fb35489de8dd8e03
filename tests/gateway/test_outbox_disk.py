"""A disk that is really full, and delivered items that are kept for a centre that asks again."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from boxes import Opened, entry

from lamplighter.gateway.centre.topics import Topics
from lamplighter.gateway.store.outbox import EVENTS, FLOW, TELEMETRY, Entry
from lamplighter.gateway.wanted.desk import Desk

CHILD = Path(__file__).parent / "helpers" / "full_disk_child.py"


@pytest.mark.system
def test_a_disk_that_is_full_costs_nothing(tmp_path) -> None:
    """A tmpfs of 3 MB in a mount namespace of the child's own: real ENOSPC, and gone with the child."""
    unshare = shutil.which("unshare") or "unshare"
    place = tmp_path / "disk"
    place.mkdir()
    words = f"mount -t tmpfs -o size=3m tmpfs {place} && exec {sys.executable} {CHILD} {place}"
    command = [unshare, "--mount", "--map-root-user", "sh", "-c", words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["before"] == ""
    assert facts["free_blocks"] == 0
    assert "full" in facts["error"], "the control: the disk was full"
    assert facts["kept"], "what was stored can be delivered meanwhile"
    assert facts["promised_is_there"], "no post was told to forget what is nowhere"
    assert facts["after"] == "", "with room again it goes on by itself"
    assert facts["whole"]
    assert facts["same_ids"]
    assert facts["said"] == [], "a full disk is no damage"


@pytest.fixture
def box(tmp_path):
    opened = Opened(tmp_path / "gateway.db", budget=400_000)
    yield opened
    opened.database.close()


def acknowledge(box: Opened, first: int, last: int, stream: int = EVENTS) -> int:
    return box.outbox.acknowledge(stream, first, last).result(10)


def test_what_was_delivered_can_be_had_again_and_is_not_sent_by_itself(box, tmp_path) -> None:
    box.append(*[entry(seq) for seq in range(1, 11)])
    assert acknowledge(box, 1, 6) == 6
    assert acknowledge(box, 1, 6) == 0, "an acknowledgement that comes twice counts once"
    assert box.outbox.backlog == 4
    assert box.seqs() == [7, 8, 9, 10]
    assert [row.seq for row in box.outbox.between(EVENTS, 2, 4, 10)] == [2, 3, 4]
    assert box.outbox.missing(1, 20) == []
    box.database.close()
    again = Opened(tmp_path / "gateway.db")
    assert again.seqs() == [7, 8, 9, 10]
    assert again.outbox.next == 11
    again.database.close()


def test_acknowledgements_out_of_order(box) -> None:
    """Streams share the count, so the ids of one have holes."""
    for seq in range(1, 31):
        box.append(entry(seq, stream=(EVENTS, TELEMETRY)[seq % 2]))
    assert acknowledge(box, 12, 20) == 5
    assert box.seqs() == [2, 4, 6, 8, 10, 22, 24, 26, 28, 30]
    assert acknowledge(box, 2, 6) == 3
    assert acknowledge(box, 8, 10) == 2
    assert box.outbox._acked[EVENTS] == [], "all of it is one mark again"
    assert box.seqs() == [22, 24, 26, 28, 30]
    assert box.outbox.backlog == 20


def test_what_was_acknowledged_out_of_order_hides_nothing_behind_it(box) -> None:
    """A connection that broke with a gap in what it had acknowledged: all of a batch may be done, and not its
    successors."""
    box.append(*[entry(seq) for seq in range(1, 41)])
    acknowledge(box, 4, 30)
    acknowledge(box, 33, 36)

    def read(after: int, limit: int) -> list[int]:
        return [row.seq for row in box.outbox.read(EVENTS, after, limit)]

    assert read(0, 3) == [1, 2, 3]
    assert read(3, 3) == [31, 32, 37]
    assert read(0, 5) == [1, 2, 3, 31, 32]
    assert read(37, 3) == [38, 39, 40]
    assert read(40, 3) == []


def test_after_a_crash_only_the_window_comes_again(tmp_path) -> None:
    box = Opened(tmp_path / "gateway.db")
    box.append(*[entry(seq) for seq in range(1, 101)])
    acknowledge(box, 1, 40)
    acknowledge(box, 61, 80)  # 41..60 are under way
    again = Opened(tmp_path / "gateway.db")  # as after kill -9: nothing was closed
    assert again.seqs() == list(range(41, 101))
    assert again.outbox.backlog == 60
    again.database.close()
    box.database.close()


def test_delivered_items_make_room_first_and_their_share_is_bounded(box) -> None:
    for start in range(1, 6001, 500):
        box.append(*[entry(seq) for seq in range(start, start + 500)])
        acknowledge(box, start, start + 499)
    assert box.outbox._kept_bytes <= 400_000 // 4 + 500 * 60
    gone = box.outbox.missing(1, 6000)
    assert len(gone) == 1
    assert gone[0][0] == 1, "the oldest went"
    box.append(*[entry(seq, stream=TELEMETRY) for seq in range(6001, 14_001)])
    assert box.outbox.dropped == (0, box.outbox.dropped[1])
    assert box.outbox.missing(1, 6000) == [(1, 6000)], "all that was delivered went before any reading"
    assert box.outbox._bytes + box.outbox._kept_bytes <= 400_000


def test_the_sums_are_right_whatever_happens(box) -> None:
    import random

    chance = random.Random(7)
    made = 0
    for _ in range(150):
        count = chance.randrange(1, 120)
        stream = chance.choice((EVENTS, TELEMETRY, FLOW))
        box.append(*[Entry(stream, "p01", 1, made + n, "x" * chance.randrange(10, 90)) for n in range(1, count + 1)])
        made += count
        rows = box.outbox.read(stream, chance.randrange(made), 50)
        if rows and chance.random() < 0.8:
            acknowledge(box, rows[0].seq, rows[-1].seq, stream)
    told = box.outbox.backlog, box.outbox._bytes, box.outbox._kept_bytes
    window = [(s, a, b) for s in (EVENTS, TELEMETRY, FLOW) for a, b in box.outbox._acked[s]]
    box.outbox._load(box.database.connection)
    assert box.outbox.backlog >= told[0]
    for stream, first, last in window:
        acknowledge(box, first, last, stream)
    assert (box.outbox.backlog, box.outbox._bytes, box.outbox._kept_bytes) == told


async def test_a_cancelled_wait_does_not_stop_the_writer(box) -> None:
    for _ in range(50):
        task = asyncio.ensure_future(asyncio.wrap_future(box.outbox.append([entry(1)])))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await asyncio.to_thread(box.append, entry(2)) == 1, "within ten seconds, or the writer is gone"


def test_a_full_disk_silences_no_line(box) -> None:
    box.ledger.reserve("bus0", 5000)
    box.database.connection.execute("PRAGMA query_only=1")
    box.ledger.reserve("bus0", 6024)
    box.database.connection.execute("PRAGMA query_only=0")
    assert box.ledger.counter("bus0", 900) == 5000, "the control: it could not be stored"
    assert box.ledger.counter("bus0", 835_000_000) == 835_000_000, "the time stands in for it"


async def test_with_a_full_disk_a_gateway_still_starts(box) -> None:
    """What a restart cut off is said, though that it was said cannot be written down."""
    said = []
    box.ledger.begin("t1", 10).result(10)
    box.database.connection.execute("PRAGMA query_only=1")
    daemon = SimpleNamespace(
        ledger=box.ledger, topics=Topics("lamplighter", "lln", "gw1"),
        broker=SimpleNamespace(respond=lambda topic, payload: said.append(json.loads(payload))),
    )  # fmt: skip
    await Desk(daemon).restore()  # type: ignore[arg-type] - the parts of a Daemon that it needs
    assert [answer["transaction"] for answer in said] == ["t1"]
    box.database.connection.execute("PRAGMA query_only=0")
    assert box.ledger.cut_off() == ["t1"]
    assert box.ledger.begin("t1", 20).result(10) == (False, None), "and nobody acts on it"
