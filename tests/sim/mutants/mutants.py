"""Deliberate bugs: what the checker and the tests must catch, or they prove nothing.

Each is one change of one file: `old` stands there exactly once (a test holds that). `catcher` is "check", for
`lampsim check` on SEEDS, or the test file that must fail.
"""

# ruff: noqa: E501 - the lines quote the source as it stands
from typing import NamedTuple

CHECK = "check"
SEEDS = "127,146,133,209,217,262,289,389,116,126,205,196,250,259,322,334,197,215,233,258,270,371,404,442"  # small


class Mutant(NamedTuple):
    name: str
    file: str
    old: str
    new: str
    catcher: str = CHECK


POST, GATEWAY = "edge/lamppost/", "gateway/lamplighter/gateway/"
LIGHT, WIRE, STORE = POST + "light/", POST + "wire/", POST + "store/"
FLASH_TEST = "tests/sim/test_check_flash.py"
EDGE_TEST, GATEWAY_TEST = "tests/edge/test_", "tests/gateway/test_"

MUTANTS = [
    # rules
    Mutant("a switch point comes one cut late", LIGHT + "night.py", "if at <= cut:", "if at < cut:"),
    Mutant("a period does not end", LIGHT + "night.py", "if begin <= cut < end and", "if begin <= cut and"),
    Mutant(
        "weekdays are one off", LIGHT + "program.py", "weekday = 1 << dates.weekday(day)",
        "weekday = 1 << (dates.weekday(day) + 1) % 7",
    ),
    Mutant("a raise lowers", LIGHT + "layers.py", "max(level, asked) if op == RAISE", "asked if op == RAISE"),
    Mutant(
        "an energy cap goes below the safe floor", LIGHT + "commands.py",
        "level = max(level, LEVEL_MAX if plan is None else plan.floor_pm)", "level = max(level, 0)",
    ),
    Mutant(
        "a command outlives its end by a minute", LIGHT + "commands.py", "return t_ms >= self.end_ms() or (",
        "return t_ms >= self.end_ms() + 60000 or (",
    ),
    Mutant(
        "dark while the time is unknown", LIGHT + "arbiter.py",
        "[(PLAN, SET, LEVEL_MAX, LEVEL_MAX, 0, \"time unknown: full output unless it is day\")]",
        "[(PLAN, SET, 0, LEVEL_MAX, 0, \"time unknown: full output unless it is day\")]",
    ),
    Mutant(
        "dark without a plan", LIGHT + "arbiter.py", "[(PLAN, SET, LEVEL_MAX, LEVEL_MAX, 0, \"no plan: full output\")]",
        "[(PLAN, SET, 300, LEVEL_MAX, 0, \"no plan: full output\")]",
    ),
    Mutant(
        "a step amid a ramp is smeared", LIGHT + "arbiter.py", "leap = steps and", "leap = False and steps and",
        EDGE_TEST + "arbiter_steps.py",
    ),
    Mutant(
        "a broken temperature sensor darkens", LIGHT + "layers.py", " or temperature_dc > TEMPERATURE_MAX_DC:", ":"
    ),
    Mutant(
        "the clock does not unwrap its ticks", POST + "clock.py", "step = (ticks - self._ticks) & TICKS_MASK",
        "step = max(0, ticks - self._ticks)",
    ),
    Mutant(
        "a second of each minute is lost", POST + "clock.py", "self.t_ms += step", "self.t_ms += step * 59 // 60"
    ),
    # health and what a post does when a part of it fails
    Mutant(
        "a stuck sensor lights the night", POST + "post.py",
        "                if t_ms - state[3] >= SENSOR_STUCK_S * 1000:\n                    state[2]",
        "                if t_ms < 0:\n                    state[2]", EDGE_TEST + "health.py",
    ),
    Mutant(
        "a fault comes without its delay", POST + "health.py",
        "if t_ms - since_ms < DELAYS_S[number][on] * 1000:", "if t_ms < since_ms:", EDGE_TEST + "health.py",
    ),
    Mutant(
        "a fault flickers between its thresholds", POST + "health.py",
        "        if bad is None or bool(bad) == bool(on):", "        if bool(bad) == bool(on):",
        EDGE_TEST + "health.py",
    ),
    Mutant(
        "a lamp is judged in the middle of a fade", POST + "upkeep.py",
        "or settled_ms < dimmer.done_ms:", "or t_ms < 0:",
        EDGE_TEST + "health.py",
    ),
    Mutant(
        "restarts are not counted", POST + "post.py", "min(short_starts + 1, 0xFFFF)", "0",
        EDGE_TEST + "health.py",
    ),
    Mutant(
        "half a night is taken for a whole one", POST + "life.py",
        "            self._pieces_min = whole_min  # a piece of a night: this period may be the rest of it\n            return\n",
        "            self._pieces_min = whole_min\n", EDGE_TEST + "nights.py",
    ),
    Mutant(
        "a post without the time dims past the safe floor", LIGHT + "half_night.py", "max(plan.floor_pm, max([",
        "max(0, max([", EDGE_TEST + "nights.py",
    ),
    Mutant(
        "summer time is forgotten in a learned night", LIGHT + "half_night.py", "max(tz.std_s, tz.dst_s)\n",
        "min(tz.std_s, tz.dst_s)\n", EDGE_TEST + "nights.py",
    ),
    Mutant(
        "a checkpoint of the night before counts twice", POST + "upkeep.py", "        self._note(0)\n", "",
        EDGE_TEST + "nights.py",
    ),
    Mutant(
        "a faint light is scaled to nothing", LIGHT + "output.py", "max(1, level_pm * scale_pm // 1000)",
        "level_pm * scale_pm // 1000", EDGE_TEST + "output.py",
    ),
    Mutant(
        "a scaled lamp is judged by its full power", POST + "meter.py", "970 * level_pm * self.scale_pm // 1000",
        "970 * level_pm", EDGE_TEST + "output.py",
    ),
    # flash
    Mutant(
        "a journal writes over its newer copy", STORE + "journal.py",
        "copy, sequence = 1 - copy, sequence + 1", "copy, sequence = copy, sequence + 1",
        EDGE_TEST + "power_cuts.py",
    ),
    Mutant(
        "a journal believes a record without its CRC", STORE + "journal.py",
        "if crc32(head + data) != int.from_bytes(raw[9:13], \"big\"):", "if False:", EDGE_TEST + "store.py",
    ),
    Mutant(
        "what went to the ring is told twice", STORE + "items.py", "if known < item[0] < self.next_seq",
        "if 0 < item[0] < self.next_seq", EDGE_TEST + "ring.py",
    ),
    Mutant(
        "items leave RAM before flash has them", STORE + "items.py",
        "self._spilled = RING_ITEMS  # they", "self._waiting = self._waiting[RING_ITEMS:]  # they",
        EDGE_TEST + "ring.py",
    ),
    Mutant(
        "items of another epoch are believed", STORE + "ring.py", " or value[0] != epoch or", " or",
        EDGE_TEST + "ring.py",
    ),
    Mutant(
        "wrong PINs are forgotten with the power", POST + "console.py",
        "        if wrong:\n            self._refuse(wrong[0], 0)\n", "", EDGE_TEST + "post.py",
    ),
    # flash and firmware, which only power cuts, worn flash and bad images show
    Mutant(
        "the copy that was read last wins", STORE + "journal.py", "found[0] > best_sequence:", "found[0] > -1:",
        FLASH_TEST,
    ),
    Mutant(
        "starts of an image on trial are not counted", STORE + "slots.py", "self.tries_left -= 1", "self.tries_left -= 0",
        FLASH_TEST,
    ),
    Mutant(
        "a trial that cannot be counted runs", STORE + "slots.py", "return self.spare\n", "return FOLDERS[self.active]\n",
        FLASH_TEST,
    ),
    Mutant(
        "a file is not held against what was signed", POST + "update.py", "size, pause) != digest:", "size, pause) == b\"\":",
        FLASH_TEST,
    ),
    Mutant(
        "an image may go on after its last file", POST + "update.py", "if image(at, 1):", "if image(at, 0):", FLASH_TEST
    ),
    Mutant(
        "firmware goes below the minimum", POST + "update.py", "if manifest.version < self.slots.minimum:",
        "if manifest.version < 0:", FLASH_TEST,
    ),
    Mutant(
        "a flash that refuses is not said", POST + "upkeep.py", "self._flash_bad = not works", "self._flash_bad = False",
        FLASH_TEST,
    ),
    Mutant(
        "counts go to flash every five seconds", POST + "limits.py", "CHECKPOINT_MS = const(1200000)",
        "CHECKPOINT_MS = const(5000)", FLASH_TEST,
    ),
    # presence
    Mutant(
        "presence holds for a tenth of its time", LIGHT + "program.py", "HOLD_MAX_S, \"profile\", i, \"hold\") * 1000",
        "HOLD_MAX_S, \"profile\", i, \"hold\") * 100",
    ),
    Mutant(
        "the own sensor does not count", POST + "post.py",
        "self.overheard(self.settings.address, state[0], t_ms)", "pass",
    ),
    Mutant(
        "neighbours are not heard", POST + "post.py", "self.overheard(message.src, user_class, t_ms - age_ms)",
        "pass",
    ),
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
        "        if counter < session.asked:", EDGE_TEST + "wire_link.py",
    ),
    Mutant(
        "event counters start again after a power cut", WIRE + "counter.py", "            self._reserve(reserved)\n", "",
        EDGE_TEST + "wire_link.py",
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
        "item numbers are not reserved", STORE + "items.py", "            self._reserve(self._reserved)\n", ""
    ),
    Mutant(
        "an item that comes again is new", GATEWAY + "outbox.py",
        "if entry.told else entry.seq <= self.stored or entry.seq in self.heard",
        "if entry.told else entry.seq in self.heard",
    ),
    Mutant(
        "an event heard before its item is forgotten", GATEWAY + "outbox.py",
        "frozenset(seq for seq in seen.heard if seq > stored)", "frozenset()",
        GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "ids start again with the gateway", GATEWAY + "outbox.py", "        _put(connection, \"next\", self._next)\n", ""
    ),
    Mutant(
        "a reading tells energy for power", GATEWAY + "items.py", "\"power_w\": b / 1000", "\"power_w\": c / 1000"
    ),
    # poll
    Mutant(
        "an item is acknowledged before it is stored", GATEWAY + "poll.py",
        "            self._actions.append(line.Items(peer.address, peer.epoch, items))\n",
        "            self._actions.append(line.Items(peer.address, peer.epoch, items))\n"
        "            peer.ack = items[-1][0]\n",
        GATEWAY_TEST + "poll.py",
    ),
    Mutant(
        "a post that lost its session is polled for ever", GATEWAY + "roster.py",
        "        peer.state, peer.hellos, peer.hello_ms = NEW, 0, t_ms\n        return True",
        "        return False",
    ),
    Mutant(
        "time is told a minute late", GATEWAY + "poll.py", "utc_ms = t_ms + (self._utc_ahead_ms or 0)",
        "utc_ms = t_ms - 60_000 + (self._utc_ahead_ms or 0)",
    ),
    # the cabinet: outbox, plans, commands, fleet, energy
    Mutant(
        "what was delivered cannot be had again", GATEWAY + "outbox.py",
        "while self._kept_bytes > self._budget // KEPT_SHARE and", "while self._kept_bytes > 0 and",
        GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "an acknowledgement passes over what is under way", GATEWAY + "outbox.py",
        "while acked and not _size(connection, stream, self._sent[stream] + 1, acked[0][0] - 1)[0]:", "while acked:",
        GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "what came out of order hides what is behind it", GATEWAY + "outbox.py",
        "if len(rows) == limit:", "if len(rows) <= limit:", GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "events are given up before readings", GATEWAY + "outbox.py", "for stream in (TELEMETRY, FLOW, EVENTS)",
        "for stream in (EVENTS, FLOW, TELEMETRY)", GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "a cancelled wait ends the writer", GATEWAY + "database.py",
        "if entry is None or entry[1].set_running_or_notify_cancel()]", "]", GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "a plan that a post refuses is sent for ever", GATEWAY + "plan_sync.py",
        "return not target.sending and not target.refused and", "return not target.sending and",
        GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "a plan that was changed on its way is taken", GATEWAY + "plan_sync.py", "if document.hash != desired.hash:",
        "if False:", GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "a request is forgotten while it may be repeated", GATEWAY + "ledger.py", "(utc_s - STEP_S,)", "(utc_s + STEP_S,)",
        GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "an expired request acts", GATEWAY + "commands.py", "if expires_s <= now_s:", "if expires_s <= 0:",
        GATEWAY_TEST + "topics.py",
    ),
    Mutant(
        "the last rule of a scene counts", GATEWAY + "desired.py", "found.setdefault(post, rule.level_pm)",
        "found[post] = rule.level_pm", GATEWAY_TEST + "desired.py",
    ),
    Mutant(
        "a cut is told one post too far", GATEWAY + "alarms.py", "order[first - 1] if first else None, order[first]",
        "order[first] if first else None, order[first]", GATEWAY_TEST + "alarms.py",
    ),
    Mutant(
        "a flicker is an alarm", GATEWAY + "alarms.py", "due_ms = BACK_MS if state.heard else SILENT_MS", "due_ms = 0",
        GATEWAY_TEST + "alarms.py",
    ),
    Mutant(
        "a power cut takes energy back", GATEWAY + "energy.py", "    elif count_mwh < total.count_mwh:", "    elif False:",
        GATEWAY_TEST + "energy.py",
    ),
    Mutant(
        "a power limit goes below the safe floor", GATEWAY + "energy.py", "low, high = floor_pm, LEVEL_MAX",
        "low, high = 0, LEVEL_MAX", GATEWAY_TEST + "energy.py",
    ),
    # the cabinet when its disk, its clock and its requests fail
    Mutant(
        "a full disk silences a line", GATEWAY + "ledger.py", "with contextlib.suppress(sqlite3.Error):",
        "with contextlib.suppress():", GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "a lost store counts broadcasts from nothing", GATEWAY + "ledger.py",
        "return max(int(rows[0][0]) if rows else 0, utc_s, 0)", "return int(rows[0][0]) if rows else 0",
        GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "a request that was cut off acts again", GATEWAY + "ledger.py", "return False, known[0]",
        "return known[0] is None, known[0]", GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "a damaged database is trusted", GATEWAY + "database.py", "        _check(connection)\n        version",
        "        version", GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "after a rollback memory is ahead of the disk", GATEWAY + "database.py",
        "        for reload in self.failed:\n            reload(self._write)\n", "", GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "a post that counts anew is not believed", GATEWAY + "outbox.py",
        "seen = self if entry.epoch == self.epoch else Seen(entry.epoch, 0, frozenset())", "seen = self",
        GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "what is nowhere any more is asked for for ever", GATEWAY + "outbox.py",
        "                gone.append((expected, seq - 1))\n", "                pass\n", GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "an older plan's transfer counts for the new one", GATEWAY + "plan_sync.py",
        "        if blob != target.blob:\n            return\n", "", GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "a post that is back waits for its plan", GATEWAY + "plan_sync.py",
        "        self._targets[post].not_before_ms = 0\n", "        pass\n", GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "a plan goes to posts that run it", GATEWAY + "plan_sync.py",
        "target.runs is None or target.runs == target.hash:", "target.runs is None:", GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "a plan is tried at the same pace for ever", GATEWAY + "plan_sync.py",
        "min(2 * target.pause_ms, RETRY_MAX_MS)", "target.pause_ms", GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "all posts are the first one", GATEWAY + "commands.py", "        return tuple(posts)\n",
        "        return tuple(posts[:1])\n", GATEWAY_TEST + "topics.py",
    ),
    Mutant(
        "a command may wait for ever", GATEWAY + "commands.py", "if expires_s > now_s + EXPIRES_MAX_S:", "if False:",
        GATEWAY_TEST + "topics.py",
    ),
    Mutant(
        "a post that is not there is passed over", GATEWAY + "commands.py", "    _known(names, posts, \"post\")\n", "",
        GATEWAY_TEST + "topics.py",
    ),
    Mutant(
        "the end of a fade is never told", GATEWAY + "fleet.py", "        return age_ms >= TELL_EVERY_MS\n",
        "        return age_ms >= REFRESH_MS\n", GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "a post that stays away is told each time", GATEWAY + "fleet.py", "        return was\n", "        return True\n",
        GATEWAY_TEST + "fleet.py",
    ),
    # keys that are rolled over
    Mutant("the last bus key is still taken", POST + "rolling.py", "            link.two = None\n", ""),
    Mutant(
        "who comes late is not told the bus key in force", GATEWAY + "rolling.py",
        "(messages.BUS_NOW, self.buses[bus]) if bus in self.ring.buses else None", "None", GATEWAY_TEST + "rolling.py",
    ),
    Mutant(
        "with the last bus key goes all that was heard", POST + "rolling.py", "link.heard = link.two.heard",
        "link.heard = link.two.heard = {}", EDGE_TEST + "rolling.py",
    ),
    Mutant(
        "a key that was given is lost with the power", POST + "rolling.py",
        "        post.save(\"settings\", settings.to_bytes())\n", "", EDGE_TEST + "rolling.py",
    ),
    Mutant(
        "a gateway greets only under the next post key", WIRE + "gateway_link.py", "turn[0] if turn[1] else key",
        "turn[0]", GATEWAY_TEST + "rolling.py",
    ),
    Mutant(
        "a bus key is in force before all have it", GATEWAY + "rolling.py", "if lacking or not any(self._here(bus)):",
        "if not any(self._here(bus)):", GATEWAY_TEST + "rolling.py",
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
        "a post that has started anew keeps what it has forgotten", GATEWAY + "orders.py", "before != boots", "False",
        "tests/gateway/test_orders.py",
    ),
    Mutant(
        "an order that was ended is told again", GATEWAY + "orders.py",
        "if self._kept.pop((post, layer), None) is not None:", "if (post, layer) in self._kept:",
        "tests/gateway/test_orders.py",
    ),
    Mutant(
        "how long the firmware before ran keeps the new one", POST + "boards/firmware.py",
        "            return  # how long the firmware before", "            pass  # how long the firmware before",
        "tests/edge/cpython/test_firmware_tried.py",
    ),
    Mutant(
        "garbage behind a POLL is a missing answer", GATEWAY + "poll.py", "if garbled and self._burst.garbled(t_ms):",
        "if False:", "tests/edge/cpython/test_wire_gateway.py",
    ),
    Mutant(
        "half an answer is taken for garbage", GATEWAY + "poll.py",
        "return self._question is not None and not self._decoder.begun_by(self._question.peer.address)",
        "return True", "tests/edge/cpython/test_wire_gateway.py",
    ),
    Mutant(
        "nobody acknowledges where nothing is asked", GATEWAY + "hints.py", "DUE_MS = 60 ", "DUE_MS = 60_000 ",
        "tests/gateway/test_poll.py",
    ),
    Mutant(
        "an old low byte is named as if it were new", GATEWAY + "hints.py", "OLD_MS = 1000\n", "OLD_MS = 10**9\n",
        "tests/gateway/test_hints.py",
    ),
    Mutant(
        "noise is a burst for ever", GATEWAY + "burst.py", "self._not_before_ms = t_ms + PAUSE_MS",
        "self._not_before_ms = t_ms", "tests/gateway/test_hints.py",
    ),
    # discovery
    Mutant(
        "one silent search proves that all are found", GATEWAY + "finding.py", "SILENCES = 4 ", "SILENCES = 1 ",
        "tests/sim/test_finding.py",
    ),
    Mutant(
        "a copy of a board gets the place of its original", GATEWAY + "finding.py",
        "if first == here.value else 0", "if True else 0", "tests/sim/test_finding.py",
    ),
    Mutant(
        "a board is believed who it is without its key", GATEWAY + "finding.py",
        "return bool(secret) and equal(", "return bool(secret) or equal(", "tests/sim/test_finding.py",
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
        "a post that was found has no session", GATEWAY + "rolling.py",
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
        "a forged event takes the place of a fault in the outbox", GATEWAY + "outbox.py",
        "return entry.seq <= self.sure if entry.told else ", "return ", "tests/gateway/test_stolen_key.py",
    ),
    Mutant(
        "a forged event takes the place of a fault at the post", POST + "store/items.py",
        "if item[1] != messages.PRESENCE and item[0] > self._told:", "if False:", "tests/edge/test_store.py",
    ),
    Mutant(
        "the acknowledgement of a forged event stands for ever", GATEWAY + "poll.py",
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
        "whoever is tried first is to blame", GATEWAY + "disturbed.py",
        "if 4 * (yield from self._rate(LISTEN_MS)) >= base:", "if not (yield from self._rate(LISTEN_MS)) + 1:",
        "tests/gateway/test_disturbed.py",
    ),
    Mutant(
        "noise that ceased is blamed all the same", GATEWAY + "disturbed.py",
        "if 2 * (yield from self._rate(RETURN_MS)) < base:", "if (yield from self._rate(RETURN_MS)) < 0:",
        "tests/gateway/test_disturbed.py",
    ),
    Mutant(
        "a flood of events goes on to the other lines", GATEWAY + "disturbed.py",
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
        "only what the last one lacks is said again", GATEWAY + "firmware.py", "mask |= target.missing", "mask = target.missing",
        GATEWAY_TEST + "firmware.py",
    ),
    Mutant(
        "somebody is asked to install before he has all", GATEWAY + "firmware.py",
        "if target.state != SENDING or target.segment < self.image.segments or target.asking:",
        "if target.state != SENDING or target.asking:", GATEWAY_TEST + "firmware.py",
    ),
    Mutant(
        "all posts of a line install at once", GATEWAY + "firmware.py", "if self._proven else 1", "if True else 1",
        GATEWAY_TEST + "firmware.py",
    ),
    Mutant(
        "blocks leave no turn to polls", GATEWAY + "cast.py", "bool(self._left) and not self._mine", "bool(self._left)",
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
        "an event waits for another's answer", GATEWAY + "air_poll.py", "        self._acknowledge(t_ms)\n        while",
        "        while", GATEWAY_TEST + "air.py",
    ),
    Mutant(
        "the gateway takes what a post says in another's name", GATEWAY + "air.py", "if str(frame.src) != sender or not",
        "if not", GATEWAY_TEST + "air.py",
    ),
]  # fmt: skip

QUICK = (
    "dark without a plan",
    "any seal will do in a session",
    "an item too many is forgotten",
    "neighbours are not heard",
)
