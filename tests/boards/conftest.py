"""Tests of boards share the cabinet of the gateway's tests, and a post on a Raspberry Pi's board."""

import os
import sys
from pathlib import Path

import pytest
from ptys import raw_pty

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "gateway" / "helpers")]

from fake_pi import FakeSys  # noqa: E402
from pi_board import pi, pins, sysfs  # noqa: E402, F401 - fixtures
from pi_post import Card, Service  # noqa: E402


@pytest.fixture
def card(tmp_path) -> Card:
    return Card(tmp_path / "card")


@pytest.fixture
def service(card, tmp_path):
    """An installed post with a console on a pty: service(sections) -> Service."""
    begun = []
    descriptors = []

    def begin(*words: str, **sections) -> Service:
        far, near = raw_pty()
        descriptors.extend((far, near))
        card.give(service={"device": os.ttyname(near)}, **sections)
        done = card.install("--config", str(card.config), *words)
        assert done.returncode == 0, done.stderr
        running = Service(card, FakeSys(tmp_path / "sys"), tmp_path / "state")
        running.far = far
        begun.append(running)
        running.start()
        return running

    yield begin
    for running in begun:
        running.close()
    for descriptor in descriptors:
        os.close(descriptor)
