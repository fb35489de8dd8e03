"""/metrics as Prometheus reads it and /healthz, from the real daemon, and nothing for anybody who is rude."""

import asyncio
import contextlib
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from brokers import free_port
from cabinet import Centre, start_gateway, stop, write_config
from prometheus_client.parser import text_string_to_metric_families
from pty_street import PtyStreet

pytestmark = pytest.mark.system


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


async def send(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        await writer.drain()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def crowd(port: int, count: int) -> int:
    """Connect and say nothing; how many were sent away at once."""
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    ends = [asyncio.create_task(reader.read()) for reader, _ in idle]
    done, _ = await asyncio.wait(ends, timeout=1)
    for _, writer in idle:
        writer.close()
    await asyncio.gather(*[writer.wait_closed() for _, writer in idle], *ends, return_exceptions=True)
    return len(done)


def listeners(port: int) -> list[str]:
    """The addresses that listen on a port, as the kernel has them."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    return [row[1].split(":")[0] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A"]


async def test_figures_and_health_of_the_real_daemon(tmp_path, mosquitto) -> None:
    street, port = PtyStreet(3), free_port()
    process = start_gateway(write_config(tmp_path, street.port, mosquitto, 3, f'metrics = "{port}"'))
    centre = Centre(mosquitto)
    try:
        async with centre.listening():
            await centre.until(lambda: centre.last.get("status", {}).get("posts_online") == 3)
            street.sense(1)
            await centre.until(lambda: centre.of_kind("presence") and centre.last["status"]["backlog"] == 0)
            code, text = await asyncio.to_thread(get, port, "/metrics")
            assert code == 200
            families = {family.name: family for family in text_string_to_metric_families(text)}
            assert families["lamplighter_posts_online"].samples[0].value == 3
            assert families["lamplighter_broker_connected"].samples[0].value == 1
            assert families["lamplighter_outbox_items"].type == "counter"
            assert families["lamplighter_outbox_items"].samples[0].value >= 4
            assert families["lamplighter_line_bytes"].samples[0].value > 100
            assert families["lamplighter_energy_joules"].type == "counter"
            assert not re.search(r"_(percent|wh|ms|milliseconds|kilobytes)\b", text), "base units"
            assert not re.search(r'"p0\d"', text), "no label a lamp"
            assert all(family.documentation for family in families.values())
            assert await asyncio.to_thread(get, port, "/healthz") == (200, "ok\n")
            assert (await asyncio.to_thread(get, port, "/etc/passwd"))[0] == 404
            assert listeners(port) == ["0100007F"], "on loopback only"
            assert (await send(port, b"DELETE /metrics HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 405")
            assert await send(port, b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n") == b""
            head = await send(port, b"HEAD /healthz HTTP/1.0\r\n\r\n")
            assert head.endswith(b"\r\n\r\n")
            assert await crowd(port, 20) >= 12, "more than a few at once are sent away"
            code = 0
            while code != 200:  # as soon as they have gone
                code, _ = await asyncio.to_thread(get, port, "/healthz")
            for topic in list(centre.last):
                await centre.client.publish(f"lamplighter/lln/gw1/{topic}", b"", qos=1, retain=True)
    finally:
        stop(process)
        street.close()
    assert "Traceback" not in (tmp_path / "gateway.log").read_text()


async def test_a_port_that_is_taken_is_said_and_the_street_runs_on(tmp_path, mosquitto) -> None:
    street, port = PtyStreet(1), free_port()
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", port)
    process = start_gateway(write_config(tmp_path, street.port, mosquitto, 1, f'metrics = "{port}"'))
    centre = Centre(mosquitto)
    try:
        async with centre.listening():
            await centre.until(lambda: centre.last.get("status", {}).get("posts_online") == 1)
            for topic in list(centre.last):
                await centre.client.publish(f"lamplighter/lln/gw1/{topic}", b"", qos=1, retain=True)
        assert f"metrics: 127.0.0.1:{port} cannot be used" in (tmp_path / "gateway.log").read_text()
    finally:
        stop(process)
        street.close()
        server.close()
        await server.wait_closed()
