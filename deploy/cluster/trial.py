"""Three RabbitMQ nodes on this machine, on loopback, all they write in one folder: to try a cluster, and for tests.

    python deploy/cluster/trial.py FOLDER [GATEWAY.toml...]     until Ctrl-C; without gateways, two are made up

The files are those of `lamplighter provision cluster`, with other addresses: node n has 127.0.0.n and the same ports as
the others, so that a name with three addresses works as it will on three machines.

Nothing else on the machine is touched: the nodes have an epmd of their own on a free port, a cookie of their own, and
run as whoever starts this. They end with us however we end.
"""

from __future__ import annotations

import datetime
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from lamplighter.provision import cabinet, cluster, site

SERVER = Path("/usr/lib/rabbitmq/bin")
NODES = (1, 2, 3)
START_S = 120.0  # 15 s on two free cores; a runner that is full needs longer
NAME = "brokers.lamplighter.test"
HOSTS = ["localhost", NAME, *(f"127.0.0.{n}" for n in NODES), *(f"{n}.{NAME}" for n in NODES)]
# For three nodes that share a machine with others: one scheduler each, little memory, quick to find each other
SMALL = """
vm_memory_high_watermark.absolute = {memory}
disk_free_limit.absolute = 200MB
cluster_formation.discovery_retry_interval = 100
"""
TOML = """\
[gateway]
id = "{id}"
site = "lln"
state_dir = "state"
keys_file = "keys.json"
[mqtt]
host = "127.0.0.1"
port = {port}
tls_ca = "ca.pem"
tls_cert = "mqtt.pem"
tls_key = "mqtt.key"
[[bus]]
id = "bus0"
port = "/dev/ttyNONE"
[[post]]
id = "p01"
bus = "bus0"
address = 1
lat = 50.6
lon = 4.6
"""
# Runs first in the child, then becomes it: the kernel kills it when we end (PR_SET_PDEATHSIG = 1).
WITH_US = (
    "import ctypes, os, sys\n"
    "ctypes.CDLL(None).prctl(1, 9)\n"
    "os.getppid() == int(sys.argv[1]) or os._exit(1)\n"
    "os.execvp(sys.argv[2], sys.argv[2:])\n"
)


