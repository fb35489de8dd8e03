"""The plans of the checker's posts: retained at the broker by the office, compiled and sent by a real PlanSync."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from lamplighter.gateway.centre.topics import Desired
from lamplighter.gateway.lines import line, procedures
from lamplighter.gateway.wanted.plan_sync import PlanSync, compile_all
from lamplighter.plans.hashing import document_hash

if TYPE_CHECKING:
    from lampsim.check.gateway.cabinet import Cabinet

OFFER_US = 5_000_000
PLAN_EXPIRES_MS = 300_000


class Plans:
    """What the office wants, and what a gateway has of it."""

    def __init__(self, cabinet: Cabinet) -> None:
        self._cabinet, self._street = cabinet, cabinet.street
        self.sync = PlanSync([])
        self.wanted: dict[str, list[bytes]] = {site.id: [] for site in cabinet.street.spec.sites}  # of each, in order
        self._retained: dict | None = None  # at the broker: the plan the office wants
        self._taken: str | None = None

    def begin(self) -> None:
        """The gateway starts, with what lies on disk."""
        self.sync = PlanSync(list(self.wanted))
        self._taken = self._cabinet.ledger.desired_plan()
        if self._taken is not None:
            self._accept(json.loads(self._taken))
        self._cabinet.after(OFFER_US, self.offer)

    def desire(self, plan: dict) -> None:
        """The office publishes a plan. It is retained: a gateway that is down, or cannot store it, gets it later."""
        self._retained = plan
        self.offer()

    def offer(self) -> None:
        """The plan that is retained, on a connection or when it is published again because it could not be stored."""
        plan, text = self._retained, json.dumps(self._retained)
        if plan is None or text == self._taken:
            return
        if not self._cabinet.centre.reached or self._cabinet.ledger.keep_plan(text).exception() is not None:
            self._street.loop.at(self._street.loop.now_us + OFFER_US, self.offer)
            return
        self._taken = text
        self._accept(plan)

    def _accept(self, plan: dict) -> None:
        compiled = compile_all(Desired(document_hash(plan), plan), list(self._street.spec.sites))
        self.sync.accept(compiled)
        for post, blob in compiled.blobs.items():
            self.wanted[post].append(blob)

    def send(self) -> None:
        for post, blob in self.sync.to_send(set(self._cabinet.online), self._cabinet.now_ms()):
            then = self._sent(post, blob)
            self._cabinet.ask(post, procedures.send_plan(blob), PLAN_EXPIRES_MS, then, background=True)

    def _sent(self, post: str, blob: bytes) -> Callable[[line.Result], None]:
        def done(result: line.Result) -> None:
            outcome = result.value if isinstance(result.value, procedures.Outcome) else procedures.Outcome(True, "")
            refused = "" if outcome.ok else outcome.text or "refused"
            self.sync.sent(post, blob, refused, result.error, self._cabinet.now_ms())

        return done

    def force(self, post: str, raw: bytes) -> None:
        """Send a post these bytes, whatever they are."""
        if self._cabinet.alive:
            self._cabinet.ask(post, procedures.send_plan(raw), 60_000, lambda result: None)
