"""Who disturbs a line: a post that speaks without end is found and kept silent. Pure: times are monotonic milliseconds.

What is no frame comes from events that meet, from a bad cable, or from a post whose program or driver has gone mad. The
first passes within seconds. So where a line stays noisy for NOISY_S, each of its posts in turn is bidden to say nothing
unasked (HUSH) for a moment. If the noise ceases with one of them, and comes back when its silence is over, it is that
one: it is kept silent for HELD_S, again and again while the noise returns. It still answers, its items still come, its
lamp still follows its plan and its own sensor. If it is none of them, the line is reported as it is: that is the cable,
its ends, or something that hears no command.

A post that says more events than a post may is not silenced: whoever holds the bus key can speak in its name. What is
too much is not passed on to other lines, and the post is named.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from lamplighter.gateway.lines.counters import Counters
from lamplighter.gateway.lines.line import Procedure, Result
from lamplighter.gateway.lines.procedures import Outcome, command
from lamppost.limits import EVENT_BURST, EVENT_EVERY_MS, HUSH_MAX_S
from lamppost.wire import messages

Ask = Callable[[str, Procedure, int, Callable[[Result], None]], None]

NOISY_S = 10  # events that meet are sorted out within a second or two
LINE_SHARE = 0.08  # of the time of the line is noise
HEARD_SHARE = 0.4  # and of all that is heard; where events meet, most get through in the end
TRIAL_S = 4  # how long a post is silent to see whether it is the one
LISTEN_MS = 1_500  # in which the noise must fall to a quarter
AFTER_MS = 500  # from the end of the trial by our clock to the moment at which it may be noisy again
RETURN_MS = 2_500  # in which the noise must come back to half
HELD_S = HUSH_MAX_S
QUIET_MS = 60_000  # without noise, and it is over
AGAIN_MS = 600_000  # after a search that found nobody
ANSWER_MS = 1_500  # for a command among the noise: sooner than its trial is over
HELD_TRIES = 5


class Hush(NamedTuple):
    """Bid a post to say nothing unasked for so many seconds; tell `answered` what came of it."""

    post: str
    for_s: int


class Floods:
    """Who says more events than a post may ([A-13]), twice over: frames may come late."""

    def __init__(self) -> None:
        self._spent_ms: dict[str, int] = {}
        self._too_many_ms: dict[str, int] = {}

    def event(self, post: str, now_ms: int) -> bool:
        """Take an event; return whether it is one too many."""
        every_ms = EVENT_EVERY_MS // 2
        spent_ms = max(self._spent_ms.get(post, now_ms), now_ms) + every_ms
        if spent_ms > now_ms + 4 * EVENT_BURST * every_ms:
            self._too_many_ms[post] = now_ms
            return True
        self._spent_ms[post] = spent_ms
        return False

    def named(self, now_ms: int) -> list[str]:
        """Those who did so within the last QUIET_MS."""
        self._too_many_ms = {post: at for post, at in self._too_many_ms.items() if now_ms - at < QUIET_MS}
        return sorted(self._too_many_ms)


class Disturbed:
    """One line of `baud` bits a second. `guilty` is the post that is kept silent, `noisy` whether the line is disturbed
    by nobody known; `present()` gives the posts that answer now."""

    def __init__(self, baud: int, present: Callable[[], Sequence[str]]) -> None:
        self.guilty: str | None = None
        self.noisy = False
        self._least = LINE_SHARE * baud / 10  # bytes of noise a second that are worth a search
        self._noise = 0  # bytes heard since the start that were no frames
        self._present = present
        self._now_ms = 0
        self._seconds: deque[tuple[int, int]] = deque(maxlen=NOISY_S)  # bytes of noise, and all, in each of the last
        self._at: tuple[int, int, int] | None = None  # noise, all and when, at the last full second
        self._search: Generator[Hush | None, bool, None] | None = None
        self._asked = self._ok = False
        self._noisy_ms = 0  # when it was last so
        self._silent_ms = 0  # until when the guilty one keeps silent
        self._not_before_ms = 0

    @property
    def idle(self) -> bool:
        """Whether nothing is known against the line, so that `tick` may wait until it is noisy."""
        now = self.guilty or self.noisy or any(noise >= self._least for noise, _ in self._seconds)
        return self._search is None and not now

    def tick(self, noise: int, heard: int, now_ms: int) -> Hush | None:
        """Call some times a second with the bytes heard since the start: those that were no frames, and all."""
        self._noise, self._now_ms = noise, now_ms
        self._count(noise, heard)
        if self._search is None:
            if self._is_noisy():
                self._noisy_ms = now_ms
                if now_ms >= max(self._not_before_ms, self._silent_ms):
                    self._search = self._seek()
                    next(self._search)
            elif (self.guilty or self.noisy) and now_ms - max(self._noisy_ms, self._silent_ms) >= QUIET_MS:
                self.guilty, self.noisy = None, False
        if self._search is None or self._asked:
            return None
        try:
            hush = self._search.send(self._ok)
        except StopIteration:
            self._search, self._noisy_ms = None, now_ms
            self._seconds.clear()  # what was heard meanwhile says nothing of what is
            return None
        self._asked = hush is not None
        return hush

    def answered(self, ok: bool) -> None:
        """The post of the last Hush has taken it, or has not."""
        self._asked, self._ok = False, ok

    def _seek(self) -> Generator[Hush | None, bool, None]:
        """Yield what to bid and be sent whether it was taken; None to wait for the next tick."""
        yield None
        base = sum(noise for noise, _ in self._seconds) / len(self._seconds)
        for post in sorted(self._present(), key=lambda post: post != self.guilty):
            if post not in self._present():
                continue
            yield Hush(post, TRIAL_S)  # among the noise it may have taken it, and its answer was lost
            over_ms = self._now_ms + TRIAL_S * 1000
            if 4 * (yield from self._rate(LISTEN_MS)) >= base:
                continue
            yield from self._rate(over_ms + AFTER_MS - self._now_ms)
            if 2 * (yield from self._rate(RETURN_MS)) < base:
                return  # it has ended by itself
            self.guilty, self.noisy = post, False
            for _ in range(HELD_TRIES):
                if (yield Hush(post, HELD_S)):
                    self._silent_ms = self._now_ms + HELD_S * 1000
                    break
            return
        self.guilty, self.noisy = None, True
        self._not_before_ms = self._now_ms + AGAIN_MS

    def _rate(self, for_ms: int) -> Generator[None, bool, float]:
        """Listen for so long; return the bytes of noise a second."""
        noise, since_ms = self._noise, self._now_ms
        while self._now_ms - since_ms < for_ms:
            yield None
        return (self._noise - noise) * 1000 / max(1, self._now_ms - since_ms)

    def _count(self, noise: int, heard: int) -> None:
        at = self._at
        if at is None or self._now_ms - at[2] >= 1000:
            if at is not None:
                self._seconds.append((noise - at[0], heard - at[1]))
            self._at = noise, heard, self._now_ms

    def _is_noisy(self) -> bool:
        """Whether the line has been noisy in nearly each of the last seconds."""
        bad = [noise >= self._least and noise >= HEARD_SHARE * heard for noise, heard in self._seconds]
        return len(bad) == NOISY_S and sum(bad) >= NOISY_S - 2


class Lines:
    """Every line of a cabinet: `buses` gives the baud of each, `present(bus)` the posts that answer there. `ask` is as
    Daemon.ask; `random(n)` gives n bytes.
    """

    def __init__(
        self,
        buses: Mapping[str, int],
        present: Callable[[str], Sequence[str]],
        ask: Ask,
        random: Callable[[int], bytes],
    ) -> None:
        self.lines = {bus: Disturbed(baud, partial(present, bus)) for bus, baud in buses.items()}
        self.floods = Floods()
        self._ask, self._random = ask, random

    def tick(self, bus: str, counters: Counters, now_ms: int) -> None:
        """As Disturbed.tick, and does what it says."""
        line = self.lines[bus]
        hush = line.tick(counters.noise_bytes, counters.heard_bytes, now_ms)
        if hush is not None:
            number = int.from_bytes(self._random(4), "big")
            procedure = command(number, messages.HUSH, for_s=hush.for_s)
            self._ask(hush.post, procedure, ANSWER_MS, lambda result: line.answered(_done(result)))


def _done(result: Result) -> bool:
    return isinstance(result.value, Outcome) and result.value.ok
