"""A new version of this gateway on trial: what it must have before it says that it is well.

A version that is not on trial writes down what it has: lines that are open, posts that answer, the broker.
One on trial has to have all that too, for `trial_s` on end; then it writes the trial's id into the file `confirmed` of
the state folder, where lamplighter/update/boot.py looks for it. Until then boot.py counts its starts and minutes, and
takes it back. So a version that has lost the broker or the street is taken back, and a cabinet whose broker was away
before, or whose posts are without supply by day, still gets its update.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamplighter import __version__
from lamplighter.update import boot

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

log = logging.getLogger("lamplighter.update")

HAD = "had"  # the name under which it is kept
KEEP_EVERY_MS = 10_000  # and only where it has changed
SAY_EVERY_MS = 600_000


class OwnUpdate:
    """`base` is where the version folders lie; a gateway that runs from elsewhere is never on trial."""

    def __init__(self, daemon: Daemon, base: Path | None = None) -> None:
        self._daemon = daemon
        self._trial = trial_of(base or Path(sys.prefix).parent.parent)
        self._well_ms: int | None = None  # since when all is there
        self._kept_ms = self._said_ms = -SAY_EVERY_MS
        self._had = json.loads(daemon.ledger.kept(HAD) or "{}")
        if self._trial:
            log.info("version %s is on trial", __version__)

    def tick(self) -> None:
        """Each second."""
        now_ms = self._daemon.now_ms()
        has = self._has()
        if not self._trial:
            if has != self._had and now_ms - self._kept_ms >= KEEP_EVERY_MS and not self._daemon.store_error:
                self._had, self._kept_ms = has, now_ms
                self._daemon.ledger.keep(HAD, json.dumps(has))
            return
        lacks = missing(self._had, has, self._daemon.store_error)
        if lacks:
            self._well_ms = None
            if now_ms - self._said_ms >= SAY_EVERY_MS:
                self._said_ms = now_ms
                log.warning("version %s is on trial and not yet well: %s", __version__, ", ".join(lacks))
        elif self._well_ms is None:
            self._well_ms = now_ms
        elif now_ms - self._well_ms >= self._daemon.config.trial_s * 1000:
            self._confirm(self._trial)

    def _has(self) -> dict[str, Any]:
        daemon = self._daemon
        return {
            "lines": sum(bus.is_open for bus in daemon.buses.values()),
            "posts": bool(daemon.fleet.count_online()),
            "broker": daemon.broker.is_connected,
        }

    def _confirm(self, trial: str) -> None:
        try:
            boot.replace(self._daemon.config.state_dir / "confirmed", trial + "\n", 0o600)
        except OSError as error:
            log.error("version %s is well, but cannot say so: %s", __version__, error)
            self._well_ms = None
            return
        self._trial = ""
        log.info("version %s has been well for %d s and stays", __version__, self._daemon.config.trial_s)


def missing(had: dict[str, Any], has: dict[str, Any], store_error: str) -> list[str]:
    """What the version before had and this one has not, in words."""
    lacks = [f"items cannot be stored ({store_error})"] if store_error else []
    if has["lines"] < had.get("lines", 0):
        lacks.append(f"{has['lines']} lines are open, and were {had['lines']}")
    if had.get("posts") and not has["posts"]:
        lacks.append("no post answers")
    if had.get("broker") and not has["broker"]:
        lacks.append("there is no connection to the broker")
    return lacks


def trial_of(base: Path) -> str:
    """The id of the trial that this version is on; empty where it is on none."""
    try:
        trial = boot.read(base)["trial"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    if trial is None or not trial["version"] == Path(sys.prefix).name == boot.current(base):
        return ""
    return trial["id"]
