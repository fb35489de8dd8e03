"""The gateway's broker side on three real RabbitMQ nodes: who may do what, and kill -9 of a node costs nothing.

One module, so that one cluster serves all tests and ends with them. It needs Debian's rabbitmq-server, which
deploy/cluster/install brings without starting it.
"""

import asyncio
import contextlib
import datetime
import json
import ssl
import stat
import sys

import aiomqtt
import pika
import pytest
import words
from cabinets import Cabinet, names, until
from centre import Centre, parameters
from listening import listening
from pika.exceptions import AMQPConnectionError, ChannelClosedByBroker
from trial import NODES, Cluster

from lamplighter.provision import private
from lamplighter.provision.authority import Authority

pytestmark = [pytest.mark.slow, pytest.mark.system]
GATEWAYS = ("gw1", "gw2", "gw3")
BASE = "lamplighter/lln"
QUEUE = "lamplighter.centre"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("cluster") / "trial", names=GATEWAYS)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_the_queue_lives_on_every_node_and_only_ours_are_users(cluster) -> None:
    """The default user is not there, and nobody has a password."""
    queue = cluster.ctl("list_queues", "name", "type", "members", "messages")
    assert f"{QUEUE}\tquorum" in queue
    assert all(cluster.node(n) in queue for n in NODES)
    users = {line.split("\t")[0] for line in cluster.ctl("list_users", "--no-table-headers").splitlines()}
    assert users == {*GATEWAYS, "office", "homeassistant"}
    for n in NODES:
        assert stat.S_IMODE((cluster.home(n) / ".erlang.cookie").stat().st_mode) == 0o600
    cookie = (cluster.home(1) / ".erlang.cookie").read_text()
    assert len(cookie) == 64
    assert not [n for n in NODES if cookie in cluster.log(n)]


# --- rights


def client(cluster: Cluster, who: str, n: int = 1, **more) -> aiomqtt.Client:
    """An MQTT client with the certificate of `who`; gateways have their own client id."""
    if who.startswith("gw"):
        more.setdefault("identifier", f"lln-{who}")
    more.setdefault("tls_context", tls(cluster, folder_of(cluster, who)))
    return aiomqtt.Client(f"127.0.0.{n}", cluster.mqtt, protocol=aiomqtt.ProtocolVersion.V311, timeout=10, **more)


def folder_of(cluster: Cluster, who: str):
    return cluster.site / ("gateways" if who.startswith("gw") else "clients") / who


def tls(cluster: Cluster, folder) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=cluster.site / "broker" / "ca.pem")
    if folder is not None:
        made.load_cert_chain(folder / "mqtt.pem", folder / "mqtt.key")
    return made


@contextlib.asynccontextmanager
async def hearing(cluster: Cluster, who: str, *topics: str, n: int = 1):
    """What this client hears, as a growing list of (topic, payload)."""
    async with client(cluster, who, n) as mqtt, listening(mqtt, topics, 0) as got:
        yield got


OWN = ("status", "post/p01/state", "events", "telemetry", "flow", "reported/plans", "response")
FORGED = [f"{BASE}/gw1/{topic}" for topic in OWN] + [
    f"{BASE}/gw1/request", f"{BASE}/gw2/request", f"{BASE}/gw2/desired/plans", f"{BASE}/gw1/near/gw2", "weather",
    "homeassistant/device/gw1/p01/config",
]  # fmt: skip


def answer(cluster: Cluster, who: str, word: bytes, n: int = 2) -> bytes:
    """What the broker says to one packet of `who` after its CONNECT."""
    context = tls(cluster, folder_of(cluster, who))
    welcome, *rest = words.answers((f"127.0.0.{n}", cluster.mqtt), context, words.connect(f"lln-{who}"), word)
    assert welcome == words.WELCOME
    return rest[0]


async def test_another_gateways_topics_are_refused(cluster) -> None:
    """RabbitMQ drops such a message, and its client too."""
    async with (
        hearing(cluster, "office", f"{BASE}/#") as got,
        hearing(cluster, "homeassistant", "homeassistant/#") as ha,
    ):
        for topic in FORGED:
            assert await asyncio.to_thread(answer, cluster, "gw2", words.publish(topic)) == b"", topic
        own = [*(f"{BASE}/gw2/{topic}" for topic in OWN), "homeassistant/device/gw2/p01/config"]
        for topic in own:
            assert await asyncio.to_thread(answer, cluster, "gw2", words.publish(topic), 3) == words.PUBLISHED
        await until(lambda: len(got) >= len(OWN) and ha)
    assert {topic for topic, _ in got} == set(own[:-1])
    assert [topic for topic, _ in ha] == own[-1:]


