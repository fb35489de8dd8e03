"""Who is near: detections of this post and its neighbours become a level that runs ahead of the walker.

Every post hears every detection and decides for itself from its own neighbour table. Promises: memory is bounded by one
slot for each neighbour and class of user; an address that is not in the table is ignored; what comes out can only raise
the plan. A detection holds for the profile's hold after the last time it was repeated.

Direction. A first detection at a place is joined to the nearest one of the same class before it from which one user can
have come: within what a user of that class covers between two sensors of 12 m range. Then
- the way between the two is where the user is heading: of a walker or cyclist a post that lies behind counts as 12 m
  farther away, since the user may be that far before the sensor; behind a car nothing is lit, and what lies off its
  road counts as twice as far away;
- the earlier place is left: it holds for a short grace only, unless somebody is detected there again.
Wherever that is in doubt (somebody may have come from another side, too far apart, too fast or slow) nobody is taken to
have moved and all reaches count. Every post draws the same conclusions from the same table of places.

Use: `configure(plan, own_address)`; at every detection, own or overheard, `detect(address, user_class, t_ms)`;
`ask(profile, t_ms)` gives what presence wants now. Units: decimetres, milliseconds of the unwrapped monotonic clock.
"""

import math

from lamppost.limits import REASON_MAX

PEDESTRIAN, CYCLIST, CAR = range(3)
_USERS = ("walker", "cyclist", "car")
# Speeds in dm/s between which two detections may be one user: strolling to running, cycling, driving to 80 km/h.
_SLOWEST = (4, 15, 40)
_FASTEST = (40, 120, 220)
_RANGE_DM = 120  # of a sensor
_BETWEEN_DM = 240  # what the ranges of two sensors cover of the way between their posts
_GRACE_MS = 500  # beyond half the hold, after which who stays is announced again
_CAR_GRACE_MS = 2500  # a second car follows within two seconds, and is seen by itself farther on
_SAME_MS = 900  # a frame that is said again, or comes through a relay: it is no news; a sensor's next is 1 s later
_CORRIDOR_DM = 150  # half a wide road and its lamps: a car sees what lies within
_SURE_DM = 400  # a car not seen for 40 m may have turned a corner since, unless it goes straight on
_STRAIGHT_PM2 = 950000  # cosine of 18 degrees, times 1000 squared: less is a bend, after which the road is not known
_LINGER_MS = 20000  # a walker is out of a sensor's range of 12 m by then; who is still seen may be someone else
_TRAIL_MS = 90000  # detections this old still tell the direction of a walker between lamps 30 m apart
NO_NEWS, NEW, RISES = range(3)
_SLOT, _CLASS, _FIRST, _LAST, _EAST, _NORTH, _BENT, _LEFT, _LEVEL = range(9)


