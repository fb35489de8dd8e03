"""RabbitMQ's configuration, users and rights for a site whose broker is a cluster; the same rights as mosquitto's list.

Rules kept here
- Nobody has a password: a client is who its certificate says (CN), for MQTT and for AMQP. The default user is not made.
- Who may write or read which topic is made from mosquitto's own patterns (broker_files.py), so that the two cannot
  differ. RabbitMQ lets a user without a topic permission do everything, so every user gets one.
- A client may make and read queues of its own MQTT session and no others. Only the office reads the central queue, and
  nobody but the administrator may make or delete it.
- Users and queue stand in two files: a queue that is declared while one node runs alone would live on that node only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lamplighter.provision.broker_files import READS, WRITES

VHOST = "/"
EXCHANGE = "amq.topic"  # where RabbitMQ publishes what comes by MQTT
QUEUE = "lamplighter.centre"  # what the office consumes
PLUGINS = "[rabbitmq_auth_mechanism_ssl, rabbitmq_mqtt].\n"
NONE = "^$"  # matches no topic
ABANDONED_MS = 3_600_000  # without a consumer; a command of the office runs for minutes, and with one all the time

CONF = """\
# Made by 'lamplighter provision cluster'; the same file for every node. See deploy/cluster/README.md.
{nodes}
definitions.import_backend = local_filesystem
definitions.local.path = {folder}/definitions.json

# --- who comes in: certificates only
listeners.tcp = none
listeners.ssl.1 = {amqp}
mqtt.listeners.tcp = none
mqtt.listeners.ssl.1 = {mqtt}
ssl_options.cacertfile = {folder}/ca.pem
ssl_options.certfile = {folder}/server.pem
ssl_options.keyfile = {folder}/server.key

{tuning}"""

# The same lines stand in deploy/cluster/tuning.conf, for a cluster that is set up by hand; a test compares them.
TUNING = """\
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
ssl_cert_login_from = common_name
auth_mechanisms.1 = EXTERNAL
mqtt.ssl_cert_login = true
mqtt.allow_anonymous = false

# --- nothing is lost
# A node that sees less than half of the cluster stops; with two halves that both go on, one half's items would be lost
cluster_partition_handling = pause_minority
# A subscriber by MQTT that keeps its session (QoS 1) has a queue on three nodes; gateways keep none
mqtt.durable_queue_type = quorum
# Each node would retain its own, possibly old, messages, and a gateway that comes to another node take an old plan from
# it; so none retains any, and 'lamplighter keep' remembers what is desired
mqtt.retained_message_store = rabbit_mqtt_retained_msg_store_noop
# Where memory or disk run short publishers get no acknowledgement and wait; gateways keep their items on their own disk
vm_memory_high_watermark.relative = 0.5
disk_free_limit.absolute = 2GB

