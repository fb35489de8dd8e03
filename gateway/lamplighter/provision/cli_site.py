"""`lamplighter provision`: make a site's keys and certificates, add gateways to it, renew, and see what ends when."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from lamplighter.provision import air_files, cabinet, cluster, private
from lamplighter.provision import site as sites
from lamplighter.terminal import BadInput, Failed, print_json

Folder = click.Path(file_okay=False, path_type=Path)
File = click.Path(dir_okay=False, path_type=Path)
SOON_DAYS = 60


@click.group()
def provision() -> None:
    """Make a site: authority, broker files, identities and keys."""


@provision.command()
@click.argument("folder", type=Folder)
@click.argument("gateways", metavar="GATEWAY.toml...", nargs=-1, required=True, type=File)
@click.option("--name", "names", multiple=True, metavar="HOST", help="A further name or address of the broker.")
@click.option("--port", type=click.IntRange(1, 65535), default=8883, show_default=True, help="The broker's TLS port.")
@click.option(
    "--broker-folder",
    default="/etc/mosquitto/lamplighter",
    show_default=True,
    help="Where FOLDER/broker will lie on the broker's computer.",
)
def site(folder: Path, gateways: tuple[Path, ...], names: tuple[str, ...], port: int, broker_folder: str) -> int:
    """Make FOLDER with everything that the site of these gateways needs; nothing secret is printed."""
    try:
        cabinets = [cabinet.read(path) for path in gateways]
        sites.make(folder, cabinets, names, port, broker_folder, now())
    except private.ProvisionError as error:
        raise BadInput(str(error)) from None
    posts = sum(len(one.posts) for one in cabinets)
    click.echo(f"{folder}: site {cabinets[0].site}, {len(cabinets)} gateways, {posts} posts")
    click.echo(f"  {folder}/broker       to {broker_folder} on the broker's computer")
    click.echo(f"  {folder}/gateways/ID  to /etc/lamplighter in that cabinet")
    click.echo(f"  {folder}/posts        to the technician:  lamplighter tech set post-key --from-file P01.key")
    click.echo(f"  {folder}/authority    stays off the network; keep a copy in a safe place")
    return 0


@provision.command("add")
@click.argument("folder", type=Folder)
@click.argument("gateways", metavar="GATEWAY.toml...", nargs=-1, required=True, type=File)
def add_command(folder: Path, gateways: tuple[Path, ...]) -> int:
    """Add gateways to the site in FOLDER; the broker needs nothing new."""
    try:
        sites.add(folder, [cabinet.read(path) for path in gateways], now())
    except private.ProvisionError as error:
        raise BadInput(str(error)) from None
    click.echo(f"{folder}/gateways: {len(gateways)} added")
    return 0


@provision.command("renew")
@click.argument("folder", type=Folder)
@click.argument("name")
def renew_command(folder: Path, name: str) -> int:
    """A new key and certificate for NAME: a gateway, a client, or 'broker'. Copy them over; nothing is restarted."""
    try:
        place = sites.renew(folder, name, now())
    except private.ProvisionError as error:
        raise Failed(str(error)) from None
    how = "kill -HUP the broker" if name == "broker" else "the gateway takes them up within a minute"
    click.echo(f"{place}: renewed; copy the .pem and the .key, then {how}")
    return 0


@provision.command("air")
@click.argument("folder", type=Folder)
@click.argument("gateway", metavar="GATEWAY.toml", type=File)
@click.option("--host", required=True, metavar="ADDRESS", help="The cabinet's address in its Wi-Fi.")
@click.option("--port", type=click.IntRange(1, 65535), default=8883, show_default=True, help="Its broker's TLS port.")
@click.option(
    "--broker-folder",
    default="/etc/mosquitto/lamplighter-air",
    show_default=True,
    help="Where FOLDER/broker will lie on the cabinet's computer.",
)
def air_command(folder: Path, gateway: Path, host: str, port: int, broker_folder: str) -> int:
    """Make FOLDER for the posts without a wire of a cabinet: its own broker's files, and an identity for each post."""
    try:
        air = air_files.read(gateway)
        air_files.make(folder, air, host, port, broker_folder)
    except private.ProvisionError as error:
        raise BadInput(str(error)) from None
    click.echo(f"{folder}: {sum(map(len, air.buses.values()))} posts of {air.gateway} without a wire")
    click.echo(f"  {folder}/broker    to {broker_folder} on the cabinet's computer")
    click.echo(f"  {folder}/gateway   to /etc/lamplighter there")
    click.echo(f"  {folder}/posts/ID  to that board: wifi.json is the section of its board.json")
    return 0


@provision.command("list")
@click.argument("folder", type=Folder)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(folder: Path, as_json: bool) -> int:
    """Whose certificates end when, the first to end first."""
    found = sites.certificates(folder)
    if not found:
        raise BadInput(f"{folder} holds no site", "make one with 'lamplighter provision site'")
    if as_json:
        print_json([{"name": who, "ends": end.strftime("%Y-%m-%dT%H:%M:%SZ")} for who, end in found])
        return 0
    for who, end in found:
        days = (end - now()).days
        remark = "  ENDED" if days < 0 else f"  renew: {days} days" if days < SOON_DAYS else ""
        click.echo(f"{end:%Y-%m-%d}  {who}{remark}")
    return 0


@provision.command("cluster")
@click.argument("folder", type=Folder)
@click.option("--node", "nodes", multiple=True, required=True, metavar="NAME@HOST", help="A node; give each of them.")
@click.option(
    "--cluster-folder",
    default="/etc/rabbitmq/lamplighter",
    show_default=True,
    help="Where the files will lie on each node.",
)
def cluster_command(folder: Path, nodes: tuple[str, ...], cluster_folder: str) -> int:
    """Write FOLDER/cluster: RabbitMQ's files for the site in FOLDER; again after 'add', for the new gateways."""
    try:
        made = cluster.write(folder, list(nodes), cluster_folder)
    except private.ProvisionError as error:
        raise BadInput(str(error)) from None
    click.echo(f"{made}: for {len(nodes)} nodes; what goes where stands in deploy/cluster/README.md")
    return 0


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
