"""The plans of one daemon: a desired plan is checked, kept, put in force, sent to each post, and reported.

What is valid, who needs what and when to try again is decided in plan_sync.py; here is only who tells whom.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import TYPE_CHECKING

from lamplighter.gateway.centre.topics import dump, parse_desired
from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.procedures import Outcome, send_plan
from lamplighter.gateway.wanted.plan_sync import Compiled, PlanSync, compile_all

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

log = logging.getLogger("lamplighter.plans")

REPORT_EVERY_MS = 1000  # a report of 250 posts is 40 KB
PLAN_EXPIRES_MS = 600_000  # a transfer of 4 KB takes 5 s alone on the line, and 40 others may be under way


class PlanDesk:
    """The PlanSync of one Daemon, with what goes in and out of it."""

    def __init__(self, daemon: Daemon) -> None:
        self.sync = PlanSync([site.id for site in daemon.config.sites])
        self._daemon = daemon
        self._report_ms = 0
        self._report_due = True
        self._seen: bytes | None = None  # the desired/plans payload being checked, or already looked at
        self._compiling = asyncio.Lock()

    async def restore(self) -> None:
        """Put the plan in force that was in force before the restart."""
        payload = self._daemon.ledger.desired_plan()
        if payload is not None:
            self._seen = payload.encode()
            await self._desire(self._seen, keep=False)

    def desire(self, payload: bytes) -> None:
        """A desired/plans payload has come; the same one again changes nothing."""
        if payload and payload != self._seen:
            self._seen = payload
            self._daemon.spawn(self._desire(payload, keep=True))

    def runs(self, post: str, plan: bytes) -> None:
        """A STATUS says what a post runs."""
        if self.sync.runs(post, plan):
            self._report_due = True

    def tick(self, now_ms: int) -> None:
        """Send what is due, and tell what has changed."""
        self._send(now_ms)
        if self._report_due and now_ms - self._report_ms >= REPORT_EVERY_MS:
            report = self.sync.report()
            if report is not None:
                self._daemon.broker.retain(self._daemon.topics.reported_plans, dump(report))
            self._report_due, self._report_ms = False, now_ms

    def _send(self, now_ms: int) -> None:
        for post, blob in self.sync.to_send(self._daemon.fleet.online_posts(), now_ms):
            self._report_due = True
            self._daemon.ask(post, send_plan(blob), PLAN_EXPIRES_MS, self._sender(post, blob), background=True)

    def _sender(self, post: str, blob: bytes):
        def done(result: line.Result) -> None:
            outcome = result.value if isinstance(result.value, Outcome) else Outcome(True, "")
            refused = "" if outcome.ok else outcome.text or "refused"
            self.sync.sent(post, blob, refused, result.error, self._daemon.now_ms())
            self._report_due = True
            if refused:
                log.error("%s refuses its plan: %s", post, refused)

        return done

    async def _desire(self, payload: bytes, keep: bool) -> None:
        """Check a desired plan, keep it, and put it in force; or report why not."""
        async with self._compiling:
            name = None
            try:
                desired = parse_desired(payload)
                name = desired.hash
                sites, hood = self._daemon.config.sites, self._daemon.hood
                compiled: Compiled = await asyncio.to_thread(compile_all, desired, sites, hood)
                if keep:
                    await asyncio.wrap_future(self._daemon.ledger.keep_plan(payload.decode()))
                self.sync.accept(compiled)
                self._daemon.relay.relay.plan(compiled.document)
                log.info("plan %s (%s) is in force", compiled.document.id, compiled.hash)
            except ValueError as error:
                self.sync.refuse(name, str(error))
                log.error("desired plan is refused: %s", str(error).splitlines()[0])
            except sqlite3.Error as error:
                self.sync.refuse(name, f"the gateway cannot store it: {error}")
                self._seen = None
                log.error("desired plan cannot be stored: %s", error)
            self._report_due = True
