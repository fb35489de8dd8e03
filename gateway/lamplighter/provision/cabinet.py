"""What provisioning must know of a gateway, read from its own configuration: who it is, its lines and its posts.

The whole file is checked by `lamplighter gateway --check-config`, once its keys are there; here only what is needed to
make those.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamplighter.provision.private import ProvisionError

ID = re.compile(r"[a-z0-9-]{1,32}")
ROOT = re.compile(r"[a-z0-9-]{1,32}(/[a-z0-9-]{1,32}){0,3}")
FILE_MAX = 1 << 20  # as gateway.toml itself
# The names under which the gateway's folder holds what is made for it
KEYS, AUTHORITY, CERTIFICATE, KEY = "keys.json", "ca.pem", "mqtt.pem", "mqtt.key"
RESERVED = ("office", "homeassistant")  # identities of the broker's other clients


@dataclass(frozen=True, slots=True)
class Cabinet:
    """One gateway, as its configuration names it."""

    id: str
    site: str
    root: str
    broker: str
    buses: tuple[str, ...]
    posts: tuple[str, ...]
    text: str


def read(path: Path) -> Cabinet:
    """Raises ProvisionError with one line."""
    try:
        data = path.read_bytes()
        if len(data) > FILE_MAX:
            raise ProvisionError(f"{path}: over {FILE_MAX} bytes; is this the right file?")
        text = data.decode()
        raw = tomllib.loads(text)
    except OSError as error:
        raise ProvisionError(f"{path}: {error.strerror}; give a gateway's configuration") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProvisionError(f"{path}: not TOML: {error}") from None
    gateway, mqtt = _table(raw, "gateway", path), _table(raw, "mqtt", path)
    found = Cabinet(
        _text(gateway, "id", ID, path),
        _text(gateway, "site", ID, path),
        _text({"root": "lamplighter"} | gateway, "root", ROOT, path),
        _text(mqtt, "host", re.compile(r"[^\s]{1,253}"), path),
        _ids(raw, "bus", path),
        _ids(raw, "post", path),
        text,
    )
    if found.id in RESERVED:
        raise ProvisionError(f"{path}: id {found.id!r} is kept for another client of the broker; give another")
    wanted = [(gateway, "keys_file", KEYS), (mqtt, "tls_ca", AUTHORITY)]
    for table, name, value in [*wanted, (mqtt, "tls_cert", CERTIFICATE), (mqtt, "tls_key", KEY)]:
        if Path(str(table.get(name))).name != value:
            where = "gateway" if table is gateway else "mqtt"
            raise ProvisionError(f'{path}: [{where}] must say  {name} = "{value}"  (or a path that ends so)')
    return found


def _table(raw: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    value = raw.get(name)
    if not isinstance(value, dict):
        raise ProvisionError(f"{path}: [{name}] is missing; add it")
    return value


def _text(table: dict[str, Any], name: str, pattern: re.Pattern[str], path: Path) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ProvisionError(f"{path}: {name} must be text like {pattern.pattern}")
    return value


def _ids(raw: dict[str, Any], name: str, path: Path) -> tuple[str, ...]:
    rows = raw.get(name)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise ProvisionError(f"{path}: [[{name}]] is missing; add one for each {name}")
    names = tuple(_text(row, "id", ID, path) for row in rows)
    if len(set(names)) != len(names):
        raise ProvisionError(f"{path}: a {name} appears twice; each must be one of its kind")
    return names
