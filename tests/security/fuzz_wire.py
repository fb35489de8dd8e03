"""Throw bytes at the wire: `python tests/security/fuzz_wire.py [--inputs 10000000] [--seed N]`.

Three kinds of input: plain noise, real frames that were mutated, and payloads that were mutated and then sealed with
the right key (a stolen one). Whatever comes, nothing but WireError may leave the wire code, decoder and links stay
within their bounds, a mutated frame is never accepted, and the next good one is. An input is what a decoder is given
at once. Prints the inputs, the seed and every error reached; exit code 1 on a finding.
"""

import argparse
import random
import re
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2] / "edge"))

from lamppost.limits import FRAME_MAX, FRAME_PAYLOAD_MAX
from lamppost.wire import cbor, contexts, messages
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, GATEWAY, Decoder, pack, unpack
from lamppost.wire.gateway_link import GatewayLink
from lamppost.wire.post_link import PostLink
from lamppost.wire.seal import Key

GOOD_EVERY = 200  # inputs between two good frames that must be taken
HEARD_MAX = 4 * 251  # counters of each of the origins that an address has
POST_KEY = bytes(range(32))
BUS_KEY = bytes(range(32, 64))
ADDRESS = 7
SAMPLES = {
    messages.HELLO: (1, bytes(8), 5), messages.HELLO_OK: (1, bytes(8), 1, 2, "post-07", "0.1.0", 5),
    messages.POLL: (3, b"\x07\x03", 0, 1), messages.STILL: (9,), messages.GO: (1, 250, b"\x07\x09", 1),
    messages.MOVED: (9, 400, 1000, 3, 30000),
    messages.STATUS: (600, 600, 1, 0, 9, bytes(8), 5, 1, [(1, 1, 5, 6, 7, 8)]),
    messages.EVENT: (2, 1, 90, 0), messages.TIME: (838000000, 250, 20),
    messages.COMMAND: (77, 1, 6, 0, 400, 0, 600, "quiet"), messages.RESULT: (77, 0, "é"), messages.WHY: (0, 0),
    messages.WHY_OK: (5, 400, 6, 1, 0, [(6, 0, 400, 1, 0, "quiet")]), messages.BLOB_BEGIN: (1, 140, bytes(32)),
    messages.BLOB_DATA: (0, bytes(128)), messages.BLOB_OK: (2, 1, ""),
}  # fmt: skip
KINDS = list(SAMPLES)


