"""A session from its greeting to an update, and what must be refused behind it."""

import hashlib

import cbor2
from making.wire import (
    ADDRESS,
    BUS_KEY,
    GATEWAY_COUNTER,
    GATEWAY_RANDOM,
    NEXT_NUMBER,
    POST_KEY,
    POST_RANDOM,
    SHORT,
    TYPES,
    head,
    line,
    mac,
    plain,
    short_line,
)


class Transcript:
    """A session as both ends speak it; every step holds what is said and the bytes on the wire."""

    def __init__(self):
        self.steps = []
        self.session_key = mac(POST_KEY, b"lamplighter 1 session:", GATEWAY_RANDOM + POST_RANDOM)
        self.counter = 0

    def say(self, sender: str, name: str, values: list, key: bytes, context: bytes, dst: int, counter: int) -> None:
        if name in SHORT:
            data = short_line(key, context, name, ADDRESS, counter, values)
        else:
            signed = head(dst, 0 if sender == "gateway" else ADDRESS, TYPES[name], counter) + cbor2.dumps(values)
            data = line(key, context, signed)
        step = {"from": sender, "say": name, "type": TYPES[name], "dst": dst, "counter": counter}
        self.steps.append({**step, "values": plain(values), "line": data.hex()})

    def ask(self, name: str, values: list) -> None:
        self.counter += 1
        self.say("gateway", name, values, self.session_key, b"lamplighter 1 down:", ADDRESS, self.counter)

    def answer(self, name: str, values: list) -> None:
        self.say("post", name, values, self.session_key, b"lamplighter 1 up:", 0, self.counter)


def session_vectors() -> dict:
    t = Transcript()
    hello = [1, GATEWAY_RANDOM, GATEWAY_COUNTER + 1]
    t.say("gateway", "HELLO", hello, POST_KEY, b"lamplighter 1 hello:", ADDRESS, 0)
    hello_ok = [1, POST_RANDOM, 3405691582, 12, "post-07", "0.1.0", NEXT_NUMBER]
    t.say("post", "HELLO_OK", hello_ok, POST_KEY, b"lamplighter 1 hello-ok:" + GATEWAY_RANDOM, 0, 0)
    t.ask("POLL", [0, b"", 1, 0])
    items = [[41, 4, 0, 12, 0, 0], [42, 1, 838000000, 600, 18200, 123456]]
    t.answer("STATUS", [600, 600, 1, 0, 18200, b"", 0, 2, items])
    t.say("gateway", "TIME", [838000010, 250, 15], BUS_KEY, b"lamplighter 1 bus:", 255, GATEWAY_COUNTER + 1)
    t.say("post", "EVENT", [1, 0, 80, 0], BUS_KEY, b"lamplighter 1 bus:", 255, 43)
    t.ask("POLL", [42, bytes([ADDRESS, 43]), 0, 0])
    t.answer("STATUS", [1000, 1000, 3, 0, 30000, b"", 838000010, 1, [[43, 2, 838000010, 0, 1, 0]]])
    t.ask("POLL", [43, b"", 0, 0])
    t.answer("STILL", [2])
    t.ask("POLL", [0, b"", 0, 1])
    t.answer("MOVED", [2, 640, 300, 1, 19500])
    t.say("post", "EVENT", [1, 0, 0, 1], BUS_KEY, b"lamplighter 1 bus:", 255, 43)
    t.ask("COMMAND", [77, 1, 6, 0, 400, 838000610, 600, "quiet hour"])
    t.answer("RESULT", [77, 0, ""])
    t.ask("WHY", [0, 0])
    chain = [[1, 0, 300, 0, 0, "park: 22:30 -> 30 %"], [6, 0, 400, 1, 838000610, "quiet hour"]]
    t.answer("WHY_OK", [838000011, 400, 6, 2, 0, chain])
    t.ask("SET_TIME", [838000012, 7, 15])
    t.answer("TIME_OK", [-3, 41250, 15])
    blob = bytes(range(256))[::-1][:140]
    t.ask("BLOB_BEGIN", [1, len(blob), hashlib.sha256(blob).digest()])
    t.answer("BLOB_OK", [2, 0, ""])
    t.ask("BLOB_DATA", [0, blob[:128]])
    t.answer("BLOB_OK", [2, 1, ""])
    t.ask("BLOB_DATA", [1, blob[128:]])
    t.answer("BLOB_OK", [1, 0, "this is no plan"])
    image = bytes(range(256))
    digest = hashlib.sha256(image).digest()
    t.ask("FIRMWARE", [0, "rp2", 2, len(image), digest])
    t.answer("FIRMWARE_OK", [2, 0, 3, ""])
    t.say("gateway", "BLOCK", [digest[:8], image[128:]], BUS_KEY, b"lamplighter 1 bus:", 255, 1)
    t.ask("MISSING", [digest[:8]])
    t.answer("FIRMWARE_OK", [2, 0, 1, ""])
    t.say("gateway", "BLOCK", [digest[:8], image[:128]], BUS_KEY, b"lamplighter 1 bus:", 255, 0)
    t.ask("FIRMWARE", [1, "rp2", 2, len(image), digest])
    t.answer("FIRMWARE_OK", [0, 0, 0, "installing"])
    return {
        "address": ADDRESS, "post_key": POST_KEY.hex(), "bus_key": BUS_KEY.hex(),
        "gateway_random": GATEWAY_RANDOM.hex(), "post_random": POST_RANDOM.hex(),
        "gateway_counter": GATEWAY_COUNTER, "next_number": NEXT_NUMBER, "session_key": t.session_key.hex(),
        "steps": t.steps, "refused_after": refused(t),
    }  # fmt: skip


