"""`lamplighter board`: build what a microcontroller runs, and write it to one."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from lamplighter.provision import board_files
from lamplighter.provision.board_files import COMPUTERS, KINDS, BoardError
from lamplighter.terminal import BadInput, Failed, console, print_json


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


@board.command()
@click.argument("kind", type=click.Choice(sorted(KINDS)))
@click.option("--port", required=True, envvar="LAMPLIGHTER_BOARD", help="The board's USB port, such as /dev/ttyACM0.")
@click.option("--config", required=True, type=click.Path(dir_okay=False, path_type=Path), help="board.json.")
@click.option("--key", type=click.Path(dir_okay=False, path_type=Path), help="KEY.pub of the site, for updates.")
@click.option(
    "--delivery", type=click.Path(dir_okay=False, path_type=Path),
    help="The manifest that the board's identity and key are kept in; made where there is none.",
)  # fmt: skip
@click.option("--identity", metavar="NAME", help="In the place of its kind and serial number; a-z, 0-9 and -.")
@click.option("--erase", is_flag=True, help="Begin anew with a board that is a post already: all that it has is lost.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def write(
    kind: str, port: str, config: Path, key: Path | None, delivery: Path | None, identity: str | None, erase: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Write a board of KIND at PORT, give it its identity and a key of its own, and see it run.

    MicroPython must be on it. Broken off, it goes on where it was. What the board is called and its key go to
    DELIVERY, with which `lamplighter find --manifest` gives it a place on its line.
    """
    from lamplighter.provision import board_write
    from lamplighter.provision import delivery as deliveries

    if identity is not None and not re.fullmatch(r"[a-z0-9-]{1,32}", identity):
        raise BadInput(f"--identity '{identity}' is no name", "1 to 32 of a-z, 0-9 and -")
    try:
        files = board_files.tree(kind, board_files.firmware(kind), _text(config), _text(key))
    except BoardError as error:
        raise BadInput(str(error)) from None
    try:
        with board_write.at(port) as writer:
            facts = writer.facts()
            if facts.platform != kind:
                raise BoardError(f"the board at {port} is a {facts.platform!r}, not a {kind}")
            if facts.records and not erase:
                raise Failed(
                    f"the board at {port} is a post already",
                    "lamplighter tech upload brings it new firmware; --erase begins anew, and loses its keys",
                )
            if erase:
                writer.erase()
            name = identity or f"{kind}-{facts.serial}"[:32]
            secret = deliveries.key_of(delivery, name) if delivery else b""
            with _bar(sum(map(len, files.values()))) as said:
                written = writer.put(files, said)
            writer.provision(name, secret)
            started = writer.start()
    except BoardError as error:
        raise Failed(str(error)) from None
    if as_json:
        print_json({"identity": name, "files": len(files), "written": written, "started": started})
        return 0
    where = f", its key in {delivery}" if delivery else ", and no key yet: lamplighter tech set post-key"
    click.echo(f"{name}: {written} of {len(files)} files written{where}")
    click.echo(f"it runs ({started}): its lamp is full until it has a plan")
    if not key:
        click.echo("without --key it will never take an update")
    return 0


@contextlib.contextmanager
def _bar(total: int) -> Iterator[Callable[[int, int], None]]:
    """Progress on a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    from rich.progress import Progress

    with Progress(console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("writing", total=total)
        yield lambda done, of: progress.update(task, completed=done)


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