# --- how fast
# 1,800 users take some 20 s to take in; a start does it only when the file has changed
definitions.skip_if_unchanged = true
# A node that vanishes without a word (power, network) is given up after 15 to 19 s and not after a minute and more
net_ticktime = 15
# 1,800 gateways come back at once; the default queue for connections holds 128
mqtt.tcp_listen_options.backlog = 4096
mqtt.tcp_listen_options.nodelay = true
# and their handshakes take longer together than the 5 and 10 s that one may
ssl_handshake_timeout = 60000
handshake_timeout = 60000
mqtt.login_timeout = 60000
# Messages under way to one subscriber; the default of 10 makes a slow one of every far one
mqtt.prefetch = 1000
# Each connection's statistics, for rabbitmqctl; every 5 s (the default) 1,800 of them cost more than the messages
collect_statistics_interval = 60000
# The leaders of queues are spread over the nodes
queue_leader_locator = balanced
# The log of the quorum queues is kept in memory until it is full: 64 MiB (the default is 512)
raft.wal_max_size_bytes = 67108864
# A plan of 1 MiB in its envelope, and room
max_message_size = 2097152
"""


def conf(nodes: Iterable[str], folder: str, mqtt: str = "8883", amqp: str = "5671") -> str:
    """rabbitmq.conf. `nodes`: rabbit@HOST, every node; `mqtt`, `amqp`: a port, or ADDRESS:PORT."""
    lines = ["cluster_formation.peer_discovery_backend = classic_config"]
    lines += [f"cluster_formation.classic_config.nodes.{n} = {node}" for n, node in enumerate(nodes, 1)]
    folder = folder.rstrip("/")
    return CONF.format(nodes="\n".join(lines), folder=folder, mqtt=mqtt, amqp=amqp, tuning=TUNING)


def definitions(root: str, site: str, gateways: Iterable[str]) -> dict[str, Any]:
    """Users, rights and the virtual host; RabbitMQ takes them in at every start."""
    base = f"{root}/{site}"
    own = f"{base}/{{username}}"
    writes = [*(f"{own}/{topic}" for topic in WRITES), f"{own}/near/+", "homeassistant/device/{username}/+/config"]
    reads = [*(f"{own}/{topic}" for topic in READS), f"{base}/+/near/{{username}}"]
    users: list[dict[str, Any]] = []
    permissions: list[dict[str, Any]] = []
    topics: list[dict[str, Any]] = []

    def user(name: str, sessions: str, queues: str, write: list[str], read: list[str]) -> None:
        mine = f"mqtt-subscription-{sessions}qos[01]"
        users.append({"name": name, "password_hash": "", "tags": ""})
        exchange = re.escape(EXCHANGE)
        permissions.append({
            "user": name, "vhost": VHOST, "configure": f"^{mine}$", "write": f"^({mine}|{exchange})$",
            "read": f"^({mine}|{exchange}{queues})$",
        })  # fmt: skip
        words = {"user": name, "vhost": VHOST, "exchange": EXCHANGE}
        topics.append(words | {"write": pattern(write), "read": pattern(read)})

    for gateway in sorted(gateways):
        user(gateway, f"{site}-{gateway}", "", writes, reads)
    guests = f"(?!{site}-).*"  # any client id but a gateway's
    user("office", guests, f"|{re.escape(QUEUE)}", [f"{base}/+/desired/+", f"{base}/+/request"], [f"{base}/#"])
    home = ["status", "post/+/state", "post/+/presence", "energy"]
    home_reads = ["homeassistant/#", *(f"{base}/+/{topic}" for topic in home)]
    user("homeassistant", guests, "", ["homeassistant/#", f"{base}/+/post/+/set"], home_reads)
    # A node that is killed keeps the queue of a command of the office that ran there, and it would fill for ever
    abandoned = {
        "vhost": VHOST, "name": "abandoned", "pattern": "^mqtt-subscription-lamplighter-desk-", "apply-to": "queues",
        "definition": {"expires": ABANDONED_MS}, "priority": 0,
    }  # fmt: skip
    return {
        "vhosts": [{"name": VHOST}], "users": users, "permissions": permissions, "topic_permissions": topics,
        "policies": [abandoned],
    }  # fmt: skip


def queues(root: str, site: str) -> dict[str, Any]:
    """The central queue, to be imported once all nodes run."""
    keys = [f"{root}/{site}/*/{topic}".replace("/", ".") for topic in ("events", "telemetry", "flow", "status")]
    arguments = {"x-queue-type": "quorum", "x-quorum-initial-group-size": 3}
    queue = {"name": QUEUE, "vhost": VHOST, "durable": True, "auto_delete": False, "arguments": arguments}
    bindings = [
        {"source": EXCHANGE, "vhost": VHOST, "destination": QUEUE, "destination_type": "queue", "routing_key": key,
         "arguments": {}}
        for key in keys
    ]  # fmt: skip
    return {"queues": [queue], "bindings": bindings}


def pattern(topics: Iterable[str]) -> str:
    """A regular expression for RabbitMQ's form of these MQTT topic filters: dots for slashes, * for +."""
    found = [_level(topic) for topic in topics]
    return f"^({'|'.join(found)})$" if found else NONE


def _level(topic: str) -> str:
    levels = topic.split("/")
    rest = levels[-1] == "#"
    words = ["[^.#]+" if level == "+" else level for level in levels[: -1 if rest else None]]
    # "a/#" is a itself and everything below
    return "[.]".join(words) + (r"([.].*)?" if rest else "")
