"""A line that somebody disturbs: who it is, that he is kept silent, and that nobody else is."""

import pytest

from lamplighter.gateway.lines import disturbed
from lamplighter.gateway.lines.counters import Counters
from lamplighter.gateway.lines.disturbed import HELD_S, TRIAL_S, Disturbed, Floods, Lines
from lamplighter.gateway.lines.line import Result
from lamplighter.gateway.lines.procedures import Outcome
from lamppost.limits import EVENT_BURST, EVENT_EVERY_MS
from lamppost.wire import messages

STEP_MS = 250
POSTS = [f"p{number:02}" for number in range(1, 33)]


class Street:
    """A line on which `mad` makes `rate` bytes of noise a second unless it keeps silent; `deaf` take no command."""

    def __init__(self, mad=None, rate=400, frames=200, deaf=(), other=0):
        self.mad, self.rate, self.deaf, self.other = mad, rate, deaf, other
        self.frames, self.now_ms, self.noise = frames, 1_000_000, 0.0
        self.frames_heard = 0.0
        self.silent_ms: dict[str, int] = {}
        self.bidden: list[tuple[str, int]] = []
        self.line = Disturbed(19_200, lambda: list(POSTS))

    def run(self, seconds, until=lambda street: False):
        """Let time pass; return how many seconds it took until something was so."""
        begun = self.now_ms
        while self.now_ms - begun < seconds * 1000 and not until(self):
            self.now_ms += STEP_MS
            share = STEP_MS / 1000
            loud = self.mad is not None and self.silent_ms.get(self.mad, 0) <= self.now_ms
            self.noise += share * (self.other + (self.rate if loud else 0))
            self.frames_heard += self.frames * share
            hush = self.line.tick(int(self.noise), int(self.noise + self.frames_heard), self.now_ms)
            if hush is not None:
                self.bidden.append(hush)
                took = hush.post not in self.deaf
                if took:
                    self.silent_ms[hush.post] = self.now_ms + hush.for_s * 1000
                self.line.answered(took)
        return (self.now_ms - begun) / 1000


@pytest.mark.parametrize("mad", [POSTS[0], POSTS[13], POSTS[31]])
def test_a_mad_post_is_found_and_kept_silent(mad) -> None:
    street = Street(mad)
    took_s = street.run(200, lambda street: street.line.guilty)
    assert street.line.guilty == mad
    assert took_s < 12 + 2.1 * (POSTS.index(mad) + 1) + 8
    street.run(2)
    assert street.bidden[-1] == (mad, HELD_S)
    assert {bid for post, bid in street.bidden if post != mad} <= {TRIAL_S}
    bidden, noise = len(street.bidden), street.noise
    street.run(HELD_S - 10)
    assert len(street.bidden) == bidden
    assert street.noise == noise
    assert street.line.guilty == mad, "it stays named while it is kept silent"


def test_it_is_tried_first_when_the_noise_comes_back_and_let_off_when_it_does_not() -> None:
    street = Street(POSTS[20])
    street.run(200, lambda street: street.line.guilty)
    street.run(HELD_S)
    street.bidden.clear()
    street.run(30)
    assert [post for post, _ in street.bidden] == [POSTS[20]] * 2
    street.mad = None
    street.run(HELD_S + 70)
    assert street.line.guilty is None
    assert street.line.idle


def test_noise_that_comes_from_no_post_is_told_and_nobody_is_blamed() -> None:
    street = Street(other=300)
    street.run(200, lambda street: street.line.noisy)
    assert street.line.noisy
    assert street.line.guilty is None
    assert [post for post, _ in street.bidden] == POSTS
    street.bidden.clear()
    street.run(500)
    assert street.bidden == [], "it does not disturb the street any more than the noise does"
    street.run(150)
    assert street.bidden, "but looks again after a while"
    street.other = 0
    street.run(300)
    assert not street.line.noisy


def test_noise_that_ends_by_itself_in_a_trial_blames_nobody() -> None:
    street = Street(other=300)
    street.run(200, lambda street: street.bidden)
    street.run(0.3)
    street.other = 0
    street.run(30)
    assert street.line.guilty is None
    assert len(street.bidden) == 1
    assert not street.line.noisy


@pytest.mark.parametrize(("rate", "frames"), [(140, 20), (300, 700)])
def test_events_that_meet_are_no_disturbance(rate, frames) -> None:
    street = Street(other=rate, frames=frames)
    street.run(120)
    assert street.bidden == []


def test_a_burst_of_noise_is_no_disturbance() -> None:
    street = Street(other=900)
    street.run(6)
    street.other = 0
    street.run(60)
    assert street.bidden == []
    assert street.line.idle


def test_who_takes_no_command_is_passed_over() -> None:
    street = Street(POSTS[5], deaf=(*POSTS[:4], POSTS[5]))
    street.run(200, lambda street: street.line.noisy)
    assert street.line.guilty is None
    assert street.line.noisy


def test_a_line_without_anybody_who_answers_is_noisy() -> None:
    line = Disturbed(9600, list)
    for second in range(20):
        assert line.tick(second * 100, second * 100, second * 1000) is None
    assert line.noisy


def test_a_line_that_was_opened_again_counts_from_nothing() -> None:
    line = Disturbed(9600, lambda: list(POSTS))
    for second in range(60):
        assert line.tick(0, 1000 if second == 0 else second, second * 1000) is None
    assert line.idle


def test_the_word_is_a_command_of_its_own_each_time() -> None:
    asked = []
    numbers = iter(range(100))
    lines = Lines(
        {"bus0": 19_200},
        lambda bus: ["p1", "p2"],
        lambda post, procedure, expires_ms, then: asked.append((post, procedure.send(None), then)),
        lambda count: next(numbers).to_bytes(count, "big"),
    )
    counters = Counters()
    for step in range(4 * 30):
        counters.noise_bytes += 100
        counters.heard_bytes += 120
        lines.tick("bus0", counters, step * 250)
        if asked and asked[-1][2] is not None:
            post, message, then = asked[-1]
            asked[-1] = post, message, None
            then(Result("1", 1, Outcome(post == "p1", ""), ""))
    assert [post for post, _, _ in asked] == ["p1", "p2"]
    kinds = [message for _, message, _ in asked]
    assert [kind for kind, _ in kinds] == [messages.COMMAND] * 2
    assert [values[:2] for _, values in kinds] == [(0, messages.HUSH), (1, messages.HUSH)]
    assert lines.lines["bus0"].noisy


def test_events_as_often_as_a_post_may_say_them_are_no_flood() -> None:
    floods = Floods()
    now_ms = 0
    for _ in range(3):
        assert not any(floods.event("p1", now_ms) for _ in range(EVENT_BURST))
        for _ in range(100):
            now_ms += EVENT_EVERY_MS
            assert not floods.event("p1", now_ms)
        now_ms += 10_000
    assert floods.named(now_ms) == []


def test_what_is_more_than_that_is_not_passed_on_and_named_for_a_minute() -> None:
    floods = Floods()
    passed = sum(not floods.event("p1", at) for at in range(0, 10_000, 50))
    assert passed <= 4 * EVENT_BURST + 10_000 // (EVENT_EVERY_MS // 2)
    assert not floods.event("p2", 10_000), "another's events are another's"
    assert floods.named(10_000) == ["p1"]
    assert floods.named(10_000 + disturbed.QUIET_MS) == []
