"""The unit: hardened as measured, ready when it serves, watched, and its secrets by LoadCredential."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cabinet import ENV, stop, write_config
from click.testing import CliRunner
from pty_street import PtyStreet

from lamplighter.cli import lamplighter
from lamplighter.gateway.config import ConfigError, load
from lamplighter.gateway.notify import Notifier
from lamplighter.gateway.store.database import Database

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
UNIT = UNITS / "lamplighter-gateway.service"
EXPOSURE_MAX = 2.0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("name", [f"lamplighter-{name}.service" for name in ("gateway", "update", "keep")])
def test_the_unit_is_hardened_as_measured(name) -> None:
    words = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNITS / name)]
    said = subprocess.run(words, capture_output=True, text=True, timeout=60, env=os.environ | {"COLUMNS": "200"})
    found = re.search(rf"exposure level for {name}: ([0-9.]+)", said.stdout)
    assert found, said.stdout + said.stderr
    assert float(found[1]) <= EXPOSURE_MAX


def test_the_unit_names_what_there_is() -> None:
    text = UNIT.read_text()
    assert "Type=notify" in text
    assert "WatchdogSec=" in text
    assert "DynamicUser=yes" in text
    names = re.findall(r"LoadCredential=([^:]+):", text)
    assert set(names) == {"keys.json", "ca.pem", "mqtt.pem", "mqtt.key"}, "what provision makes for a gateway"


def test_the_keepers_unit_starts_what_there_is(tmp_path, monkeypatch) -> None:
    """Its command line is read by the real command, which gets as far as the certificates that are not there."""
    text = (UNITS / "lamplighter-keep.service").read_text()
    assert "DynamicUser=yes" in text
    (line,) = re.findall(r"^ExecStart=\S+/lamplighter (.*)$", text, re.M)
    words = line.replace("/var/lib/lamplighter-keep", str(tmp_path / "kept")).replace("%d", str(tmp_path)).split()
    files = {Path(word).name for word in words if word.startswith("/")}
    assert files - {"kept"} == set(re.findall(r"LoadCredential=([^:]+):", text))
    for name, value in re.findall(r"^#   (LAMPLIGHTER_\w+)=(\S+)$", text, re.M):
        monkeypatch.setenv(name, value)
    said = CliRunner().invoke(lamplighter, words)
    assert said.exit_code == 2
    assert "ca.pem" in said.output
    assert "No such option" not in said.output


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_understands_every_line() -> None:
    words = ["systemd-analyze", "verify", "--man=no", *map(str, sorted(UNITS.glob("lamplighter-*")))]
    said = subprocess.run(words, capture_output=True, text=True, timeout=60).stderr
    ours = [line for line in said.splitlines() if "lamplighter" in line and "is not executable" not in line]
    assert ours == [], "programs that are not installed here are no fault of the files"


@pytest.fixture
def systemd(tmp_path):
    """A socket as systemd's, and what comes to it."""
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(place))
        receiver.settimeout(30)
        yield place, receiver


@pytest.mark.system
def test_the_real_daemon_is_ready_watched_and_stopping(tmp_path, systemd, mosquitto) -> None:
    place, receiver = systemd
    street = PtyStreet(1)
    config = write_config(tmp_path, street.port, mosquitto, 1)
    environment = {k: v for k, v in ENV.items() if v} | {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "900000"}
    with (tmp_path / "gateway.log").open("ab") as log:
        command = [sys.executable, "-m", "lamplighter", "gateway", "--config", str(config)]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        assert receiver.recv(4096) == b"READY=1\nSTATUS=serving 1 posts"
        assert [receiver.recv(4096) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        assert stop(process) == 0
        rest = []
        while b"STOPPING=1" not in rest:
            rest.append(receiver.recv(4096))
    finally:
        process.kill()
        street.close()


def test_no_sign_of_life_when_the_disk_hangs(tmp_path, systemd) -> None:
    place, receiver = systemd
    receiver.settimeout(0.3)
    database = Database(tmp_path / "gateway.db", lambda text: None)
    database.start()
    now = [0]
    notifier = Notifier(database, lambda: now[0], {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "30000000"})

    def beats() -> int:
        count = 0
        for _ in range(40):
            now[0] += 1000
            notifier.tick()
            if not hang:
                database.submit(lambda connection: None).result(5)
        try:
            while receiver.recv(100) == b"WATCHDOG=1":
                count += 1
        except TimeoutError:
            return count

    hang = False
    assert beats() >= 3
    hang, release = True, threading.Event()
    database.submit(lambda c: release.wait(20))
    assert beats() <= 1, "what was asked before may still be answered"
    release.set()
    hang = False
    assert beats() >= 3
    database.close()


def test_secrets_come_by_load_credential_and_by_no_other_lax_way(tmp_path, monkeypatch) -> None:
    config = write_config(tmp_path, "/dev/ttyNONE", ("127.0.0.1", 1883), 1)
    secret = tmp_path / "credentials"
    secret.mkdir()
    (tmp_path / "keys.json").rename(secret / "keys.json")
    config.write_text(config.read_text().replace('"keys.json"', '"$CREDENTIALS_DIRECTORY/keys.json"'))
    with pytest.raises(ConfigError, match=r"/nowhere/keys\.json"):
        load(config)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret))
    (secret / "keys.json").chmod(0o440)  # as systemd leaves it: the mask of an access list shows as the group's rights
    assert load(config).id == "gw1"
    (secret / "keys.json").chmod(0o444)
    with pytest.raises(ConfigError, match="others may read it"):
        load(config)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    config.write_text(config.read_text().replace("$CREDENTIALS_DIRECTORY", "credentials"))
    (secret / "keys.json").chmod(0o440)
    with pytest.raises(ConfigError, match="others may read it"):
        load(config)
