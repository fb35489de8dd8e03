"""What every subcommand of `lamplighter` shares: how it fails, and how it speaks to a terminal.

Exit codes: 0 done; 1 the system said no or cannot be reached; 2 the command line or a given file is wrong.
An error is one line on stderr, with a second line `hint: ...` where there is something to do. NO_COLOR is honoured
(rich reads it), and progress appears only where stderr is a terminal.
"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

EXIT_REFUSED = 1
EXIT_USAGE = 2


class Failed(click.ClickException):
    """A command that ends with one line for a person, a hint, and exit code 1."""

    exit_code = EXIT_REFUSED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class BadInput(Failed):
    """What was typed, or a file that was given, is wrong: exit code 2."""

    exit_code = EXIT_USAGE


def show_error(error: click.ClickException) -> None:
    """Print one line, and the hint, to stderr; control characters from elsewhere never reach the terminal."""
    for line in error.format_message().splitlines() or ["failed"]:
        click.echo(f"lamplighter: {printable(line)}", err=True)
    hint = getattr(error, "hint", "")
    if not hint and isinstance(error, click.UsageError) and error.ctx is not None:
        hint = f"try '{error.ctx.command_path} --help'"
    if hint:
        click.echo(f"hint: {printable(hint)}", err=True)


def printable(text: str) -> str:
    """The text with every control character as a visible escape: a peer's words cannot move the cursor."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)


def print_json(value: Any) -> None:
    """One JSON value on one line of stdout, flushed, so that a pipe sees it at once."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    sys.stdout.flush()


def console(stderr: bool = False) -> Console:
    """A rich console on stdout or stderr; imported late, for a fast start."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=False)
