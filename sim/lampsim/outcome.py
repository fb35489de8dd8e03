"""What a demo has shown, and whether the promises held: for a person, and as JSON."""

from dataclasses import dataclass, field

HEAP_KB, WORDS = 192, 2  # posts.HEAP; a 64-bit interpreter gets twice the bytes for the same number of words


@dataclass
class Outcome:
    """What happened, and whether the promises held."""

    seconds: float = 0.0
    interpreters: dict[str, int] = field(default_factory=dict)
    plans: list[dict] = field(default_factory=list)
    with_gateway: dict = field(default_factory=dict)
    without_gateway: dict = field(default_factory=dict)
    made: int = 0
    received: int = 0
    lost: int = 0
    doubled: int = 0
    redelivered: int = 0
    dropped: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    bus: dict = field(default_factory=dict)
    heap_free_percent: list[int] = field(default_factory=list)  # of each MicroPython post, at the end
    faults: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return not self.faults

    def report(self) -> dict:
        """For --json."""
        return {
            "held": self.held,
            "faults": self.faults,
            "seconds": round(self.seconds, 1),
            "posts": sum(self.interpreters.values()),
            "interpreters": self.interpreters,
            "plans": self.plans,
            "waves": {"with_gateway": self.with_gateway, "without_gateway": self.without_gateway},
            "items": {
                "made": self.made,
                "received": self.received,
                "lost": self.lost,
                "duplicated": self.doubled,
                "redelivered": self.redelivered,
                "dropped_at_posts": self.dropped,
                "kinds": self.kinds,
            },
            "bus": self.bus,
            "heap_free_percent": self.heap_free_percent,
        }

    def lines(self) -> list[str]:
        """For a person."""
        used = ", ".join(f"{count} on {name}" for name, count in sorted(self.interpreters.items()))
        lines = [f"posts      {sum(self.interpreters.values())}: {used}"]
        lines += [
            f"plan       {plan['hash']}: applied by {plan['applied']} of {plan['posts']} posts" for plan in self.plans
        ]
        for name, waves in (("gateway up", self.with_gateway), ("gateway dead", self.without_gateway)):
            lines.append(
                f"light      {waves['followed']} neighbours followed, {name}: "
                f"p50 {waves['p50_ms']} ms, p99 {waves['p99_ms']} ms; {waves['unfollowed']} did not"
            )
        lines.append(
            f"readings   {self.made} made, {self.received} received, {self.lost} lost, {self.doubled} duplicated, "
            f"{self.redelivered} redelivered under the same id"
        )
        if self.heap_free_percent:
            least = min(self.heap_free_percent)
            lines.append(f"heap       at least {least} % of {HEAP_KB} KB free on the posts that run MicroPython")
        lines += [f"BROKEN     {fault}" for fault in self.faults]
        return [*lines, "the story held" if self.held else "the story did not hold"]


def waves_report(waves) -> dict:
    p50, p99 = waves.percentile_ms(0.5), waves.percentile_ms(0.99)
    return {
        "waves": waves.waves,
        "followed": len(waves.latencies_ms),
        "unfollowed": waves.unfollowed,
        "p50_ms": None if p50 is None else round(p50, 1),
        "p99_ms": None if p99 is None else round(p99, 1),
    }
