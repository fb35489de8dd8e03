"""The example of a cabinet in deploy/ is a configuration that the gateway takes."""

import json
from pathlib import Path

from lamplighter.gateway import config

EXAMPLE = Path(__file__).parents[2] / "deploy" / "gateway.example.toml"


def test_the_example_is_valid_once_its_files_are_there(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace("/etc/lamplighter", str(tmp_path))
    (tmp_path / "gateway.toml").write_text(text.replace("/var/lib/lamplighter", str(tmp_path)), encoding="utf-8")
    for name in ("keys.json", "ca.pem", "mqtt.pem", "mqtt.key"):
        (tmp_path / name).write_text("secret\n", encoding="utf-8")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "keys.json").write_text(json.dumps({"bus_keys": {"bus0": "ab" * 32}, "posts": {"p01": "cd" * 32}}))
    loaded = config.load(tmp_path / "gateway.toml")
    assert loaded.id == "gw1"
    assert loaded.mqtt.tls
