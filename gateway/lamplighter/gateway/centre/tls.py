"""The gateway's own certificate towards the broker: read anew for every connection, and watched between them.

So a renewed certificate needs no restart: new files are noticed, tried, and taken up with a new connection. Files that
do not fit (half copied, or of two renewals) leave the connection as it is.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from lamplighter.gateway.config import Mqtt

Stamp = tuple[tuple[int, int, int], ...]


def context(settings: Mqtt) -> ssl.SSLContext | None:
    """None without TLS. Raises OSError (ssl.SSLError is one) where a file cannot be read or does not fit."""
    if not settings.tls:
        return None
    made = ssl.create_default_context(cafile=settings.tls_ca)
    if settings.tls_cert:
        made.load_cert_chain(settings.tls_cert, settings.tls_key)
    return made


def stamp(settings: Mqtt) -> Stamp:
    """What changes when one of the files is written or replaced."""
    return tuple(_stamp(path) for path in (settings.tls_ca, settings.tls_cert, settings.tls_key) if path is not None)


def fits(settings: Mqtt) -> bool:
    """Whether a connection could be made with the files as they are."""
    try:
        context(settings)
    except OSError:
        return False
    return True


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino
