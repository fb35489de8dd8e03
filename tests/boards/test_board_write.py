"""`lamplighter board write` on a board with the real interpreter, as a laptop finds it on a USB port."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from board_process import MICROPYTHON
from test_image import CONFIG
from usb_board import UsbBoard

from lamplighter.provision import board_files
from lamplighter.provision.secret_key import SecretKey

pytest.importorskip("littlefs", reason="littlefs-python is not installed; ./deploy/setup dev installs it")
pytest.importorskip("mpremote", reason="mpremote is not installed; ./deploy/setup dev installs it")
pytestmark = [
    pytest.mark.skipif(MICROPYTHON is None, reason="the micropython interpreter has no wheel for this machine"),
    pytest.mark.slow,
]
IDENTITY = "rp2-0005"


@pytest.fixture
def desk(tmp_path):
    """What a technician has: board.json, the site's public key, and a folder."""
    (tmp_path / "board.json").write_text(json.dumps(CONFIG))
    (tmp_path / "site.pub").write_text(SecretKey.new().public_text())
    return tmp_path


@pytest.fixture
def boards(tmp_path):
    running = []

    def plug(platform: str = "rp2", files: dict[str, bytes] | None = None, blocks: int = 352) -> UsbBoard:
        path = tmp_path / f"{len(running)}.lfs"
        path.write_bytes(board_files.file_system(files or {}, blocks))
        running.append(UsbBoard(path, platform))
        return running[-1]

    yield plug
    for board in running:
        board.close()


def command(board: UsbBoard, desk: Path, *more: str) -> list[str]:
    words = ["board", "write", "rp2", "--port", board.port, "--config", "board.json", "--key", "site.pub"]
    return [sys.executable, "-m", "lamplighter", *words, *more]


def write(board: UsbBoard, desk: Path, *more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"]}
    words = command(board, desk, *more)
    return subprocess.run(words, cwd=desk, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_a_new_board_is_written_named_keyed_and_runs(boards, desk) -> None:
    board = boards()
    done = write(board, desk, "--delivery", "delivery.json")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{IDENTITY}: ")
    assert first.endswith("files written, its key in delivery.json")
    assert second == "it runs (start a 0): its lamp is full until it has a plan"
    keys = json.loads((desk / "delivery.json").read_text())["posts"]
    assert list(keys) == [IDENTITY]
    assert stat.S_IMODE((desk / "delivery.json").stat().st_mode) == 0o600

    again = write(board, desk, "--delivery", "delivery.json")
    assert again.returncode == 1
    assert "is a post already" in again.stderr
    assert "hint: lamplighter tech upload" in again.stderr

    anew = write(board, desk, "--delivery", "delivery.json", "--erase", "--json")
    assert anew.returncode == 0, anew.stderr
    outcome = json.loads(anew.stdout)
    assert (outcome["identity"], outcome["started"]) == (IDENTITY, "start a 0")
    assert outcome["written"] == outcome["files"]
    assert json.loads((desk / "delivery.json").read_text())["posts"] == keys, "the same board keeps its key"


def test_unplugged_on_the_way_it_goes_on_where_it_was(boards, desk) -> None:
    board = boards()
    process = subprocess.Popen(command(board, desk), cwd=desk, stderr=subprocess.PIPE, text=True)
    image = board._image
    while b"lamppost/agent.py" not in image.read_bytes():  # some modules are there
        assert process.poll() is None, process.communicate()
    board.cut()
    assert process.stderr
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert said.startswith("lamplighter: "), said
    assert len(said.splitlines()) == 1, said
    board.start()
    done = write(board, desk, "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert 0 < outcome["written"] < outcome["files"]
    assert outcome["started"] == "start a 0"


def test_another_kind_of_board_is_left_alone(boards, desk) -> None:
    board = boards("esp32")
    done = write(board, desk, "--erase")
    assert done.returncode == 1
    assert "is a 'esp32', not a rp2" in done.stderr


def test_a_flash_that_is_too_small_is_one_line(boards, desk) -> None:
    done = write(boards(blocks=40), desk)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_where_no_board_answers_it_is_one_line(desk) -> None:
    master, slave = os.openpty()
    try:
        for port, words in ((os.ttyname(slave), "no MicroPython answers"), ("/dev/none", "cannot open /dev/none")):
            words_given = ["board", "write", "rp2", "--port", port, "--config", "board.json"]
            done = subprocess.run(
                [sys.executable, "-m", "lamplighter", *words_given],
                cwd=desk, capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
            assert done.returncode == 1
            assert words in done.stderr
            assert len(done.stderr.splitlines()) == 1
    finally:
        os.close(master)
        os.close(slave)


def test_what_is_wrong_before_the_board_is_asked(boards, desk) -> None:
    board = boards()
    (desk / "board.json").write_text("{}")
    assert write(board, desk).returncode == 2
    (desk / "board.json").write_text(json.dumps(CONFIG))
    assert write(board, desk, "--identity", "No Name").returncode == 2
    (desk / "delivery.json").write_text('{"posts": {"x": "abc"}}')
    done = write(board, desk, "--delivery", "delivery.json")
    assert done.returncode == 1
    assert "is no manifest of a delivery" in done.stderr
