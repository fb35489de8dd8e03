"""The only exception that anything a peer can send may raise."""


class WireError(Exception):
    """What came over the wire is refused; the text says why in a few words. Nothing has changed."""
