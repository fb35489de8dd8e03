"""A signed wheel into a version folder of its own, beside the one that runs, and the switch to it.

What it promises
- Nothing of an unsigned, changed, older-than-the-minimum or foreign wheel is ever run; dependencies given as wheels
  are signed by the same key. No network is used.
- The running version's folder is never written. Killed at any step, the old or the new version is in force; a folder
  that was not finished is begun again.
- Before the switch the new version has started once and said its version, and has read the configuration if one is
  given.
"""

from __future__ import annotations

import compileall
import os
import re
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lamplighter.update import boot, needs
from lamplighter.update.errors import UpdateError
from lamplighter.update.wheel import Wheel

NAME = "lamplighter"
EXTRA = "gateway"
MARGIN = 32 << 20  # bytes left free after an installation: the store and the journal share the disk
NOT_COMPILED = re.compile(r"/pip/")  # the gateway may not write here, so what it runs is compiled now; pip is not run
PIP_S = 900  # a Pi with a slow card needs two minutes
RUN_S = 120
ERROR_MAX = 300  # characters of pip's words


class Order(NamedTuple):
    """What is to be installed, and how."""

    base: Path
    wheel: Wheel
    wheels: list[Wheel]  # dependencies
    config: Path | None = None  # the new version must be able to read it
    again: bool = False  # although it was tried and did not last


def install(order: Order) -> Iterator[str]:
    """Yields each step before it is done. Raises UpdateError, boot.Busy, OSError; the old version is then in force."""
    base, version = order.base, order.wheel.version
    os.umask(0o022)  # the gateway runs as another user and reads all this
    (base / "versions").mkdir(parents=True, exist_ok=True)
    with boot.locked(base) as lock:
        suits(order)
        parts = needs.installed(order.wheel.requires, {EXTRA})
        room(order, needs.size(parts))
        folder = base / "versions" / version
        yield "making room"
        tidy(base, version)
        try:
            yield "copying what it needs"
            venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
            needs.copy(parts, packages(folder))
            yield "installing"
            pip(folder, order, lock.fileno())
            compileall.compile_dir(packages(folder), quiet=2, rx=NOT_COMPILED)
            yield "trying it"
            trying(folder, order)
            yield "writing it to the disk"
            os.sync()
            boot.replace(folder / "complete", version + "\n")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        yield "switching"
        own_boot(base)
        boot.begin_trial(base, version, order.wheel.minimum)


def suits(order: Order) -> None:
    """Raises UpdateError where this version may not be installed here."""
    version, minimum = order.wheel.version, order.wheel.minimum
    record = record_of(order.base)
    if order.wheel.name != NAME:
        raise UpdateError(f"{order.wheel.file} is a wheel of {order.wheel.name}, not of {NAME}")
    try:
        mine, least = boot.number(version), boot.number(minimum)
    except ValueError as error:
        raise UpdateError(f"{order.wheel.file}: {error}") from None
    if least > mine:
        raise UpdateError(f"{order.wheel.file} is signed with minimum {minimum}, above its own version")
    if mine < boot.number(record["minimum"]):
        raise UpdateError(f"version {version} is below the minimum {record['minimum']}; take a newer one")
    if record["trial"] is not None:
        raise UpdateError(
            f"version {record['trial']['version']} is still on trial; try again when it has proved itself"
        )
    if version == boot.current(order.base) and boot.whole(order.base, version):
        raise UpdateError(f"version {version} already runs")
    if version in record["refused"] and not order.again:
        raise UpdateError(f"version {version} was tried here and did not last; make another, or give --again")


def record_of(base: Path) -> dict:
    """The record. Raises UpdateError where it cannot be read."""
    try:
        return boot.read(base)
    except (ValueError, KeyError, TypeError):
        where = base / "update.json"
        raise UpdateError(f"{where} is damaged; remove it, and the minimum version is forgotten with it") from None


def room(order: Order, copied: int) -> None:
    """Raises UpdateError where the disk is too full. Unpacked, compiled, and once more on its way through pip."""
    wheels = [order.wheel, *order.wheels]
    need = copied * 2 + sum(len(wheel.data) + 3 * wheel.unpacked for wheel in wheels) + MARGIN
    free = shutil.disk_usage(order.base).free
    if free < need:
        raise UpdateError(f"{order.base}: {free >> 20} MB are free, {(need >> 20) + 1} MB are needed; make room first")


def tidy(base: Path, version: str) -> None:
    """Remove every version but the one that runs and the one before it, and what was not finished."""
    keep = {boot.current(base), record_of(base)["previous"]} - {None}
    for path in (base / "versions").iterdir():
        if path.name == version or path.name not in keep:
            (path / "complete").unlink(missing_ok=True)  # from here on nobody takes it for whole
            boot.settle(path)
            shutil.rmtree(path)


def packages(folder: Path) -> Path:
    """Where a version's packages lie."""
    return Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder), "platbase": str(folder)}))


def pip(folder: Path, order: Order, lock: int) -> None:
    """The wheel and what it needs, from the bytes that were checked; the child holds the lock while it lives."""
    house = folder / "wheels"
    house.mkdir()
    for wheel in [order.wheel, *order.wheels]:
        (house / wheel.file).write_bytes(wheel.data)
    words = [
        "-m",
        "pip",
        "--isolated",
        "install",
        "--no-index",
        "--no-input",
        "--no-compile",
        "--disable-pip-version-check",
        "-q",
    ]
    what = f"{NAME}[{EXTRA}] @ {(house / order.wheel.file).absolute().as_uri()}"
    done = _run([_python(folder), "-I", *words, "--find-links", str(house), what], PIP_S, lock)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if "ERROR: " in line]
        said = (lines[-1] if lines else done.stderr).replace("ERROR: ", "").strip()[:ERROR_MAX]
        if "No matching distribution" in said:
            said += "; give a folder with its signed wheels: --wheels FOLDER"
        elif "No module named pip" in said:
            said = "pip is not installed here; make the first folder with  python3 -m venv"
        raise UpdateError(f"version {order.wheel.version} cannot be installed: {said}")
    shutil.rmtree(house)


def trying(folder: Path, order: Order) -> None:
    """Start the new version once. Raises UpdateError where it cannot even do that."""
    version = order.wheel.version
    program = str(folder / "bin" / NAME)
    done = _run([program, "--version"], RUN_S)
    if done.returncode or version not in done.stdout.split():
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["nothing"]
        raise UpdateError(f"version {version} does not start; it says: {said[0][:ERROR_MAX]}")
    if order.config is not None:
        done = _run([program, "gateway", "--config", str(order.config), "--check-config"], RUN_S)
        if done.returncode:
            raise UpdateError(f"version {version} does not take {order.config}: {done.stderr.strip()[:ERROR_MAX]}")


def own_boot(base: Path) -> None:
    """The way back, once: no update replaces it."""
    if not (base / "boot.py").exists():
        boot.replace(base / "boot.py", Path(boot.__file__).read_text(encoding="utf-8"))


def take_back(base: Path) -> str:
    """Let the version before this one run again; returns it. Raises UpdateError, boot.Busy."""
    with boot.locked(base):
        record = record_of(base)
        before = record["previous"]
        if record["trial"] is not None:
            if not boot.go_back(base, record, "was taken back by hand"):
                raise UpdateError("there is no version to go back to")
            return before
        if not boot.whole(base, before):
            raise UpdateError("there is no version to go back to; install the one you want")
        if boot.number(before) < boot.number(record["minimum"]):
            raise UpdateError(f"version {before} is below the minimum {record['minimum']} that this one has set")
        boot.switch(base, before)
        boot.write(base, dict(record, previous=None))
        return before


def _python(folder: Path) -> str:
    return str(folder / "bin" / "python")


def _run(words: list[str], limit_s: float, lock: int | None = None) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "LAMPLIGHTER_"))
    }
    try:
        return subprocess.run(
            words, capture_output=True, text=True, timeout=limit_s, env=clean, check=False, stdin=subprocess.DEVNULL,
            pass_fds=() if lock is None else (lock,),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UpdateError(f"{words[0]}: {error}") from None
