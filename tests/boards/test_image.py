"""A Pico's littlefs image, built as for a board, lives under the real interpreter in a Pico's heap."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from board_process import MICROPYTHON, Board

from lamplighter.provision import board_files, image
from lamplighter.provision.secret_key import SecretKey

pytest.importorskip("littlefs", reason="littlefs-python is not installed; ./deploy/setup dev installs it")
pytestmark = [
    pytest.mark.skipif(MICROPYTHON is None, reason="the micropython interpreter has no wheel for this machine"),
    pytest.mark.slow,
]
BIN = Path(sys.executable).parent
CONFIG = {
    "board": "rp2",
    "bus": {"uart": 0, "tx": 0, "rx": 1, "enable": 2},
    "service": {"uart": 1, "tx": 4, "rx": 5},
    "lamp": {"kind": "0-10v", "pin": 15, "low_pm": 100},
    "relay": {"pin": 16},
    "presence": [{"pin": 10}],
}


@pytest.fixture(scope="module")
def key() -> SecretKey:
    return SecretKey.new()


@pytest.fixture(scope="module")
def firmware() -> dict[str, bytes]:
    return board_files.compiled(board_files.modules("rp2"))


@pytest.fixture
def boards(tmp_path, key, firmware) -> Iterator:
    running: list[Board] = []

    def start(config: str | None = None, blocks: int = board_files.KINDS["rp2"].blocks, **options) -> Board:
        files = board_files.tree("rp2", firmware, json.dumps(CONFIG), key.public_text())
        if config is not None:
            files["board.json"] = config.encode()
        path = tmp_path / f"{len(running)}.lfs"
        path.write_bytes(board_files.file_system(files, blocks))
        running.append(Board(path, **options))
        return running[-1]

    yield start
    for board in running:
        board.close()


def tech(board: Board, *words: str) -> subprocess.CompletedProcess[str]:
    """What a technician types; the board runs on meanwhile."""
    environment = {"PATH": os.environ["PATH"], "LAMPLIGHTER_PORT": board.port}
    command = [str(BIN / "lamplighter"), "tech", *words]
    done: list[subprocess.CompletedProcess[str]] = []

    def run() -> None:
        done.append(subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False))

    for _ in range(8):  # on a busy machine a board may not answer within the console's 3 s
        laptop = threading.Thread(target=run)
        laptop.start()
        while laptop.is_alive():
            board.live()
        if "no answer" not in done[-1].stderr:
            break
    return done[-1]


def packed(tmp_path: Path, key: SecretKey, firmware: dict[str, bytes], version: int, **changes: bytes) -> Path:
    """A signed image with some modules replaced by other source."""
    folder = tmp_path / f"fw{version}"
    for name, data in firmware.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for name, source in changes.items():
        path = folder / "lamppost" / name.replace("__", "/")
        path.with_suffix(".mpy").unlink()
        path.with_suffix(".py").write_bytes(source)
    out = tmp_path / f"{version}.llf"
    out.write_bytes(image.make(folder, "rp2", version, 0, f"0.{version}", key).data)
    return out


def test_light_is_first_then_the_console_and_presence(boards) -> None:
    board = boards()
    board.until("start a 0")
    assert board.lines[:3] == ["pin 15 1", "slept 0", "pin 16 1"], board.lines
    board.until("pwm 15 65535")
    info = json.loads(tech(board, "--json", "info").stdout)
    assert info["boots"] == "1"
    free = int(info["heap-free"])
    print(f"heap free: {free} bytes of {192 * 1024 * 2} on 64 bits")
    # with the console loaded: room for a plan of 4 KB, which lies three times in RAM while it is taken, and 256 items
    assert free > 192 * 1024 * 2 // 6, "a sixth of a Pico's heap is free beside the agent"
    for words in (("address", "7"), ("reading-s", "60")):
        assert tech(board, "set", *words).returncode == 0
    board.see(10, 1)
    assert "level-percent 100" in tech(board, "status").stdout
    now = json.loads(tech(board, "--json", "info").stdout)
    assert int(now["waiting-items"]) == int(info["waiting-items"]) + 1
    board.cut()
    board.start()
    board.until("start a 0")
    assert json.loads(tech(board, "--json", "info").stdout)["address"] == "7"


def test_a_relay_closes_in_its_turn_after_mains_return(boards) -> None:
    found = {**CONFIG, "relay": {"pin": 16, "stagger_ms": 50}, "lamp": {**CONFIG["lamp"], "power_on_pm": 600}}
    board = boards(json.dumps(found))
    board.until("start a 0")
    assert board.lines[:4] == ["pin 15 1", "pwm 15 41942", "slept 250", "pin 16 1"], "by the board's serial number, 5"
    assert tech(board, "set", "address", "7").returncode == 0
    for waited in (250, 350):  # the address is written down at the next start, and counts at the one after
        board.cut()
        board.start()
        board.until("start a 0")
        assert f"slept {waited}" in board.lines[-6:], board.lines[-8:]
        board.until("pwm 15 65535")
        assert json.loads(tech(board, "--json", "info").stdout)["address"] == "7"


def test_signed_firmware_is_tried_and_kept(boards, tmp_path, key, firmware) -> None:
    board = boards()
    board.until("start a 0")
    done = tech(board, "upload", str(packed(tmp_path, key, firmware, 7)))
    assert done.returncode == 0, done.stderr + "\n".join(board.lines[-20:])
    assert "version 7" in done.stdout
    board.until("start b 7 on trial")
    board.cut()
    board.start()
    board.until("start b 7 on trial")
    board.hurry(300)
    board.until("log firmware 7 is kept")
    board.cut()
    board.start()
    at = board.until("start b 7")
    assert board.lines[at] == "start b 7"
    assert board.resets == ["reset"]


def test_firmware_that_comes_after_a_long_time_is_tried_too(boards, tmp_path, key, firmware) -> None:
    board = boards()
    board.until("start a 0")
    for version, folder in ((7, "b"), (8, "a")):
        done = tech(board, "upload", str(packed(tmp_path, key, firmware, version)))
        assert done.returncode == 0, done.stderr + "\n".join(board.lines[-20:])
        board.until(f"start {folder} {version} on trial")
        assert f"log firmware {version} is kept" not in board.lines
        board.hurry(300)
        board.until(f"log firmware {version} is kept")
        board.hurry(1)


@pytest.mark.parametrize(
    ("name", "source", "why"),
    [
        ("post.py", b"raise RuntimeError('spoiled')\n", "reset"),
        ("boards__run.py", b"def main(board, root=''):\n    while True:\n        pass\n", "watchdog"),
    ],
)
def test_firmware_that_raises_or_hangs_is_thrown_out(boards, tmp_path, key, firmware, name, source, why) -> None:
    board = boards(watchdog_s=1)
    board.until("start a 0")
    bad = packed(tmp_path, key, firmware, 8, **{name: source})
    tech(board, "upload", str(bad))  # installed, or by the time that the laptop asks already thrown out
    for _ in range(3):
        board.until("start b 8 on trial")
    at = board.until("start a 0")
    assert board.resets == ["reset", why, why, why]
    assert board.lines[at - 3 : at] == ["pin 15 1", "slept 0", "pin 16 1"], "the lamp was on through all of it"
    again = tech(board, "upload", str(bad))
    assert again.returncode == 1
    assert "version 8 was tried and did not last" in again.stderr


def test_what_is_not_signed_or_not_whole_changes_nothing(boards, tmp_path, key, firmware) -> None:
    board = boards()
    board.until("start a 0")
    good = packed(tmp_path, key, firmware, 9)
    spoiled = bytearray(good.read_bytes())
    spoiled[-1] ^= 1
    (tmp_path / "spoiled.llf").write_bytes(spoiled)
    stranger = packed(tmp_path / "x", SecretKey.new(), firmware, 9)
    for path, words in ((tmp_path / "spoiled.llf", "is not what was signed"), (stranger, "not known here")):
        done = tech(board, "upload", str(path))
        assert done.returncode == 1
        assert words in done.stderr
    assert board.resets == []
    assert tech(board, "status").returncode == 0


def test_a_flash_without_room_for_a_second_firmware_says_so(boards, tmp_path, key, firmware) -> None:
    board = boards(blocks=212)  # a Pico W's
    board.until("start a 0")
    done = tech(board, "upload", str(packed(tmp_path, key, firmware, 9)))
    assert done.returncode == 1
    assert "flash has no room for a second firmware" in done.stderr
    assert board.resets == []
    assert tech(board, "status").returncode == 0
    board.cut()
    board.start()
    board.until("start a 0")


def test_a_wrong_board_json_says_why_and_the_lamp_is_on(boards) -> None:
    wrong = json.dumps({**CONFIG, "presense": []})
    board = boards(wrong)
    board.until("ConfigError: unknown key 'presense': did you mean 'presence'?")
    assert board.lines[:3] == ["pin 15 1", "slept 0", "pin 16 1"]
    board.until("start a 0")
    board = boards("{")
    board.until("ValueError: board.json is missing")
