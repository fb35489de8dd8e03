"""From the plan the office wants to the plan every post runs: what each must get, who needs it, and what to report.

Rules kept here:
- Only a plan that is valid as a whole, and compiles for every post, replaces the one in force; any other is refused
  with the reason and changes nothing.
- What a post runs is what its STATUS says; a transfer's own answer is not proof. So after a restart nothing is sent to
  posts that already run it.
- A post that refuses is not asked again with the same bytes; one that does not answer is asked again, ever more
  seldom up to RETRY_MAX_MS, and at once when it comes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from lamplighter.gateway.centre.topics import Desired
from lamplighter.plans.compile import compile_at
from lamplighter.plans.document import Document, PlanFileError, load_value
from lamplighter.plans.neighbourhood import Neighbourhood, neighbourhood
from lamplighter.plans.site import PostSite
from lamppost.limits import LEVEL_MAX

RETRY_MIN_MS = 2_000
RETRY_MAX_MS = 300_000
ERROR_MAX = 2000  # characters of a refusal: ten faults with their lines

APPLIED, SENDING, WAITING, REFUSED = "applied", "sending", "waiting", "refused"


class Compiled(NamedTuple):
    """A whole valid plan: its hash, the document, and the bytes of each post."""

    hash: str
    document: Document
    blobs: dict[str, bytes]


def compile_all(desired: Desired, sites: list[PostSite], hood: Neighbourhood | None = None) -> Compiled:
    """Check and compile, each post with its neighbours in `hood` (without one: in the neighbourhood of all `sites`).

    Raises ValueError with the reason, at most ERROR_MAX characters.
    """
    hood = hood or neighbourhood(sites)
    try:
        document = load_value(desired.plan)
        if document.hash != desired.hash:
            raise ValueError(f"the plan's hash is {document.hash}, not {desired.hash}; it was changed on its way")
        blobs = {site.id: compile_at(document, site, hood.table(site.id)) for site in sites}
    except PlanFileError as error:
        raise ValueError(str(error)[:ERROR_MAX]) from None
    return Compiled(document.hash, document, blobs)


@dataclass(slots=True)
class _Target:
    """One post on its way to the desired plan."""

    blob: bytes = b""
    hash: bytes = b""
    runs: bytes | None = None  # None: not heard yet
    sending: bool = False
    refused: str = ""
    reason: str = ""
    not_before_ms: int = 0
    pause_ms: int = RETRY_MIN_MS


class PlanSync:
    """The plans of one cabinet."""

    def __init__(self, posts: list[str]) -> None:
        self._targets = {post: _Target() for post in posts}
        self._compiled: Compiled | None = None
        self._refused: tuple[str | None, str] | None = None

    @property
    def hash(self) -> str | None:
        """The plan in force."""
        return self._compiled.hash if self._compiled else None

    @property
    def floor_pm(self) -> int:
        """The safe floor of the plan in force; full light without one, as at the posts."""
        return self._compiled.document.floor_pm if self._compiled else LEVEL_MAX

    def accept(self, compiled: Compiled) -> None:
        """Put a plan in force; transfers under way go on and count for nothing if they were of another plan."""
        self._compiled, self._refused = compiled, None
        for post, target in self._targets.items():
            blob = compiled.blobs[post]
            if blob != target.blob:
                target.blob, target.hash = blob, sha256(blob).digest()[:8]
                target.refused, target.reason = "", ""
                target.not_before_ms, target.pause_ms = 0, RETRY_MIN_MS

    def refuse(self, name: str | None, reason: str) -> None:
        """Note that a desired plan was not good; the one in force stays."""
        self._refused = name, reason

    def runs(self, post: str, plan: bytes) -> bool:
        """What a STATUS says; return whether the report has changed."""
        target = self._targets[post]
        changed = target.runs != plan
        target.runs = plan
        return changed

    def back(self, post: str) -> None:
        """A post has come back: try at once."""
        self._targets[post].not_before_ms = 0

    def to_send(self, online: set[str], t_ms: int) -> list[tuple[str, bytes]]:
        """The posts that are to get their plan now, with the bytes; they count as being sent to."""
        posts = [post for post in self._targets if post in online and self._needs(self._targets[post], t_ms)]
        for post in posts:
            self._targets[post].sending = True
        return [(post, self._targets[post].blob) for post in posts]

    def sent(self, post: str, blob: bytes, refused: str, failed: str, t_ms: int) -> None:
        """How a transfer ended: both empty for taken, `refused` by the post, or `failed` on the way."""
        target = self._targets[post]
        target.sending = False
        if blob != target.blob:
            return
        target.refused, target.reason = refused, refused or failed
        target.not_before_ms = t_ms + target.pause_ms  # time for the STATUS that proves it
        target.pause_ms = min(2 * target.pause_ms, RETRY_MAX_MS)

    def groups(self) -> dict[str, set[str]]:
        """The posts of each group of the plan in force."""
        if self._compiled is None:
            return {}
        posts = list(self._targets)
        return {group.id: {post for post in posts if group.names(post)} for group in self._compiled.document.groups}

    def report(self) -> dict[str, Any] | None:
        """The reported/plans payload; None while nothing has been desired."""
        if self._compiled is None and self._refused is None:
            return None
        name, error = self._refused or (self.hash, None)
        posts = {post: self._row(target) for post, target in self._targets.items()}
        return {"v": 1, "desired": name, "accepted": self._refused is None, "error": error, "posts": posts}

    def _needs(self, target: _Target, t_ms: int) -> bool:
        if not target.blob or target.runs is None or target.runs == target.hash:
            return False
        return not target.sending and not target.refused and t_ms >= target.not_before_ms

    def _row(self, target: _Target) -> dict[str, Any]:
        if target.blob and target.runs == target.hash:
            result, reason = APPLIED, ""
        elif target.refused:
            result, reason = REFUSED, target.refused
        else:
            result, reason = SENDING if target.sending else WAITING, target.reason
        applied = target.runs.hex() if target.runs else None
        return {"desired": target.hash.hex() or None, "applied": applied, "result": result, "reason": reason}
