"""Which gateway behind which broker a command means: the options that every MQTT command takes, and their checks.

Every option has an environment variable, so that a desk sets them once. A password stands in a file, never on a
command line that others can list.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from lamplighter.terminal import BadInput

PORT, TLS_PORT = 1883, 8883
PASSWORD_FILE_MAX = 4096  # bytes; a longer file is not a password
_ID = re.compile(r"[a-z0-9-]{1,32}")
_ROOT = re.compile(r"[a-z0-9-]{1,32}(/[a-z0-9-]{1,32}){0,3}")
_BROKER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\s\[\]]+)(:(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Target:
    """A gateway, and the broker that leads to it."""

    host: str
    port: int
    root: str
    site: str
    gateway: str
    username: str | None = None
    password: str | None = None
    tls: tuple[str | None, str | None, str | None] | None = None  # files: authority, certificate, key

    @property
    def broker(self) -> str:
        return f"{self.host}:{self.port}"

    def topic(self, *parts: str) -> str:
        """`root/site/gateway/part/…`"""
        return "/".join((self.root, self.site, self.gateway, *parts))


_GATEWAY = click.option("--gateway", default="", metavar="ID", help="The gateway.")
_OPTIONS = [
    click.option("--broker", default="127.0.0.1", metavar="HOST[:PORT]", show_default=True, help="The MQTT broker."),
    click.option(
        "--root", default="lamplighter", metavar="TOPIC", show_default=True, help="First level of the topics."
    ),
    click.option("--site", default="", metavar="ID", help="The town or district the gateway belongs to."),
    _GATEWAY,
    click.option("--username", default=None, metavar="NAME", help="Identity at the broker."),
    click.option("--password-file", default=None, metavar="FILE", help="A file whose first line is the password."),
    click.option(
        "--tls-ca", default=None, metavar="FILE", help="Certificates of the authorities to trust; turns TLS on."
    ),
    click.option("--tls-cert", default=None, metavar="FILE", help="This client's certificate; turns TLS on."),
    click.option("--tls-key", default=None, metavar="FILE", help="The key of this client's certificate."),
]


def with_target(command: Callable[..., Any], whole_site: bool = False) -> Callable[..., Any]:
    """Give a click command the broker options, and their checked result as the argument `target`."""

    @functools.wraps(command)
    def wrapped(**kwargs: Any) -> Any:
        names = ["broker", "root", "site", "gateway", "username", "password_file", "tls_ca", "tls_cert", "tls_key"]
        if whole_site:
            names.remove("gateway")
            kwargs["target"] = target(gateway="every", **{name: kwargs.pop(name) for name in names})
        else:
            kwargs["target"] = target(**{name: kwargs.pop(name) for name in names})
        return command(**kwargs)

    for option in reversed(_OPTIONS):
        if not (whole_site and option is _GATEWAY):
            wrapped = option(wrapped)
    for param in wrapped.__click_params__:  # type: ignore[attr-defined]
        if isinstance(param, click.Option) and param.name in ("broker", "root", "site", "gateway", "username"):
            param.envvar = f"LAMPLIGHTER_{param.name.upper()}"
            param.show_envvar = True
        elif isinstance(param, click.Option) and param.name and param.name.startswith(("tls_", "password_")):
            param.envvar = f"LAMPLIGHTER_{param.name.upper()}"
    return wrapped


def with_site(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a command that is about every gateway of a site."""
    return with_target(command, whole_site=True)


def target(
    broker: str,
    root: str,
    site: str,
    gateway: str,
    username: str | None,
    password_file: str | None,
    tls_ca: str | None,
    tls_cert: str | None,
    tls_key: str | None,
) -> Target:
    """Check what was given. Raises Failed with exit code 2 and a hint."""
    tls = (tls_ca, tls_cert, tls_key) if tls_ca or tls_cert or tls_key else None
    host, port = parse_broker(broker, TLS_PORT if tls else PORT)
    if not _ROOT.fullmatch(root):
        raise BadInput(
            f"--root '{root}' is no topic", "it is one to four levels of a-z, 0-9 and -, such as lamplighter"
        )
    if tls_key and not tls_cert:
        raise BadInput("--tls-key without --tls-cert", "give the certificate that belongs to the key")
    for file in filter(None, (tls_ca, tls_cert, tls_key)):
        if not Path(file).is_file():
            raise BadInput(f"there is no file {file}", "check the path of the --tls option")
    password = read_password(password_file) if password_file else None
    if password is not None and username is None:
        raise BadInput("--password-file without --username", "give both, or neither")
    return Target(host, port, root, name("site", site), name("gateway", gateway), username, password, tls)


def name(what: str, given: str) -> str:
    """A level of a topic that must be given."""
    if not given:
        raise BadInput(f"which {what}?", f"give --{what} ID, or set LAMPLIGHTER_{what.upper()}")
    if not _ID.fullmatch(given):
        raise BadInput(f"--{what} '{given}' is no id", "ids have 1 to 32 of a-z, 0-9 and -")
    return given


def parse_broker(text: str, default_port: int) -> tuple[str, int]:
    """`host`, `host:port`, `[::1]:port` -> (host, port)."""
    found = _BROKER.fullmatch(text)
    port = int(found["port"] or default_port) if found else 0
    if not found or not 0 < port < 65536:
        raise BadInput(f"--broker '{text}' is no HOST[:PORT]", "for example 127.0.0.1:1883 or broker.example.org")
    return found["host"].strip("[]"), port


def read_password(file: str) -> str:
    try:
        with Path(file).open(encoding="utf-8") as lines:
            return lines.read(PASSWORD_FILE_MAX).split("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "not a text file"
        raise BadInput(f"the password file {file} cannot be read: {reason}", "check --password-file") from None
