"""A whole Post on a Raspberry Pi's board: gpiozero's mock pins, a /sys tree in a folder, what hangs on it."""

import json
import os
import time
from types import SimpleNamespace

import pytest
from fake_pi import FakeSys
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from lamppost.agent import Agent
from lamppost.boards import config, raspberry_pi
from lamppost.boards.raspberry_pi import Board
from lamppost.boards.run import PostBoard
from lamppost.post import Post
from lamppost.store.journal import Journal

CONFIG = {
    "board": "raspberry_pi",
    "lamp": {"kind": "0-10v", "low_pm": 100},
    "relay": {"pin": 5},
    "presence": [{"pin": 22, "pull": "down"}, {"pin": 23, "pull": "up", "active": 0, "class": "car"}],
    "door": {"pin": 24, "pull": "up", "active": 1},
    "meter": {"pin": 25, "pulses_kwh": 1000},
    "lux": {"device": "iio:device0"},
    "temperature": True,
}


class Flash(dict):
    def read(self, name):
        return self.get(name)

    def write(self, name, data):
        self[name] = data


@pytest.fixture
def pins():
    Device.pin_factory = MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = None


@pytest.fixture
def sysfs(tmp_path) -> FakeSys:
    return FakeSys(tmp_path / "sys")


@pytest.fixture
def pi(pins, sysfs, monkeypatch):
    """Begin a post: pi(changes of board.json) -> (post, board, agent)."""
    monkeypatch.setattr(Board, "sysfs", str(sysfs.at))
    now = [5]
    monkeypatch.setattr(raspberry_pi, "time", SimpleNamespace(monotonic_ns=lambda: now[0] * 1_000_000))

    def begin(**changes):
        whole = config.read(json.dumps({**CONFIG, **changes}), Board.name, Board.pins)
        journal = Journal(Flash())
        board = PostBoard(whole, Board(), journal)
        post = board.post = Post(journal.get, os.urandom)
        agent = Agent(post, board)
        board.begin(agent.deliver)
        agent.deliver(("tick",))

        def run(for_ms: int) -> None:
            agent.deliver(("tick",))
            for _ in range(for_ms // 2):
                now[0] += 2
                board.look()
                agent.wake()

        return post, run

    return begin


def until(done, for_s: float = 10.0) -> None:
    """Wait for a thread or a port of the operating system."""
    end = time.monotonic() + for_s
    while not done():
        assert time.monotonic() < end, done
        time.sleep(0.005)
