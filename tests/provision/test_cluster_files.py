"""RabbitMQ's rights are mosquitto's: both lists are read as each broker reads them, and held against each other."""

import itertools
import json
import re
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from town import NOW, gateway_toml, read

from lamplighter.cli import lamplighter
from lamplighter.provision import broker_files, cluster_files, site

DEPLOY = Path(__file__).parents[2] / "deploy" / "cluster"
NODES = [f"--node=rabbit@broker{n}" for n in (1, 2, 3)]
BASE = "lamplighter/lln"
WHO = ("gw1", "gw2", "gw12", "office", "homeassistant")
BELOW = [
    *(topic.replace("+", "p01").replace("#", "x") for topic in broker_files.WRITES + broker_files.READS),
    "near/gw1", "near/gw2", "near/gw12", "post", "post/p01", "post/p01/state/x", "desired", "desired/plans/x", "other",
    "events/x", "response/a/b",
]  # fmt: skip
TOPICS = [f"{BASE}/{who}/{topic}" for who in ("gw1", "gw2", "gw12", "office") for topic in BELOW] + [
    BASE, f"{BASE}x", "lamplighter/other/gw1/events", "other/lln/gw1/events", "weather", "$SYS/broker/uptime",
    "homeassistant", "homeassistant/status", "homeassistant/device/gw1/p01/config",
    "homeassistant/device/gw2/p01/config", "homeassistant/device/gw1/config",
]  # fmt: skip


def matches(topic_filter: str, topic: str) -> bool:
    """MQTT 3.1.1, section 4.7."""
    wanted, given = topic_filter.split("/"), topic.split("/")
    for number, level in enumerate(wanted):
        if level == "#":
            return True
        if number >= len(given) or level not in ("+", given[number]):
            return False
    return len(wanted) == len(given)


def mosquitto_allows(acl: str, who: str, access: str, topic: str) -> bool:
    """As acl_file says: `pattern` lines are for everybody, `topic` lines for the user named above them."""
    user, found = None, False
    for line in acl.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "user":
            user = rest
        elif kind == "pattern" or (kind == "topic" and user == who):
            right, _, topic_filter = rest.partition(" ")
            found = found or (right in (access, "readwrite") and matches(topic_filter.replace("%u", who), topic))
    return found


def rabbitmq_allows(definitions: dict, who: str, access: str, topic: str) -> bool:
    """As rabbit_auth_backend_internal does: the user's own regular expression, on the routing key."""
    (rule,) = [one for one in definitions["topic_permissions"] if one["user"] == who]
    return re.search(rule[access].replace("{username}", who), topic.replace("/", ".")) is not None


def test_every_client_may_do_the_same_with_both_brokers() -> None:
    """Only in mosquitto the office and Home Assistant also come under the patterns of the gateways."""
    acl = broker_files.acl("lamplighter", "lln")
    definitions = cluster_files.definitions("lamplighter", "lln", ["gw1", "gw2", "gw12"])
    seen = set()
    for who, access, topic in itertools.product(WHO, ("read", "write"), TOPICS):
        if not who.startswith("gw") and topic.split("/")[2:3] == [who]:
            continue  # a gateway of that name cannot be: it is reserved
        allowed = mosquitto_allows(acl, who, access, topic)
        assert rabbitmq_allows(definitions, who, access, topic) == allowed, (who, access, topic)
        seen.add((who, access, allowed))
    assert len(seen) == len(WHO) * 4, "the control: everybody may something and may not something"


@pytest.mark.parametrize(
    ("who", "listens", "good"),
    [
        ("gw1", f"{BASE}/gw1/desired/+", True), ("gw1", f"{BASE}/gw2/near/gw1", True), ("gw1", f"{BASE}/#", False),
        ("gw1", f"{BASE}/gw1/#", False), ("gw1", f"{BASE}/gw1/desired/#", False), ("gw1", "#", False),
        ("gw1", f"{BASE}/+/request", False), ("gw1", f"{BASE}/+/near/gw1", True), ("gw1", "+/+/+/+", False),
        ("office", f"{BASE}/#", True), ("office", "#", False), ("office", f"{BASE}/+/events", True),
        ("homeassistant", f"{BASE}/#", False), ("homeassistant", f"{BASE}/+/post/+/state", True),
        ("homeassistant", f"{BASE}/+/post/#", False), ("homeassistant", "homeassistant/#", True),
    ],
)  # fmt: skip
def test_a_subscription_with_wildcards_is_judged_as_a_whole(who, listens, good) -> None:
    """mosquitto would take it and deliver what is allowed; RabbitMQ judges the binding, whose + is *."""
    definitions = cluster_files.definitions("lamplighter", "lln", ["gw1", "gw2"])
    assert rabbitmq_allows(definitions, who, "read", listens.replace("+", "*")) is good


