"""A Raspberry Pi as a post: its SD card in a folder, installed by the script, and what systemd does for it."""

import json
import os
import re
import select
import socket
import subprocess
import sys
from pathlib import Path

from fake_pi import FakeSys

from lamplighter.provision import board_files, image
from lamplighter.provision.secret_key import SecretKey

ROOT = Path(__file__).parents[2]
INSTALL = ROOT / "deploy" / "raspberry_pi" / "install"
BIN = Path(sys.executable).parent


class Card:
    """A Raspberry Pi's SD card in a folder."""

    def __init__(self, at: Path) -> None:
        self.at = at
        self.boot = at / "boot/firmware"
        self.boot.mkdir(parents=True)
        (self.boot / "config.txt").write_text("[all]\ndtparam=audio=on")
        (self.boot / "cmdline.txt").write_text("console=serial0,115200 console=tty1 root=PARTUUID=x rootwait\n")
        self.config = at / "given.json"

    def add_group(self, name: str) -> None:
        """A group of which the user that installs is a member."""
        (self.at / "etc").mkdir(exist_ok=True)
        (self.at / "etc/group").write_text(f"{name}:x:{os.getgid()}:\n")

    def give(self, **sections) -> None:
        found = {"board": "raspberry_pi", "lamp": {"kind": "0-10v"}, **sections}
        self.config.write_text(json.dumps(found))

    def install(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [str(INSTALL), "--root", str(self.at), *words]
        path = f"{BIN}:{os.environ['PATH']}"
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env={"PATH": path})

    def files(self) -> dict[str, bytes]:
        """Everything on it."""
        return {
            str(path.relative_to(self.at)): path.read_bytes()
            for path in sorted(self.at.rglob("*"))
            if path.is_file() and path != self.config
        }


class Service:
    """What systemd does with the unit: its command, its socket, a start after each end, full light after each stop."""

    def __init__(self, card: Card, sysfs: FakeSys, state: Path) -> None:
        self.sysfs = sysfs
        opt = card.at / "opt/lamppost"
        unit = (card.at / "etc/systemd/system/lamppost.service").read_text()
        swap = {
            "/opt/lamppost": str(opt),
            "/etc/lamppost": str(card.at / "etc/lamppost"),
            "/var/lib/lamppost": str(state),
        }

        def command(name: str) -> list[str]:
            line = re.search(rf"^{name}=-?/usr/bin/python3 (.*)$", unit, re.M)
            assert line
            words = [swap.get(word, word) for word in line[1].split()]
            return [sys.executable, *words, "--sys", str(sysfs.at)]

        self.command, self.after = command("ExecStart"), command("ExecStopPost")
        self.place = state / "notify"
        state.mkdir(exist_ok=True)
        self.receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.receiver.bind(str(self.place))
        self.receiver.settimeout(60)
        # the mock pins are gpiozero's own, asked for as gpiozero says
        self.environment = {
            "PYTHONPATH": str(opt), "PATH": os.environ["PATH"], "GPIOZERO_PIN_FACTORY": "mock",
            "NOTIFY_SOCKET": str(self.place), "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        self.log = (state.parent / "log").open("ab")
        self.process: subprocess.Popen[bytes] | None = None
        self.far = -1  # the laptop's end of its console

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log, env=self.environment)

    def said(self) -> str:
        return Path(self.log.name).read_text()

    def ready(self) -> str:
        """Its next READY."""
        while not (said := self.receiver.recv(4096).decode()).startswith("READY=1"):
            pass
        return said

    def ended(self, for_s: float = 60) -> int:
        assert self.process
        code = self.process.wait(for_s)
        subprocess.run(self.after, check=True, env=self.environment, stderr=self.log, timeout=60)
        return code

    def close(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
        self.receiver.close()
        self.log.close()


def ask(far: int, text: str) -> str:
    """Type a line on the console and read what is said; again where the port was only just being opened."""
    for _ in range(10):
        os.write(far, text.encode() + b"\r")
        said = b""
        while select.select([far], [], [], 3)[0]:
            said += os.read(far, 4096)
            if said.endswith(b"ok\r\n"):
                return said.decode("utf-8", "replace")  # a stranger on this machine may still know the name of the pty
            assert b"error" not in said, said
    raise AssertionError(f"no answer to '{text}', only {said!r}")


def packed(folder: Path, key: SecretKey, files: dict[str, bytes], version: int) -> Path:
    """A signed image."""
    board_files.write(folder / "firmware", files)
    out = folder / f"{version}.llf"
    out.write_bytes(image.make(folder / "firmware", "raspberry_pi", version, 0, f"0.{version}", key).data)
    return out
