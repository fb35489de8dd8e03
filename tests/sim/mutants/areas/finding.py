"""Posts that are found, forgers and those who disturb, blocks of firmware, posts without a wire."""

# ruff: noqa: E501 - the lines quote the source as it stands
from areas.base import EDGE_TEST, GATEWAY, GATEWAY_TEST, LIGHT, POST, WIRE, Mutant

MUTANTS = [
    # discovery
    Mutant(
        "one silent search proves that all are found", GATEWAY + "search/finding.py", "SILENCES = 4 ", "SILENCES = 1 ",
        "tests/sim/test_finding.py",
    ),
    Mutant(
        "a copy of a board gets the place of its original", GATEWAY + "search/finding.py",
        "if first == here.value else 0", "if True else 0", "tests/sim/test_finding.py",
    ),
    Mutant(
        "a board is believed who it is without its key", GATEWAY + "search/finding.py",
        "if secret and equal(Key(secret)", "if secret or equal(Key(secret)", "tests/sim/test_finding.py",
    ),
    Mutant(
        "a post that is served answers a search", "edge/lamppost/found.py", "elif self._is_served(t_ms):",
        "elif False:", "tests/sim/test_finding.py",
    ),
    Mutant(
        "a post takes the place that somebody else gives it", "edge/lamppost/found.py",
        "if not equal(key.seal(contexts.PLACE + fresh, frame.signed), frame.seal):", "if False:",
        "tests/edge/test_found.py",
    ),
    Mutant(
        "a post without an address does not see who is below it", LIGHT + "presence.py", "if 0 <= address < 256",
        "if 0 < address < 256", "tests/edge/test_found.py",
    ),
    Mutant(
        "a post that is told the place it has forgets what it heard", "edge/lamppost/found.py",
        "if (address, bus_key) != (settings.address, settings.get(\"bus-key\")):", "if True:", "tests/edge/test_found.py",
    ),
    Mutant(
        "a post that was found has no session", GATEWAY + "rollover/rolling.py",
        "self._deeds.tell(bus, line.Adopt(address, key))", "del key",
        GATEWAY_TEST + "find_command.py",
    ),
    Mutant(
        "a keeper does not cease when the gateway is heard", WIRE + "keeper.py",
        "        self.alone = False\n        self._due_ms = None\n        self._pairs", "        self._due_ms = None\n        self._pairs",
        "tests/edge/test_wire_keeper.py",
    ),
    Mutant(
        "two keepers garble each other for ever", WIRE + "keeper.py", " and self._fruitless < 2", "",
        "tests/edge/test_wire_keeper.py",
    ),
    Mutant(
        "a forged event takes the place of a fault in the outbox", GATEWAY + "store/outbox.py",
        "return entry.seq <= self.sure if entry.told else ", "return ", "tests/gateway/test_stolen_key.py",
    ),
    Mutant(
        "a forged event takes the place of a fault at the post", POST + "store/items.py",
        "if item[1] != messages.PRESENCE and item[0] > self._told:", "if False:", "tests/edge/test_store.py",
    ),
    Mutant(
        "the acknowledgement of a forged event stands for ever", GATEWAY + "lines/hearing.py",
        "peer.ack = peer.ack_told = items[0][0] - 1", "pass", "tests/gateway/test_stolen_key.py",
    ),
    Mutant(
        "who is to keep silent keeps the line", POST + "line.py", "if said is None or t_ms < self.silent_ms:",
        "if said is None:", "tests/edge/test_hush.py",
    ),
    Mutant(
        "a post says as many events as it likes", POST + "line.py",
        " or spent_ms > t_ms + EVENT_BURST * EVENT_EVERY_MS:", ":", "tests/edge/test_hush.py",
    ),
    Mutant(
        "whoever is tried first is to blame", GATEWAY + "lines/disturbed.py",
        "if 4 * (yield from self._rate(LISTEN_MS)) >= base:", "if not (yield from self._rate(LISTEN_MS)) + 1:",
        "tests/gateway/test_disturbed.py",
    ),
    Mutant(
        "noise that ceased is blamed all the same", GATEWAY + "lines/disturbed.py",
        "if 2 * (yield from self._rate(RETURN_MS)) < base:", "if (yield from self._rate(RETURN_MS)) < 0:",
        "tests/gateway/test_disturbed.py",
    ),
    Mutant(
        "a flood of events goes on to the other lines", GATEWAY + "lines/disturbed.py",
        "            return True\n        self._spent_ms[post]", "            return False\n        self._spent_ms[post]",
        "tests/gateway/test_disturbed.py",
    ),
    Mutant(
        "a keeper cuts the places of a GO short", WIRE + "keeper.py", "(places + self._rank())", "self._rank()",
        "tests/edge/test_wire_keeper.py",
    ),
    Mutant(
        "a block that is there in part counts as there", POST + "blocks.py",
        "if start < size and have < min(start + BLOCK_BYTES, size):", "if start < size and have <= start:",
        EDGE_TEST + "blocks.py",
    ),
    Mutant(
        "an image begins anew after a power cut", POST + "blocks.py", "self._segment = have // _SEGMENT if", "self._segment = 0 if",
        EDGE_TEST + "blocks.py",
    ),
    Mutant(
        "a block counts without its seal", POST + "blocks.py", "if not [key for key in keys if", "if [] and [key for key in keys if",
        EDGE_TEST + "blocks.py",
    ),
    Mutant(
        "blocks of one image fall into another", POST + "blocks.py", " or name != intake.digest[:8]:", ":",
        EDGE_TEST + "blocks.py",
    ),
    Mutant(
        "what came over the line is not held against its SHA-256", POST + "intake.py", "if not self._unchecked or", "if True or",
        GATEWAY_TEST + "firmware.py",
    ),
    Mutant(
        "only what the last one lacks is said again", GATEWAY + "wanted/firmware.py", "mask |= target.missing", "mask = target.missing",
        GATEWAY_TEST + "firmware.py",
    ),
    Mutant(
        "somebody is asked to install before he has all", GATEWAY + "wanted/firmware.py",
        "if target.state != SENDING or target.segment < self.image.segments or target.asking:",
        "if target.state != SENDING or target.asking:", GATEWAY_TEST + "firmware.py",
    ),
    Mutant(
        "all posts of a line install at once", GATEWAY + "wanted/firmware.py", "if self._proven else 1", "if True else 1",
        GATEWAY_TEST + "firmware.py",
    ),
    Mutant(
        "blocks leave no turn to polls", GATEWAY + "lines/cast.py", "bool(self._left) and not self._mine", "bool(self._left)",
        GATEWAY_TEST + "firmware.py",
    ),
    # without a wire
    Mutant(
        "a post hears an event under anybody's name", POST + "boards/air.py", "good = _is_event(data) and way[2] == str(data[3])",
        "good = _is_event(data)", EDGE_TEST + "air.py",
    ),
    Mutant(
        "a packet too long is kept", POST + "boards/mqtt.py", "if size > PACKET_MAX:", "if size > 1 << 20:", EDGE_TEST + "air.py",
    ),
    Mutant(
        "a broker that is silent is believed for ever", POST + "boards/air.py", "if t_ms - self._heard_ms > 1000 * KEEP_ALIVE_S:",
        "if t_ms - self._heard_ms > 100000 * KEEP_ALIVE_S:", EDGE_TEST + "air.py",
    ),
    Mutant(
        "a post writes where another does", "gateway/lamplighter/provision/air_files.py", "f\"topic write {base}/event/{address}\"]",
        "f\"topic write {base}/event/+\"]", GATEWAY_TEST + "air.py",
    ),
    Mutant(
        "an event waits for another's answer", GATEWAY + "lines/air_poll.py", "        self._acknowledge(t_ms)\n        while",
        "        while", GATEWAY_TEST + "air.py",
    ),
    Mutant(
        "the gateway takes what a post says in another's name", GATEWAY + "lines/air.py", "if str(frame.src) != sender or not",
        "if not", GATEWAY_TEST + "air.py",
    ),
]  # fmt: skip
