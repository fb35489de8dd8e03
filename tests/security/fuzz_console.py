"""Type lines at a post's service console: `python tests/security/fuzz_console.py --inputs 1000000 [--seed N]`.

Noise, known commands with wrong words, and good ones cut and mixed, at a post that has keys and a PIN. Whatever is
typed, every line gets one `ok` or `error:`, nothing is raised, what is typed stays within its bound, nothing that is
kept changes without the PIN, and the next good line is answered. Prints the inputs and the seed; exit code 1 on a
finding.
"""

import argparse
import random
import sys
from pathlib import Path

HERE = Path(__file__).parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent / "edge"))
sys.path.insert(0, str(HERE / "edge"))

from bench import Bench, plan_bytes  # noqa: E402 - a script beside what it uses

from lamppost import limits  # noqa: E402
from lamppost.store.settings import pin_record  # noqa: E402

WORDS = (
    "help", "info", "status", "why", "get", "set", "level", "auto", "identify", "log", "faults", "energy", "test",
    "config", "login", "logout", "address", "post-key", "pin", "clo", "output-pm", "identity", "reading-s", "40", "10m",
    "0", "-1", "100", "101", "1h", "99999999999", "2026-12-24", "2026-12-24T22:30:00Z", "2026-02-30",
    "9999-12-31T23:59:59Z", "0:800,100:1000", "111111", "none", "#", "\x00", "\x7f", "\xff", "ok", "error:",
)  # fmt: skip
KEPT = ("settings", "plan")


class Fuzz:
    """One post and one typist. `login`: who types has the PIN; then settings may change, the rest holds."""

    def __init__(self, seed: int, login: bool = False) -> None:
        self.rng = random.Random(seed)
        self.inputs = 0
        self.login = login
        self.bench = Bench(saved={"plan": plan_bytes(300)}, pin=pin_record("271828", b"saltsalt"))
        self.kept = {name: self.bench.saved[name] for name in KEPT}
        if login:
            assert self.bench.type("login 271828") == ["ok"]

    def step(self) -> None:
        line = self._line()
        self.inputs += 1
        bench = self.bench
        bench.said = b""
        bench.give(("service", line))
        if self.rng.random() < 0.01:
            bench.run(self.rng.choice((10, 5000, 100_000)))
        assert len(bench.post.console._line) <= limits.CONSOLE_LINE_MAX + 1
        answers = bench.said.split(b"\r\n")[:-1]
        ends = [a for a in answers if a == b"ok" or a.startswith(b"error: ")]
        typed = [piece for piece in line.replace(b"\n", b"\r").split(b"\r")[:-1] if piece.strip(b"\x08\x7f")]
        assert len(ends) <= len(typed) + 1, (line, answers)
        if not self.login:
            for name in KEPT:
                assert bench.saved[name] == self.kept[name], (line, name)
        if self.inputs % 1000 == 0:
            bench.give(("service", b"\r"))
            assert bench.type("status")[-1] == "ok"
            assert len(bench.post.log_lines) <= limits.LOG_LINES_MAX
            bench.logged, bench.sent = [], []

    def _line(self) -> bytes:
        rng = self.rng
        kind = rng.random()
        if kind < 0.2:
            return rng.randbytes(rng.choice((1, 3, 20, 200, 500)))
        words = [rng.choice(WORDS) for _ in range(rng.randint(0, 4))]
        if self.login:  # only what may change and keep the post in hand
            words = [word for word in words if word not in ("address", "post-key", "pin", "logout")]
        text = " ".join(words).encode("latin-1")
        if kind < 0.4 and text:
            at = rng.randrange(len(text))
            text = text[:at] + bytes([rng.randrange(256)]) + text[at:]
        return text + rng.choice((b"\r", b"\n", b"\r\n", b"\r", b""))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    done = 0
    while done < options.inputs:
        fuzz = Fuzz(options.seed, bool(options.seed & 1))
        try:
            for _ in range(min(20_000, options.inputs - done)):
                fuzz.step()
        except Exception:
            print(f"FOUND with seed {options.seed} at input {fuzz.inputs}", flush=True)
            raise
        done += fuzz.inputs
        options.seed += 1
    print(f"{done} inputs, no finding")
    return 0


if __name__ == "__main__":
    sys.exit(main())