@pytest.mark.parametrize(
    "topic", [f"{BASE}/gw1/request", f"{BASE}/+/desired/plans", f"{BASE}/#", "#", f"{BASE}/gw1/near/gw3", "+/+/+/+"]
)
def test_a_gateway_may_not_listen_to_another(cluster, topic) -> None:
    assert answer(cluster, "gw2", words.subscribe(topic)) == b""
    assert answer(cluster, "gw2", words.subscribe(f"{BASE}/gw2/request")) == words.SUBSCRIBED, "the control"


async def test_a_gateway_hears_what_is_its_own(cluster) -> None:
    """Over nodes: who asks is on another one."""
    topics = (f"{BASE}/gw2/request", f"{BASE}/gw2/desired/+", f"{BASE}/gw1/near/gw2")
    async with hearing(cluster, "gw2", *topics, n=2) as got, client(cluster, "office", 1) as office:
        await office.publish(f"{BASE}/gw1/request", b"for gw1", qos=1)
        await office.publish(f"{BASE}/gw2/request", b"for gw2", qos=1)
        await office.publish(f"{BASE}/gw2/desired/plans", b"plan", qos=1, retain=True)
        async with client(cluster, "gw1", 3) as gw1:
            await gw1.publish(f"{BASE}/gw1/near/gw2", b"somebody", qos=0)
            await until(lambda: len(got) == 3)
    assert {payload for _, payload in got} == {b"for gw2", b"plan", b"somebody"}


def test_only_the_office_reads_the_central_queue(cluster) -> None:
    with contextlib.closing(pika.BlockingConnection(parameters(cluster, "office"))) as office:
        office.channel().basic_get(QUEUE)
        with pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
            office.channel().queue_delete(QUEUE)
    for who in ("gw1", "homeassistant"):
        with contextlib.closing(pika.BlockingConnection(parameters(cluster, who))) as other:
            for forbidden in (
                lambda channel: channel.basic_get(QUEUE),
                lambda channel: channel.queue_declare("of-my-own"),
                lambda channel: channel.queue_bind(QUEUE, "amq.topic", "#"),
                lambda channel: channel.queue_declare("mqtt-subscription-lln-gw2qos0", auto_delete=True),
            ):
                with pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
                    forbidden(other.channel())


def test_a_password_opens_nothing(cluster) -> None:
    """Not even with a good certificate: no mechanism takes one."""
    with_password = parameters(cluster, "office")
    with_password.credentials = pika.PlainCredentials("guest", "guest")
    with pytest.raises(AMQPConnectionError):
        pika.BlockingConnection(with_password)


