"""The central consumer of a cluster: reads the quorum queue by AMQP, from whichever node it reaches."""

import contextlib
import json
import ssl
import threading
import time

import pika
from pika.exceptions import AMQPError
from trial import NODES, Cluster

PREFETCH = 200
TRY_S = 0.1


class Centre(threading.Thread):
    """Keeps every item by its id; a message is acknowledged after it is kept."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self._cluster = cluster
        self._end = threading.Event()
        self.items: dict[tuple[str, str, int], dict] = {}
        self.differing: list[tuple[str, str, int]] = []  # ids that came with two contents
        self.deliveries = 0
        self.arrivals: dict[str, list[float]] = {}  # by gateway, monotonic seconds
        self.connections = 0
        self.fault: Exception | None = None

    def __enter__(self) -> "Centre":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self._end.set()
        self.join(20)
        assert not self.is_alive()
        if self.fault is not None:
            raise self.fault

    def run(self) -> None:
        turn = 0
        while not self._end.is_set():
            try:
                with contextlib.suppress(AMQPError, OSError):
                    self._consume(NODES[turn % len(NODES)])
            except Exception as fault:  # shown by the test that uses us
                self.fault = fault
                return
            turn += 1
            self._end.wait(TRY_S)

    def _consume(self, n: int) -> None:
        connection = pika.BlockingConnection(parameters(self._cluster, "office", n))
        self.connections += 1
        with contextlib.closing(connection):
            channel = connection.channel()
            channel.basic_qos(prefetch_count=PREFETCH)
            for method, _, body in channel.consume("lamplighter.centre", inactivity_timeout=0.1):
                if method is not None:
                    self._take(method.routing_key, body)
                    channel.basic_ack(method.delivery_tag)
                if self._end.is_set():
                    return

    def _take(self, key: str, body: bytes) -> None:
        message = json.loads(body)
        if "items" not in message:
            return
        gateway = message["gateway"]
        assert key == f"lamplighter.lln.{gateway}.events"
        self.arrivals.setdefault(gateway, []).append(time.monotonic())
        for item in message["items"]:
            self.deliveries += 1
            name = gateway, message["epoch"], item["seq"]
            if self.items.setdefault(name, item) != item:
                self.differing.append(name)


def parameters(cluster: Cluster, who: str, n: int = 1) -> pika.ConnectionParameters:
    """AMQP to node n with the certificate of `who`."""
    part = "clients" if (cluster.site / "clients" / who).exists() else "gateways"
    folder = cluster.site / part / who
    tls = ssl.create_default_context(cafile=folder / "ca.pem")
    tls.load_cert_chain(folder / "mqtt.pem", folder / "mqtt.key")
    return pika.ConnectionParameters(
        f"127.0.0.{n}",
        cluster.amqp,
        ssl_options=pika.SSLOptions(tls, "localhost"),
        credentials=pika.credentials.ExternalCredentials(),
        socket_timeout=5,
        blocked_connection_timeout=20,
    )
