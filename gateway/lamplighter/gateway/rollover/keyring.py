"""What a cabinet has learned of its keys since it was installed: adopted and replaced posts, and rolled keys.

One JSON file in the state folder that only its owner may read, written whole and renamed, so that a power cut leaves
the one before. It lies over `keys_file` (keys.py), which nothing here ever writes. The manifest of a delivery is a file
of the same kind: `{"posts": {IDENTITY: HEX}}`, a key of its own for each board.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from lamplighter import whole_file
from lamplighter.gateway.rollover.keys import KEY, read_private

NAME = "keyring.json"
ROLLING = ("next_buses", "last_buses", "next_posts", "wanted")
ENTRIES_MAX = 4096  # boards of a delivery


@dataclass
class Keyring:
    """`posts` maps a post of the configuration to (identity of its board, key); `buses` a line to its key.

    While keys are rolled over (rolling.py): `next_buses` has the key that comes after the one in force, `last_buses`
    the one that was before, `next_posts` a key that a post may have instead of its own, and `wanted` the posts that are
    to get one, with the key that was given for it or nothing.
    """

    posts: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    buses: dict[str, bytes] = field(default_factory=dict)
    next_buses: dict[str, bytes] = field(default_factory=dict)
    last_buses: dict[str, bytes] = field(default_factory=dict)
    next_posts: dict[str, bytes] = field(default_factory=dict)
    wanted: dict[str, bytes] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Keyring({len(self.posts)} posts, {len(self.buses)} buses)"  # never the keys themselves

    def copy(self) -> Keyring:
        return Keyring(*(dict(getattr(self, part.name)) for part in fields(self)))

    @property
    def places(self) -> dict[str, str]:
        """The post at whose place each board was adopted, by identity."""
        return {identity: post for post, (identity, _) in self.posts.items()}

    def adopt(self, post: str, identity: str, key: bytes, own: bytes = b"") -> None:
        """This board now stands at that place; nobody else does, and it nowhere else. Where it has `own`, the key that
        was in force there, it is the board that was there, and its rollover goes on."""
        self.posts = {name: entry for name, entry in self.posts.items() if entry[0] != identity}
        self.posts[post] = (identity, key)
        if key != own:
            self.next_posts.pop(post, None)
            self.wanted.pop(post, None)


def load_keyring(folder: Path) -> Keyring:
    """The keyring of a state folder; an empty one where there is none. Raises ValueError with one line."""
    path = folder / NAME
    if not path.exists():
        return Keyring()
    raw = read_private(path)
    try:
        posts = {post: (str(row["identity"]), _key(row["key"])) for post, row in raw["posts"].items()}
        rolling = raw.get("rolling", {})
        rest = [{name: bytes.fromhex(key) for name, key in rolling.get(part, {}).items()} for part in ROLLING]
        if any(len(key) not in (0, 32) for part in rest for key in part.values()):
            raise ValueError("no key")
        return Keyring(posts, {bus: _key(key) for bus, key in raw["buses"].items()}, *rest)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ValueError("not a keyring; restore it from the backup, or remove it and find the posts again") from None


def save_keyring(folder: Path, ring: Keyring) -> None:
    """Write it, on disk when this returns. Raises OSError."""
    posts = {post: {"identity": identity, "key": key.hex()} for post, (identity, key) in ring.posts.items()}
    rolling = {part: {name: key.hex() for name, key in getattr(ring, part).items()} for part in ROLLING}
    buses = {bus: key.hex() for bus, key in ring.buses.items()}
    text = json.dumps({"posts": posts, "buses": buses, "rolling": rolling}, indent=1)
    whole_file.replace(folder / NAME, f"{text}\n".encode())


def load_manifest(path: Path) -> Mapping[str, bytes]:
    """The keys of a delivery's boards by identity. Raises ValueError with one line."""
    raw = read_private(path)
    boards = raw.get("posts")
    if not isinstance(boards, dict) or len(boards) > ENTRIES_MAX:
        raise ValueError(f'must be {{"posts": {{IDENTITY: KEY}}}} with at most {ENTRIES_MAX} boards')
    try:
        return {identity: _key(key) for identity, key in boards.items()}
    except ValueError:
        raise ValueError("a board's key is 64 hexadecimal digits; ask the maker for the manifest again") from None


def _key(text: Any) -> bytes:
    if not isinstance(text, str) or not KEY.fullmatch(text):
        raise ValueError("no key")
    return bytes.fromhex(text)
