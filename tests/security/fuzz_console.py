"""Type lines at a post's service console: `python tests/security/fuzz_console.py [--inputs 10000000] [--seed N]`.

Noise, known commands with wrong words, and good lines cut, mixed and mutated, at a post that has keys and a PIN and
takes firmware. Whatever is typed, every line gets one `ok` or one of the errors that the console's own files state,
nothing is raised, what is typed and kept stays within its bound, nothing that is kept changes without the PIN, and the
next good line is answered. Prints the inputs, the seed and how many of the errors were reached; exit code 1 on a
finding.
"""

import argparse
import ast
import random
import re
import sys
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent / "edge"))
sys.path.insert(0, str(HERE / "edge"))

from bench import Bench, plan_bytes  # noqa: E402 - a script beside what it uses

from lamppost import limits  # noqa: E402
from lamppost.intake import Intake  # noqa: E402
from lamppost.store.typed import pin_record  # noqa: E402

WORDS = (
    "help", "info", "status", "why", "get", "set", "level", "auto", "identify", "log", "faults", "energy", "test",
    "config", "login", "logout", "address", "post-key", "pin", "clo", "output-pm", "identity", "reading-s", "40", "10m",
    "0", "-1", "100", "101", "1h", "99999999999", "2026-12-24", "2026-12-24T22:30:00Z", "2026-02-30",
    "9999-12-31T23:59:59Z", "0:800,100:1000", "111111", "none", "#", "\x00", "\x7f", "\xff", "ok", "error:",
)  # fmt: skip
GOOD = (
    b"why 2026-12-24T22:30:00Z", b"get reading-s", b"set reading-s 600", b"set 40 10m", b"level 40 10m", b"auto",
    b"identify 30", b"energy 2026-06-22", b"set clo 0:800,100000:1000", b"set output-pm 900", b"set identity p-3",
    b"set turn-ms 3", b"login 271829", b"firmware", b"firmware begin 700 " + b"ab" * 32, b"firmware put 0 QUJD",
    b"firmware put 3 QUJDRA==", b"firmware install", b"set bus-key " + b"0f" * 32, b"level 30 2h", b"level 101 5m",
    b"identify 9999", b"set a", b"logout now", b"energy 1999-01-01", b"why 2200-01-01T00:00:00Z", b"set pin 12",
)  # fmt: skip
KEPT = ("settings", "plan")
HANDS_OFF = (b"address", b"post-key", b"pin", b"logout", b"login")  # with which a typist who has the PIN loses the post
IMAGE_MAX = 2000  # bytes that a store of the fuzzer has room for: then flash refuses


def stated() -> dict[str, re.Pattern]:
    """Every error that the console's files raise: its text in the source, and what it looks like when it is said."""
    found = {}
    edge = HERE.parent / "edge/lamppost"
    settings = [edge / "store" / name for name in ("settings.py", "typed.py")]
    for path in [edge / "console.py", *edge.glob("intake*.py"), *settings, edge / "light/output.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                said = node.exc.args[0]
                said = said.left if isinstance(said, ast.BinOp) else said
                if isinstance(said, ast.Constant) and isinstance(said.value, str):
                    text = re.sub(r"\d+", "1", said.value)
                    found[said.value] = re.compile(re.sub("%[sd]", ".*", re.escape(text).replace("%%", "%")))
    return found


STATED = stated()


class Room:
    """The store of an Intake, in memory, with little room."""

    def __init__(self) -> None:
        self.data, self.record = b"", None

    def have(self) -> int:
        return len(self.data)

    def clear(self) -> None:
        self.data = b""

    def append(self, data: bytes) -> None:
        if len(self.data) + len(data) > IMAGE_MAX:
            raise OSError(28)
        self.data += data

    def digest(self) -> bytes:
        return sha256(self.data).digest()

    def keep(self, record: bytes) -> None:
        self.record = record

    def kept(self) -> "bytes | None":
        return self.record


class Fuzz:
    """One post and one typist. `login`: who types has the PIN; then settings may change, the rest holds."""

    def __init__(self, seed: int, login: bool = False) -> None:
        self.rng = random.Random(seed)
        self.inputs = 0
        self.login = login
        self.bench = Bench(saved={"plan": plan_bytes(300)}, pin=pin_record("271828", b"saltsalt"))
        self.said: set[bytes] = set()  # every error that was reached
        self.room = Room()
        self.bench.post.intake = Intake(self.room)
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
        self.said.update(ends)
        typed = [piece for piece in line.replace(b"\n", b"\r").split(b"\r")[:-1] if piece.strip(b"\x08\x7f")]
        assert len(ends) <= len(typed) + 1, (line, answers)
        if not self.login:
            for name in KEPT:
                assert bench.saved[name] == self.kept[name], (line, name)
        if self.inputs % 1000 == 0:
            bench.give(("service", b"\r"))
            assert bench.type("status")[-1] == "ok"
            assert len(bench.post.log_lines) <= limits.LOG_LINES_MAX
            assert len(self.room.data) <= IMAGE_MAX
            bench.logged, bench.sent = [], []
            bench.post.intake.done("dealt with")  # the board has looked
            if self.login and bench.type("set 40 1m")[-1] != "ok":  # a session ends after a quarter of an hour
                bench.run(1_000_000)  # and wrong PINs make the right one wait as long
                assert bench.type("login 271828")[-1] == "ok"

    def errors(self) -> set[str]:
        """The stated errors that were reached. AssertionError where one was said that no file states."""
        found = set()
        for text in {re.sub(r"\d+", "1", said[7:].decode("latin-1")) for said in self.said if said != b"ok"}:
            of = [source for source, shape in STATED.items() if shape.fullmatch(text)]
            assert of, f"an error that nobody states: {text!r}"
            found.update(of)
        return found

    def _line(self) -> bytes:
        rng = self.rng
        kind = rng.random()
        if kind < 0.15:
            return rng.randbytes(rng.choice((1, 3, 20, 200, 500)))
        if kind < 0.4:
            text = rng.choice(GOOD)
        else:
            text = " ".join([rng.choice(WORDS) for _ in range(rng.randint(0, 4))]).encode("latin-1")
        if rng.random() < 0.4 and text:
            at = rng.randrange(len(text))
            more = bytes([rng.randrange(256)]) if rng.random() < 0.5 else text[rng.randrange(len(text)) :]
            text = text[:at] + more + text[at + rng.randrange(2) :]
        if self.login and any(word in text for word in HANDS_OFF):  # only what may change and keep the post in hand
            text = b"status"
        return text + rng.choice((b"\r", b"\n", b"\r\n", b"\r", b""))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    options = parser.parse_args()
    done = 0
    errors: set[str] = set()
    while done < options.inputs:
        fuzz = Fuzz(options.seed, bool(options.seed & 1))
        try:
            for _ in range(min(20_000, options.inputs - done)):
                fuzz.step()
            errors |= fuzz.errors()
        except Exception:
            print(f"FOUND with seed {options.seed} at input {fuzz.inputs}", flush=True)
            raise
        done += fuzz.inputs
        options.seed += 1
        if sys.stdout.isatty():
            print(f"\r{done} inputs", end="", flush=True)
    print(f"\n{done} inputs, no finding; {len(errors)} of {len(STATED)} stated errors reached, not:")
    print("\n".join(sorted(set(STATED) - errors)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
