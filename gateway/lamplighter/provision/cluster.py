"""The files of a RabbitMQ cluster for a provisioned site, in SITE/cluster; made anew when gateways have been added.

    rabbitmq.conf, enabled_plugins   the same for every node
    definitions.json                 who may do what; read at every start of a node
    queues.json                      the central queue; imported once, when every node runs
    erlang.cookie                    by which the nodes know each other: made once, kept afterwards

Together with SITE/broker/ca.pem, server.pem and server.key they are all that a node needs.
"""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

from lamplighter import whole_file
from lamplighter.provision import cabinet, cluster_files, private

COOKIE_BYTES = 32
NODE = re.compile(r"[a-z0-9_-]{1,32}@[A-Za-z0-9.-]{1,253}")
RESERVED_SITE = "lamplighter"  # the office's client ids begin so, and a gateway's with its site
NODES_MAX = 7  # of an odd number the half that goes on is larger; more nodes make quorum queues slower, not safer


def write(place: Path, nodes: list[str], lies_in: str, mqtt: str = "8883", amqp: str = "5671") -> Path:
    """Write SITE/cluster for the site in `place`; returns it. Raises ProvisionError."""
    if not 3 <= len(nodes) <= NODES_MAX or not len(nodes) % 2 or len(set(nodes)) != len(nodes):
        raise private.ProvisionError(f"{len(nodes)} nodes; a cluster has 3, 5 or 7, each named once")
    for node in nodes:
        if not NODE.fullmatch(node):
            raise private.ProvisionError(f"{node[:60]!r} is no node; it is NAME@HOST, such as rabbit@broker1")
    cabinets = [cabinet.read(path) for path in sorted(place.glob("gateways/*/gateway.toml"))]
    if not cabinets:
        raise private.ProvisionError(f"{place} holds no site; make one with 'lamplighter provision site'")
    root, site = cabinets[0].root, cabinets[0].site
    if site == RESERVED_SITE:
        raise private.ProvisionError(
            f"a site named {site!r} cannot have a cluster: its gateways' client ids and ours clash"
        )
    folder = place / "cluster"
    folder.mkdir(mode=0o700, exist_ok=True)
    if not (folder / "erlang.cookie").exists():
        private.write(folder / "erlang.cookie", secrets.token_hex(COOKIE_BYTES))
    users = cluster_files.definitions(root, site, [one.id for one in cabinets])
    texts = {
        "rabbitmq.conf": (cluster_files.conf(nodes, lies_in, mqtt, amqp), private.PUBLIC),
        "enabled_plugins": (cluster_files.PLUGINS, private.PUBLIC),
        "definitions.json": (json.dumps(users, indent=1) + "\n", private.SECRET),
        "queues.json": (json.dumps(cluster_files.queues(root, site), indent=1) + "\n", private.PUBLIC),
    }
    for name, (text, mode) in texts.items():
        whole_file.replace(folder / name, text.encode(), mode)
    return folder
