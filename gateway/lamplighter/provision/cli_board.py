"""`lamplighter board`: build what a microcontroller runs, and write it to one."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lamplighter.provision import board_files
from lamplighter.provision.board_files import COMPUTERS, KINDS, BoardError
from lamplighter.terminal import BadInput, print_json


@click.group()
def board() -> None:
    """Build what a microcontroller runs, and write it to one."""


@board.command()
@click.argument("kind", type=click.Choice(sorted([*KINDS, *COMPUTERS])))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="A new or empty folder.")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="board.json: what is connected.")
@click.option("--key", type=click.Path(dir_okay=False, path_type=Path), help="KEY.pub of the site, for updates.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def build(kind: str, out: Path, config: Path | None, key: Path | None, as_json: bool) -> int:
    """Compile the firmware for KIND into OUT.

    OUT/firmware is what `lamplighter sign` packs, OUT/flash what a new microcontroller holds, OUT/flash.lfs the same as
    an image. A Raspberry Pi has no flash to write: deploy/raspberry_pi/install installs it.
    """
    if out.exists() and any(out.iterdir()):
        raise BadInput(f"{out} is not empty; give a new folder")
    try:
        if kind in COMPUTERS and config:
            board_files.check(kind, _text(config))
        firmware = board_files.firmware(kind)
        files = board_files.tree(kind, firmware, _text(config), _text(key)) if kind in KINDS else {}
        image = board_files.file_system(files, KINDS[kind].blocks) if kind in KINDS else b""
    except BoardError as error:
        raise BadInput(str(error)) from None
    board_files.write(out / "firmware", firmware)
    if files:
        board_files.write(out / "flash", files)
        (out / "flash.lfs").write_bytes(image)
    size = sum(map(len, firmware.values()))
    if as_json:
        print_json({"kind": kind, "modules": len(firmware), "bytes": size, "files": len(files), "image": len(image)})
    else:
        flash = f"; flash.lfs has {len(files)} files" if files else ""
        click.echo(f"{out}: {len(firmware)} modules, {size} bytes for {kind}{flash}")
    return 0


@board.command("package-json", hidden=True)
@click.argument("version")
def package_json(version: str) -> int:
    """Print edge/package.json."""
    click.echo(json.dumps(board_files.package_json(version), indent=2))
    return 0


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {getattr(error, 'strerror', None) or 'not text'}") from None