class Presence:
    """The detections near one post. `version` changes whenever what `ask` answers may have changed at once."""

    def __init__(self):
        self.version = 0
        self._plan = None
        self._addresses = b""
        self._far, self._x, self._y = [], [], []  # by address: the way, and how far east and north, in dm
        # [slot, user_class, first_ms, last_ms, heading east and north (per mille; both 0: not known), after a bend,
        # when its grace ends since the user was seen farther on (0: not left), the level it asks for], in the order of
        # their first moment
        self._seen = []
        self._forget_ms = 0  # before that, none of them is old enough
        self._profile = None  # of the last `ask`, and what it answered: level, until when, and for whom
        self._level_pm = 0
        self._until = self._who = None
        self._hold_ms = self._keep_ms = _TRAIL_MS

    def configure(self, plan, own_address):
        """Take the neighbours and profiles of `plan` (None: nobody is known); detections at known places stay."""
        before = self._addresses
        self._plan = plan
        table = [(own_address, 0, 0)]
        table += [n for n in plan.neighbours if n[0] != own_address] if plan is not None else []
        self._addresses = bytes([n[0] for n in table])
        self._far = [n[-1] if len(n) > 3 else n[1] for n in table]  # along the street; directions go straight
        self._x = [round(n[1] * math.sin(math.radians(n[2]))) for n in table]
        self._y = [round(n[1] * math.cos(math.radians(n[2]))) for n in table]
        kept = []
        for entry in self._seen:
            if entry[_SLOT]:  # the first is its own, whatever its address was
                entry[_SLOT] = self._addresses.find(before[entry[_SLOT] : entry[_SLOT] + 1])
            if entry[_SLOT] >= 0:
                kept.append(entry)
        self._seen = kept
        holds = [profile.hold_ms for profile in plan.profiles] if plan is not None else []
        self._hold_ms = self._keep_ms = max([_TRAIL_MS] + holds)
        self._profile = None
        self._forget_ms = 0
        self.version += 1

    @property
    def table(self):
        """The addresses, a byte each, at which a detection can matter: this post's own and its neighbours'."""
        return self._addresses

    def detect(self, address, user_class, t_ms):
        """Take a detection at `address` (this post's own: its sensor). Return RISES if it may change the level before
        the last answer of `ask` runs out, NEW if it is only new, NO_NEWS (0) if somebody known is still there.

        One from an unknown address or of an unknown class is no news either.
        """
        slot = self._addresses.find(bytes([address])) if 0 <= address < 256 else -1
        if slot < 0 or not PEDESTRIAN <= user_class <= CAR:
            return NO_NEWS
        if t_ms >= self._forget_ms:
            self._forget(t_ms)
        before = came = None
        lingers = False
        for known in self._seen:
            if known[_SLOT] == slot and known[_CLASS] == user_class:
                if t_ms < known[_LAST] + _SAME_MS:
                    return NO_NEWS
                held = t_ms - known[_LAST] < self._hold_ms and not known[_LEFT]
                lingers = held and (known[_EAST] or known[_NORTH]) and t_ms - known[_FIRST] >= _LINGER_MS
                if held and not lingers:
                    known[_LAST] = t_ms  # it only holds longer, which `ask` sees when its last answer runs out
                    if known[_LEVEL] > self._level_pm:  # said again late, and just taken for over
                        self.version += 1
                        return RISES
                    return NO_NEWS
                before = known
                self._seen.remove(before)
                break
        if not lingers:
            came = self._came_from(slot, user_class, t_ms)
        entry = [slot, user_class, t_ms, t_ms, 0, 0, False, 0, 0]
        if came is not None and self._head(entry, came):
            came[_LEFT] = t_ms + (_CAR_GRACE_MS if user_class == CAR else self._hold_ms // 2 + _GRACE_MS)
        self._seen.append(entry)
        if t_ms + self._keep_ms < self._forget_ms:
            self._forget_ms = t_ms + self._keep_ms
        if not self._matters(entry, before, came, t_ms):
            return NEW
        self.version += 1
        return RISES

    def ask(self, profile_index, t_ms):
        """Return (level_pm, until_t_ms, up_ms, down_ms, reason) or None if nobody is near or `profile_index` is -1.

        `until_t_ms` is when to ask again: no later than the first moment at which the level may fall by itself.
        """
        profile = self._plan.profiles[profile_index] if profile_index >= 0 and self._plan is not None else None
        if profile is not self._profile:
            self._profile = profile
            self._hold_ms = self._keep_ms if profile is None else profile.hold_ms
            for entry in self._seen:
                entry[_LEVEL] = self._wanted_pm(entry)
        self._until = self._who = None
        self._level_pm = 0
        if profile is None:
            return None
        best, until, who = 0, 0, None
        hold_ms = profile.hold_ms
        for entry in self._seen:
            level = entry[_LEVEL]
            if level and level >= best:
                end = entry[_LAST] + hold_ms
                if entry[_LEFT] and entry[_LEFT] < end:
                    end = entry[_LEFT]
                if t_ms < end and (level > best or end > until):
                    best, until, who = level, end, entry
        if who is None:
            return None
        self._level_pm, self._until, self._who = best, until, who
        return best, until, profile.up_ms, profile.down_ms, self._reason(who)

    def deadline(self, t_ms):
        """Return when the last answer of `ask` runs out, or None if it was None or has run out."""
        return self._until if self._until is not None and self._until > t_ms else None

    def _matters(self, entry, before, came, t_ms):
        """Whether `entry`, seen now in place of `before` (or None) by a user who `came` from another (or None), changes
        the level before the last answer of `ask` runs out."""
        if self._profile is None:
            return True  # not asked yet, or nobody is heeded now
        level = entry[_LEVEL] = self._wanted_pm(entry)
        if self._until is None or t_ms >= self._until:
            return level > 0 or self._until is not None
        if level > self._level_pm:
            return True
        if before is not self._who and came is not self._who:
            return False
        self._who = entry  # in whose place it asks for the same, at least as long
        return level < self._level_pm or t_ms + self._hold_ms < self._until

    def _forget(self, t_ms):
        oldest = t_ms - self._keep_ms
        kept = [entry for entry in self._seen if entry[_LAST] > oldest]
        if len(kept) < len(self._seen):
            self._seen = kept
        self._forget_ms = min([t_ms] + [entry[_LAST] for entry in kept]) + self._keep_ms

    def _came_from(self, slot, user_class, t_ms):
        """Return the detection from which plainly the user came who is first detected at `slot` now, or None.

        The nearest possible one counts; if one on another side is possible too (60 degrees or more), none does.
        """
        xs, ys, hold_ms = self._x, self._y, self._hold_ms
        x, y = xs[slot], ys[slot]
        slowest, fastest = _SLOWEST[user_class], _FASTEST[user_class]
        ways = []  # (holds, length squared, east, north)
        best = came = None
        for entry in self._seen:
            at = entry[_SLOT]
            if entry[_CLASS] == user_class and at != slot:
                took_ms = t_ms - entry[_LAST]
                most = took_ms * fastest // 1000 + _BETWEEN_DM + 1
                east, north = x - xs[at], y - ys[at]
                square = east * east + north * north
                if most > 0 and square < most * most:
                    least = -(-took_ms * slowest // 1000)
                    if least <= 0 or square >= least * least:
                        way = (took_ms < hold_ms, square, east, north)
                        ways.append(way)
                        # Who still holds goes before who was seen long ago.
                        nearer = best is None or (square < best[1] if way[0] == best[0] else way[0])
                        if nearer and square and not entry[_LEFT]:
                            best, came = way, entry
        if best is not None and len(ways) > 1:
            held, square, east, north = best
            for holds, other, dx, dy in ways:
                along = dx * east + dy * north
                if other and (holds or not held) and (along <= 0 or 4 * along * along < other * square):
                    return None
        return came

    def _way(self, slot, to_slot):
        """Return (length, east, north) of the way between two places, in dm."""
        dx, dy = self._x[to_slot] - self._x[slot], self._y[to_slot] - self._y[slot]
        return _root(dx * dx + dy * dy), dx, dy

    def _head(self, entry, came):
        """Let `entry` head away from the detection it `came` from; return False where that is in doubt."""
        way, dx, dy = self._way(came[_SLOT], entry[_SLOT])
        east, north = dx * 1000 // way, dy * 1000 // way
        bent = came[_EAST] * east + came[_NORTH] * north < _STRAIGHT_PM2
        if bent and entry[_CLASS] == CAR and way > _SURE_DM:
            return False
        entry[_EAST], entry[_NORTH], entry[_BENT] = east, north, bent
        return True

    def _along(self, entry):
        """Return how far ahead of a user this post lies, in tenths of a millimetre; 0 if the heading is not known."""
        at = entry[_SLOT]
        return -(self._x[at] * entry[_EAST] + self._y[at] * entry[_NORTH])

    def _wanted_pm(self, entry):
        """Return what a detection wants of this post by the profile in use; it stays the same while that does."""
        profile = self._profile
        if profile is None:
            return 0
        user_class, distance, along = entry[_CLASS], self._far[entry[_SLOT]], self._along(entry)
        if user_class != CAR:
            return profile.level_pm(user_class, distance + (_RANGE_DM if along < 0 else 0))
        if along < 0:
            return 0
        aside = abs(self._y[entry[_SLOT]] * entry[_EAST] - self._x[entry[_SLOT]] * entry[_NORTH])
        # After a bend the road goes on anywhere within 50 degrees (tangent 1.2) of the way between the two posts.
        if aside > _CORRIDOR_DM * 1000 and not (entry[_BENT] and aside * 5 <= along * 6):
            distance *= 2
        return profile.level_pm(user_class, distance)

    def _reason(self, entry):
        place = self._far[entry[_SLOT]]
        if not place:
            return _USERS[entry[_CLASS]] + " here"
        words = "%s %d m away at post %d" % (_USERS[entry[_CLASS]], (place + 5) // 10, self._addresses[entry[_SLOT]])
        return (words + ", leaving" if self._along(entry) < 0 else words)[:REASON_MAX]


def _root(n):
    """Return the integer square root."""
    root = int(math.sqrt(n))  # below 2**29, so single precision is within one
    while root * root > n:
        root -= 1
    while (root + 1) * (root + 1) <= n:
        root += 1
    return root
