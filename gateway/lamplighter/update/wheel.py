"""Signed wheels: a wheel and, beside it, its minisign file, whose trusted comment says what the wheel is.

    NAME VERSION minimum MINIMUM          (minimum: no older version after this one; 0 where all may)

Debian's own tool signs the same way:  minisign -S -l -s site.key -m FILE.whl -t "lamplighter 0.2.0 minimum 0.1.0"
The signature covers the bytes, and the comment; what is installed are the bytes that were checked, not the file anew.
"""

from __future__ import annotations

import io
import zipfile
from email.parser import HeaderParser
from pathlib import Path
from typing import NamedTuple

from lamplighter.update.errors import UpdateError
from lamplighter.update.needs import normal
from lamppost.sign.minisign import FILE_MAX, PublicKey, SignatureError, check

WHEEL_MAX = 64 << 20  # bytes; a cabinet's wheel has 1 MB, the largest dependency 10
UNPACKED_MAX = 512 << 20
METADATA_MAX = 1 << 20


class Wheel(NamedTuple):
    """A wheel whose signature is good. `unpacked`: bytes of its files; `requires`: its lines of Requires-Dist."""

    file: str
    data: bytes
    name: str
    version: str
    minimum: str
    unpacked: int
    requires: tuple[str, ...]


class Label(NamedTuple):
    """What a wheel says of itself."""

    name: str
    version: str
    unpacked: int
    requires: tuple[str, ...]


def read_key(given: str) -> PublicKey:
    """The public key from a file, or from its line that begins with RW. Raises UpdateError."""
    try:
        text = given if given.startswith("RW") else Path(given).read_text(encoding="utf-8")[:FILE_MAX]
        return PublicKey(text)
    except OSError as error:
        raise UpdateError(f"{given}: {error.strerror}; give the file KEY.pub that 'lamplighter keygen' made") from None
    except (SignatureError, UnicodeDecodeError) as error:
        raise UpdateError(f"{given}: {error}") from None


def read(path: Path, signature: Path, key: PublicKey) -> Wheel:
    """A wheel that the key has signed. Raises UpdateError."""
    data = _bytes(path, WHEEL_MAX)
    try:
        comment = check([data], _bytes(signature, FILE_MAX), [key])
    except SignatureError as error:
        raise UpdateError(f"{path.name}: {error}") from None
    label = describe(path.name, data)
    words = comment.split(" ")
    if len(words) != 4 or words[2] != "minimum":
        raise UpdateError(f"{path.name}: its signature does not say what it is; sign it with 'lamplighter sign-wheel'")
    if words[:2] != [label.name, label.version]:
        raise UpdateError(f"{path.name} is {label.name} {label.version}, and was signed as {words[0]} {words[1]}")
    return Wheel(path.name, data, label.name, label.version, words[3], label.unpacked, label.requires)


def describe(file: str, data: bytes) -> Label:
    """What a wheel says of itself. Raises UpdateError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            folder = "-".join(file.split("-")[:2]) + ".dist-info/METADATA"
            inside = archive.getinfo(folder)
            unpacked = sum(one.file_size for one in archive.infolist())
            if inside.file_size > METADATA_MAX or unpacked > UNPACKED_MAX:
                raise UpdateError(f"{file} unpacks to {unpacked} bytes, more than any wheel of ours")
            fields = HeaderParser().parsestr(archive.read(inside).decode())
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError) as error:
        if isinstance(error, UpdateError):
            raise
        raise UpdateError(f"{file} is not a wheel; give the .whl file under its own name") from None
    name, version = fields["Name"] or "", fields["Version"] or ""
    if not name or not version or " " in name + version:
        raise UpdateError(f"{file} does not say its name and version; build it anew")
    return Label(normal(name), version, unpacked, tuple(fields.get_all("Requires-Dist") or ()))


def _bytes(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise UpdateError(f"{path}: {error.strerror}") from None
    if len(data) > most:
        raise UpdateError(f"{path} has more than {most} bytes; it is not what is wanted here")
    return data
