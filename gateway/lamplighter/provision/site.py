"""A whole site in one folder: authority, broker, gateways, office; and later additions and renewals.

    authority/            the key that signs: keep it off the network, and a copy in a safe
    broker/               mosquitto.conf, acl, ca.pem, server.pem, server.key
    gateways/ID/          what goes to the cabinet: gateway.toml, keys.json, ca.pem, mqtt.pem, mqtt.key
    posts/GATEWAY/        a key a post and a bus, as `lamplighter tech set post-key --from-file` takes them
    clients/NAME/         the office and Home Assistant: ca.pem, mqtt.pem, mqtt.key

Every secret comes from the operating system's random source, lies in a file that only its owner may read, and is never
printed.
"""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Iterable
from pathlib import Path

from lamplighter import whole_file
from lamplighter.provision import broker_files, cabinet, private
from lamplighter.provision.authority import CLIENT_DAYS, SERVER_DAYS, Authority, Identity, expiry
from lamplighter.provision.cabinet import Cabinet
from lamplighter.provision.private import PUBLIC, SECRET, ProvisionError, whole_folder

KEY_BYTES = 32  # HMAC-SHA256 wants no more
GATEWAYS_MAX = 2000  # a region has 1,800


def make(
    place: Path, cabinets: list[Cabinet], names: Iterable[str], port: int, broker_folder: str, now: datetime.datetime
) -> None:
    """Make the folder. `names`: further host names of the broker. Raises ProvisionError; then nothing is there."""
    _agree(cabinets)
    first = cabinets[0]
    with whole_folder(place) as folder:
        authority = Authority.new(first.site, now)
        authority.write(folder / "authority")
        _broker(folder / "broker", authority, first, [first.broker, *names], port, broker_folder, now)
        for part in ("gateways", "posts", "clients"):
            (folder / part).mkdir(mode=0o700)
        for one in cabinets:
            _gateway(folder, authority, one, now)
        for name in cabinet.RESERVED:
            _write_identity(folder / "clients" / name, authority, authority.client(name, now))


def add(place: Path, cabinets: list[Cabinet], now: datetime.datetime) -> None:
    """Further gateways of the same site. Raises ProvisionError; nothing that is there is touched."""
    authority = Authority.read(place / "authority")
    acl = (place / "broker" / "acl").read_text()
    for one in cabinets:
        if acl != broker_files.acl(one.root, one.site):
            raise ProvisionError(f"gateway {one.id} is of site {one.root}/{one.site}; this folder is of another")
        if (place / "gateways" / one.id).exists():
            raise ProvisionError(f"{place / 'gateways' / one.id} is there already; nothing is overwritten")
    for one in cabinets:
        _gateway(place, authority, one, now)


def renew(place: Path, name: str, now: datetime.datetime) -> Path:
    """A new key and certificate for the broker ("broker"), a gateway or a client; returns the folder they are in."""
    authority = Authority.read(place / "authority")
    if name == "broker":
        folder = place / "broker"
        names = (folder / "names").read_text().split()
        _replace(folder, "server", authority.server(names, now))
        return folder
    for part in ("gateways", "clients"):
        folder = place / part / name
        if cabinet.ID.fullmatch(name) and folder.is_dir():
            _replace(folder, "mqtt", authority.client(name, now))
            return folder
    raise ProvisionError(f"there is no gateway or client {name[:40]!r} in {place}; 'broker' is the broker")


def certificates(place: Path) -> list[tuple[str, datetime.datetime]]:
    """Whose certificates there are and when each ends, the first to end first."""
    found = []
    for path in place.glob("*/**/*.pem"):
        if path.name in ("mqtt.pem", "server.pem") or path.parent.name == "authority":
            who = "broker" if path.name == "server.pem" else path.parent.name
            found.append((who, expiry(path.read_bytes())))
    return sorted(found, key=lambda row: row[1])


def _agree(cabinets: list[Cabinet]) -> None:
    if not cabinets or len(cabinets) > GATEWAYS_MAX:
        raise ProvisionError(f"{len(cabinets)} gateways; a site has 1 to {GATEWAYS_MAX}")
    if len({one.id for one in cabinets}) != len(cabinets):
        raise ProvisionError("two gateways have the same id; the broker tells them apart by it")
    if len({(one.site, one.root, one.broker) for one in cabinets}) != 1:
        raise ProvisionError("the gateways name different sites, roots or brokers; provision each site by itself")


def _broker(
    folder: Path, authority: Authority, one: Cabinet, names: list[str], port: int, lies_in: str, now: datetime.datetime
) -> None:
    folder.mkdir(mode=0o700)
    private.write(folder / "mosquitto.conf", broker_files.conf(lies_in, port, "/var/lib/mosquitto"), PUBLIC)
    # mosquitto wants the access list unreadable to others, and so do we: it names every client
    private.write(folder / "acl", broker_files.acl(one.root, one.site), private.SECRET)
    private.write(folder / "names", "\n".join(names) + "\n", PUBLIC)
    _write(folder, "server", authority, authority.server(names, now, SERVER_DAYS))


def _gateway(folder: Path, authority: Authority, one: Cabinet, now: datetime.datetime) -> None:
    keys = {"bus_keys": {name: _key() for name in one.buses}, "posts": {name: _key() for name in one.posts}}
    mine, posts = folder / "gateways" / one.id, folder / "posts" / one.id
    _write_identity(mine, authority, authority.client(one.id, now, CLIENT_DAYS))
    private.write(mine / cabinet.KEYS, json.dumps(keys, indent=1) + "\n")
    private.write(mine / "gateway.toml", one.text, PUBLIC)
    posts.mkdir(mode=0o700)
    for name, key in keys["posts"].items():
        private.write(posts / f"{name}.key", key + "\n")
    for name, key in keys["bus_keys"].items():
        private.write(posts / f"{name}.bus-key", key + "\n")


def _write_identity(folder: Path, authority: Authority, identity: Identity) -> None:
    folder.mkdir(mode=0o700)
    _write(folder, "mqtt", authority, identity)


def _write(folder: Path, name: str, authority: Authority, identity: Identity) -> None:
    private.write(folder / "ca.pem", authority.certificate, PUBLIC)
    private.write(folder / f"{name}.pem", identity.certificate, PUBLIC)
    private.write(folder / f"{name}.key", identity.key)


def _replace(folder: Path, name: str, identity: Identity) -> None:
    """The key first: whoever reads between the two finds a pair that does not fit, says so and tries again."""
    whole_file.replace(folder / f"{name}.key", identity.key, SECRET)
    whole_file.replace(folder / f"{name}.pem", identity.certificate, PUBLIC)


def _key() -> str:
    return secrets.token_bytes(KEY_BYTES).hex()
