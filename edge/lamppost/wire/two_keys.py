"""Two bus keys at once, while one takes the place of the other: what is sealed with either is taken.

Numbers go on from key to key, so what was heard under one is old under both. Apart from that it is kept what was heard
under the newer key: with the older one go the numbers that its thief may have said, and nothing that was heard under
the newer one is taken again.
"""

from lamppost.wire import contexts
from lamppost.wire.errors import WireError
from lamppost.wire.seal import Key, fits


class TwoKeys:
    """`heard` is what came under the newer key, as in PostLink, TIME at place 0; `first()` is told of each such."""

    def __init__(self, newer: bytes, older: bytes, heard: dict, first):
        self.newer = Key(newer)
        self.heard = heard
        self.older = Key(older)
        self._first = first

    def sealed(self, frame, place: int, order: int) -> None:
        """Raise WireError unless the broadcast is sealed with one of the two."""
        if fits(self.newer, contexts.BUS, frame.signed, frame.seal):
            if order > self.heard.get(place, 0):
                self.heard[place] = order
                self._first()
        elif not fits(self.older, contexts.BUS, frame.signed, frame.seal):
            raise WireError("bad seal")
