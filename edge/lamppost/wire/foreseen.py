"""The POLL that comes next where all goes on as it is, byte for byte, and the STILL that answers it, both made ahead.

Nearly every POLL is that one. To compare it takes a board microseconds, where parsing and two seals take it
milliseconds. The comparison may end early at the first byte that differs: that shows nobody anything, for an answer
begins at its own fixed moment ([A-10]).
"""

from lamppost.wire import contexts, messages
from lamppost.wire.frame import GATEWAY, header, pack


class Foreseen:
    """For the session of `link` as it is now, and the STATUS that `as_of` names. Made at `made_ms`; `poll` and
    `still` are the bytes of the two, from delimiter to delimiter."""

    def __init__(self, link, as_of: int, t_ms: int):
        self.made_ms = t_ms
        self._session = session = link.session
        self._counter = counter = session.asked + 1
        self._as_of = as_of
        address = link.address
        signed = header(address, GATEWAY, messages.POLL, counter) + messages.encode(messages.POLL, (0, b""))
        self.poll = pack(signed, session.key.seal(contexts.DOWN, signed))
        signed = header(GATEWAY, address, messages.STILL, counter) + messages.encode(messages.STILL, (as_of,))
        self.still = pack(signed, session.key.seal(contexts.UP, signed))

    def take(self, link, as_of: int) -> bool:
        """Count the POLL as asked, once; False where the session, its counter or `as_of` is another by now."""
        session = link.session
        if session is not self._session or session.asked + 1 != self._counter or as_of != self._as_of:
            return False
        session.asked = self._counter
        return True
