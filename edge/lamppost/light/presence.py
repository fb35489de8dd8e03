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
_SLOT, _CLASS, _FIRST, _LAST, _EAST, _NORTH, _BENT, _LEFT = range(8)


class Presence:
    """The detections near one post. `version` changes whenever what `ask` answers may have changed at once."""

    def __init__(self):
        self.version = 0
        self._plan = None
        self._addresses = b""
        self._place = []  # of each address: way there in dm, x_dm (east), y_dm (north), flat
        # [slot, user_class, first_ms, last_ms, heading east and north (per mille; both 0: not known), after a bend,
        # when its grace ends since the user was seen farther on (0: not left)], in the order of their first moment
        self._seen = []
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
        for row in table:
            distance = row[1]
            turn = math.radians(row[2])
            way = row[3] if len(row) > 3 else distance  # along the street: light counts that, directions do not
            self._place += [way, round(distance * math.sin(turn)), round(distance * math.cos(turn))]
        kept = []
        for entry in self._seen:
            entry[_SLOT] = self._addresses.find(before[entry[_SLOT] : entry[_SLOT] + 1])
            if entry[_SLOT] >= 0:
                kept.append(entry)
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
        came = None
        for entry in self._seen:
            if entry[_SLOT] == slot and entry[_CLASS] == user_class:
                if t_ms < entry[_LAST] + _SAME_MS:
                    return False
                held = t_ms - entry[_LAST] < self._hold_ms and not entry[_LEFT]
                lingers = held and (entry[_EAST] or entry[_NORTH]) and t_ms - entry[_FIRST] >= _LINGER_MS
                if held and not lingers:
                    entry[_LAST] = t_ms  # it only holds longer, which `ask` sees when its last answer runs out
                    return False
                self._seen.remove(entry)
                came = None if lingers else self._came_from(slot, user_class, t_ms)
                break
        else:
            came = self._came_from(slot, user_class, t_ms)
        entry = [slot, user_class, t_ms, t_ms, 0, 0, False, 0]
        if came is not None and self._head(entry, came):
            came[_LEFT] = t_ms + (_CAR_GRACE_MS if user_class == CAR else self._hold_ms // 2 + _GRACE_MS)
        self._seen.append(entry)
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
            end = entry[_LAST] + profile.hold_ms
            if entry[_LEFT] and entry[_LEFT] < end:
                end = entry[_LEFT]
            if t_ms >= end:
                continue
            level = self._level_pm(profile, entry)
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
            if entry[_LAST] <= oldest:
                self._seen = [entry for entry in self._seen if entry[_LAST] > oldest]
                return

    def _came_from(self, slot, user_class, t_ms):
        """Return the detection from which plainly the user came who is first detected at `slot` now, or None.

        The nearest possible one counts; if one on another side is possible too (60 degrees or more), none does.
        """
        ways = []
        best = None
        for entry in self._seen:
            if entry[_CLASS] == user_class and entry[_SLOT] != slot:
                way = self._way(entry[_SLOT], slot)
                took_ms = t_ms - entry[_LAST]
                if (
                    took_ms * _SLOWEST[user_class]
                    <= way[0] * 1000
                    <= took_ms * _FASTEST[user_class] + 1000 * _BETWEEN_DM
                ):
                    holds = took_ms < self._hold_ms
                    ways.append((holds, way))
                    # Who still holds goes before who was seen long ago.
                    if way[0] and not entry[_LEFT] and (best is None or (not holds, way[0]) < best[0]):
                        best = ((not holds, way[0]), way, entry)
        if best is None:
            return None
        _, (far, east, north), came = best
        for holds, way in ways:
            if 2 * (way[1] * east + way[2] * north) < way[0] * far and (holds or best[0][0]):
                return None
        return came

    def _way(self, slot, to_slot):
        """Return (length, east, north) of the way between two places, in dm."""
        dx = self._place[3 * to_slot + 1] - self._place[3 * slot + 1]
        dy = self._place[3 * to_slot + 2] - self._place[3 * slot + 2]
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
        at = 3 * entry[_SLOT]
        return -(self._place[at + 1] * entry[_EAST] + self._place[at + 2] * entry[_NORTH])

    def _level_pm(self, profile, entry):
        """Return what a detection wants of this post."""
        user_class, east, north = entry[_CLASS], entry[_EAST], entry[_NORTH]
        distance, x, y = self._place[3 * entry[_SLOT] : 3 * entry[_SLOT] + 3]
        along = self._along(entry)
        if user_class != CAR:
            return profile.level_pm(user_class, distance + (_RANGE_DM if along < 0 else 0))
        if along < 0:
            return 0
        aside = abs(y * east - x * north)
        # After a bend the road goes on anywhere within 50 degrees (tangent 1.2) of the way between the two posts.
        if aside > _CORRIDOR_DM * 1000 and not (entry[_BENT] and aside * 5 <= along * 6):
            distance *= 2
        return profile.level_pm(user_class, distance)

    def _reason(self, entry):
        place = self._place[3 * entry[_SLOT]]
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
