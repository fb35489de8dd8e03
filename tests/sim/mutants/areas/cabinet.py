"""The gateway's outbox, plans, commands, fleet and energy; its disk, its clock, its keys."""

# ruff: noqa: E501 - the lines quote the source as it stands
from areas.base import EDGE_TEST, GATEWAY, GATEWAY_TEST, POST, WIRE, Mutant

MUTANTS = [
    # the cabinet: outbox, plans, commands, fleet, energy
    Mutant(
        "what was delivered cannot be had again", GATEWAY + "store/outbox.py",
        "while self._kept_bytes > self._budget // KEPT_SHARE and", "while self._kept_bytes > 0 and",
        GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "an acknowledgement passes over what is under way", GATEWAY + "store/outbox.py",
        "while acked and not _size(connection, stream, self._sent[stream] + 1, acked[0][0] - 1)[0]:", "while acked:",
        GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "what came out of order hides what is behind it", GATEWAY + "store/outbox.py",
        "if len(rows) == limit:", "if len(rows) <= limit:", GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "events are given up before readings", GATEWAY + "store/outbox.py", "for stream in (TELEMETRY, FLOW, EVENTS)",
        "for stream in (EVENTS, FLOW, TELEMETRY)", GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "a cancelled wait ends the writer", GATEWAY + "store/database.py",
        "if entry is None or entry[1].set_running_or_notify_cancel()]", "]", GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "a plan that a post refuses is sent for ever", GATEWAY + "wanted/plan_sync.py",
        "return not target.sending and not target.refused and", "return not target.sending and",
        GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "a plan that was changed on its way is taken", GATEWAY + "wanted/plan_sync.py", "if document.hash != desired.hash:",
        "if False:", GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "a request is forgotten while it may be repeated", GATEWAY + "store/ledger.py", "(utc_s - STEP_S,)", "(utc_s + STEP_S,)",
        GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "an expired request acts", GATEWAY + "wanted/commands.py", "if expires_s <= now_s:", "if expires_s <= 0:",
        GATEWAY_TEST + "topics.py",
    ),
    Mutant(
        "the last rule of a scene counts", GATEWAY + "wanted/desired.py", "found.setdefault(post, rule.level_pm)",
        "found[post] = rule.level_pm", GATEWAY_TEST + "desired.py",
    ),
    Mutant(
        "a cut is told one post too far", GATEWAY + "reports/alarms.py", "order[first - 1] if first else None, order[first]",
        "order[first] if first else None, order[first]", GATEWAY_TEST + "alarms.py",
    ),
    Mutant(
        "a flicker is an alarm", GATEWAY + "reports/alarms.py", "due_ms = BACK_MS if state.heard else SILENT_MS", "due_ms = 0",
        GATEWAY_TEST + "alarms.py",
    ),
    Mutant(
        "a power cut takes energy back", GATEWAY + "reports/energy.py", "    elif count_mwh < total.count_mwh:", "    elif False:",
        GATEWAY_TEST + "energy.py",
    ),
    Mutant(
        "a power limit goes below the safe floor", GATEWAY + "reports/energy.py", "low, high = floor_pm, LEVEL_MAX",
        "low, high = 0, LEVEL_MAX", GATEWAY_TEST + "energy.py",
    ),
    # the cabinet when its disk, its clock and its requests fail
    Mutant(
        "a full disk silences a line", GATEWAY + "store/ledger.py", "with contextlib.suppress(sqlite3.Error):",
        "with contextlib.suppress():", GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "a lost store counts broadcasts from nothing", GATEWAY + "store/ledger.py",
        "return max(int(rows[0][0]) if rows else 0, utc_s, 0)", "return int(rows[0][0]) if rows else 0",
        GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "a request that was cut off acts again", GATEWAY + "store/ledger.py", "return False, known[0]",
        "return known[0] is None, known[0]", GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "a damaged database is trusted", GATEWAY + "store/database.py", "        _check(connection)\n        version",
        "        version", GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "after a rollback memory is ahead of the disk", GATEWAY + "store/database.py",
        "        for reload in self.failed:\n            reload(self._write)\n", "", GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "a post that counts anew is not believed", GATEWAY + "store/outbox.py",
        "seen = self if entry.epoch == self.epoch else self._of(entry.epoch)", "seen = self",
        GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "what is nowhere any more is asked for for ever", GATEWAY + "store/outbox.py",
        "                gone.append((expected, seq - 1))\n", "                pass\n", GATEWAY_TEST + "outbox_disk.py",
    ),
    Mutant(
        "an older plan's transfer counts for the new one", GATEWAY + "wanted/plan_sync.py",
        "        if blob != target.blob:\n            return\n", "", GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "a post that is back waits for its plan", GATEWAY + "wanted/plan_sync.py",
        "        self._targets[post].not_before_ms = 0\n", "        pass\n", GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "a plan goes to posts that run it", GATEWAY + "wanted/plan_sync.py",
        "target.runs is None or target.runs == target.hash:", "target.runs is None:", GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "a plan is tried at the same pace for ever", GATEWAY + "wanted/plan_sync.py",
        "min(2 * target.pause_ms, RETRY_MAX_MS)", "target.pause_ms", GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "all posts are the first one", GATEWAY + "wanted/commands.py", "        return tuple(posts)\n",
        "        return tuple(posts[:1])\n", GATEWAY_TEST + "topics.py",
    ),
    Mutant(
        "a command may wait for ever", GATEWAY + "wanted/commands.py", "if expires_s > now_s + EXPIRES_MAX_S:", "if False:",
        GATEWAY_TEST + "topics.py",
    ),
    Mutant(
        "a post that is not there is passed over", GATEWAY + "wanted/commands.py", "    _known(names, posts, \"post\")\n", "",
        GATEWAY_TEST + "topics.py",
    ),
    Mutant(
        "the end of a fade is never told", GATEWAY + "reports/fleet.py", "        return age_ms >= TELL_EVERY_MS\n",
        "        return age_ms >= REFRESH_MS\n", GATEWAY_TEST + "fleet.py",
    ),
    Mutant(
        "a post that stays away is told each time", GATEWAY + "reports/fleet.py", "        return was\n", "        return True\n",
        GATEWAY_TEST + "fleet.py",
    ),
    # keys that are rolled over
    Mutant("the last bus key is still taken", POST + "rolling.py", "            link.two = None\n", ""),
    Mutant(
        "who comes late is not told the bus key in force", GATEWAY + "rollover/rolling.py",
        "(messages.BUS_NOW, self.buses[bus]) if bus in self.ring.buses else None", "None", GATEWAY_TEST + "rolling.py",
    ),
    Mutant(
        "with the last bus key goes all that was heard", POST + "rolling.py", "link.heard = link.two.heard",
        "link.heard = link.two.heard = {}", EDGE_TEST + "rolling.py",
    ),
    Mutant(
        "a key that was given is lost with the power", POST + "rolling.py",
        "        post.keep_settings()\n", "", EDGE_TEST + "rolling.py",
    ),
    Mutant(
        "a key that flash refused is answered OK", POST + "rolling.py", "        if self.before:\n", "        if False:\n",
        EDGE_TEST + "rolling.py",
    ),
    Mutant(
        "a key of its own that is in flash is taken back", POST + "post.py",
        "        if self.rolling:\n            self.rolling.before = ()\n", "", EDGE_TEST + "rolling.py",
    ),
    Mutant(
        "a post whose flash refuses a key is given it again at once", GATEWAY + "lines/procedures.py",
        "if answer[1] == messages.AGAIN and whole:", "if False:", GATEWAY_TEST + "rolling.py",
    ),
    Mutant(
        "a gateway greets only under the next post key", WIRE + "gateway_link.py", "turn[0] if turn[1] else key",
        "turn[0]", GATEWAY_TEST + "rolling.py",
    ),
    Mutant(
        "a bus key is in force before all have it", GATEWAY + "rollover/rolling.py", "if lacking or not any(self._here(bus)):",
        "if not any(self._here(bus)):", GATEWAY_TEST + "rolling.py",
    ),
]  # fmt: skip