class Fuzz:
    """A gateway and a post in a session, and inputs for both."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)
        self.inputs = 0
        self.accepted = self.good_at = 0
        self.refused: set[str] = set()  # every error that was reached, as it was said
        self.decoder = Decoder()
        self.gateway = GatewayLink({ADDRESS: POST_KEY}, BUS_KEY, self.rng.randbytes, 0, lambda n: None)
        self.post = PostLink(ADDRESS, POST_KEY, BUS_KEY, self.rng.randbytes)
        hello = self.post.receive(unpack(self.gateway.hello(ADDRESS)[1:-1]))
        self.gateway.receive(unpack(self.post.hello_ok(hello, 1, 1, "post-07", "0.1.0", 1)[1:-1]))
        self.post.receive(unpack(self.gateway.request(ADDRESS, messages.POLL, (0, b""))[1:-1]))
        self.counter = 1

    def step(self) -> None:
        """Inputs of a kind drawn at random: one, or one for each seat where it is sealed."""
        self.rng.choice((self.noise, self.mutated_frame, self.stolen_key, self.stolen_key))()
        if self.inputs >= self.good_at:
            self.good()
            self.good_at = self.inputs + GOOD_EVERY

    def good(self) -> None:
        """Whatever came before: a line that was quiet, and then what the gateway really asks, is taken; and nothing has
        grown."""
        self.counter += 1
        signed = bytes((ADDRESS, GATEWAY, messages.POLL)) + self.counter.to_bytes(4, "big")
        signed += messages.encode(messages.POLL, SAMPLES[messages.POLL])
        session = self.post.session
        assert session is not None
        self.feed(b"\x00")
        assert self.feed(pack(signed, session.key.seal(contexts.DOWN, signed))) == 1, "a good frame was not taken"
        assert len(self.post.heard) <= HEARD_MAX
        for table in (self.gateway._sessions, self.gateway._hellos, self.gateway._heard):
            assert len(table) <= 4, "one post is known, with four counters"

    def errors(self) -> set[str]:
        """The errors that were reached, with N for each number."""
        return {re.sub(r"\d+", "N", text) for text in self.refused}

    def noise(self) -> None:
        data = self.rng.randbytes(self.rng.choice((0, 1, 3, 20, 60, 209, 210, 211, 700)))
        if self.rng.random() < 0.5:  # few bits: short values, and pieces between delimiters
            few = int.from_bytes(data) & self.rng.getrandbits(8 * len(data) + 1) & int.from_bytes(b"\x03" * len(data))
            data = few.to_bytes(len(data))
        self.feed(data)
        try:
            cbor.decode(data)
        except WireError as error:
            self.refused.add(str(error))

    def mutated_frame(self) -> None:
        """A frame that nobody has sealed like this: never accepted."""
        kind = self.rng.choice(KINDS)
        signed = bytes(self.rng.choices((0, ADDRESS, EVERYBODY, 8), k=2)) + bytes((kind,)) + self.rng.randbytes(4)
        line = pack(signed + messages.encode(kind, SAMPLES[kind]), self.rng.randbytes(8))
        taken = self.feed(self.mutate(line) if self.rng.random() < 0.7 else line)
        assert not taken, "a frame with a random seal was accepted"

    def stolen_key(self) -> None:
        """A payload that nobody would send, under the right seal and a fresh counter."""
        kind = self.rng.choice(KINDS) if self.rng.random() < 0.94 else self.rng.randrange(256)
        payload = messages.encode(kind, SAMPLES[kind]) if kind in SAMPLES else b"\x80"
        payload = self.mutate(payload)[:FRAME_PAYLOAD_MAX]
        self.counter += 1
        for context, dst, src, key in self.seats(kind):
            signed = bytes((dst, src, kind)) + self.counter.to_bytes(4, "big") + payload
            self.feed(pack(signed, key.seal(context, signed)))

    def seats(self, kind: int) -> list:
        """Every (context, dst, src, key) under which a frame of `kind` could be taken."""
        self.gateway.hello(ADDRESS)
        session = self.post.session
        assert session is not None
        gateway_session = self.gateway._sessions[ADDRESS]
        gateway_session.asked = self.counter
        gateway_session.kind = next(
            (ask for ask, answers in messages.ANSWERS.items() if kind in answers), messages.POLL
        )
        return [
            (contexts.DOWN, ADDRESS, GATEWAY, session.key), (contexts.UP, GATEWAY, ADDRESS, gateway_session.key),
            (contexts.BUS, EVERYBODY, GATEWAY, Key(BUS_KEY)), (contexts.BUS, EVERYBODY, ADDRESS, Key(BUS_KEY)),
            (contexts.BUS, EVERYBODY, 8, Key(BUS_KEY)), (contexts.HELLO, ADDRESS, GATEWAY, Key(POST_KEY)),
            (contexts.HELLO_OK + self.gateway._hellos[ADDRESS][0], GATEWAY, ADDRESS, Key(POST_KEY)),
        ]  # fmt: skip

    def feed(self, data: bytes) -> int:
        """Give bytes to a decoder and its frames to both ends; return how many were accepted."""
        taken, wrong = 0, self.decoder.errors
        self.inputs += 1
        frames = self.decoder.feed(data)
        if self.decoder.errors != wrong:
            self.refused.add(self.decoder.last_error)
        for frame in frames:
            assert len(frame.payload) <= FRAME_PAYLOAD_MAX
            for end in (self.post, self.gateway):
                try:
                    message = end.receive(frame)
                except WireError as error:
                    self.refused.add(str(error))
                    continue
                if message is not None:
                    taken += 1
                    messages.encode(message.kind, message.values)  # what was accepted is within its bounds
        assert len(self.decoder._piece) <= FRAME_MAX + 1
        self.accepted += taken
        return taken

    def mutate(self, data: bytes) -> bytes:
        rng = self.rng
        out = bytearray(data)
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(out) + 1)
            how = rng.randrange(5)
            if how == 0:
                out[at:at] = rng.randbytes(rng.randrange(1, 4))
            elif how == 1:
                del out[at : at + rng.randrange(1, 4)]
            elif how == 2 and at < len(out):
                out[at] ^= 1 << rng.randrange(8)
            elif how == 3 and at < len(out):
                out[at] = rng.choice((0, 1, 0x18, 0x1B, 0x5B, 0x7F, 0x81, 0x9B, 0xA0, 0xF4, 0xF5, 0xF6, 0xFB, 0xFF))
            else:
                out = out[:at] + out[: rng.randrange(len(out) + 1)]
        return bytes(out)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    args = parser.parse_args()
    inputs = accepted = 0
    errors: set[str] = set()
    while inputs < args.inputs:
        fuzz = Fuzz(args.seed)
        try:
            while fuzz.inputs < 20_000:
                fuzz.step()
        except Exception:
            print(f"FOUND with seed {args.seed} at input {fuzz.inputs}", flush=True)
            raise
        inputs += fuzz.inputs
        accepted += fuzz.accepted
        errors |= fuzz.errors()
        args.seed += 1
        if sys.stdout.isatty():
            print(f"\r{inputs} inputs, {accepted} accepted under a stolen key", end="", flush=True)
    print(f"\n{inputs} inputs, {accepted} frames accepted under a stolen key, no finding; the errors reached:")
    print("\n".join(sorted(errors)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
