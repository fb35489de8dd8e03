"""`lampsim bench faults`: a line that spoils what is heard, and a count that sees what must not be."""

import json
import random
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from lamppost.wire import post_link
from lamppost.wire.errors import WireError
from lampsim.bench import faults
from lampsim.bench.faults import Trial
from lampsim.bench.spoilt import KINDS, LATE_US, Ears, Jabber
from lampsim.cli import main
from lampsim.virtual.loop import Loop


class Hearer:
    name, address, listening = "a", 1, True

    def __init__(self, loop):
        self.loop, self.heard, self.at_us = loop, b"", []

    def hear(self, data):
        self.heard += data
        self.at_us.append(self.loop.now_us)


def spoil(kind: str, frames: list[bytes]) -> Hearer:
    loop = Loop()
    hearer = Hearer(loop)
    ears = Ears(loop, hearer, kind, 4)
    for i, frame in enumerate(frames):
        loop.at(i * 100_000, lambda frame=frame: ears.hear(frame))
    loop.run_until(len(frames) * 100_000 + LATE_US)
    return hearer


FRAMES = [b"\0" + bytes(draw.randrange(1, 256) for _ in range(14)) + b"\0" for draw in map(random.Random, range(40))]


@pytest.mark.parametrize("kind", ["", "split", "delay", "echo", "loss", "bits", "jabber"])
def test_bytes_come_once_and_in_their_order(kind):
    hearer = spoil(kind, FRAMES)
    assert hearer.heard == b"".join(FRAMES)
    late_us = [at % 100_000 for at in hearer.at_us]
    assert (max(late_us) > 1000) == (kind in ("split", "delay"))
    assert max(late_us) <= LATE_US
    assert (len(hearer.at_us) > len(FRAMES)) == (kind == "split")


def test_a_duplicate_is_a_whole_frame_behind_the_first():
    hearer = spoil("duplicate", FRAMES)
    counts = [hearer.heard.count(frame) for frame in FRAMES]
    assert set(counts) == {1, 2}
    assert sum(counts) * 16 == len(hearer.heard)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_wrong_is_taken_and_nothing_done_twice(kind):
    result = Trial(kind, 1).run(700, lambda what: None)
    assert result.held, result
    assert result.frames >= 700
    assert result.taken > 300
    assert 0 < result.done <= result.commands
    assert result == Trial(kind, 1).run(700, lambda what: None)


def test_the_faults_are_there():
    marks = {kind: Trial(kind, 2) for kind in ("loss", "bits", "jabber", "duplicate", "echo")}
    for trial in marks.values():
        trial.run(700, lambda what: None)
    counters = {kind: trial._wire.counters for kind, trial in marks.items()}
    assert counters["loss"].lost_frames > 50
    assert counters["bits"].bit_errors > 50
    assert counters["jabber"].collisions > 5
    assert Jabber.name in marks["jabber"]._wire.stations
    assert marks["duplicate"].result.refused > 100
    assert marks["echo"].result.refused > 20


def test_a_link_that_takes_everything_is_caught(monkeypatch):
    real = post_link.PostLink.receive

    def receive(self, frame):
        try:
            return real(self, frame)
        except WireError:
            return SimpleNamespace(kind=0, src=frame.src, values=[])

    monkeypatch.setattr(post_link.PostLink, "receive", receive)
    result = Trial("duplicate", 1).run(700, lambda what: None)
    assert result.wrong > 0
    assert not result.held


def test_a_post_that_acts_twice_is_caught(monkeypatch):
    trial = Trial("", 1)
    post = next(iter(trial.world.posts.values())).post
    post.command(6, 0, 500, 60, "1", post.clock.t_ms)
    post.command(6, 0, 500, 60, "1", post.clock.t_ms)
    assert trial.result.twice == 1


def test_a_post_that_stays_silent_is_locked(monkeypatch):
    monkeypatch.setattr(faults, "RECOVER_S", 5)
    trial = Trial("", 1)

    def deaf(frame):
        raise WireError("deaf")

    next(iter(trial.world.posts.values())).post.line._link.receive = deaf
    result = trial.run(700, lambda what: None)
    assert result.locked == 1
    assert not result.held


def test_the_command():
    args = ["bench", "faults", "--frames", "100", "--kinds", "echo,loss"]
    told = CliRunner().invoke(main, [*args, "--json"])
    assert told.exit_code == 0, told.output
    assert [row["kind"] for row in json.loads(told.output)["rows"]] == ["echo", "loss"]
    plain = CliRunner().invoke(main, args)
    assert plain.output.splitlines()[1].startswith("echo")
    wrong = CliRunner().invoke(main, ["bench", "faults", "--kinds", "flood"])
    assert wrong.exit_code == 2
    assert wrong.output.startswith("Error: 'flood' is no kind of fault; take loss, bits")


def test_a_broken_promise_is_the_exit_code(monkeypatch):
    monkeypatch.setattr(Trial, "run", lambda self, frames, told: faults.Result("echo", wrong=1))
    assert CliRunner().invoke(main, ["bench", "faults", "--kinds", "echo"]).exit_code == 1
