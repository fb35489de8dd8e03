"""Keys that take the place of others while the post runs: PROTOCOL.md, section 4.

Rules kept here
- What was given is in flash before it is answered, in the one record of the settings: a power cut leaves the keys as
  they were before or as they are after. A next key of its own that flash refuses is forgotten; a bus key that it
  refuses is good until the power goes, and comes again with the next session.
- At most two bus keys: the next one, or the last one for GRACE_MS after the switch.
- The post's own key stays until a session under the next one has begun.
"""

from lamppost.limits import GRACE_MS, UPKEEP_MS
from lamppost.wire import messages
from lamppost.wire.frame import GATEWAY, header
from lamppost.wire.hidden import hide, name_of
from lamppost.wire.seal import Key
from lamppost.wire.two_keys import TwoKeys

_BUS, _LAST, _POST = 1, 2, 4  # there is another bus key; it is the last one, not the next; there is a next post key


class Rolling:
    """The keys that `post` has beside those in force; `link` is its PostLink."""

    def __init__(self, post, link):
        self._post = post
        self._link = link
        self._due_ms = 0  # when the last bus key is forgotten
        self.before = ()  # flags and next post key as they were, until the settings are saved for another reason
        record = post.settings.get("rollover") or bytes(65)
        self._flags, self._bus, self._next = record[0], record[1:33], record[33:]
        link.renewed = self._renewed
        if self._flags & _POST:
            link.next_key = Key(self._next)
        if self._flags & _BUS:
            self._both({})

    def take(self, message) -> int:
        """Take a KEY; return the code of its answer."""
        what, name, secret = message.values
        link, settings, flags = self._link, self._post.settings, self._flags
        good = not secret
        if len(secret) == 32:
            secret = hide(link.session.key, header(link.address, GATEWAY, messages.KEY, message.number), secret)
            good = name_of(secret) == name
        if not good or not messages.BUS_NEXT <= what <= messages.POST_NEXT:
            return messages.REFUSED
        own = what == messages.POST_NEXT
        mine = settings.get("post-key" if own else "bus-key")
        if name == name_of(mine):
            return messages.OK
        has_next = flags & _POST if own else flags & (_BUS | _LAST) == _BUS
        if has_next and name == name_of(self._next if own else self._bus):
            if what == messages.BUS_NOW:
                self._switch()
            return messages.OK
        if not secret:
            return messages.AGAIN
        if own:
            before = (flags, self._next)
            self._next, self._flags = secret, flags | _POST
            self._keep()
            self.before = before
            link.next_key = Key(secret)
        elif what == messages.BUS_NEXT:
            self._bus, self._flags = secret, flags & _POST | _BUS
            self._keep()
            self._both({})  # nobody has said anything with it
        else:
            self._bus, self._flags = mine, flags | _BUS | _LAST
            self._keep(secret)
            heard = dict(link.heard)
            heard[0] = link.time_floor or 0
            self._both(heard)
        return messages.OK

    def refused(self) -> None:
        """Flash has refused the settings: a next key of the post that came with them was none, and AGAIN the answer."""
        if self.before:
            self._flags, self._next = self.before
            self.before = ()
            self._link.next_key = Key(self._next) if self._flags & _POST else None
            self._post.settings.put("rollover", self._record())
            self._post.line.instead(self._link.reply(messages.KEY_OK, (messages.POST_NEXT, messages.AGAIN)))

    def look(self, t_ms: int) -> int:
        """Forget the last bus key when its time is over; return when to look again."""
        if not self._flags & _LAST:
            return t_ms + UPKEEP_MS
        if t_ms >= self._due_ms:
            link = self._link
            link.heard = link.two.heard
            link.time_floor = link.heard.pop(0, 0) or link.time_floor
            link.two = None
            self._flags &= _POST
            self._keep()
        return self._due_ms

    def _both(self, heard: dict) -> None:
        """Take what is sealed with either bus key, from now for GRACE_MS if the other one is the last."""
        post, link, newer, older = self._post, self._link, self._bus, self._post.settings.get("bus-key")
        link.bus = Key(older)
        if self._flags & _LAST:
            newer, older = older, newer
        link.two = TwoKeys(newer, older, heard, self._switch)
        self._due_ms = post.clock.t_ms + GRACE_MS
        post.upkeep.due_ms = min(post.upkeep.due_ms, self._due_ms)

    def _switch(self) -> None:
        """The next bus key is in force: the gateway says so, or somebody speaks with it."""
        if not self._flags & _LAST:
            self._flags |= _LAST
            secret, self._bus = self._bus, self._post.settings.get("bus-key")
            self._keep(secret)
            self._both(self._link.two.heard)

    def _renewed(self) -> None:
        self._post.settings.put("post-key", self._next)
        self._flags &= ~_POST
        self._keep()

    def _keep(self, bus_key: bytes = b"") -> None:
        """Write them down, all or none: the bus key in force, if it is another now, and those beside it."""
        post, settings = self._post, self._post.settings
        if bus_key:
            settings.put("bus-key", bus_key)
        settings.put("rollover", self._record())
        post.keep_settings()
        post.log("keys changed", post.clock.t_ms)

    def _record(self) -> bytes:
        flags = self._flags
        if not flags:
            return b""
        bus = self._bus if flags & _BUS else bytes(32)
        return bytes([flags]) + bus + (self._next if flags & _POST else bytes(32))