def test_who_may_touch_which_queue() -> None:
    definitions = cluster_files.definitions("lamplighter", "lln", ["gw1", "gw12"])
    rights = {one["user"]: one for one in definitions["permissions"]}
    assert set(rights) == {"gw1", "gw12", "office", "homeassistant"} == {u["name"] for u in definitions["users"]}
    assert set(rights) == {one["user"] for one in definitions["topic_permissions"]}, "who has none may everything"
    own = {name: f"mqtt-subscription-lln-{name}qos0" for name in ("gw1", "gw12")}
    own |= dict.fromkeys(("office", "homeassistant"), "mqtt-subscription-lamplighter-desk-0badcafeqos1")
    (policy,) = definitions["policies"]
    assert re.search(policy["pattern"], own["office"])
    assert not re.search(policy["pattern"], "mqtt-subscription-lamplighter-keeper-llnqos1"), "it may be away for days"
    for who, right, (owner, queue) in itertools.product(rights, ("configure", "read", "write"), own.items()):
        expected = owner == who or {owner, who} == {"office", "homeassistant"}
        assert bool(re.search(rights[who][right], queue)) is expected, (who, right, queue)
    for who, right in itertools.product(rights, ("configure", "read", "write")):
        assert bool(re.search(rights[who][right], cluster_files.QUEUE)) is ((who, right) == ("office", "read"))
        assert not re.search(rights[who][right], "amq.default")
        assert bool(re.search(rights[who][right], "amq.topic")) is (right != "configure")
    assert all(user["password_hash"] == "" and user["tags"] == "" for user in definitions["users"])


@pytest.fixture
def place(tmp_path):
    site.make(tmp_path / "site", [read(tmp_path, name) for name in ("gw1", "gw2")], [], 8883, "/etc/mosquitto", NOW)
    return tmp_path / "site"


def run(*words):
    return CliRunner().invoke(lamplighter, ["provision", *map(str, words)])


def test_the_command_writes_what_a_node_needs_and_keeps_the_cookie(place, tmp_path) -> None:
    made = run("cluster", place, *NODES)
    assert made.exit_code == 0, made.output
    folder = place / "cluster"
    cookie = (folder / "erlang.cookie").read_text()
    assert len(cookie) == 64
    assert cookie not in made.output
    for name in ("erlang.cookie", "definitions.json"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    conf = (folder / "rabbitmq.conf").read_text()
    assert "cluster_formation.classic_config.nodes.3 = rabbit@broker3" in conf
    assert "definitions.local.path = /etc/rabbitmq/lamplighter/definitions.json" in conf
    keys = [line.split(" = ")[0] for line in conf.splitlines() if " = " in line]
    assert len(set(keys)) == len(keys), "no setting twice"
    (tmp_path / "gw3.toml").write_text(gateway_toml("gw3"))
    assert run("add", place, tmp_path / "gw3.toml").exit_code == 0
    assert run("cluster", place, *NODES).exit_code == 0
    users = {user["name"] for user in json.loads((folder / "definitions.json").read_text())["users"]}
    assert users == {"gw1", "gw2", "gw3", "office", "homeassistant"}
    assert (folder / "erlang.cookie").read_text() == cookie


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        (NODES[:2], "2 nodes; a cluster has 3, 5 or 7"), ([NODES[0]] * 3, "each named once"),
        ([*NODES[:2], "--node=broker3"], "'broker3' is no node"), ([*NODES, "--node=rabbit@broker4"], "4 nodes"),
    ],
)  # fmt: skip
def test_nodes_that_make_no_cluster_are_refused_in_one_line(place, nodes, words) -> None:
    result = run("cluster", place, *nodes)
    assert result.exit_code == 2
    assert words in result.output
    assert not (place / "cluster").exists()


def test_a_site_whose_gateways_would_be_named_like_the_office_is_refused(tmp_path) -> None:
    site.make(tmp_path / "site", [read(tmp_path, "gw1", site_id="lamplighter")], [], 8883, "/etc/mosquitto", NOW)
    result = run("cluster", tmp_path / "site", *NODES)
    assert result.exit_code == 2
    assert "cannot have a cluster" in result.output


def test_a_folder_without_a_site_is_refused(tmp_path) -> None:
    result = run("cluster", tmp_path, *NODES)
    assert result.exit_code == 2
    assert "holds no site" in result.output


def test_the_files_in_deploy_are_the_ones_that_are_written() -> None:
    tuning = (DEPLOY / "tuning.conf").read_text()
    assert tuning.endswith(cluster_files.TUNING)
    assert all(line.startswith("#") for line in tuning.removesuffix(cluster_files.TUNING).splitlines() if line)
    assert (DEPLOY / "enabled_plugins").read_text() == cluster_files.PLUGINS


def test_the_central_queue_gets_what_the_centre_keeps_and_nothing_else() -> None:
    made = cluster_files.queues("lamplighter", "lln")
    (queue,) = made["queues"]
    assert queue["arguments"]["x-queue-type"] == "quorum"
    keys = {binding["routing_key"] for binding in made["bindings"]}
    assert keys == {f"lamplighter.lln.*.{stream}" for stream in ("events", "telemetry", "flow", "status")}
