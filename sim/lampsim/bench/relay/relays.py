"""The relays that are measured: how each is started, on which topic it is heard, and what it does with a line."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ...broker import free_port
from . import peers
from .stage import Ids, Mosquitto, Port

Command = tuple[list[str], dict[str, str]]  # with what is added to the environment
_ITEM = re.compile(rb'"seq":(\d+),[^{}]*?<(\d{7}) ')
_EPOCH = re.compile(rb'"epoch":"(\w+)"')


@dataclass(frozen=True)
class Relay:
    """`prepare(folder, port, broker)` writes what it needs and gives its command."""

    name: str
    does: str  # with a line, in words
    filters: tuple[str, ...]
    prepare: Callable[[Path, Port, Mosquitto], Command]
    acknowledges: bool = False
    ids: Ids | None = None
    answers: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)


def _ids(payload: bytes) -> list[tuple[tuple, int]]:
    epoch = _EPOCH.search(payload)
    name = epoch[1] if epoch else b""
    return [((name, int(seq)), int(number)) for seq, number in _ITEM.findall(payload)]


def _python(module: str) -> Callable[[Path, Port, Mosquitto], Command]:
    def prepare(folder: Path, port: Port, broker: Mosquitto) -> Command:
        words = [sys.executable, "-m", module, str(folder), port.path, broker.host, str(broker.port)]
        return words, {"PYTHONWARNINGS": ""}

    return prepare


OURS = Relay(
    "lamplighter",
    "the gateway's outbox (synchronous FULL, ids, dedupe) and broker session, batched, behind a line source; "
    "acknowledges to the port what is on disk",
    ("lamplighter/bench/gw1/#",),
    _python("lampsim.bench.relay.line_source"),
    True,
    _ids,
)
SKETCH = Relay(
    "sketch",
    "pyserial, SQLite with synchronous FULL, one QoS 1 publish a line by aiomqtt, deleted after PUBACK",
    ("sketch/#",),
    _python("lampsim.bench.relay.sketch"),
)


def thingsboard(root: Path) -> Relay:
    """ThingsBoard IoT Gateway; the centre answers, as its server would, that there are no rate limits."""

    def prepare(folder: Path, port: Port, broker: Mosquitto) -> Command:
        config = folder / "config"
        if not config.exists():
            config.mkdir()
            (folder / "data").mkdir()
            (config / "tb_gateway.json").write_text(json.dumps(_tb_gateway(broker, f"{folder}/data/")))
            (config / "serial.json").write_text(json.dumps(_tb_serial(port)))
            (config / "logs.json").write_text(json.dumps(_TB_LOGS))
        start = "import os, sys; os.chdir(sys.argv.pop(1)); from thingsboard_gateway.tb_gateway import main; main()"
        words = [str(peers.thingsboard_python(root)), "-c", start, str(folder)]
        return words, {"TB_GW_CONFIG_DIR": str(config), "PYTHONWARNINGS": ""}

    limits = {"maxPayloadSize": 65536, "maxInflightMessages": 100, "rateLimits": {}, "gatewayRateLimits": {}}
    answers = {
        b"v1/devices/me/rpc/request/": (b"v1/devices/me/rpc/response/", json.dumps(limits).encode()),
        b"v1/devices/me/attributes/request/": (b"v1/devices/me/attributes/response/", b"{}"),
    }
    filters = "v1/gateway/telemetry", *(f"{start.decode()}+" for start in answers)
    does = "its serial connector, SQLite storage (synchronous NORMAL), telemetry in packs with QoS 1"
    return Relay("thingsboard", does, filters, prepare, answers=answers)


_TB_LOGS = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}},
    "root": {"level": "ERROR", "handlers": ["console"]},
}


def _tb_gateway(broker: Mosquitto, data: str) -> dict:
    """As it comes, with its storage in SQLite and the limits of its hosted service off."""
    free = ("rateLimits", "dpRateLimits", "messagesRateLimits", "deviceMessagesRateLimits", "deviceRateLimits",
            "deviceDpRateLimits")  # fmt: skip
    return {
        "thingsboard": {
            "host": broker.host, "port": broker.port, "remoteShell": False, "remoteConfiguration": False,
            "statistics": {"enable": False}, "deviceFiltering": {"enable": False}, "maxPayloadSizeBytes": 65536,
            "minPackSendDelayMS": 50, "minPackSizeToSend": 500, "checkConnectorsConfigurationInSeconds": 60,
            "handleDeviceRenaming": True, "security": {"type": "accessToken", "accessToken": "bench"}, "qos": 1,
            "reportStrategy": {"type": "ON_RECEIVED"}, "checkingDeviceActivity": {"checkDeviceInactivity": False},
            **dict.fromkeys(free, "0:0,"),
        },
        "storage": {"type": "sqlite", "data_file_path": data, "messages_ttl_check_in_hours": 1,
                    "messages_ttl_in_days": 7, "max_read_records_count": 1000, "size_limit": 1024},
        "grpc": {"enabled": False},
        "connectors": [{"type": "serial", "name": "lines", "class": "SerialConnector", "configuration": "serial.json"}],
    }  # fmt: skip


def _tb_serial(port: Port) -> dict:
    line = {"type": "string", "key": "line"}
    device = {"name": "lines", "type": "default", "port": port.path, "baudrate": 115200, "delimiter": "\n",
              "converter": "SerialUplinkConverter", "telemetry": [line], "attributes": []}  # fmt: skip
    return {"name": "lines", "id": "lines", "logLevel": "ERROR", "uplinkQueueSize": 100000, "devices": [device]}


def node_red(root: Path) -> Relay:
    """Node-RED with its serial node and its MQTT node, as they are by default."""

    def prepare(folder: Path, port: Port, broker: Mosquitto) -> Command:
        settings, flow = folder / "settings.js", folder / "flows.json"
        if not settings.exists():
            settings.write_text(f"module.exports = {json.dumps(_nr_settings())};\n")
            flow.write_text(json.dumps(_nr_flow(port, broker)))
        script = str(peers.node_red_script(root))
        return [shutil.which("node") or "node", script, "-u", str(folder), "-s", str(settings), str(flow)], {}

    does = "its serial and MQTT nodes, one QoS 1 publish a line, nothing on disk"
    return Relay("node-red", does, ("nodered/#",), prepare)


def _nr_settings() -> dict:
    return {
        "uiHost": "127.0.0.1", "uiPort": free_port(), "httpAdminRoot": False, "httpNodeRoot": False,
        "credentialSecret": False, "logging": {"console": {"level": "error"}}, "telemetry": {"enabled": False},
    }  # fmt: skip


def _nr_flow(port: Port, broker: Mosquitto) -> list[dict]:
    return [
        {"id": "tab", "type": "tab", "label": "lines"},
        {"id": "port", "type": "serial-port", "serialport": port.path, "serialbaud": "115200", "databits": "8",
         "parity": "none", "stopbits": "1", "newline": "\\n", "bin": "false", "out": "char", "addchar": ""},
        {"id": "broker", "type": "mqtt-broker", "broker": broker.host, "port": str(broker.port), "clientid": "node-red",
         "autoConnect": True, "usetls": False, "protocolVersion": "4", "keepalive": "60", "cleansession": True},
        {"id": "in", "type": "serial in", "z": "tab", "serial": "port", "wires": [["out"]]},
        {"id": "out", "type": "mqtt out", "z": "tab", "topic": "nodered/lines", "qos": "1", "retain": "false",
         "broker": "broker", "wires": []},
    ]  # fmt: skip
