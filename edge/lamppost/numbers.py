"""Which numbers the items of a post get, and what flash knows of them: the record `counters`.

Kept here: a number is given out only when flash holds that it may be in use. Where flash refuses that, the next start
would give out the same ones: what comes from then on belongs to an epoch drawn at random, which dies with this start.
Items of the epoch before keep theirs and go first; once the gateway has them, a new session tells it the new one. As
soon as flash works again the new epoch is written down, and all is as usual.

The record: CBOR [item number, the same, boots, epoch of the item numbers, short starts]; without one a new epoch
begins. (Broadcasts had numbers of their own once: the higher one goes on.)
"""

from lamppost.limits import ITEMS_RESERVE
from lamppost.store.items import Items
from lamppost.store.ring import Ring
from lamppost.wire import cbor
from lamppost.wire.errors import WireError


class Numbers:
    """The numbers of one Post, and its `items`; `load(name)` reads a stored record. `epoch` is that of the items told
    now, `before` how many starts in a row before this one were short."""

    def __init__(self, post, load):
        self._post = post
        raw = load("counters")
        try:
            values = cbor.decode(raw) if raw else None
        except WireError:
            values = None
        if isinstance(values, list) and len(values) == 4:  # of a firmware before 0.2
            values.append(0)
        self._kept = True  # the epoch of the next number is in flash
        if not isinstance(values, list) or len(values) != 5:
            self._kept = False
            values = [1, 1, 0, self.draw(), 0]
        self._safe_seq = max(values[0], values[1])  # flash holds that numbers below it may be in use
        self._asked_seq = self._safe_seq + ITEMS_RESERVE  # and is asked to hold this
        self._asked = 2  # so many events from now on it has, if it has not refused
        self._next_epoch = -1  # of items that wait behind those of `epoch`; -1: there is none
        self._loose = False  # flash has refused the newest epoch
        self.unkept = False  # flash has refused the settings (refused.py)
        self.boots = (values[2] + 1) & 0xFFFFFFFF
        self.epoch, self.before = values[3:]
        self._short = min(self.before + 1, 0xFFFF)
        self._save()
        self.items = Items(self._safe_seq, self._reserve, Ring(load, post.save, self.epoch), self._asked_seq)

    @property
    def parted(self) -> bool:
        """Whether new items wait behind those of an epoch before: the gateway does not know theirs yet."""
        return self._next_epoch >= 0

    def event(self, flash: bool) -> None:
        """An event comes, `flash`: of what was saved in the one before. All else finds it in flash, or refused."""
        self.items.hold = flash
        if self._asked and not flash:
            self._asked -= 1
            if not self._asked:
                self._safe_seq, self._kept = self._asked_seq, not self._loose

    def flash(self, works: bool, name: str) -> None:
        """Flash has refused a record, or takes what it is given again."""
        from lamppost import refused

        refused.flash(self, works, name)

    def turned(self) -> bool:
        """Whether a new epoch begins now: the gateway learns it from a new session."""
        if not self.parted:
            return False
        from lamppost import refused

        return refused.turned(self)

    def lived(self) -> None:
        """This start has lived long enough: it was none too many."""
        self._short = 0
        if not self._loose:
            self._save()

    def _reserve(self, seq: int) -> None:
        self._asked_seq, self._asked = seq, 1
        self._save()

    def draw(self) -> int:
        """An epoch."""
        return int.from_bytes(self._post.random(4), "big")

    def _save(self) -> None:
        values = [self._asked_seq, self._asked_seq, self.boots, self.epoch, self._short]
        self._post.save("counters", cbor.encode(values))
