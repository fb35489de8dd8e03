"""Frames, seals and links; items and what becomes of them; polls and access to the line."""

# ruff: noqa: E501 - the lines quote the source as it stands
from areas.base import EDGE_TEST, GATEWAY, GATEWAY_TEST, POST, STORE, WIRE, Mutant

MUTANTS = [
    # frame, seal, link
    Mutant(
        "the CRC is not looked at", WIRE + "frame.py", "if crc16(body[:-2]) != (body[-2] << 8 | body[-1]):", "if False:",
        EDGE_TEST + "wire_frame.py",
    ),
    Mutant(
        "a frame that never ends is kept", WIRE + "frame.py", "if len(self._piece) + end - at > _STUFFED_MAX:",
        "if False:", EDGE_TEST + "wire_frame.py",
    ),
    Mutant(
        "any seal will do in a session", WIRE + "post_link.py",
        "if fits(session.key, contexts.DOWN, signed, frame.seal):", "if True:",
    ),
    Mutant(
        "any seal will do in a broadcast", WIRE + "post_link.py",
        "        self._sealed(frame, place, order)\n        if order", "        if order",
    ),
    Mutant(
        "a recorded broadcast is fresh", WIRE + "post_link.py",
        "        if order <= self.heard.get(place, 0):\n", "        if order < 0:\n",
    ),
    Mutant(
        "a request may come twice", WIRE + "post_link.py", "        if counter <= session.asked:",
        "        if counter < session.asked:", EDGE_TEST + "wire_counters.py",
    ),
    Mutant(
        "event counters start again after a power cut", WIRE + "counter.py", "            self._reserve(reserved)\n", "",
        EDGE_TEST + "wire_counters.py",
    ),
    Mutant(
        "a command is not remembered", POST + "answers.py", "            if result[0] == transaction:\n",
        "            if result[0] == -1:\n",
        "tests/edge/test_wire_post.py",
    ),
    Mutant("a plan is not kept", POST + "post.py", "self.save(\"plan\", raw)", "pass"),
    # items and outbox
    Mutant(
        "an item too many is forgotten", POST + "answers.py", "post.items.acknowledge(ack)",
        "post.items.acknowledge(ack + 1)",
    ),
    Mutant(
        "item numbers are not reserved", STORE + "items.py", "        self._reserve(self._reserved)\n", ""
    ),
    Mutant(
        "an item that comes again is new", GATEWAY + "store/outbox.py",
        "if entry.told else entry.seq <= self.stored or entry.seq in self.heard",
        "if entry.told else entry.seq in self.heard",
    ),
    Mutant(
        "an event heard before its item is forgotten", GATEWAY + "store/outbox.py",
        "frozenset(seq for seq in seen.heard if seq > stored)", "frozenset()",
        GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "ids start again with the gateway", GATEWAY + "store/outbox.py", "        _put(connection, \"next\", self._next)\n", ""
    ),
    Mutant(
        "a reading tells energy for power", GATEWAY + "store/items.py", "\"power_w\": b / 1000", "\"power_w\": c / 1000"
    ),
    # poll
    Mutant(
        "an item is acknowledged before it is stored", GATEWAY + "lines/hearing.py",
        "            self._actions.append(line.Items(peer.address, peer.epoch, items))\n",
        "            self._actions.append(line.Items(peer.address, peer.epoch, items))\n"
        "            peer.ack = items[-1][0]\n",
        GATEWAY_TEST + "poll.py",
    ),
    Mutant(
        "a post that lost its session is polled for ever", GATEWAY + "lines/roster.py",
        "        peer.state, peer.hellos, peer.hello_ms = NEW, 0, t_ms\n        return True",
        "        return False",
    ),
    Mutant(
        "time is told a minute late", GATEWAY + "lines/line_clock.py", "utc_ms = t_ms + (self._ahead_ms or 0)",
        "utc_ms = t_ms - 60_000 + (self._ahead_ms or 0)",
    ),
    # access to the line
    Mutant(
        "no slot stands behind a POLL", WIRE + "access.py",
        "        self._slot_at = t_ms + self._timing.turn_ms\n        self._free_at", "        self._slot_at = -1\n        self._free_at",
        "tests/edge/test_post_frame_event.py",
    ),
    Mutant(
        "who is late for its slot speaks all the same", WIRE + "access.py",
        "            return True\n        self._slot_at = -1\n        return False\n", "            return True\n        return True\n",
        "tests/edge/test_wire_access.py",
    ),
    Mutant(
        "bytes do not end the slot", WIRE + "access.py",
        "        self._slot_at = -1\n        self._free(t_ms + self._timing.idle_ms)\n",
        "        self._free(t_ms + self._timing.idle_ms)\n", "tests/edge/test_wire_access.py",
    ),
    Mutant(
        "the places of a GO are one place", WIRE + "access.py", "rank = self._address - self._low", "rank = 0",
        "tests/edge/test_wire_access.py",
    ),
    Mutant(
        "an event in a GO moves nobody", WIRE + "access.py", "        self._low = src + 1\n", "",
        "tests/edge/test_wire_access.py",
    ),
    Mutant(
        "a POLL is answered before events have passed", "edge/lamppost/line.py",
        "self._reply, self._reply_ms = reply, t_ms + self._timing.answer_ms", "self._reply, self._reply_ms = reply, t_ms",
        "tests/edge/test_wire_post.py",
    ),
    Mutant(
        "an answer is given over garbage", "edge/lamppost/line.py",
        "        self._reply_ms = None\n        self._raw = True", "        self._raw = True", "tests/edge/test_wire_post.py",
    ),
    Mutant(
        "a lost POLL that was foreseen is taken after a later one", WIRE + "foreseen.py",
        " or session.asked + 1 != self._counter", "", "tests/edge/test_foreseen.py",
    ),
    Mutant(
        "an answer made ahead tells what was", POST + "line.py", "        self._foreseen = None\n\n    def passed",
        "        pass\n\n    def passed", "tests/edge/test_foreseen.py",
    ),
    Mutant(
        "what was foreseen is answered whatever has come of it since", POST + "post.py",
        "            self._news()\n            self._take", "            self._take", "tests/edge/test_foreseen.py",
    ),
    Mutant(
        "a POLL that was foreseen is taken behind half a frame", WIRE + "frame.py",
        " and self._piece == frame[1 : -len(data)]", "", "tests/edge/test_foreseen.py",
    ),
    Mutant(
        "a post that has started anew keeps what it has forgotten", GATEWAY + "wanted/orders.py", "before != boots", "False",
        "tests/gateway/test_orders.py",
    ),
    Mutant(
        "an order that was ended is told again", GATEWAY + "wanted/orders.py",
        "if self._kept.pop((post, layer), None) is not None:", "if (post, layer) in self._kept:",
        "tests/gateway/test_orders.py",
    ),
    Mutant(
        "how long the firmware before ran keeps the new one", POST + "boards/firmware.py",
        "            return  # how long the firmware before", "            pass  # how long the firmware before",
        "tests/edge/cpython/test_firmware_tried.py",
    ),
    Mutant(
        "garbage behind a POLL is a missing answer", GATEWAY + "lines/hearing.py", "if garbled and self._burst.garbled(t_ms):",
        "if False:", "tests/edge/cpython/test_wire_gateway.py",
    ),
    Mutant(
        "half an answer is taken for garbage", GATEWAY + "lines/poll.py",
        "return self._question is not None and not self._decoder.begun_by(self._question.peer.address)",
        "return True", "tests/edge/cpython/test_wire_gateway.py",
    ),
    Mutant(
        "nobody acknowledges where nothing is asked", GATEWAY + "lines/hints.py", "DUE_MS = 60 ", "DUE_MS = 60_000 ",
        "tests/gateway/test_poll.py",
    ),
    Mutant(
        "an old low byte is named as if it were new", GATEWAY + "lines/hints.py", "OLD_MS = 1000\n", "OLD_MS = 10**9\n",
        "tests/gateway/test_hints.py",
    ),
    Mutant(
        "noise is a burst for ever", GATEWAY + "lines/burst.py", "self._not_before_ms = t_ms + PAUSE_MS",
        "self._not_before_ms = t_ms", "tests/gateway/test_hints.py",
    ),
]  # fmt: skip
