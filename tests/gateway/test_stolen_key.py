"""Who holds the bus key of a line, from a post that he has stolen: nothing that the others note is lost by it."""

import json

import pytest
from boxes import Opened
from street import BUS_KEY, Lamp, Street

from lamplighter.gateway.lines import line
from lamplighter.gateway.store import items
from lamppost.wire import faults, messages
from lamppost.wire.post_link import PostLink

THIEF = 3


class Cabinet(Street):
    """A street whose gateway keeps what it hears in a real outbox."""

    def __init__(self, path) -> None:
        self.box = Opened(path)
        super().__init__(3)

    def keep(self, action, rows) -> None:
        if isinstance(action, line.Heard):
            entries = [items.from_heard(f"p{action.address}", action, 0)]
        else:
            entries = items.from_items(f"p{action.address}", action, 0)
        self.box.append(*entries)

    def kept(self, post: str) -> list[dict]:
        rows = [row for stream in (0, 1) for row in self.box.outbox.between(stream, 1, 10_000, 10_000)]
        return [body for body in (json.loads(row.body) for row in rows) if body["post"] == post]


@pytest.fixture
def cabinet(tmp_path):
    cabinet = Cabinet(tmp_path / "gateway.db")
    yield cabinet
    cabinet.box.database.close()


def forge(cabinet, number: int) -> None:
    """An event in the name of post 1, as the thief's bus key allows."""
    link = PostLink(1, bytes(32), BUS_KEY, bytes)
    cabinet._transmit(cabinet.lamp(THIEF), link.event(number, 0, 0))


def test_a_fault_whose_number_was_announced_by_a_thief_arrives(cabinet) -> None:
    """[I-7]"""
    cabinet.run(3000)
    cabinet.sense(1)
    cabinet.run(5000)  # all that it noted is acknowledged: the next number is believed at once
    victim: Lamp = cabinet.lamp(1)
    following = victim.post.items.next_seq
    for number in range(following, following + 12):  # the next things that the post will note
        forge(cabinet, number)
        cabinet.run(cabinet.now + 100)
    assert sum(one["kind"] == "presence" for one in cabinet.kept("p1")) == 1 + 12
    victim.post.items.add(messages.FAULT, 0, faults.LAMP, 1, 300)
    victim.post.items.add(messages.READING, 0, 500, 20_000, 7)
    cabinet.sense(1)
    cabinet.run(cabinet.now + 5000)
    assert len(victim.post.items) == 0, "the post has handed them over"
    told = [one["kind"] for one in cabinet.kept("p1")]
    assert told.count("fault") == 1
    assert told.count("reading") >= 1
    assert told.count("presence") == 1 + 12, "his own presence has the number of one that was forged"
    ids = [(one["post_epoch"], one["post_seq"]) for one in cabinet.kept("p1") if one["kind"] != "presence"]
    assert len(set(ids)) == len(ids)


def test_what_he_says_again_and_again_fills_no_disk(cabinet) -> None:
    cabinet.run(3000)
    following = cabinet.lamp(1).post.items.next_seq
    before = len(cabinet.kept("p1"))
    for number in range(following + 2, following + 300):  # one is missing: the gateway does not believe them for ever
        forge(cabinet, number)
        cabinet.run(cabinet.now + 15)
    assert len(cabinet.kept("p1")) - before <= 64