async def test_who_has_no_good_certificate_stays_outside(cluster, tmp_path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    ours, days = Authority.read(cluster.site / "authority"), datetime.timedelta(days=900)
    strangers = {
        "expired": ours.client("gw1", now - days), "nobody": ours.client("gw9", now),
        "another authority's": Authority.new("lln", now).client("gw1", now), "a server's": ours.server(["gw1"], now),
    }  # fmt: skip
    contexts = [tls(cluster, None)]
    for number, identity in enumerate(strangers.values()):
        folder = tmp_path / str(number)
        folder.mkdir()
        private.write(folder / "mqtt.pem", identity.certificate)
        private.write(folder / "mqtt.key", identity.key)
        contexts.append(tls(cluster, folder))
    hello = words.connect("lln-gw1")
    for context in contexts:
        try:
            said = words.answers(("127.0.0.1", cluster.mqtt), context, hello)
        except OSError:
            continue  # TLS refused it
        assert said == [b""] or said[0][3:] in (b"\x04", b"\x05")
    welcome = words.answers(("127.0.0.1", cluster.mqtt), tls(cluster, folder_of(cluster, "gw1")), hello)
    assert welcome == [words.WELCOME], "the control"


# --- what is desired


@contextlib.asynccontextmanager
async def keeping(cluster: Cluster, folder, n: int):
    """`lamplighter keep`, as a process, by node n."""
    place = folder_of(cluster, "office")
    options = [f"--tls-ca={place / 'ca.pem'}", f"--tls-cert={place / 'mqtt.pem'}", f"--tls-key={place / 'mqtt.key'}"]
    command = [sys.executable, "-m", "lamplighter", "keep", str(folder), f"--broker=127.0.0.{n}:{cluster.mqtt}"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, "--site=lln", *options, stderr=pipe)
    try:
        async with asyncio.timeout(30):
            assert b"keeping what is desired" in await process.stderr.readline()
        yield
    finally:
        process.kill()
        await process.wait()


async def test_what_is_desired_reaches_a_gateway_that_was_away(cluster, tmp_path) -> None:
    """No node retains anything, so that none can retain something old; the centre remembers."""
    first, second = (json.dumps({"v": 1, "hash": name * 16, "plan": {}}).encode() for name in "ab")
    topic, kept = f"{BASE}/gw1/desired/plans", tmp_path / "kept"
    async with keeping(cluster, kept, 1):
        async with client(cluster, "office", 2) as office:
            await office.publish(topic, first, qos=1, retain=True)
        await until(lambda: (kept / "gw1" / "plans.json").exists())
    async with client(cluster, "office", 3) as office:  # nobody remembers this but the keeper's session
        await office.publish(topic, second, qos=1, retain=True)
    with names():
        async with Cabinet(cluster, "gw1", tmp_path, 2) as cabinet, keeping(cluster, kept, 3):
            await until(lambda: cabinet.broker.is_connected and (kept / "gw1" / "plans.json").read_bytes() == second)
            assert cabinet.got == [], "the control: no node had anything for it"
            cabinet.broker.retain(cabinet.topics.status, '{"v":1,"online":true}')
            await until(lambda: cabinet.got)
    assert cabinet.got == [(topic, second)]


# --- a node dies


async def test_a_node_killed_in_the_flood_costs_nothing(cluster, tmp_path) -> None:
    """Each of two nodes is killed, first the leader of the queue; every item arrives under one id with one content."""
    with names(), Centre(cluster) as centre:
        async with contextlib.AsyncExitStack() as stack:
            cabinets = [
                await stack.enter_async_context(Cabinet(cluster, name, tmp_path, n))
                for n, name in enumerate(GATEWAYS, 1)
            ]
            for turn, n in enumerate((leader(cluster), 3)):
                await until(lambda: all(one.broker.is_connected for one in cabinets))
                enough = asyncio.Event()
                flood = asyncio.create_task(tell_on(cabinets, enough))
                await until(lambda turn=turn: len(centre.items) > 500 + 3000 * turn)
                cluster.kill(n)
                await until(lambda: not all(one.broker.is_connected for one in cabinets))
                await until(lambda: all(one.broker.is_connected for one in cabinets))
                await until(lambda turn=turn: len(centre.items) > 2000 + 3000 * turn)
                await is_asked_and_hears(cluster, cabinets, n % len(NODES) + 1)
                enough.set()
                await flood
                await until(lambda: all(one.outbox.backlog == 0 for one in cabinets))
                cluster.start_node(n)
                await asyncio.to_thread(cluster.wait, n)
            told = {(one.name, n) for one in cabinets for n in range(1, one.told + 1)}
            await until(lambda: len(centre.items) >= len(told))
    assert {(item["gw"], item["n"]) for item in centre.items.values()} == told
    assert len(centre.items) == len(told)
    assert centre.differing == []
    assert centre.connections >= 2, "the control: the consumer's own node was among the killed"


def leader(cluster: Cluster) -> int:
    """The number of the node that leads the central queue."""
    found = cluster.ctl("list_queues", "--no-table-headers", "name", "leader")
    name = next(line.split("\t")[1] for line in found.splitlines() if line.startswith(QUEUE))
    return next(n for n in NODES if cluster.node(n) == name)


async def tell_on(cabinets: list[Cabinet], enough: asyncio.Event) -> None:
    while not enough.is_set():
        for one in cabinets:
            await one.tell(5)
        await asyncio.sleep(0.02)


async def is_asked_and_hears(cluster: Cluster, cabinets: list[Cabinet], n: int) -> None:
    """A request of the office, by node n, reaches every gateway, whichever node it is on now."""
    for one in cabinets:
        one.got.clear()
    async with client(cluster, "office", n) as office:
        for one in cabinets:
            await office.publish(one.topics.request, b"{}", qos=1)
        await until(lambda: all(one.got == [(one.topics.request, b"{}")] for one in cabinets))
