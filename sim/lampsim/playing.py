"""How a command runs real processes and ends: a line and exit code 1 where one does not start, 130 at Ctrl-C."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import click

from .broker import BrokerError
from .street import StreetError

T = TypeVar("T")


def played(run: Coroutine[Any, Any, T]) -> T:
    """What `run` returns; the command ends here where it fails."""
    try:
        return asyncio.run(run)
    except (BrokerError, StreetError, RuntimeError, OSError) as error:
        click.echo(f"lampsim: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("lampsim: stopped", err=True)
        sys.exit(130)