def refused(t: Transcript) -> list:
    """Frames that both ends must refuse when the transcript has been spoken: every step again, and forgeries."""
    rows = []
    for step in t.steps[1:]:  # a HELLO may come again; it changes nothing until a frame of its session follows
        if step["say"] == "BLOCK":  # may come again too: it is known by its number
            continue
        to = "post" if step["from"] == "gateway" else "gateway"
        rows.append({"to": to, "line": step["line"], "why": f"{step['say']} again"})

    def forge(
        to: str, why: str, key: bytes, context: bytes, dst: int, src: int, name: str, counter: int, values
    ) -> None:
        if name in SHORT:
            data = short_line(key, context, name, src if name == "EVENT" else ADDRESS, counter, values)
        else:
            data = line(key, context, head(dst, src, TYPES[name], counter) + cbor2.dumps(values))
        rows.append({"to": to, "line": data.hex(), "why": why})

    down, up, bus = b"lamplighter 1 down:", b"lamplighter 1 up:", b"lamplighter 1 bus:"
    status = [0, 0, 1, 0, 0, b"", 0, 0, []]
    dark = [78, 1, 6, 0, 0, 0, 600, "dark"]
    forge("post", "sealed with the bus key", BUS_KEY, down, ADDRESS, 0, "COMMAND", 99, dark)
    forge("post", "sealed with the post key", POST_KEY, down, ADDRESS, 0, "COMMAND", 99, dark)
    forge("post", "sealed for the other direction", t.session_key, up, ADDRESS, 0, "COMMAND", 99, dark)
    forge("post", "not from the gateway", t.session_key, down, ADDRESS, 9, "COMMAND", 99, dark)
    forge("post", "an answer for a request", t.session_key, down, ADDRESS, 0, "STATUS", 99, status)
    forge("post", "a command for everybody", BUS_KEY, bus, 255, 0, "COMMAND", 999, dark)
    forge("post", "a block from a post", BUS_KEY, bus, 255, 9, "BLOCK", 0, [bytes(8), b"x"])
    forge("gateway", "a block from a post", BUS_KEY, bus, 255, ADDRESS, "BLOCK", 0, [bytes(8), b"x"])
    forge("post", "time from a post", BUS_KEY, bus, 255, 9, "TIME", 999, [838000000, 0, 0])
    forge("post", "an event from the gateway", BUS_KEY, bus, 255, 0, "EVENT", 999, [0, 0, 0, 0])
    forge("post", "an event from itself", BUS_KEY, bus, 255, ADDRESS, "EVENT", 999, [0, 0, 0, 0])
    forge("post", "an event from address 251", BUS_KEY, bus, 255, 251, "EVENT", 999, [0, 0, 0, 0])
    forge("post", "HELLO with the bus key", BUS_KEY, b"lamplighter 1 hello:", ADDRESS, 0, "HELLO", 0, [1, bytes(8), 1])
    forge("gateway", "sealed with the bus key", BUS_KEY, up, 0, ADDRESS, "STATUS", t.counter + 1, status)
    forge("gateway", "an answer nobody asked for", t.session_key, up, 0, ADDRESS, "STATUS", t.counter + 1, status)
    forge("gateway", "unknown post", t.session_key, up, 0, 8, "STATUS", t.counter + 1, status)
    forge("gateway", "reflected", t.session_key, down, 0, ADDRESS, "WHY", t.counter + 1, [0, 0])
    forge("gateway", "a STILL to something else than POLL", t.session_key, up, 0, ADDRESS, "STILL", t.counter, [2])
    forge("gateway", "a STILL with the bus key", BUS_KEY, up, 0, ADDRESS, "STILL", t.counter + 1, [2])
    forge("gateway", "an event of an older item", BUS_KEY, bus, 255, ADDRESS, "EVENT", 42, [1, 0, 0, 0])
    forge("gateway", "an event with another key", t.session_key, bus, 255, ADDRESS, "EVENT", 99, [1, 0, 0, 0])
    forge("post", "a POLL with the bus key", BUS_KEY, down, ADDRESS, 0, "POLL", t.counter + 1, [0, b"", 0, 0])
    forge("post", "a POLL of 256 requests ago", t.session_key, down, ADDRESS, 0, "POLL", t.counter - 1, [0, b"", 0, 0])
    return rows
