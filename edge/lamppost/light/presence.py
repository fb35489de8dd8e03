"""Who is near: detections of this post and its neighbours become a level that runs ahead of the walker.

Every post hears every detection and decides for itself from its own neighbour table. Promises: memory is bounded by one
slot for each neighbour and class of user; an address that is not in the table is ignored; what comes out can only raise
the plan. A detection holds for the profile's hold after the last time it was repeated. Where two successive detections
show plainly that one user walks away from this post, the later one counts in the nearest reach only: the light does not
chase behind. Wherever that is in doubt (another user about, too far apart, too fast or slow) all reaches count.

Use: `configure(plan, own_address)`; at every detection, own or overheard, `detect(address, user_class, t_ms)`;
`ask(profile, t_ms)` gives what presence wants now. Units: decimetres, milliseconds of the unwrapped monotonic clock.
"""

import math

from lamppost.limits import REASON_MAX

PEDESTRIAN, CYCLIST, CAR = range(3)
_USERS = ("walker", "cyclist", "car")
# Speeds in dm/s between which two detections may be one user: walking to running, cycling, driving to 80 km/h.
_SLOWEST = (4, 10, 20)
_FASTEST = (40, 120, 220)
_AHEAD_DM = 20  # a user must get at least 2 m farther to be going away: positions are no better than that
_LINGER_MS = 20000  # a walker is out of a sensor's range of 12 m by then; who is still seen may be someone else
_TRAIL_MS = 90000  # detections this old still tell the direction of a walker between lamps 30 m apart


class Presence:
    """The detections near one post. `version` changes whenever what `ask` answers may have changed at once."""

    def __init__(self):
        self.version = 0
        self._plan = None
        self._addresses = b""
        self._place = []  # of each address: distance_dm, x_dm (east), y_dm (north), flat
        self._seen = []  # [slot, user_class, first_ms, last_ms, behind], in the order of their first moment
        self._until = None
        self._hold_ms = self._keep_ms = _TRAIL_MS

    def configure(self, plan, own_address):
        """Take the neighbours and profiles of `plan` (None: nobody is known); detections at known places stay."""
        before = self._addresses
        self._plan = plan
        table = [(own_address, 0, 0)]
        table += [n for n in plan.neighbours if n[0] != own_address] if plan is not None else []
        self._addresses = bytes([n[0] for n in table])
        self._place = []
        for _, distance, bearing in table:
            turn = math.radians(bearing)
            self._place += [distance, round(distance * math.sin(turn)), round(distance * math.cos(turn))]
        kept = []
        for slot, user_class, first, last, behind in self._seen:
            slot = self._addresses.find(before[slot : slot + 1])
            if slot >= 0:
                kept.append([slot, user_class, first, last, behind])
        self._seen = kept
        holds = [profile.hold_ms for profile in plan.profiles] if plan is not None else []
        self._hold_ms = self._keep_ms = max([_TRAIL_MS] + holds)
        self.version += 1

    @property
    def table(self):
        """The addresses, a byte each, at which a detection can matter: this post's own and its neighbours'."""
        return self._addresses

    def detect(self, address, user_class, t_ms):
        """Take a detection at `address` (this post's own: its sensor). Return whether it may change the level now.

        One from an unknown address or of an unknown class is ignored.
        """
        slot = self._addresses.find(bytes([address])) if 0 < address < 256 else -1
        if slot < 0 or not PEDESTRIAN <= user_class <= CAR:
            return False
        if self._seen:
            self._forget(t_ms)
        for entry in self._seen:
            if entry[0] == slot and entry[1] == user_class:
                held = t_ms - entry[3] < self._hold_ms
                if held and not (entry[4] and t_ms - entry[2] >= _LINGER_MS):
                    entry[3] = t_ms  # it only holds longer, which `ask` sees when its last answer runs out
                    return False
                self._seen.remove(entry)
                behind = not held and self._leaving(slot, user_class, t_ms)
                break
        else:
            behind = self._leaving(slot, user_class, t_ms)
        self._seen.append([slot, user_class, t_ms, t_ms, behind])
        self.version += 1
        return True

    def ask(self, profile_index, t_ms):
        """Return (level_pm, until_t_ms, up_ms, down_ms, reason) or None if nobody is near or `profile_index` is -1.

        `until_t_ms` is when to ask again: no later than the first moment at which the level may fall by itself.
        """
        self._until = None
        self._hold_ms = self._keep_ms
        if profile_index < 0 or self._plan is None:
            return None
        profile = self._plan.profiles[profile_index]
        self._hold_ms = profile.hold_ms
        best, until, who = 0, 0, None
        for entry in self._seen:
            end = entry[3] + profile.hold_ms
            if t_ms >= end:
                continue
            level = profile.level_pm(entry[1], self._place[3 * entry[0]], entry[4])
            if level > best or (0 < level == best and end > until):
                best, until, who = level, end, entry
        if who is None:
            return None
        self._until = until
        return best, until, profile.up_ms, profile.down_ms, self._reason(who)

    def deadline(self, t_ms):
        """Return when the last answer of `ask` runs out, or None if it was None or has run out."""
        return self._until if self._until is not None and self._until > t_ms else None

    def _forget(self, t_ms):
        oldest = t_ms - self._keep_ms
        for entry in self._seen:
            if entry[3] <= oldest:
                self._seen = [entry for entry in self._seen if entry[3] > oldest]
                return

    def _leaving(self, slot, user_class, t_ms):
        """Whether a first detection at `slot` plainly is one user who came from nearer and goes on away from here."""
        before = None
        for entry in self._seen:
            if before is None or entry[3] >= before[3]:
                before = entry
        if before is None or before[1] != user_class:
            return False
        d, x, y = self._place[3 * slot : 3 * slot + 3]
        d0, x0, y0 = self._place[3 * before[0] : 3 * before[0] + 3]
        dx, dy = x - x0, y - y0
        way = _root(dx * dx + dy * dy)
        took_ms = t_ms - before[3]
        if d < d0 + _AHEAD_DM or not took_ms * _SLOWEST[user_class] <= way * 1000 <= took_ms * _FASTEST[user_class]:
            return False
        for other in self._seen:  # someone seen farther on, where this user goes, may be the one who was seen now
            x1, y1 = self._place[3 * other[0] + 1], self._place[3 * other[0] + 2]
            if dx * (x1 - x0) + dy * (y1 - y0) > 0 and other[0] != slot:
                return False
        # The way on and the way to this post open at least 120 degrees: cos <= -1/2.
        return 2 * (dx * -x + dy * -y) <= -way * d

    def _reason(self, entry):
        place = self._place[3 * entry[0]]
        if not place:
            return _USERS[entry[1]] + " here"
        words = "%s %d m away at post %d" % (_USERS[entry[1]], (place + 5) // 10, self._addresses[entry[0]])
        return (words + ", leaving" if entry[4] else words)[:REASON_MAX]


def _root(n):
    """Return the integer square root."""
    root = int(math.sqrt(n))  # below 2**29, so single precision is within one
    while root * root > n:
        root -= 1
    while (root + 1) * (root + 1) <= n:
        root += 1
    return root
