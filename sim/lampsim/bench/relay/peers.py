"""Other relays, from the package indexes into a folder of their own: installed once, and only when asked for.

The environments' own pip and npm settings say where the packages come from.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .stage import StageError

INSTALL_S = 900  # npm on a slow line
THINGSBOARD = ("thingsboard-gateway>=3.8,<3.9", "pyserial>=3.5")
NODE_RED = ("node-red@^4.1", "node-red-node-serialport@^2")


def default_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lampsim" / "peers"


def install(peer: str, folder: Path) -> str:
    """Install a peer unless it is there; its version. Raises StageError."""
    return (_thingsboard if peer == "thingsboard" else _node_red)(folder / peer)


def thingsboard_python(folder: Path) -> Path:
    return folder / "thingsboard" / "bin" / "python"


def node_red_script(folder: Path) -> Path:
    return folder / "node-red" / "node_modules" / "node-red" / "red.js"


def _thingsboard(folder: Path) -> str:
    python = folder / "bin" / "python"
    asks = [str(python), "-c", "from importlib.metadata import version; print(version('thingsboard-gateway'))"]
    if not python.exists():
        _run([sys.executable, "-m", "venv", str(folder)], "a Python environment")
    if subprocess.run(asks, capture_output=True).returncode:
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, *THINGSBOARD], "thingsboard-gateway")
    return subprocess.run(asks, capture_output=True, text=True, check=True).stdout.strip()


def _node_red(folder: Path) -> str:
    package = folder / "node_modules" / "node-red" / "package.json"
    if not (package.exists() and (folder / "node_modules" / "node-red-node-serialport").exists()):
        if shutil.which("npm") is None:
            raise StageError("Node-RED needs node and npm: sudo apt-get install -y nodejs npm")
        folder.mkdir(parents=True, exist_ok=True)
        _run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *NODE_RED], "node-red")
    return json.loads(package.read_text())["version"]


def _run(command: list[str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StageError(f"{what} cannot be installed: {error}") from None
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise StageError(f"{what} cannot be installed: {words[-1][:300] if words else 'no reason given'}")
