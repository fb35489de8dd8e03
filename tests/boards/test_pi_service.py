"""The Raspberry Pi's service: installed by the script, started as its unit says, watched, updated and ended."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from board_process import joined
from cabinet import Centre, start_gateway, stop, write_config
from fake_pi import FakeSys
from pi_post import BIN, ROOT, Service, ask, packed
from ptys import raw_pty
from street import BUS_KEY, post_key

from lamplighter.provision import board_files
from lamplighter.provision.secret_key import SecretKey

UNIT = ROOT / "deploy" / "systemd" / "lamppost.service"
EXPOSURE_MAX = 2.0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_the_unit_is_hardened_as_measured() -> None:
    words = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)]
    said = subprocess.run(words, capture_output=True, text=True, timeout=60, env=os.environ | {"COLUMNS": "200"})
    found = re.search(r"exposure level for lamppost.service: ([0-9.]+)", said.stdout)
    assert found, said.stdout + said.stderr
    assert float(found[1]) <= EXPOSURE_MAX


# --- the script


def test_the_script_makes_a_post_and_a_second_run_changes_nothing(card) -> None:
    card.give(bus={"device": "/dev/ttyAMA0", "enable": 17}, rtc={})
    done = card.install("--config", str(card.config))
    assert done.returncode == 0, done.stderr
    first = card.files()
    config = first["boot/firmware/config.txt"].decode()
    assert config.startswith("[all]\ndtparam=audio=on\n# lamppost begin\n")
    for line in ("dtoverlay=pwm", "dtparam=i2c_arm=on", "enable_uart=1", "dtoverlay=disable-bt"):
        assert line in config.splitlines()
    assert first["boot/firmware/cmdline.txt"] == b"console=tty1 root=PARTUUID=x rootwait\n"
    assert first["etc/systemd/system/lamppost.service"] == UNIT.read_bytes()
    assert json.loads(first["etc/lamppost/board.json"])["rtc"] == {}
    assert (card.at / "opt/lamppost/lamppost/post.py").exists()
    assert card.install().returncode == 0
    assert card.files() == first


def test_what_is_no_longer_connected_is_switched_off_again(card) -> None:
    card.give(bus={"device": "/dev/ttyAMA0"})
    card.install("--config", str(card.config))
    card.give(lamp={"kind": "dali", "device": "/dev/ttyUSB1"})
    assert card.install("--config", str(card.config)).returncode == 0
    assert "dtoverlay" not in card.files()["boot/firmware/config.txt"].decode()


def test_a_post_without_a_wire_reaches_its_broker_only_and_hides_its_secret(card) -> None:
    """[W-2]"""
    wifi = {"host": "10.20.0.1", "user": "u", "secret": "s3cret", "topic": "lamplighter-post/gw1/wifi0", "ca": "ca.der"}
    card.give(wifi=wifi)
    card.add_group("dialout")
    assert "no group gpio" in card.install("--config", str(card.config)).stderr
    card.add_group("gpio")
    assert "ca.der is missing" in card.install("--config", str(card.config)).stderr
    assert "etc/lamppost/board.json" not in card.files()
    (card.at / "ca.der").write_bytes(b"authority")
    done = card.install("--config", str(card.config))
    assert done.returncode == 0, done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    first = card.files()
    assert first["etc/lamppost/ca.der"] == b"authority"
    assert (card.at / "etc/lamppost/board.json").stat().st_mode & 0o777 == 0o640
    dropin = first["etc/systemd/system/lamppost.service.d/air.conf"].decode().splitlines()
    assert "IPAddressAllow=10.20.0.1" in dropin
    assert "RestrictAddressFamilies=AF_UNIX AF_INET" in dropin
    assert card.install().returncode == 0
    assert card.files() == first
    card.give(bus={"device": "/dev/ttyAMA0"})
    assert card.install("--config", str(card.config)).returncode == 0
    assert "etc/systemd/system/lamppost.service.d/air.conf" not in card.files()


def test_a_wrong_board_json_changes_nothing(card, tmp_path) -> None:
    assert "no " in card.install().stderr
    card.give(relay={"pin": 5})
    assert card.install("--config", str(card.config)).returncode == 0
    first = card.files()
    card.give(relay={"pin": 99})
    done = card.install("--config", str(card.config))
    assert done.returncode == 2
    assert "relay.pin is a whole number from 0 to 48" in done.stderr
    (tmp_path / "site.key").write_text("untrusted comment: secret\nnonsense\n")
    done = card.install("--key", str(tmp_path / "site.key"))
    assert (done.returncode, "no public key" in done.stderr) == (2, True)
    assert card.install("--konfig", "x").returncode == 2
    assert card.files() == first


# --- the service


def dark(post: Service) -> None:
    """Have it put its light out."""
    ask(post.far, "level 0 5m")
    end = time.monotonic() + 60
    while post.sysfs.duty_pm:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.system
def test_it_is_ready_watched_and_full_at_its_end(service) -> None:
    post = service(relay={"pin": 5}, watchdog_ms=3000)
    assert post.ready() == "READY=1\nWATCHDOG_USEC=3000000\nSTATUS=the light is on"
    assert post.receiver.recv(4096) == b"WATCHDOG=1"
    begun = time.monotonic()
    assert [post.receiver.recv(4096) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    assert time.monotonic() - begun > 1.5, "one a second"
    assert post.sysfs.duty_pm == 1000
    dark(post)
    post.process.send_signal(signal.SIGTERM)
    assert post.process.wait(30) == 0
    assert "Traceback" not in post.said()
    assert post.sysfs.duty_pm == 1000, "whoever stops it gets light"


@pytest.mark.system
async def test_a_real_gateway_reads_it_and_moves_its_light(service, mosquitto, tmp_path) -> None:
    far, near = raw_pty()
    post = service(bus={"device": os.ttyname(near), "baud": 115200})
    post.ready()
    for words in ("address 1", f"bus-key {BUS_KEY.hex()}", f"post-key {post_key(1).hex()}"):
        ask(post.far, f"set {words}")
    with joined(far) as port:
        gateway = start_gateway(write_config(tmp_path / "cabinet", port, mosquitto, 1))
        try:
            async with Centre(mosquitto).listening() as centre:
                await centre.until(lambda: centre.state("p01").get("level_percent") == 100)
                done = await centre.ask("override", "t1", posts=["p01"], level_percent=40, for_s=600, reason="market")
                assert done["posts"] == {"p01": {"ok": True}}, done
                await centre.until(lambda: centre.state("p01").get("level_percent") == 40)
                end = time.monotonic() + 60
                while post.sysfs.duty_pm != 400:
                    assert time.monotonic() < end, post.said()
                    await asyncio.sleep(0.02)
        finally:
            stop(gateway)
    os.close(near)
    os.close(far)


@pytest.mark.system
def test_killed_while_dark_it_is_full_until_it_runs_again(service) -> None:
    post = service()
    post.ready()
    dark(post)
    post.process.kill()
    assert post.ended() == -signal.SIGKILL
    assert post.sysfs.duty_pm == 1000
    post.start()
    post.ready()
    assert post.sysfs.duty_pm == 1000


@pytest.mark.system
def test_without_its_pwm_it_says_so_and_ends(card, tmp_path) -> None:
    card.give()
    card.install("--config", str(card.config))
    post = Service(card, FakeSys(tmp_path / "sys"), tmp_path / "state")
    shutil.rmtree(post.sysfs.chip)
    post.start()
    assert post.ended() == 1
    assert "is missing: add dtoverlay=pwm to config.txt" in post.said()
    post.close()


@pytest.mark.system
def test_signed_firmware_is_taken_and_tried(service, tmp_path) -> None:
    key = SecretKey.new()
    (tmp_path / "site.pub").write_text(key.public_text())
    post = service("--key", str(tmp_path / "site.pub"))
    post.ready()
    firmware = board_files.firmware("raspberry_pi")
    done = upload(post, packed(tmp_path, key, firmware, 2))
    assert done.returncode == 0, done.stderr
    assert "version 2" in done.stdout
    assert post.ended() == 0
    assert "Traceback" not in post.said()
    for tries in (1, 2):  # a power cut while it is tried
        post.start()
        post.ready()
        assert post.said().count("start b 2 on trial") == tries
        assert "running version 2 on trial" in ask(post.far, "firmware")
        post.process.kill()
        post.ended()


@pytest.mark.system
def test_firmware_that_fails_is_thrown_out(service, tmp_path) -> None:
    key = SecretKey.new()
    (tmp_path / "site.pub").write_text(key.public_text())
    post = service("--key", str(tmp_path / "site.pub"))
    post.ready()
    spoiled = board_files.firmware("raspberry_pi") | {"lamppost/post.py": b"raise RuntimeError('spoiled')\n"}
    image_file = packed(tmp_path, key, spoiled, 3)
    assert upload(post, image_file).returncode == 0
    assert post.ended() == 0
    for _ in range(3):
        post.start()
        assert post.ended() == 1
        assert post.sysfs.duty_pm == 1000
    post.start()
    post.ready()
    assert post.said().count("start b 3 on trial") == 3
    assert post.said().count("start as installed") == 2
    again = upload(post, image_file)
    assert (again.returncode, "version 3 was tried and did not last" in again.stderr) == (1, True)


def upload(post: Service, path: Path) -> subprocess.CompletedProcess[str]:
    """What a technician types, over a second pty that is joined to the console's."""
    with joined(post.far) as port:
        environment = {"PATH": os.environ["PATH"], "LAMPLIGHTER_PORT": port}
        command = [str(BIN / "lamplighter"), "tech", "upload", str(path)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
