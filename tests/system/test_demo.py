"""The two-minute story, shortened, as its visitor starts it; with the embedded broker and with real lamps."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lampsim.posts import micropython

pytestmark = [pytest.mark.system, pytest.mark.slow]
CAMBRIDGE = Path(__file__).parents[3] / "shared" / "data" / "cambridge" / "park-lights.geojson"


def play(folder: Path, *more: str) -> dict:
    """Play the demo on a pipe; return what it wrote."""
    command = [sys.executable, "-m", "lampsim", "demo", "--seconds", "45", "--json", str(folder / "demo.json"), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "the story held" in done.stdout
    report = json.loads((folder / "demo.json").read_text())
    assert report["posts"] == 24
    assert [plan["applied"] for plan in report["plans"]] == [24, 24]
    assert report["items"]["made"] == report["items"]["received"] > 100
    assert report["items"]["lost"] == report["items"]["duplicated"] == 0
    for part in ("with_gateway", "without_gateway"):
        assert report["waves"][part]["followed"] > 0
        assert report["waves"][part]["p50_ms"] < 500
    if micropython():
        assert report["interpreters"]["micropython"] >= 4
    return report


def test_with_its_own_broker(tmp_path: Path) -> None:
    play(tmp_path)


@pytest.mark.skipif(not CAMBRIDGE.exists(), reason="shared/data/cambridge is not beside the repository")
def test_on_the_lamps_of_a_real_park_with_mosquitto(tmp_path: Path, mosquitto) -> None:
    play(tmp_path, "--inventory", str(CAMBRIDGE), "--broker", f"{mosquitto[0]}:{mosquitto[1]}")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--inventory", "/nowhere.geojson"), "/nowhere.geojson"),
        (("--seconds", "3"), "--seconds"),
        (("--broker", "host:port"), "give HOST or HOST:PORT"),
        (("--play", "--json", "x.json"), "leave out --json"),
        (("--inventory", __file__), "test_demo.py"),
    ],
)
def test_bad_input_is_one_line(words: tuple[str, ...], text: str) -> None:
    command = [sys.executable, "-m", "lampsim", "demo", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr
