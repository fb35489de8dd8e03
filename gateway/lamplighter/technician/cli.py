"""`lamplighter tech`: a technician at a post, with a laptop on its service port and no internet.

Each command opens the port, asks, and closes it. A PIN comes from LAMPLIGHTER_PIN or a file, never from the command
line, where other users could read it; a key comes from a file for the same reason.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from lamplighter.technician.console_client import ConsoleClient, PortFault, PostRefused, found_ports
from lamplighter.terminal import BadInput, Failed, print_json, printable

SECRETS = ("post-key", "bus-key", "pin")


class Bench:
    """What the options of `tech` said: port, baud, PIN, and whether to print JSON."""

    def __init__(self, port: str | None, baud: int, pin: str | None, as_json: bool) -> None:
        self.port, self.baud, self.pin, self.as_json = port, baud, pin, as_json

    def ask(self, command: str, change: bool = False) -> list[str]:
        """The post's answer to a console command, after a login where one is wanted and given."""
        try:
            with ConsoleClient(self.port or the_port(), self.baud) as console:
                if not (change and self.pin):
                    return console.ask(command)
                console.ask(f"login {self.pin}")
                try:
                    return console.ask(command)
                finally:
                    console.ask("logout")  # nobody after us changes anything with our PIN
        except PostRefused as refusal:
            hint = "give the PIN in LAMPLIGHTER_PIN or with --pin-file" if "login first" in str(refusal) else ""
            raise Failed(f"the post says: {refusal}", hint) from None
        except PortFault as fault:
            raise Failed(str(fault)) from None

    @contextmanager
    def session(self) -> Iterator[ConsoleClient]:
        """An open console for several questions, logged in where there is a PIN."""
        try:
            with ConsoleClient(self.port or the_port(), self.baud) as console:
                if self.pin:
                    console.ask(f"login {self.pin}")
                try:
                    yield console
                finally:
                    if self.pin:
                        with suppress(PortFault):  # a board that starts again has logged everybody out
                            console.ask("logout")
        except PostRefused as refusal:
            raise Failed(f"the post says: {refusal}") from None
        except PortFault as fault:
            raise Failed(str(fault)) from None

    def show(self, lines: list[str]) -> None:
        """Print lines as they are, or as a JSON object of their first words."""
        if self.as_json:
            print_json({key: rest.strip() for key, _, rest in (line.strip().partition(" ") for line in lines)})
        else:
            for line in lines:
                click.echo(printable(line))


def the_port() -> str:
    """The only port there is. Raises Failed when there is none, or more than one."""
    ports = found_ports()
    if len(ports) == 1:
        return ports[0]
    if not ports:
        raise Failed("no serial port found", "plug the cable in, or give --port PATH")
    raise BadInput(f"{len(ports)} serial ports found: {', '.join(ports)}", "choose one with --port")


