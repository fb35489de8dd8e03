"""The gateway's tests share a street: see helpers/street.py (virtual time) and helpers/pty_street.py (a real port)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

import pytest

from lamplighter.gateway.centre import broker as broker_module
from lamplighter.gateway.store.database import Database
from lamplighter.gateway.store.outbox import Outbox


@pytest.fixture
def outbox(tmp_path):
    database = Database(tmp_path / "gateway.db", lambda text: None)
    box = Outbox(database, 1 << 30)
    database.start()
    yield box
    database.close()


@pytest.fixture
def hurry(monkeypatch):
    """A broker that is away is tried again at once."""
    monkeypatch.setattr(broker_module, "BACKOFF_MIN_S", 0.02)
    monkeypatch.setattr(broker_module, "BACKOFF_MAX_S", 0.05)
