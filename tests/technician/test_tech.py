"""`lamplighter tech` against a real post process on a real pty, on both interpreters."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ptys import COPIER, raw_pty

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
MICROPYTHON = shutil.which("micropython", path=str(BIN))
KEY = "5a" * 32


class Service:
    """A post process whose service port is one end of a pty; `path` is the technician's end."""

    def __init__(self, folder: Path, interpreter: str) -> None:
        # Two ptys back to back would need a copier; the masters' bytes are carried by socat-like threads in the tests
        # of the simulator. Here the post gets the slave of one pty, the technician that of another, copied below.
        self.pairs = [raw_pty(), raw_pty()]
        self.post_path, self.path = (os.ttyname(slave) for _, slave in self.pairs)
        environment = dict(os.environ)
        command = [sys.executable, "-m", "lamppost"]
        if interpreter == "micropython":
            assert MICROPYTHON is not None
            command = [MICROPYTHON, "-X", "heapsize=1wM", "-m", "lamppost"]
            environment["MICROPYPATH"] = f"{ROOT / 'edge'}:.frozen"
        command += ["--service", self.post_path, "--state", str(folder), "--baud", "115200"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, bufsize=1
        )
        self.copier = subprocess.Popen(
            [sys.executable, "-c", COPIER, *(str(master) for master, _ in self.pairs)],
            pass_fds=[master for master, _ in self.pairs],
        )
        self.wait_for("ready")

    def wait_for(self, word: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return line.strip()
        raise AssertionError(f"the post ended before it said {word}")

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        self.copier.terminate()
        self.copier.wait(10)
        for pair in self.pairs:
            for descriptor in pair:
                os.close(descriptor)


@pytest.fixture(params=["cpython", "micropython"])
def service(request, tmp_path):
    if request.param == "micropython" and MICROPYTHON is None:
        pytest.skip("the micropython interpreter has no wheel for this machine")
    post = Service(tmp_path / "state", request.param)
    yield post
    post.close()


def tech(service: Service | None, *words: str, pin: str = "", port: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "LAMPLIGHTER_PORT": port or (service.path if service else "")}
    if pin:
        environment["LAMPLIGHTER_PIN"] = pin
    command = [str(BIN / "lamplighter"), "tech", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def ok(service: Service, *words: str, pin: str = "") -> str:
    done = tech(service, *words, pin=pin)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_a_technician_commissions_a_post(service: Service, tmp_path: Path) -> None:
    assert json.loads(ok(service, "--json", "info"))["provisioned"] == "no"
    (tmp_path / "key").write_text(KEY + "\n")
    (tmp_path / "pin").write_text("271828\n")
    ok(service, "set", "identity", "park-07")
    ok(service, "set", "address", "7")
    ok(service, "set", "pin", "--from-file", str(tmp_path / "pin"))
    for name in ("post-key", "bus-key"):
        assert KEY not in ok(service, "set", name, "--from-file", str(tmp_path / "key"), pin="271828")
    info = json.loads(ok(service, "--json", "info"))
    assert (info["identity"], info["address"], info["provisioned"]) == ("park-07", "7", "yes")
    assert json.loads(ok(service, "--json", "get", "post-key")) == {"post-key": "set"}
    assert "no plan: full output" in ok(service, "why")
    assert "pin changed" in ok(service, "logs")

    refused = tech(service, "set", "address", "8")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines()[0] == "lamplighter: the post says: login first"
    assert json.loads(ok(service, "--json", "get", "address")) == {"address": "7"}

    ok(service, "level", "40", "--for", "5m", pin="271828")
    assert service.wait_for("lamp 400") == "lamp 400 1000"
    ok(service, "identify", "--for", "5s", pin="271828")
    assert service.wait_for("identify") == "identify 1"
    wrong = tech(service, "auto", pin="999999")
    assert (wrong.returncode, wrong.stderr) == (1, "lamplighter: the post says: wrong PIN\n")


def test_what_is_wrong_is_said_in_one_line(service: Service) -> None:
    for words, text in (
        (("set", "address", "900"), "address is a whole number from 0 to 250"),
        (("get", "colour"), "no setting 'colour'"),
        (("why", "--at", "tomorrow"), "a moment is written"),
    ):
        done = tech(service, *words)
        assert done.returncode == 1
        assert text in done.stderr
        assert len(done.stderr.splitlines()) == 1
    for words in (("set", "post-key", KEY), ("set", "address"), ("set", "identity", "two words"), ("level", "170")):
        done = tech(service, *words)
        assert done.returncode == 2, words
        assert "Traceback" not in done.stderr
    assert json.loads(ok(service, "--json", "get"))["address"] == "0"


def test_a_port_that_is_not_there_or_taken(service: Service) -> None:
    gone = tech(None, "info", port="/dev/ttyNOT")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr.startswith("lamplighter: cannot open port /dev/ttyNOT")
    import serial

    with serial.Serial(service.path, exclusive=True):
        taken = tech(service, "info")
    assert taken.returncode == 1
    assert "already open in another program" in taken.stderr
    assert "identity" in ok(service, "info")


def test_the_post_itself_refuses_bad_arguments_and_ports(tmp_path: Path) -> None:
    for words, code, text in (
        ((), 2, "--state FOLDER is missing"),
        (("--state",), 2, "--state wants a value"),
        (("--colour", "1"), 2, "unknown argument '--colour'"),
        (("--state", str(tmp_path), "--baud", "1"), 2, "--baud is one of"),
        (("--state", str(tmp_path), "--bus", "/dev/ttyNOT"), 1, "cannot open port /dev/ttyNOT"),
        (("--state", "/proc/none"), 1, "cannot write to folder /proc/none"),
    ):
        command = [sys.executable, "-m", "lamppost", *words]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == code, words
        assert text in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("nobody", ["/dev/null", "closed"])
def test_a_post_that_nobody_can_type_at_runs_on(tmp_path, nobody: str) -> None:
    """As a service on a computer has it."""
    command = (
        f"exec {sys.executable} -m lamppost --state {tmp_path / 'state'} <{'&-' if nobody == 'closed' else nobody}"
    )
    with subprocess.Popen(
        ["/bin/sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as post:
        assert post.stdout
        assert any(line.startswith("ready") for line in post.stdout)
        with pytest.raises(subprocess.TimeoutExpired):
            post.wait(0.5)
        post.terminate()
        assert "Exception" not in post.communicate(timeout=10)[1]
