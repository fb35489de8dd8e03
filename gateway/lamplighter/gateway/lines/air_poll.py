"""The poll scheduler of posts without a wire: the same Poller, where nobody garbles anybody.

Rules kept here
- A broker carries whole frames, in both directions at once: there are no slots, no bursts and no keeper. What a post
  says is heard while another is asked; events of other lines, and acknowledgements, wait for no answer.
- An event is acknowledged at once, by a GO without places to the post that said it: a POLL reaches one post only.
- Each post is asked once in `cycle_ms` if nothing happens: with 64 posts and 2 s that is 32 requests a second, some
  2 % of what a Wi-Fi of 2.4 GHz carries in small packets.
- Blocks for everybody come apart, so that a board has read each before the next, and people are seen in between.
- Time comes as late as the radio likes, so it is told with that much uncertainty.
"""

from __future__ import annotations

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.hints import HINTS_MAX, Hints
from lamplighter.gateway.lines.poll import Poller
from lamplighter.gateway.lines.slot import Slot
from lamppost.wire.frame import GATEWAY, go
from lamppost.wire.packed import GO_PAIRS_MAX

REPLY_MS = 500  # a radio that repeats a packet seven times, and a board that collects garbage
UNSURE_MS = 250  # how late a frame may come: half of an exchange that was in time
UNSURE_MAX_MS = 65_535
BLOCK_EVERY_MS = 20  # a microcontroller reads, checks and keeps one in half of it


class AirSlot(Slot):
    """Whose turn it is: an answer is due `reply_ms` after its question, whatever else is heard; no frame takes time."""

    def __init__(self, reply_ms: int) -> None:
        super().__init__(0, 0, reply_ms)

    def received(self, size: int, t_ms: int) -> None:
        """Others are heard at any time: that is no burst."""

    def again(self, left: int, t_ms: int) -> None:
        """What others say neither ends nor prolongs anything."""

    def wire_ms(self, size: int) -> int:
        return 0


class AirHints(Hints):
    """Told once: no frame is lost that the broker has taken, but with its connection."""

    def take(self, most: int, t_ms: int) -> tuple[bytes, int]:
        taken = super().take(most, t_ms)
        self._told = []
        return taken


class AirPoller(Poller):
    """Posts on one local broker. `baud` and `turn_ms` are 0: nothing is a wire; `cycle_ms` is at least 1."""

    def _new_slot(self, turn_ms: int, reply_ms: int) -> Slot:
        return AirSlot(reply_ms or REPLY_MS)

    def _new_hints(self) -> Hints:
        return AirHints()

    def _step(self, t_ms: int) -> None:
        self._acknowledge(t_ms)
        while self._say(t_ms):
            pass
        super()._step(t_ms)

    def _acknowledge(self, t_ms: int) -> bool:
        """Tell each post which of its events were heard."""
        pairs, _ = self._hints.take(HINTS_MAX, t_ms)
        numbers: dict[int, bytes] = {}
        for at in range(0, len(pairs), 2):
            numbers[pairs[at]] = numbers.get(pairs[at], b"") + pairs[at : at + 2]
        for mine in numbers.values():
            for at in range(0, len(mine), 2 * GO_PAIRS_MAX):
                self._publish(go(GATEWAY, 1, 0, mine[at : at + 2 * GO_PAIRS_MAX]))
        return bool(numbers)

    def _cutting(self) -> bool:
        return True

    def _say(self, t_ms: int) -> bool:
        said = self.mouth.take(t_ms)
        if said is None:
            return False
        self.mouth.turn()
        alias, (_, user_class, port, age_ms) = said
        self._publish(self._link.relay(alias, (user_class, port, age_ms, 0)))
        return True

    def _cast(self, t_ms: int) -> None:
        super()._cast(t_ms)
        self._slot.window(t_ms + BLOCK_EVERY_MS)

    def _publish(self, data: bytes) -> None:
        """Send without a turn."""
        self.counters.frames_tx += 1
        self.counters.bytes += len(data)
        self._actions.append(line.Send(data))

    def _time_values(self, t_ms: int) -> tuple[int, int, int]:
        seconds, ms, unsure_ms = super()._time_values(t_ms)
        return seconds, ms, min(UNSURE_MAX_MS, unsure_ms + UNSURE_MS)
