"""`lamplighter update install|status|revert`: the gateway's own version, as root on the cabinet's computer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import click

from lamplighter.terminal import BadInput, Failed, print_json
from lamplighter.update import boot
from lamplighter.update import install as installing
from lamplighter.update.errors import UpdateError
from lamplighter.update.wheel import Wheel, read, read_key

UNIT = "lamplighter-gateway.service"
WHEELS_MAX = 64  # dependencies in a folder; the gateway has eight

BASE = click.option(
    "--base", default="/opt/lamplighter", envvar="LAMPLIGHTER_BASE", type=click.Path(file_okay=False, path_type=Path),
    show_default=True, help="Where the versions lie.",
)  # fmt: skip
RESTART = click.option("--restart/--no-restart", default=True, help="Restart the service, where it runs.")


@click.group()
def update() -> None:
    """Install a signed version of the gateway, look at its trial, and go back."""


@update.command()
@click.argument("wheel", metavar="FILE.whl", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("signature", metavar="FILE.whl.minisig", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--public-key",
    required=True,
    envvar="LAMPLIGHTER_UPDATE_KEY",
    help="The key's .pub file, or its line that begins with RW.",
)
@click.option(
    "--wheels",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of signed wheels that the new version needs.",
)
@click.option(
    "--config", type=click.Path(path_type=Path), help="The gateway's configuration; the new version must take it."
)
@click.option("--again", is_flag=True, help="Although this version was tried and did not last.")
@BASE
@RESTART
def install(
    wheel: Path,
    signature: Path,
    public_key: str,
    wheels: Path | None,
    config: Path | None,
    again: bool,
    base: Path,
    restart: bool,
) -> int:
    """Install a version beside the running one and let the service try it.

    It needs no network: what the version depends on is what is installed here, or in --wheels. It proves itself, or the
    version before it runs again.
    """
    try:
        key = read_key(public_key)
        new = read(wheel, signature, key)
        order = installing.Order(base.absolute(), new, folder_of_wheels(wheels, key), config, again)
        before = boot.current(base)
        for step in installing.install(order):
            click.echo(f"{new.version}: {step}", err=True)
    except (UpdateError, boot.Busy) as error:
        raise Failed(str(error)) from None
    except OSError as error:
        raise Failed(f"{error.filename or base}: {error.strerror or error}; the version that ran still runs") from None
    told = f"{new.version} is installed" + (f" and on trial; before it ran {before}" if before else "")
    click.echo(told + restarted(restart))
    return 0


@update.command()
@BASE
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(base: Path, as_json: bool) -> int:
    """Which version runs, and whether it is still on trial."""
    try:
        record = installing.record_of(base)
    except UpdateError as error:
        raise Failed(str(error)) from None
    running = boot.current(base)
    if running is None:
        raise Failed(f"no version is installed in {base}", "lamplighter update install")
    trial = record["trial"] if record["trial"] and record["trial"]["version"] == running else None
    facts = {"version": running, "whole": boot.whole(base, running), "on_trial": trial is not None}
    facts |= {"starts_left": trial["starts"], "minutes_left": trial["checks"]} if trial else {}
    facts |= {name: record[name] for name in ("previous", "minimum", "refused")}
    if as_json:
        print_json(facts)
        return 0
    click.echo(f"version {running}" + ("" if facts["whole"] else ", which is not whole"))
    if trial:
        click.echo(
            f"on trial: {trial['starts']} starts and {trial['checks']} minutes until {record['previous']} runs again"
        )
    click.echo(f"before it: {record['previous'] or '-'}; no version below {record['minimum']} is taken")
    if record["refused"]:
        click.echo(f"tried and did not last: {', '.join(record['refused'])}")
    return 0


@update.command()
@BASE
@RESTART
def revert(base: Path, restart: bool) -> int:
    """Let the version before this one run again."""
    try:
        before = installing.take_back(base.absolute())
    except (UpdateError, boot.Busy) as error:
        raise Failed(str(error)) from None
    click.echo(f"{before} runs again" + restarted(restart))
    return 0


def folder_of_wheels(folder: Path | None, key) -> list[Wheel]:
    """The wheels of a folder, each with its .minisig beside it. Raises UpdateError."""
    paths = sorted(folder.glob("*.whl")) if folder else []
    if len(paths) > WHEELS_MAX:
        raise BadInput(f"{folder} holds more than {WHEELS_MAX} wheels; give those that this version needs")
    return [read(path, path.with_name(path.name + ".minisig"), key) for path in paths]


def restarted(wanted: bool) -> str:
    """Restart the service if it runs; what to say of it."""
    program = shutil.which("systemctl")
    if not wanted or program is None:
        return f"; restart {UNIT} to run it"
    done = subprocess.run([program, "--no-block", "try-restart", UNIT], capture_output=True, check=False)
    return "; the service is restarting" if done.returncode == 0 else f"; restart {UNIT} to run it"
