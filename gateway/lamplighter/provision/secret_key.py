"""Ed25519 keys in minisign's files, made here or by the tool `minisign` itself; signatures in its plain variant.

The secret key file (minisign 0.9 and later), in base64 under a comment line:
"Ed" kdf:2 "B2" salt:32 opslimit:8 memlimit:8 (key_id:8 seed:32 public:32 checksum:32), the last 104 bytes xored with
scrypt's output where kdf is "Sc", plain where it is zero. The checksum is BLAKE2b-256 of "Ed", key id, seed, public.
No secret is ever part of a message.
"""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ALGORITHM, PLAIN, SCRYPT, CHECKSUM = b"Ed", b"\0\0", b"Sc", b"B2"
BODY = 104
OPS_LIMIT, MEM_LIMIT = 1 << 22, 1 << 27  # scrypt with N = 2**17: 128 MB and a third of a second for each guess
OPS_MAX, MEM_MAX = 1 << 25, 1 << 30  # what minisign itself takes; a file that wants more is not honest
FILE_MAX = 4096


class KeyFileError(ValueError):
    """The key cannot be used; the text says what to do."""


class KeyLocked(KeyFileError):
    """The key wants its password, and none was given."""


class SecretKey:
    """A key that signs. `key_id` is 8 bytes that name it, not secret."""

    def __init__(self, seed: bytes, key_id: bytes) -> None:
        if len(seed) != 32 or len(key_id) != 8:
            raise ValueError("a seed is 32 bytes, a key id 8")
        self._seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.key_id = key_id
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def __repr__(self) -> str:
        return f"SecretKey({self.name})"

    @property
    def name(self) -> str:
        """The key id as minisign prints it: hexadecimal, last byte first."""
        return self.key_id[::-1].hex().upper()

    @classmethod
    def new(cls) -> SecretKey:
        """A key from the operating system's random source."""
        return cls(os.urandom(32), os.urandom(8))

    @classmethod
    def read(cls, path: Path, password: str = "") -> SecretKey:
        """From a file. Raises KeyFileError, and KeyLocked where a password is wanted; a file that
        others may read is refused."""
        raw = _read(path)
        head, salt = raw[:6], raw[6:38]
        ops, memory = (int.from_bytes(raw[at : at + 8], "little") for at in (38, 46))
        body = raw[54:]
        if head == ALGORITHM + SCRYPT + CHECKSUM:
            if not password:
                raise KeyLocked(f"{path} is locked with a password; give it in LAMPLIGHTER_SIGN_PASSWORD")
            body = _xor(body, _scrypt(password, salt, ops, memory))
        elif head != ALGORITHM + PLAIN + CHECKSUM:
            raise KeyFileError(f"{path} is not a minisign secret key; make one with 'lamplighter keygen'")
        key_id, seed, public, checksum = body[:8], body[8:40], body[40:72], body[72:]
        if _checksum(key_id, seed, public) != checksum:
            raise KeyFileError(f"{path}: wrong password, or the file is damaged")
        return cls(seed, key_id)

    def write(self, path: Path, password: str = "") -> None:
        """Write `path` (for its owner only) and, beside it, `path` with the ending .pub. Never over another key."""
        body = self.key_id + self._seed + self.public + _checksum(self.key_id, self._seed, self.public)
        kdf, salt, ops, memory = PLAIN, bytes(32), 0, 0
        if password:
            kdf, salt, ops, memory = SCRYPT, os.urandom(32), OPS_LIMIT, MEM_LIMIT
            body = _xor(body, _scrypt(password, salt, ops, memory))
        raw = ALGORITHM + kdf + CHECKSUM + salt + ops.to_bytes(8, "little") + memory.to_bytes(8, "little") + body
        text = f"untrusted comment: minisign secret key {self.name}\n{base64.b64encode(raw).decode()}\n"
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
        except FileExistsError:
            raise KeyFileError(f"{path} is there already; a key is never overwritten") from None
        path.with_suffix(".pub").write_text(self.public_text(), encoding="ascii")

    def public_text(self) -> str:
        """What `minisign -V -p` and a board take."""
        raw = base64.b64encode(ALGORITHM + self.key_id + self.public).decode()
        return f"untrusted comment: minisign public key {self.name}\n{raw}\n"

    def sign(self, data: bytes, trusted_comment: str) -> bytes:
        """The signature file over `data`; the comment is one line and covered too."""
        if "\n" in trusted_comment or "\r" in trusted_comment:
            raise ValueError("a trusted comment is one line")
        first = self._key.sign(data)
        second = self._key.sign(first + trusted_comment.encode())
        lines = [
            "untrusted comment: signature by lamplighter",
            base64.b64encode(ALGORITHM + self.key_id + first).decode(),
            f"trusted comment: {trusted_comment}",
            base64.b64encode(second).decode(),
        ]
        return ("\n".join(lines) + "\n").encode()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise KeyFileError(f"others may read {path}; run  chmod 600 {path}")
            lines = file.read(FILE_MAX).splitlines()
    except OSError as error:
        raise KeyFileError(f"{path}: {error.strerror}; make a key with 'lamplighter keygen'") from None
    try:
        raw = base64.b64decode(lines[1], validate=True)
    except (IndexError, ValueError):
        raw = b""
    if len(raw) != 54 + BODY:
        raise KeyFileError(f"{path} is not a minisign secret key; make one with 'lamplighter keygen'")
    return raw


def _checksum(key_id: bytes, seed: bytes, public: bytes) -> bytes:
    return hashlib.blake2b(ALGORITHM + key_id + seed + public, digest_size=32).digest()


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def _scrypt(password: str, salt: bytes, ops: int, memory: int) -> bytes:
    """libsodium's crypto_pwhash_scryptsalsa208sha256: how its two limits become scrypt's N, r and p."""
    if not 32_768 <= ops <= OPS_MAX or not 1 << 20 <= memory <= MEM_MAX:
        raise KeyFileError("the key file asks for more memory or work than any minisign writes; is it damaged?")
    r = 8
    if ops < memory // 32:
        n, p = _power(ops // (r * 4)), 1
    else:
        n = _power(memory // (r * 128))
        p = min(ops // 4 // n, 0x3FFFFFFF) // r
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=max(p, 1), maxmem=MEM_MAX + (1 << 29), dklen=BODY)


def _power(most: int) -> int:
    """The power of two that libsodium takes: the smallest above half of `most`."""
    log2 = 1
    while 1 << log2 <= most // 2:
        log2 += 1
    return 1 << log2
