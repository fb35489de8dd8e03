"""`lamplighter keygen`, `sign` and `sign-wheel`: the site's key, and the images and wheels that are taken under it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from lamplighter.provision.image import ImageError, make
from lamplighter.provision.secret_key import KeyFileError, KeyLocked, SecretKey
from lamplighter.terminal import BadInput, print_json

PASSWORD = "LAMPLIGHTER_SIGN_PASSWORD"


@click.command()
@click.argument("key_file", metavar="KEY", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--no-password", is_flag=True, help="Leave the key unlocked, for a machine that signs by itself.")
def keygen(key_file: Path, no_password: bool) -> int:
    """Make the site's firmware key: KEY, which stays with you, and KEY.pub, which every board gets."""
    if key_file.suffix == ".pub":
        raise BadInput(f"{key_file}: the public key gets the ending .pub by itself; name the secret one otherwise")
    password = "" if no_password else os.environ.get(PASSWORD, "")
    if not password and not no_password:
        password = click.prompt("Password for the key", hide_input=True, confirmation_prompt=True, err=True)
    key = SecretKey.new()
    try:
        key.write(key_file, password)
    except (KeyFileError, OSError) as error:
        raise BadInput(str(error)) from None
    click.echo(f"{key_file} (keep it safe) and {key_file.with_suffix('.pub')}, key {key.name}")
    return 0


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--board", required=True, help="The board the files are for, such as rp2.")
@click.option("--version", required=True, type=click.IntRange(1, 999_999_999), help="Rises with each release.")
@click.option("--minimum", default=0, type=click.IntRange(0, 999_999_999), help="No older version after this one.")
@click.option("--label", required=True, help="The version for people, such as 0.2.0.")
@click.option("--key", "key_file", required=True, type=click.Path(path_type=Path), help="The secret key.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The image to write.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def sign(
    folder: Path, board: str, version: int, minimum: int, label: str, key_file: Path, out: Path, as_json: bool
) -> int:
    """Pack and sign the .mpy files of FOLDER into one image that boards accept.

    Beside it OUT.manifest and OUT.manifest.minisig are written:  minisign -V -p KEY.pub -m OUT.manifest  checks them.
    """
    try:
        key = _open(key_file)
        image = make(folder, board, version, minimum, label, key)
    except (KeyFileError, ImageError) as error:
        raise BadInput(str(error)) from None
    for path, data in _outputs(out, image.data, image.manifest, image.signature):
        path.write_bytes(data)
    if as_json:
        print_json({"image": str(out), "bytes": len(image.data), "files": image.files, "key": key.name})
    else:
        click.echo(f"{out}: {image.files} files, {len(image.data)} bytes, for {board}, version {version} ({label})")
    return 0


def _open(path: Path) -> SecretKey:
    """The key of a file; a person at a terminal is asked for its password."""
    try:
        return SecretKey.read(path, os.environ.get(PASSWORD, ""))
    except KeyLocked:
        if not sys.stdin.isatty():
            raise
    return SecretKey.read(path, click.prompt(f"Password of {path}", hide_input=True, err=True))


@click.command("sign-wheel")
@click.argument(
    "wheels", metavar="FILE.whl...", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path)
)
@click.option("--minimum", default="0", help="No older version after this one, such as 0.2.0.")
@click.option("--key", "key_file", required=True, type=click.Path(path_type=Path), help="The secret key.")
def sign_wheel(wheels: tuple[Path, ...], minimum: str, key_file: Path) -> int:
    """Sign wheels for 'lamplighter update install': FILE.whl.minisig beside each.

    For a version of the gateway, and for the wheels that it needs beside it (those need no --minimum).
    """
    from lamplighter.update import boot
    from lamplighter.update.errors import UpdateError
    from lamplighter.update.wheel import describe

    try:
        boot.number(minimum)
        key = _open(key_file)
        for path in wheels:
            data = path.read_bytes()
            label = describe(path.name, data)
            signature = key.sign(data, f"{label.name} {label.version} minimum {minimum}")
            path.with_name(path.name + ".minisig").write_bytes(signature)
            click.echo(f"{path}.minisig: {label.name} {label.version}, minimum {minimum}, key {key.name}")
    except (KeyFileError, UpdateError, ValueError, OSError) as error:
        raise BadInput(str(error)) from None
    return 0


def _outputs(out: Path, data: bytes, manifest: bytes, signature: bytes) -> list[tuple[Path, bytes]]:
    name = out.with_name(out.name + ".manifest")
    return [(out, data), (name, manifest), (name.with_name(name.name + ".minisig"), signature)]
