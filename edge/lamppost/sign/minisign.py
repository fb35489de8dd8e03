"""Public keys and signature files as the tool `minisign` writes them, the plain (not pre-hashed) variant `Ed`.

    untrusted comment: anything
    base64( "Ed" key_id:8 signature:64 )
    trusted comment: anything, covered by the next line
    base64( signature of the signature and the trusted comment:64 )

Raises SignatureError, whose text says what to do, on anything that is not a good signature by one of the given keys.
"""

from binascii import a2b_base64, b2a_base64

from lamppost.sign.ed25519 import verify

FILE_MAX = 1024  # two comments and two lines of base64; longer is not a signature
_COMMENT = "untrusted comment: "
_TRUSTED = "trusted comment: "


class SignatureError(ValueError):
    """The signature does not count."""


class PublicKey:
    """A key that signatures are checked against: `key_id` 8 bytes, `public` 32 bytes."""

    def __init__(self, text: str):
        """From the base64 line of a minisign.pub, with or without the comment line above. Raises SignatureError."""
        lines = [line for line in text.split("\n") if line.strip()]
        raw = _base64(lines[-1], 42) if lines else None
        if raw is None or raw[:2] != b"Ed":
            raise SignatureError("not a minisign public key: give the line that begins with RW")
        self.key_id = raw[2:10]
        self.public = raw[10:]


def check(data, signature: bytes, keys, pause=None) -> str:
    """Return the trusted comment when one of `keys` has signed `data`, given in pieces. Raises SignatureError."""
    key_id, first, comment, second = _parse(signature)
    for key in keys:
        if key.key_id == key_id:
            break
    else:
        raise SignatureError("signed by a key that is not known here; sign with the site's key")
    if not verify(key.public, data, first, pause):
        raise SignatureError("the signature is not that of this content; it was changed after it was signed")
    if not verify(key.public, (first, comment), second, pause):
        raise SignatureError("the trusted comment is not the signed one; sign again")
    return str(comment, "utf-8")


def _parse(raw: bytes):
    """(key id, signature, trusted comment as bytes, signature of both)."""
    if len(raw) > FILE_MAX:
        raise SignatureError("a signature file is at most %d bytes" % FILE_MAX)
    try:
        text = str(raw, "utf-8")
    except (UnicodeError, ValueError):
        raise SignatureError("not a minisign signature: not text")
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    if len(lines) != 4 or not lines[0].startswith(_COMMENT) or not lines[2].startswith(_TRUSTED):
        raise SignatureError("not a minisign signature: it has four lines, the first and third are comments")
    first = _base64(lines[1], 74)
    second = _base64(lines[3], 64)
    if first is None or second is None:
        raise SignatureError("not a minisign signature: a line of base64 is damaged")
    if first[:2] == b"ED":
        raise SignatureError("a pre-hashed signature: sign with  minisign -S -l")
    if first[:2] != b"Ed":
        raise SignatureError("signed in a way that is not known here; sign with  minisign -S -l")
    return first[2:10], first[10:], lines[2][len(_TRUSTED) :].encode(), second


def _base64(line: str, length: int):
    """The bytes of a line, None where it is not the one canonical encoding of `length` bytes."""
    try:
        raw = a2b_base64(line)
    except ValueError:
        return None
    if len(raw) != length or b2a_base64(raw)[:-1] != line.encode():
        return None
    return raw
