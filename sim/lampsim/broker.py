"""The demo's own MQTT broker: iotcore (rumqttd) as a child process, bound to 127.0.0.1 on a free port.

For a first look and for quick tests; whatever must survive a broker's death is tested with the real mosquitto.
Limits found (iotcore 0.4, tests/sim/test_broker.py):
- nothing is stored: retained messages and sessions are gone when it ends;
- one subscription at QoS 1 gets at most 100 retained messages, the rest never come (at QoS 0, up to
  max_outgoing_packet_count): enough for a demo's posts, not for a town's;
- the retained flag, last will (also retained), taking over a client's id and QoS 1 work as the standard says.
"""

import asyncio
import contextlib
import importlib.util
import os
import socket
import sys
import tempfile
from pathlib import Path

from .processes import Child

START_S = 10.0  # 0.2 s on a PC; a Raspberry Pi with a slow card takes seconds
# Large enough for any plan document (1 MiB, the limit of a plan file) in one retained message.
PAYLOAD_MAX = 1_100_000

# rumqttd's own words; every key it asks for is given. 3.1.1, because correctness needs no more (DESIGN, MQTT).
_CONFIG = """\
id = 0

[router]
id = 0
max_connections = 256
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 4

[v4.1]
name = "loopback"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
    [v4.1.connections]
    connection_timeout_ms = 60000
    max_payload_size = {payload}
    max_inflight_count = 200
    dynamic_filters = true
"""


def address(broker: str | None) -> tuple[str, int] | None:
    """HOST or HOST:PORT of a running broker; None for the embedded one. Raises ValueError."""
    if broker is None:
        return None
    host, _, port = broker.partition(":")
    if not host or not (port or "1883").isdigit():
        raise ValueError(f"--broker {broker}: give HOST or HOST:PORT, such as 127.0.0.1:1883")
    return host, int(port or 1883)


class BrokerError(Exception):
    """The embedded broker is not there or did not start; the text says what to do."""


class Broker(Child):
    """An MQTT 3.1.1 broker on `host`:`port`. Use as an async context manager, or `start` and `stop`."""

    host = "127.0.0.1"

    def __init__(self, port: int = 0) -> None:
        """`port` 0 takes a free one."""
        self.port = port or free_port()
        # rumqttd logs each packet as an error; only what is critical is worth a line.
        super().__init__("broker", [sys.executable, "-m", "iotcore", "--log-level", "CRITICAL", "--config"])

    async def start(self) -> None:
        """Returns when it accepts connections. Raises BrokerError when it is missing, or does not come up."""
        if importlib.util.find_spec("iotcore") is None:
            raise BrokerError(
                "the embedded broker (iotcore) is not installed: give a mosquitto with --broker HOST:PORT"
            )
        if await self._accepts():
            raise BrokerError(f"something else listens on {self.host}:{self.port} already; choose another port")
        with tempfile.TemporaryDirectory(prefix="lampsim-broker-") as folder:
            config = Path(folder) / "rumqttd.toml"
            config.write_text(_CONFIG.format(port=self.port, payload=PAYLOAD_MAX))
            self.command[self.command.index("--config") + 1 :] = [str(config)]
            await super().start()
            await self._wait_until_up()
        if not self.running:
            last = self.errors[-1] if self.errors else "it said nothing"
            raise BrokerError(f"the embedded broker did not start on {self.host}:{self.port}: {last}")

    async def stop(self, farewell: str | None = None, grace_s: float = 0.0) -> int | None:
        """It has nothing to save, so SIGTERM at once."""
        return await super().stop(farewell, grace_s)

    async def __aenter__(self) -> "Broker":
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def _wait_until_up(self) -> None:
        """Until it accepts connections or has ended; killed when it does neither within START_S."""
        try:
            async with asyncio.timeout(START_S):
                while self.running and not await self._accepts():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            await self.kill()

    async def _accepts(self) -> bool:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(self.host, self.port)
            writer.close()
            await writer.wait_closed()
            return True
        return False


def free_port() -> int:
    """A TCP port nobody uses on 127.0.0.1 just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(pid: int) -> set[str]:
    """Local addresses (hex `ADDRESS:PORT` of /proc/net/tcp*) on which the process `pid` listens. Linux only."""
    sockets = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            sockets.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    found = set()
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = row.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in sockets:
                found.add(words[1])
    return found
