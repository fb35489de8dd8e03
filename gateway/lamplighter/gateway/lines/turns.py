"""Whose turn it is among requests, polls and greetings, while nothing more urgent wants the line.

Requests go before polls, but after four of them a poll has its turn; transfers take at most every second slot. Posts in
session and new ones take turns too.
"""

from __future__ import annotations

from lamplighter.gateway.lines.jobs import FOREGROUND_RUN, Job, Jobs
from lamplighter.gateway.lines.roster import SESSION, Peer, Roster


class Turns:
    """Of one line with these posts and requests."""

    def __init__(self, roster: Roster, jobs: Jobs) -> None:
        self._roster, self._jobs = roster, jobs
        self._run = 0  # requests since a poll
        self._last_background = self._last_hello = False

    def job(self) -> Job | None:
        """The request whose turn it is before any poll."""
        if not self._jobs:
            return None
        present = self._in_session()
        if self._run < FOREGROUND_RUN:
            job = self._jobs.ready(present, background=False)
            if job is not None:
                self._run += 1
                return job
        self._run = 0
        return None if self._last_background else self._jobs.ready(present, background=True)

    def left_over(self) -> Job | None:
        """A request whose turn it is not, for a line that has nothing else to do."""
        if not self._jobs:
            return None
        present = self._in_session()
        return self._jobs.ready(present, background=True) or self._jobs.ready(present, background=False)

    def peer(self, t_ms: int) -> Peer | None:
        """The post to poll or to greet. They take turns, so that a line of new posts serves those it has, and the other
        way round."""
        self._last_hello = not self._last_hello
        choices = [self._roster.to_greet, self._roster.to_poll]
        for choose in choices if self._last_hello else reversed(choices):
            peer = choose(t_ms)
            if peer is not None:
                return peer
        return None

    def asks(self, job: Job) -> None:
        """A request goes out."""
        self._last_background = job.ask.background

    def polls(self) -> None:
        """A poll or a greeting goes out."""
        self._run, self._last_background = 0, False

    def _in_session(self) -> set[int]:
        return {peer.address for peer in self._roster.peers.values() if peer.state == SESSION}
