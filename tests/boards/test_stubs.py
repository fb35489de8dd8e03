"""What only runs on boards is checked against the stubs of the port it is for, and named in what is checked."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("port", ["rp2", "esp32"])
def test_board_files_fit_their_port(port: str) -> None:
    if not (ROOT / "typings" / port / "machine.pyi").exists():
        pytest.fail("the stubs are missing: run ./deploy/setup dev")
    config = ROOT / "deploy" / "boards" / f"pyright-{port}.json"
    for name in json.loads(config.read_text())["include"]:
        assert (config.parent / name).exists(), name
    command = [str(Path(sys.executable).parent / "pyright"), "-p", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=ROOT)
    assert done.returncode == 0, done.stdout
    assert "0 errors" in done.stdout


def test_every_file_that_knows_machine_is_checked_somewhere() -> None:
    checked = set()
    for config in (ROOT / "deploy" / "boards").glob("pyright-*.json"):
        checked |= {Path(name).name for name in json.loads(config.read_text())["include"]}
    for path in (ROOT / "edge" / "lamppost").rglob("*.py"):
        if "import machine" in path.read_text() or "import rp2" in path.read_text():
            assert path.name in checked, path
