"""`lampsim` as a person types it."""

import os
import signal
import subprocess
import sys

from click.testing import CliRunner

from lampsim.cli import COMMANDS, main

LAMPSIM = [sys.executable, "-m", "lampsim.cli"]


def lampsim(*args: str):
    return CliRunner().invoke(main, args)


def test_help_lists_every_command_and_imports_none():
    code = "import sys; from lampsim.cli import main; main(['-h'], standalone_mode=False); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    for name, (_, text) in COMMANDS.items():
        assert name in done.stdout
        assert text[:30] in done.stdout
    assert "lampsim.commands" not in done.stdout
    assert "'rich'" not in done.stdout


def test_an_unknown_command_is_a_usage_error():
    result = lampsim("lien")
    assert result.exit_code == 2
    assert "lien" in result.output


def test_the_line_carries_bytes_until_it_is_interrupted():
    process = subprocess.Popen(
        [*LAMPSIM, "line", "a", "b", "--baud", "115200"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    paths = dict(process.stdout.readline().split() for _ in "ab")
    a, b = (os.open(paths[name], os.O_RDWR | os.O_NOCTTY) for name in "ab")
    os.write(a, b"hello\0")
    got = b""
    while len(got) < 6:
        got += os.read(b, 6)
    os.close(a)
    os.close(b)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert got == b"hello\0"
    assert said.splitlines()[-1] == "6 bytes, 1 frames, 0 collisions, 0 missed"
    assert process.returncode == 0


def test_a_name_given_twice_is_refused():
    result = lampsim("line", "a", "a")
    assert result.exit_code == 2
    assert "two nodes have the same name" in result.output


def test_lamps_of_the_generated_town():
    rows = [line.split("\t") for line in lampsim("lamps").output.splitlines()]
    assert len(rows) == 24
    assert rows[0][:3] == ["p01", "park path", "40"]
    assert len(lampsim("lamps", "--count", "5").output.splitlines()) == 5


def test_an_inventory_that_is_not_there_is_one_line():
    result = lampsim("lamps", "none.geojson")
    assert result.exit_code == 1
    assert result.output == "Error: none.geojson: no such file or directory; give a GeoJSON file\n"
