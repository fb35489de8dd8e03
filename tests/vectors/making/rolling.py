"""Keys rolled over while a line runs."""

import cbor2
from making.wire import ADDRESS, BUS_KEY, GATEWAY_COUNTER, NEXT_NUMBER, POST_KEY, TYPES, head, line, mac, short_line


def name_of(key: bytes) -> bytes:
    return mac(key, b"lamplighter 1 name:", b"")[:8]


def rolling_vectors() -> dict:
    """A bus key and then a post key rolled over: every frame that matters, in order, and what must be refused between.

    The post's randoms are those of `randoms`, in order; frames of `forbidden` stand behind the step they name.
    """
    down, up, bus = b"lamplighter 1 down:", b"lamplighter 1 up:", b"lamplighter 1 bus:"
    new_bus, new_post = bytes(range(150, 182)), bytes(range(180, 212))
    randoms = [bytes([0xB0 + i] * 8) for i in range(3)]
    gates = [bytes([0xA0 + i] * 8) for i in range(3)]
    posts = [POST_KEY, new_post, new_post]
    sessions = [mac(k, b"lamplighter 1 session:", g + p) for k, g, p in zip(posts, gates, randoms, strict=True)]
    steps: list[dict] = []
    forbidden: list[dict] = []

    def add(to: str, say: str, data: bytes, answer: bytes = b"") -> None:
        steps.append({"to": to, "say": say, "line": data.hex(), "answer": answer.hex()})

    def refuse(why: str, data: bytes) -> None:
        forbidden.append({"after": len(steps) - 1, "line": data.hex(), "why": why})

    def hello(key: bytes, at: int) -> tuple[bytes, bytes]:
        ask = head(ADDRESS, 0, TYPES["HELLO"], 0) + cbor2.dumps([1, gates[at], GATEWAY_COUNTER])
        told = [1, randoms[at], 7, 3, "ll-000042", "0.1.0", NEXT_NUMBER]
        ok = head(0, ADDRESS, TYPES["HELLO_OK"], 0) + cbor2.dumps(told)
        context = b"lamplighter 1 hello-ok:" + gates[at]
        return line(key, b"lamplighter 1 hello:", ask), line(key, context, ok)

    def asked(session: bytes, counter: int, name: str, values: list) -> bytes:
        signed = head(ADDRESS, 0, TYPES[name], counter) + cbor2.dumps(values)
        return line(session, down, signed)

    def key(session: bytes, counter: int, what: int, secret: bytes, hidden: bool = True) -> bytes:
        start = head(ADDRESS, 0, TYPES["KEY"], counter)
        pad = mac(session, b"lamplighter 1 wrap:", start)
        wrapped = bytes(a ^ b for a, b in zip(pad, secret, strict=True)) if hidden else b""
        return asked(session, counter, "KEY", [what, name_of(secret), wrapped])

    def took(session: bytes, counter: int, what: int, code: int) -> bytes:
        return line(session, up, head(0, ADDRESS, TYPES["KEY_OK"], counter) + cbor2.dumps([what, code]))

    def time(secret: bytes, counter: int) -> bytes:
        return line(secret, bus, head(255, 0, TYPES["TIME"], counter) + cbor2.dumps([838000010, 250, 15]))

    def event(secret: bytes, number: int) -> bytes:
        return short_line(secret, bus, "EVENT", 8, number, [0, 0, 80, 0])

    s = sessions[0]
    add("post", "HELLO under the post's own key", *hello(POST_KEY, 0))
    first = key(s, 1, 1, new_bus)
    add("post", "KEY: the next bus key, first frame of the session", first, took(s, 1, 1, 0))
    refuse("the same KEY again: an old counter", first)
    refuse("a KEY of another session", key(sessions[1], 9, 1, new_bus))
    refuse("a KEY sealed with the bus key", key(BUS_KEY, 9, 1, new_bus))
    refuse("a KEY for everybody", line(BUS_KEY, bus, head(255, 0, TYPES["KEY"], 999) + cbor2.dumps([1, bytes(8), b""])))
    add("post", "TIME under the key in force", time(BUS_KEY, 100))
    add("post", "EVENT of a neighbour under the key in force", event(BUS_KEY, 50))
    add("post", "TIME under the next key: it is in force", time(new_bus, 101))
    refuse("TIME under the last key with a number that was heard under the new one", time(BUS_KEY, 101))
    refuse("an EVENT under the new key with a number that was heard under the last one", event(new_bus, 50))
    add("post", "EVENT of a neighbour that has not heard of it", event(BUS_KEY, 51))
    add("post", "KEY: this bus key is in force", key(s, 2, 2, new_bus, False), took(s, 2, 2, 0))
    add("post", "KEY: one in force that it has never had", key(s, 3, 2, b"\x77" * 32, False), took(s, 3, 2, 4))
    wrong = asked(s, 4, "KEY", [1, name_of(new_bus), bytes(32)])
    add("post", "KEY whose name is another's", wrong, took(s, 4, 1, 1))
    add("post", "KEY with half a key", asked(s, 5, "KEY", [1, name_of(new_bus), bytes(16)]), took(s, 5, 1, 1))
    add("post", "KEY about nothing known", key(s, 6, 4, new_bus, False), took(s, 6, 4, 1))
    add("wait", "the last bus key is forgotten", b"")
    refuse("TIME under the last bus key", time(BUS_KEY, 150))
    refuse("an EVENT under the last bus key", event(BUS_KEY, 99))
    add("post", "EVENT under the new key", event(new_bus, 52))
    refuse("that EVENT again", event(new_bus, 52))
    add("post", "KEY: the next post key", key(s, 7, 3, new_post), took(s, 7, 3, 0))
    add("post", "HELLO under the next post key", *hello(new_post, 1))
    poll = short_line(s, down, "POLL", ADDRESS, 8, [0, b"", 1, 0])
    add("post", "POLL in the session before: nothing has changed yet", poll)
    add("post", "KEY in the new session: that post key is its own", key(sessions[1], 1, 3, new_post, False),
        took(sessions[1], 1, 3, 0))  # fmt: skip
    refuse("HELLO under the last post key", hello(POST_KEY, 2)[0])
    refuse("a request of the last session", short_line(s, down, "POLL", ADDRESS, 9, [0, b"", 1, 0]))
    add("post", "HELLO under the post key in force", *hello(new_post, 2))
    return {
        "post_key": POST_KEY.hex(), "bus_key": BUS_KEY.hex(), "new_post_key": new_post.hex(),
        "new_bus_key": new_bus.hex(), "address": ADDRESS, "randoms": [random.hex() for random in randoms],
        "names": {"bus_key": name_of(BUS_KEY).hex(), "new_bus_key": name_of(new_bus).hex()},
        "steps": steps, "forbidden": forbidden,
    }  # fmt: skip
