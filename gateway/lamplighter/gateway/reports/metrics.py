"""`/metrics` for Prometheus and `/healthz` for whoever restarts things: plain HTTP, on this computer only by default.

The text format is written here (prometheus-client reads it in the tests): the gateway needs no library
for it. Base units, no label that grows with the number of posts.

Healthy is: the clock ticks, the disk takes items, and at least one line is open. A broker that is away is not ill
health: the street runs on, and a restart would not bring it back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from lamplighter import __version__

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

log = logging.getLogger("lamplighter.metrics")

REQUEST_MAX = 4096
REQUEST_S = 5.0
CLIENTS_MAX = 8  # a scraper, and a person who looks
LATE_MS = 10_000  # the clock ticks ten times a second

Sample = tuple[str, str, str, list[tuple[str, float]]]  # name, type, help, (labels, value) each


def text(daemon: Daemon) -> str:
    """The exposition, format 0.0.4."""
    lines = []
    for name, kind, words, samples in _samples(daemon):
        lines += [f"# HELP lamplighter_{name} {words}", f"# TYPE lamplighter_{name} {kind}"]
        lines += [f"lamplighter_{name}{labels} {value:.17g}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def faults(daemon: Daemon) -> list[str]:
    """Why the gateway is not healthy; empty when it is."""
    found = []
    if daemon.now_ms() - daemon.ticked_ms > LATE_MS:
        found.append("the clock does not tick")
    if daemon.store_error:
        found.append(f"items cannot be stored: {daemon.store_error}")
    if not any(bus.is_open for bus in daemon.buses.values()):
        found.append("no line is open")
    return found


def _samples(daemon: Daemon) -> list[Sample]:
    outbox, fleet = daemon.outbox, daemon.fleet
    events, readings = outbox.dropped
    whole = daemon.energy.payload()["total"]
    power_w = sum(state.status.power_mw for state in fleet.states.values() if state.online and state.status) / 1000
    kinds = [alarm["alarm"] for alarm in daemon.alarms.active()]
    lines = [(f'{{bus="{name}"}}', bus, bus.poller.counters) for name, bus in daemon.buses.items()]
    return [
        ("build_info", "gauge", "The version.", [(f'{{version="{__version__}"}}', 1)]),
        ("posts", "gauge", "Posts in the configuration.", [("", len(fleet.states))]),
        ("posts_online", "gauge", "Posts that answer.", [("", fleet.count_online())]),
        ("power_watts", "gauge", "Of all posts that answer, as they tell.", [("", power_w)]),
        (
            "energy_joules_total", "counter", "Of all posts since the beginning.",
            [('{by="meter"}', whole["metered_wh"] * 3600), ('{by="estimate"}', whole["estimated_wh"] * 3600)],
        ),
        ("alarms", "gauge", "Faults of lines that are on.", [(f'{{kind="{k}"}}', kinds.count(k)) for k in ALARMS]),
        ("broker_connected", "gauge", "1 while connected.", [("", daemon.broker.is_connected)]),
        ("outbox_items", "gauge", "Items the broker has not acknowledged.", [("", outbox.backlog)]),
        ("outbox_items_total", "counter", "Items ever stored.", [("", outbox.next - 1)]),
        (
            "outbox_dropped_total", "counter", "Items given up for the disk budget.",
            [('{stream="events"}', events), ('{stream="readings"}', readings)],
        ),
        ("store_failed", "gauge", "1 while items cannot be stored.", [("", bool(daemon.store_error))]),
        ("line_open", "gauge", "1 while the port is open.", [(label, bus.is_open) for label, bus, _ in lines]),
        ("line_bytes_total", "counter", "Both ways.", [(label, count.bytes) for label, _, count in lines]),
        ("line_errors_total", "counter", "Frames that were no good.", [(label, c.errors) for label, _, c in lines]),
        ("line_retries_total", "counter", "Messages said again.", [(label, c.retries) for label, _, c in lines]),
    ]  # fmt: skip


ALARMS = ("feeder", "cut", "section", "post", "port", "common")


class Server:
    """Serves one Daemon on (host, port)."""

    def __init__(self, daemon: Daemon, host: str, port: int) -> None:
        self._daemon = daemon
        self._address = host, port
        self._clients = 0

    async def run(self) -> None:
        """Until cancelled; a port that cannot be had is said, and the street runs on without figures."""
        try:
            server = await asyncio.start_server(self._serve, *self._address, limit=REQUEST_MAX)
        except OSError as error:
            log.error("metrics: %s:%d cannot be used (%s); mend [gateway] metrics", *self._address, error.strerror)
            await asyncio.Event().wait()
            return
        async with server:
            await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            with contextlib.suppress(TimeoutError, OSError, ValueError, asyncio.IncompleteReadError):
                if self._clients <= CLIENTS_MAX:
                    async with asyncio.timeout(REQUEST_S):
                        head = await reader.readuntil(b"\r\n\r\n")
                        writer.write(self._answer(head))
                        await writer.drain()
        except asyncio.LimitOverrunError:
            pass  # longer than any honest request
        finally:
            self._clients -= 1
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or words[0] not in (b"GET", b"HEAD"):
            return _response(405, "only GET is answered\n")
        path = words[1].split(b"?")[0]
        if path == b"/metrics":
            return _response(200, text(self._daemon), "text/plain; version=0.0.4", words[0] == b"HEAD")
        if path == b"/healthz":
            found = faults(self._daemon)
            return _response(503 if found else 200, "\n".join(found or ["ok"]) + "\n", head=words[0] == b"HEAD")
        return _response(404, "there are /metrics and /healthz\n")


REASONS = {200: "OK", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


def _response(code: int, body: str, kind: str = "text/plain; charset=utf-8", head: bool = False) -> bytes:
    data = body.encode()
    fields = f"Content-Type: {kind}\r\nContent-Length: {len(data)}\r\nConnection: close\r\nCache-Control: no-store"
    return f"HTTP/1.1 {code} {REASONS[code]}\r\n{fields}\r\n\r\n".encode() + (b"" if head else data)