class Cluster:
    """`start`, `kill` a node, `start_node` it again, `stop`. Every process is started from the calling thread."""

    def __init__(
        self,
        folder: Path,
        gateways: list[Path] | None = None,
        names: tuple[str, ...] = ("gw1", "gw2"),
        memory: str = "400MB",
    ) -> None:
        """`folder` must be new. `gateways`: their gateway.toml; else gateways of these names are made up."""
        self.folder, self._memory = folder, memory
        self.mqtt, self.amqp, self._epmd_port, *self._dist = free_ports(3 + len(NODES))
        self.site = folder / "site"
        folder.mkdir(mode=0o700, parents=True)
        if not gateways:
            gateways = [folder / f"{name}.toml" for name in names]
            for path in gateways:
                path.write_text(TOML.format(id=path.stem, port=self.mqtt))
        cabinets = [cabinet.read(path) for path in gateways]
        now = datetime.datetime.now(datetime.UTC)
        site.make(self.site, cabinets, HOSTS, self.mqtt, str(self.site / "broker"), now)
        self._processes: dict[int, subprocess.Popen] = {}
        self._epmd: subprocess.Popen | None = None

    def start(self) -> None:
        """Returns when every node takes connections and the central queue lives on all of them."""
        if not (SERVER / "rabbitmq-server").exists():
            raise SystemExit("rabbitmq-server is missing. Run:  sudo deploy/cluster/install")
        words = ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
        self._epmd = child(words, dict(os.environ), self.folder / "epmd.log")
        for n in NODES:
            self.write_node(n)
            self.start_node(n)
            self.wait(n)  # one after the other: MQTT plugins that join at once wait for each other for 40 s
        self.ctl("await_online_nodes", str(len(NODES)))
        self.ctl("import_definitions", str(self.site / "cluster" / "queues.json"))

    def write_node(self, n: int) -> None:
        """The files of a node, as provisioned for three machines, with this node's addresses."""
        folder = self.home(n)
        folder.mkdir(mode=0o700)
        addresses = [f"127.0.0.{n}:{port}" for port in (self.mqtt, self.amqp)]
        made = cluster.write(self.site, [self.node(n) for n in NODES], str(folder), *addresses)
        for source in (made, self.site / "broker"):
            for path in source.iterdir():
                shutil.copy2(path, folder / path.name)
        conf = folder / "rabbitmq.conf"
        kept = [line for line in conf.read_text().splitlines() if not line.startswith(("vm_memory_", "disk_free_"))]
        conf.write_text("\n".join(kept) + SMALL.format(memory=self._memory))
        (folder / "erlang.cookie").rename(folder / ".erlang.cookie")

    def start_node(self, n: int) -> None:
        """Start it; `wait` for it."""
        words = [str(SERVER / "rabbitmq-server"), "-noinput"]
        self._processes[n] = child(words, self._environment(n), self.home(n) / "out.log")

    def wait(self, *nodes: int) -> None:
        """Until these nodes take MQTT and AMQP connections."""
        end = time.monotonic() + START_S
        for n in nodes:
            while not self.listens(n):
                if time.monotonic() > end or self._processes[n].poll() is not None:
                    raise RuntimeError(f"{self.node(n)} did not start: {self.log(n)[-2000:]}")
                time.sleep(0.1)

    def listens(self, n: int) -> bool:
        """Whether node n takes connections now."""
        try:
            for port in (self.mqtt, self.amqp):
                socket.create_connection((f"127.0.0.{n}", port), 1).close()
        except OSError:
            return False
        return True

    def kill(self, n: int) -> None:
        """kill -9."""
        process = self._processes.pop(n)
        process.kill()
        process.wait()

    def pids(self) -> list[int]:
        """Of the nodes that run."""
        return [process.pid for process in self._processes.values()]

    def stop(self) -> None:
        """End everything. Nothing of a trial is worth a gentle end."""
        for n in list(self._processes):
            self.kill(n)
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None

    def ctl(self, *words: str, n: int = 1) -> str:
        """rabbitmqctl for node n; what it prints. Raises CalledProcessError."""
        command = [str(SERVER / "rabbitmqctl"), "-q", "-n", self.node(n), *words]
        done = subprocess.run(command, env=self._environment(n), capture_output=True, text=True, timeout=START_S)
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {words[0]}: {done.stdout[-1000:]} {done.stderr[-1000:]}")
        return done.stdout

    def node(self, n: int) -> str:
        return f"lamp{n}@localhost"

    def home(self, n: int) -> Path:
        return self.folder / f"node{n}"

    def log(self, n: int) -> str:
        return "".join(path.read_text(errors="replace") for path in sorted(self.home(n).glob("*.log")))

    def _environment(self, n: int) -> dict[str, str]:
        home = self.home(n)
        local = "-kernel inet_dist_use_interface {127,0,0,1}"
        return os.environ | {
            "HOME": str(home),  # of the cookie
            "ERL_EPMD_PORT": str(self._epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.node(n), "RABBITMQ_DIST_PORT": str(self._dist[n - 1]),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"), "RABBITMQ_LOG_BASE": str(home),
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"), "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "none.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"+S 1:1 +A 4 {local}",
            "RABBITMQ_CTL_ERL_ARGS": f"+S 1:1 {local}",
            "RABBITMQ_ALLOW_INPUT": "1",  # become the node and not a shell that waits for it
            "LANG": "C.UTF-8",
        }  # fmt: skip


def child(words: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen:
    with log.open("ab") as file:
        command = [sys.executable, "-c", WITH_US, str(os.getpid()), *words]
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file)


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses on 127.0.0.1 to .3 just now."""
    held, found = [], []
    try:
        while len(found) < count:
            first = socket.socket()
            first.bind(("127.0.0.1", 0))
            held.append(first)
            port = first.getsockname()[1]
            try:
                for n in NODES[1:]:
                    held.append(socket.socket())
                    held[-1].bind((f"127.0.0.{n}", port))
            except OSError:
                continue
            found.append(port)
    finally:
        for one in held:
            one.close()
    return found


def main(words: list[str]) -> int:
    if not words or words[0].startswith("-"):
        print(__doc__)
        return 2
    trial = Cluster(Path(words[0]).absolute(), [Path(word) for word in words[1:]])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        print("starting three nodes; this takes a quarter of a minute", flush=True)
        trial.start()
        print(f"MQTT over TLS at 127.0.0.1, .2 and .3, port {trial.mqtt}; AMQP at port {trial.amqp}")
        print(f"certificates in {trial.site}/gateways and {trial.site}/clients; logs in {trial.folder}/node*")
        print("Ctrl-C ends it", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        trial.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
