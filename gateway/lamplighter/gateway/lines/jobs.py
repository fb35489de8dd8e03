"""The procedures under way on one line: who waits for what, how often it was tried, and when it is too late."""

from __future__ import annotations

from lamplighter.gateway.lines.line import Ask, Result

JOBS_MAX = 1024  # a request to each of 250 posts, four times over
TRIES_MAX = 8  # of one message: at 20 % loss each way all eight fail once in 3,500 times
FOREGROUND_RUN = 4  # requests in a row before a poll gets its turn: presence must not wait behind a long list


class Job:
    """One procedure, standing at a message that is to be asked (again)."""

    __slots__ = ("ask", "message", "tries")

    def __init__(self, ask: Ask):
        self.ask = ask
        self.tries = 0
        self.message: tuple[int, tuple] = (0, ())


class Jobs:
    """All jobs of a line; every change that ends one returns its Result."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []

    def add(self, ask: Ask) -> Result | None:
        """Begin a procedure; a Result when it ends before the first message, or when there are too many."""
        if len(self._jobs) >= JOBS_MAX:
            return Result(ask.id, ask.address, None, "too many requests at once; ask again later")
        job = Job(ask)
        self._jobs.append(job)
        return self.advance(job, None)

    def advance(self, job: Job, answer: list | None) -> Result | None:
        """Hand the answer to the procedure; its Result when that was the last one."""
        job.tries = 0
        try:
            job.message = next(job.ask.procedure) if answer is None else job.ask.procedure.send(answer)
        except StopIteration as end:
            self._jobs.remove(job)
            return Result(job.ask.id, job.ask.address, end.value, "")
        return None

    def ready(self, addresses: set[int], background: bool) -> Job | None:
        """The next job for one of these posts; they take turns."""
        for job in self._jobs:
            if job.ask.background is background and job.ask.address in addresses:
                self._jobs.remove(job)
                self._jobs.append(job)
                return job
        return None

    def missed(self, job: Job) -> Result | None:
        """No answer; a Result when that was the last try."""
        job.tries += 1
        return self.end(job, "does not answer") if job.tries >= TRIES_MAX and job in self._jobs else None

    def drop(self, address: int | None, error: str) -> list[Result]:
        """End every job of a post, or of all."""
        return [self.end(job, error) for job in list(self._jobs) if address in (None, job.ask.address)]

    def expired(self, t_ms: int) -> list[Result]:
        """End the jobs whose time is over."""
        if not self._jobs:
            return []
        late = [job for job in self._jobs if job.ask.expires_ms <= t_ms]
        return [self.end(job, "no answer before the request expired") for job in late]

    def next_ms(self) -> int | None:
        """When the first of them expires."""
        return min((job.ask.expires_ms for job in self._jobs), default=None) if self._jobs else None

    def end(self, job: Job, error: str) -> Result:
        """Give a job up."""
        self._jobs.remove(job)
        job.ask.procedure.close()
        return Result(job.ask.id, job.ask.address, None, error)

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job: Job) -> bool:
        return job in self._jobs
