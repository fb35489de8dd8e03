"""An image for all posts of one line at once: segment by segment, what each missed again, then installed one by one.

Rules kept here
- A segment of 32 blocks is said to everybody; then each post that takes part is asked, in its session, what it lacks,
  and the union of that is said again, at most ROUNDS times. Who then still lacks something, does not answer, or comes
  later, is served from its own segment on when the others are through.
- A post keeps whole segments over a power cut, and says where it stands; so nothing is kept here but the image.
- Nobody is asked to install before it says that it has all. One post of a line installs first; only when it runs the
  image do others, INSTALLING_MAX at a time. Who was asked to counts until it says what came of it, also while it is
  silent, and a gateway that has just started first hears who is at it: no line goes dark by an image.
- What a post refuses it is not asked again; who does not answer is asked ever more seldom.

Pure: `tick` and the answers come with the time, and what is to be done goes to `deeds`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol

from lamplighter.firmware_image import Image
from lamplighter.gateway.lines.line import Procedure, Result
from lamppost.wire import messages

ROUNDS = 12  # with 40 % of the frames lost all of 32 posts have all of 32 blocks then, 99 times of 100
ASK_MS = 5_000  # eight tries at 200 ms, behind those of 31 others
AGAIN_MIN_MS = 10_000
AGAIN_MAX_MS = 300_000
RESTARTS_MS = 15_000  # a board checks, installs and starts again: it is asked then, and when it is back
UNHEARD_MS = 600_000  # who was to install and says nothing for so long holds up nobody; TRIES_MAX of them all
TRIAL_MS = 60_000  # how often a post is asked whether its trial of ten minutes is over
INSTALLING_MAX = 4  # at once, of a line: the others hear what happens meanwhile
TRIES_MAX = 3  # of an image that arrived spoilt, or was whole and not installed: then a person must look

WAITING, SENDING, INSTALLING, TRIAL = "waiting", "sending", "installing", "trial"
INSTALLED, REFUSED, OTHER = "installed", "refused", "other board"
FINAL = (INSTALLED, REFUSED, OTHER)
SILENT = "posts that were to install it first are not heard of any more: look at one before others get it"
SPOILT = "what arrives is not what was sent: a line that garbles, or a stolen bus key (lamplighter rollover)"

Answered = Callable[[Result], None]


class Deeds(Protocol):
    """What a Rollout has done for it; `then` is called with the Result."""

    def ask(
        self, post: str, procedure: Procedure, expires_ms: int, then: Answered, background: bool = False
    ) -> None: ...
    def cast(self, bus: str, blocks: list[tuple[int, bytes, bytes]], then: Answered) -> None: ...
    def now_ms(self) -> int: ...


@dataclass(slots=True)
class _Post:
    """One post on its way to the image."""

    state: str = WAITING
    reason: str = ""
    online: bool = False
    boots: int = -1
    asking: bool = False
    asked: bool = False  # once at least
    segment: int = 0
    missing: int = 0
    behind: bool = False
    spoilt: int = 0
    installs: int = 0
    until_ms: int = 0  # until when it counts as installing; 0: it does not
    not_before_ms: int = 0
    pause_ms: int = AGAIN_MIN_MS


class Rollout:
    """One image on one line."""

    def __init__(self, bus: str, posts: list[str], image: Image, deeds: Deeds) -> None:
        self.image = image
        self._bus, self._deeds = bus, deeds
        self._posts = {post: _Post() for post in posts}
        self._segment = -1  # that is being said
        self._rounds = 0
        self._saying = False
        self._proven = False  # some post of the line runs it
        self._install_ms: int | None = None  # nobody is asked to install before
        self.ended = False  # nothing more is to be done for it

    def online(self, post: str, boots: int) -> None:
        """A post has opened a session."""
        target = self._posts[post]
        if boots != target.boots and target.state in (SENDING, *FINAL):
            target.state = WAITING  # what it had in RAM is gone, or it is another board
        target.online, target.boots = True, boots
        target.not_before_ms = 0

    def offline(self, post: str) -> None:
        self._posts[post].online = False

    def tick(self, now_ms: int) -> None:
        """Do what is due; to be called about each second, and it calls itself when something has come."""
        if self.ended:
            return
        if self._install_ms is None:
            self._install_ms = now_ms + RESTARTS_MS
        here = {post: target for post, target in self._posts.items() if target.online}
        for post, target in here.items():
            if target.state not in (*FINAL, SENDING) and not target.asking and now_ms >= target.not_before_ms:
                self._ask(post, target, messages.TAKE)
        if now_ms >= self._install_ms:
            self._install(here, now_ms)
        if self._saying or any(t.asking and (t.state == SENDING or not t.asked) for t in here.values()):
            return
        takers = {post: t for post, t in here.items() if t.state == SENDING and t.segment < self.image.segments}
        if takers:
            self._say(takers)

    def report(self) -> dict[str, dict[str, Any]]:
        """By post: `state`, `percent` of the image that it has, `reason`."""
        return {post: self._row(target) for post, target in self._posts.items()}

    # --- what is said

    def _say(self, takers: dict[str, _Post]) -> None:
        self._choose(takers)
        mine = {post: target for post, target in takers.items() if target.segment == self._segment}
        mask = 0
        for target in mine.values():
            mask |= target.missing
        self._rounds += 1
        self._saying = True
        self._deeds.cast(self._bus, self.image.blocks(self._segment, mask), lambda result: self._said(mine, result))

    def _choose(self, takers: dict[str, _Post]) -> None:
        """The segment to say: the same again, or that which most wait for."""
        if self._rounds >= ROUNDS:
            for target in takers.values():
                target.behind = target.behind or target.segment == self._segment
        if all(target.behind for target in takers.values()):
            for target in takers.values():
                target.behind = False
        waiting = Counter(target.segment for target in takers.values() if not target.behind)
        if self._segment not in waiting or self._rounds >= ROUNDS:
            self._segment = min(waiting, key=lambda segment: (-waiting[segment], segment))
            self._rounds = 0

    def _said(self, takers: dict[str, _Post], result: Result) -> None:
        self._saying = False
        if not result.error:
            for post, target in takers.items():
                if target.online and target.state == SENDING and target.missing:
                    self._ask(post, target, None)

    # --- what is asked

    def _ask(self, post: str, target: _Post, what: int | None) -> None:
        """Ask for its state (TAKE), that it installs (INSTALL), or what it lacks (None)."""
        target.asking = True
        image = self.image
        question = (messages.MISSING, (image.name,))
        if what is not None:
            question = (messages.FIRMWARE, (what, image.board, image.version, len(image.data), image.digest))
        then: Answered = lambda result: self._answered(post, target, what, result)  # noqa: E731 - two lines less
        self._deeds.ask(post, _once(*question), ASK_MS, then, background=True)

    def _answered(self, post: str, target: _Post, what: int | None, result: Result) -> None:
        now_ms = self._deeds.now_ms()
        target.asking, target.asked = False, True
        if result.error:
            if target.state == SENDING:
                target.state = WAITING
            target.reason, target.behind = result.error, True
            self._later(target, now_ms)
        else:
            code, segment, missing, text = result.value
            self._heard(target, what, code, segment, missing, text, now_ms)
        self.tick(now_ms)

    def _heard(self, target: _Post, what: int | None, code: int, segment: int, missing: int, text: str, now_ms: int):
        target.reason = text
        trial = text == "on trial"
        installing = code == messages.OK and not trial
        target.until_ms = (target.until_ms or now_ms + UNHEARD_MS) if installing else 0
        if code == messages.MORE:
            self._more(target, segment, missing, text)
        elif code == messages.OK:
            self._proven = self._proven or trial
            target.state = TRIAL if trial else INSTALLING
            target.not_before_ms = now_ms + (TRIAL_MS if target.state == TRIAL else RESTARTS_MS)
        elif code == messages.DONE:
            target.state, self._proven = INSTALLED, True
        elif code == messages.AGAIN:
            target.state = WAITING
            if what is None:  # its power was cut, or another image came between
                target.not_before_ms = now_ms
            else:
                self._later(target, now_ms)
        else:
            target.state = OTHER if code == messages.OTHER else REFUSED

    def _more(self, target: _Post, segment: int, missing: int, text: str) -> None:
        if target.segment >= self.image.segments > segment:  # it had all, and has thrown it away
            target.spoilt += 1
            if target.spoilt >= TRIES_MAX:
                target.state, target.reason = REFUSED, SPOILT
                return
        target.state, target.reason, target.behind = SENDING, text, False
        target.segment, target.missing = segment, missing
        target.pause_ms = AGAIN_MIN_MS

    def _install(self, here: dict[str, _Post], now_ms: int) -> None:
        """Let those install that have all of it, and whose turn it is."""
        under_way = sum(target.until_ms > now_ms for target in self._posts.values())
        silent = sum(0 < target.until_ms <= now_ms for target in self._posts.values())
        most = INSTALLING_MAX if self._proven else 1 if silent < TRIES_MAX else 0
        for post, target in here.items():
            if target.state != SENDING or target.segment < self.image.segments or target.asking:
                continue
            if under_way >= most:
                target.reason = "" if most else SILENT
                continue
            if target.installs >= TRIES_MAX:
                target.state, target.reason = REFUSED, "the image is whole, and was not installed; see the post's log"
                continue
            target.installs += 1
            target.until_ms = now_ms + UNHEARD_MS
            under_way += 1
            self._ask(post, target, messages.INSTALL)

    def _later(self, target: _Post, now_ms: int) -> None:
        target.not_before_ms = now_ms + target.pause_ms
        target.pause_ms = min(2 * target.pause_ms, AGAIN_MAX_MS)

    def _row(self, target: _Post) -> dict[str, Any]:
        percent = 100 * min(target.segment, self.image.segments) // self.image.segments
        done = target.state in (INSTALLING, TRIAL, INSTALLED)
        return {"state": target.state, "percent": 100 if done else percent, "reason": target.reason}


def _once(kind: int, values: tuple) -> Generator[tuple[int, tuple], list, list]:
    answer = yield kind, values
    return answer
