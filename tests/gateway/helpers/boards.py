"""Boards from the box on a PtyStreet, their manifest, and what `lamplighter find` says of them."""

import json
from pathlib import Path

from click.testing import CliRunner
from street import Lamp

from lamplighter.gateway.cli_find import find
from lamppost.store.settings import Settings


def factory_key(number: int) -> bytes:
    return bytes([200 - number]) * 32


def make_new(lamp: Lamp, number: int) -> None:
    """A board from the box at this place on the line, and mains on it."""
    settings = Settings()
    settings.put("identity", f"ll-{number}")
    settings.put("post-key", factory_key(number))
    lamp.flash = {"settings": settings.to_bytes()}
    lamp.powered = True
    lamp.start()


def write_manifest(folder: Path, count: int) -> Path:
    path = folder / "delivery.json"
    path.write_text(json.dumps({"posts": {f"ll-{n}": factory_key(n).hex() for n in range(1, count + 1)}}))
    path.chmod(0o600)
    return path


def run_find(*arguments: str, code: int = 0) -> dict:
    done = CliRunner().invoke(find, [*arguments, "--json"], standalone_mode=False, catch_exceptions=False)
    assert done.return_value == code, done.output
    return json.loads(done.output)
