"""The command `lamplighter`: one name, and subcommands that are imported only when they are used.

To add a subcommand, add a line to COMMANDS: its name, where its click command lives, and its one-line help. The help
stands here so that `lamplighter --help` imports nothing else. No subcommand ever shows a traceback: an unforeseen
fault is one line too, and LAMPLIGHTER_DEBUG=1 shows the rest.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, NoReturn

try:
    import click

    from lamplighter.terminal import Failed, show_error
except ImportError as missing:  # click is in an extra: a lamp post that runs only `lamppost` does not need it
    sys.exit(f"lamplighter: {missing}\nhint: run  pip install 'lamplighter[gateway]'")

COMMANDS = {
    "plan": ("lamplighter.office.cli_plan:plan", "Check, preview and publish a lighting plan."),
    "posts": ("lamplighter.office.cli_posts:posts", "List the posts of a gateway: level, reason, power, faults."),
    "firmware": ("lamplighter.office.cli_firmware:firmware", "Give all posts of a gateway new firmware; see how far."),
    "emergency": ("lamplighter.office.cli_emergency:emergency", "Full light on posts for a limited time, or its end."),
    "override": ("lamplighter.office.cli_override:override", "Set a level on posts for a limited time, or end that."),
    "why": ("lamplighter.office.cli_why:why", "Ask a post why it has its level, now or at another time."),
    "keep": ("lamplighter.office.cli_keep:keep", "Remember what is desired of a site's gateways; for a cluster."),
    "watch": ("lamplighter.office.cli_watch:watch", "Print what happens at a gateway as it happens."),
    "find": ("lamplighter.gateway.cli_find:find", "Find new, moved and replaced boards on a line, and place them."),
    "gateway": ("lamplighter.gateway.cli:gateway", "Run the cabinet daemon."),
    "rollover": ("lamplighter.gateway.cli_rollover:rollover", "Give lines and posts new keys while the gateway runs."),
    "neighbours": ("lamplighter.gateway.cli_neighbours:neighbours", "Show which posts hear which, along the streets."),
    "backup": ("lamplighter.gateway.cli_backup:backup", "Save a cabinet's store, and bring it back."),
    "update": ("lamplighter.update.cli:update", "The gateway's own version: install it signed, try it, go back."),
    "provision": ("lamplighter.provision.cli_site:provision", "Make a site: authority, broker files, keys."),
    "keygen": ("lamplighter.provision.cli_sign:keygen", "Make the site's key for firmware."),
    "board": ("lamplighter.provision.cli_board:board", "Build what a microcontroller runs, and write it to one."),
    "sign": ("lamplighter.provision.cli_sign:sign", "Pack and sign firmware for boards."),
    "sign-wheel": ("lamplighter.provision.cli_sign:sign_wheel", "Sign a version of the gateway, or what it needs."),
    "tech": ("lamplighter.technician.cli:tech", "Talk straight to a post over a serial port."),
}


class LazyGroup(click.Group):
    """A group whose commands live in other modules; its `main` turns every failure into a line and an exit code."""

    def __init__(self, *args: Any, table: dict[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        module, attribute = self.table[cmd_name][0].split(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as missing:
            raise Failed(f"'{cmd_name}' needs the module {missing.name}", "is this installation complete?") from missing

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        import difflib  # takes memory that a cabinet needs, and only a fault wants it

        near = difflib.get_close_matches(args[0], self.table, n=1)
        if args[0] not in self.table and not args[0].startswith("-"):
            error = click.UsageError(f"there is no command '{args[0]}'", ctx)
            error.hint = f"did you mean '{near[0]}'?" if near else f"try '{ctx.command_path} --help'"  # type: ignore[attr-defined]
            raise error
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.table.items()])

    def main(self, *args: Any, standalone_mode: bool = True, **kwargs: Any) -> Any:
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **kwargs)
        return end(self._outcome(*args, **kwargs))

    def _outcome(self, *args: Any, **kwargs: Any) -> int:
        try:
            outcome = super().main(*args, standalone_mode=False, **kwargs)
        except click.ClickException as error:
            show_error(error)
            return error.exit_code
        except (click.Abort, KeyboardInterrupt):
            click.echo("lamplighter: stopped", err=True)
            return 130  # 128 + SIGINT, as shells expect
        except BrokenPipeError:  # `lamplighter posts | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except Exception as fault:
            if os.environ.get("LAMPLIGHTER_DEBUG"):
                raise
            words = " ".join(str(fault).split())
            show_error(Failed(f"unforeseen fault: {type(fault).__name__}: {words}", "LAMPLIGHTER_DEBUG=1 shows where"))
            return 1
        return outcome if isinstance(outcome, int) else 0


def end(code: int) -> NoReturn:
    sys.exit(code)


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="lamplighter", prog_name="lamplighter")
def lamplighter() -> None:
    """Open street-lighting control, from the lamp post to the operator's desk."""


def main() -> None:
    lamplighter(prog_name="lamplighter")
