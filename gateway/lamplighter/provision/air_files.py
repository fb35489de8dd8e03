"""What posts without a wire need of their cabinet's own broker: its files, and one identity a post.

    broker/          mosquitto.conf, acl, passwords, ca.pem, server.pem, server.key: to the cabinet's computer
    gateway/         air-ca.pem, air.password: beside gateway.toml
    posts/ID/        wifi.json, the section "wifi" of that board.json, and air-ca.der: to the board

A post may write under its own address only and read what is for it, what is for all, and the others' events. The
certificates are good from 2000 to 2100: a board has no clock when it comes up, and would never get in with others.
Passwords are 32 random hexadecimal digits, kept by the broker as mosquitto_passwd keeps them, and never shown.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamplighter.provision import private
from lamplighter.provision.authority import Authority
from lamplighter.provision.private import PUBLIC, ProvisionError, whole_folder

ROOT = "lamplighter-post"  # as lamplighter.gateway.lines.air has it; a test compares them
SINCE = datetime.datetime(2000, 1, 2, tzinfo=datetime.UTC)
DAYS = 100 * 365
ITERATIONS = 101  # mosquitto_passwd's own; the passwords are random, so nothing is gained by more
PASSWORD_BYTES = 16

CONF = """\
# The broker of a cabinet for its posts without a wire. Made by 'lamplighter provision air'.
# Run:  mosquitto -c {folder}/mosquitto.conf
listener {port}
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
allow_anonymous false
password_file {folder}/passwords
acl_file {folder}/acl

{tuning}"""

# The same lines stand in deploy/mosquitto/air.conf; a test compares them.
TUNING = """\
# A frame has at most 212 bytes, and is worth nothing a second later: nothing is kept
persistence false
retain_available false
message_size_limit 512
max_queued_messages 64
max_queued_bytes 16384
max_inflight_messages 20
# 250 posts and the gateway, and each once more while its old connection is not yet given up
max_connections 512
max_keepalive 60
# or a frame waits up to 40 ms for an acknowledgement of the one before it
set_tcp_nodelay true
"""


@dataclass(frozen=True, slots=True)
class Air:
    """One gateway's posts without a wire: for each bus the address of each post."""

    gateway: str
    buses: dict[str, dict[str, int]]


def read(path: Path) -> Air:
    """From a gateway's configuration, which `lamplighter gateway --check-config` judges. Raises ProvisionError."""
    try:
        raw = tomllib.loads(path.read_text())
        gateway: str = raw["gateway"]["id"]
        buses: dict[str, dict[str, int]] = {bus["id"]: {} for bus in raw["bus"] if "mqtt" in bus}
        for post in raw["post"]:
            if post["bus"] in buses:
                buses[post["bus"]][str(post["id"])] = int(post["address"])
    except OSError as error:
        raise ProvisionError(f"{path}: {error.strerror}; give a gateway's configuration") from None
    except (ValueError, KeyError, TypeError):
        raise ProvisionError(f"{path}: no gateway's configuration; see deploy/gateway.example.toml") from None
    if not buses:
        raise ProvisionError(f"{path}: no [[bus]] has mqtt, so no post is without a wire")
    return Air(gateway, buses)


def make(place: Path, air: Air, host: str, port: int, lies_in: str) -> None:
    """Make the folder. `host`: the address at which posts reach the broker. Raises ProvisionError; then nothing is
    there."""
    lies_in = lies_in.rstrip("/")
    with whole_folder(place) as folder:
        authority = Authority.new(f"{air.gateway} air", SINCE, DAYS)
        name = f"{air.gateway}.lamplighter"
        server = authority.server([name, host, "127.0.0.1", "localhost"], SINCE, DAYS)
        passwords = {user: secrets.token_hex(PASSWORD_BYTES) for user in (air.gateway, *_users(air))}
        for part in ("broker", "gateway", "posts"):
            (folder / part).mkdir(mode=0o700)
        broker = folder / "broker"
        private.write(broker / "mosquitto.conf", CONF.format(folder=lies_in, port=port, tuning=TUNING), PUBLIC)
        private.write(broker / "acl", acl(air))
        private.write(broker / "passwords", "".join(f"{user}:{hashed(word)}\n" for user, word in passwords.items()))
        private.write(broker / "ca.pem", authority.certificate, PUBLIC)
        private.write(broker / "server.pem", server.certificate, PUBLIC)
        private.write(broker / "server.key", server.key)
        private.write(folder / "gateway" / "air-ca.pem", authority.certificate, PUBLIC)
        private.write(folder / "gateway" / "air.password", passwords[air.gateway] + "\n")
        for user, (bus, post, _) in _users(air).items():
            wifi: dict[str, Any] = {
                "host": host, "port": port, "user": user, "secret": passwords[user],
                "topic": f"{ROOT}/{air.gateway}/{bus}", "ca": "air-ca.der", "name": name,
            }  # fmt: skip
            (folder / "posts" / post).mkdir(mode=0o700)
            private.write(folder / "posts" / post / "wifi.json", json.dumps({"wifi": wifi}, indent=1) + "\n")
            private.write(folder / "posts" / post / "air-ca.der", authority.der, PUBLIC)


def acl(air: Air) -> str:
    """The access list: who may write and read which topics."""
    lines = [f"user {air.gateway}"]
    for bus in air.buses:
        base = f"{ROOT}/{air.gateway}/{bus}"
        lines += [f"topic write {base}/down/+", f"topic read {base}/up/+", f"topic read {base}/event/+"]
    for user, (bus, _, address) in _users(air).items():
        base = f"{ROOT}/{air.gateway}/{bus}"
        lines += ["", f"user {user}", f"topic write {base}/up/{address}", f"topic write {base}/event/{address}"]
        lines += [f"topic read {base}/down/{address}", f"topic read {base}/down/all", f"topic read {base}/event/+"]
    return "\n".join(lines) + "\n"


def hashed(password: str) -> str:
    """As mosquitto 2 keeps a password: PBKDF2 with HMAC-SHA512."""
    salt = secrets.token_bytes(12)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"


def _users(air: Air) -> dict[str, tuple[str, str, int]]:
    """(bus, post, address) by the name at the broker."""
    return {
        f"{air.gateway}-{post}": (bus, post, address)
        for bus, posts in air.buses.items()
        for post, address in posts.items()
    }