@click.group()
@click.option("--port", envvar="LAMPLIGHTER_PORT", help="Serial port; found by itself when there is only one.")
@click.option("--baud", envvar="LAMPLIGHTER_BAUD", default=115200, show_default=True, help="Speed of the port.")
@click.option("--pin-file", envvar="LAMPLIGHTER_PIN_FILE", type=click.Path(path_type=Path), help="File with the PIN.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def tech(context: click.Context, port: str | None, baud: int, pin_file: Path | None, as_json: bool) -> None:
    """Talk straight to a post over a serial port."""
    import os

    pin = read_secret(pin_file) if pin_file else os.environ.get("LAMPLIGHTER_PIN")
    context.obj = Bench(port, baud, pin, as_json)


def read_secret(path: Path) -> str:
    """The first line of a file that holds a secret."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {getattr(error, 'strerror', None) or 'not plain text'}") from None
    return text.splitlines()[0].strip() if text.strip() else ""


def reading(name: str, command: str, text: str) -> Callable[..., Any]:
    """A subcommand without arguments that asks one thing."""

    @tech.command(name, help=text)
    @click.pass_obj
    def run(bench: Bench) -> None:
        bench.show(bench.ask(command))

    return run


reading("info", "info", "Who this post is and what it runs.")
reading("status", "status", "Level, reason, time, power, bus, faults.")
reading("test", "test", "What is measured now, against what it should be.")
reading("faults", "faults", "What is wrong now, in words.")


@tech.command()
@click.pass_obj
def logs(bench: Bench) -> None:
    """The last lines of the post's log."""
    lines = bench.ask("log")
    if bench.as_json:
        print_json(lines)
    else:
        bench.show(lines)


@tech.command()
@click.argument("day", required=False)
@click.pass_obj
def energy(bench: Bench, day: str | None) -> None:
    """Energy by the day, or by the hour of a DAY such as 2026-12-24 (UTC)."""
    bench.show(bench.ask(f"energy {one_word(day)}" if day else "energy"))


@tech.command()
@click.argument("name", required=False)
@click.pass_obj
def get(bench: Bench, name: str | None) -> None:
    """All settings, or one. Secrets show only whether they are set."""
    bench.show(bench.ask(f"get {one_word(name)}" if name else "get"))


@tech.command(name="set")
@click.argument("name")
@click.argument("value", required=False)
@click.option("--from-file", type=click.Path(path_type=Path), help="Read the value from a file (keys and PIN).")
@click.pass_obj
def set_(bench: Bench, name: str, value: str | None, from_file: Path | None) -> None:
    """Change a setting: identity, address, reading-s; post-key, bus-key and pin from a file."""
    if name in SECRETS and from_file is None:
        raise BadInput(f"{name} is a secret: it is not taken from the command line", "use --from-file FILE")
    text = read_secret(from_file) if from_file else value
    if not text:
        raise BadInput(f"what should {name} be set to?", f"lamplighter tech set {name} VALUE")
    bench.ask(f"set {one_word(name)} {one_word(text)}", change=True)
    shown = bench.ask(f"get {name}")
    bench.show(shown)


@tech.command()
@click.option("--at", help="Another moment, UTC: 2026-12-24T22:30:00Z.")
@click.pass_obj
def why(bench: Bench, at: str | None) -> None:
    """Every reason for the level, layer by layer; * marks what won."""
    lines = bench.ask(f"why {one_word(at)}" if at else "why")
    if bench.as_json:
        print_json({"at": lines[0].partition(" ")[2], "chain": lines[1:-1], "level_percent": lines[-1].split()[-1]})
    else:
        bench.show(lines)


@tech.command()
@click.option("--for", "for_", default="30s", show_default=True, help="How long: 30s, 5m.")
@click.pass_obj
def identify(bench: Bench, for_: str) -> None:
    """Let the post show which one it is."""
    bench.ask(f"identify {one_word(for_)}", change=True)


@tech.command()
@click.argument("percent", type=click.IntRange(0, 100))
@click.option("--for", "for_", default="10m", show_default=True, help="How long, at most 15m.")
@click.pass_obj
def level(bench: Bench, percent: int, for_: str) -> None:
    """Set the lamp by hand; it ends by itself."""
    bench.ask(f"level {percent} {one_word(for_)}", change=True)


@tech.command()
@click.pass_obj
def auto(bench: Bench) -> None:
    """End local control now."""
    bench.ask("auto", change=True)


@tech.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def upload(bench: Bench, file: Path) -> None:
    """Send signed firmware to the post, which checks, installs and tries it. Goes on where it was broken off."""
    from lamplighter.technician.upload import read_image, send

    data = read_image(file)
    with bench.session() as console, click.progressbar(length=len(data), label="sending", file=sys.stderr) as bar:
        said = send(console, data, lambda have: bar.update(have - bar.pos))
    bench.show([said])


reading("firmware", "firmware", "What was sent to the post, and what became of it.")


@tech.command()
@click.pass_obj
def devices(bench: Bench) -> None:
    """The serial ports of this machine."""
    ports = found_ports()
    if bench.as_json:
        print_json(ports)
    else:
        for port in ports:
            click.echo(port)


def one_word(text: str) -> str:
    """The text, if it is one word the console takes. Raises a usage failure otherwise."""
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise BadInput(f"'{printable(text)}' is not one plain word")
    return text
