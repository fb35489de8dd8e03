"""Prove that the checker can fail: apply each deliberate bug to a copy of the code and see who notices.

    python tests/sim/mutants/run.py [--quick] [NAME...]

Prints one line a mutant and exits with 1 where one survives. A catcher that is "check" runs `lampsim check` on the
seeds or the case of the mutant, the others the named test file.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(Path(__file__).parent))
from mutants import CHECK, MUTANTS, QUICK, Case, Mutant  # noqa: E402 - a script beside its data

TIMEOUT_S = 900
FOLDERS = ("edge", "gateway", "sim")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only mutants whose name contains one of these")
    parser.add_argument("--quick", action="store_true", help="only the few that the tests run")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    chosen = [m for m in MUTANTS if not options.quick or m.name in QUICK]
    chosen = [m for m in chosen if not options.names or any(name in m.name for name in options.names)]
    survived = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for mutant, (caught, how) in zip(chosen, pool.map(try_one, chosen), strict=True):
            survived += not caught
            print(f"{'caught  ' if caught else 'SURVIVED'} {mutant.name}: {how}", flush=True)
    print(f"{len(chosen)} mutants, {len(chosen) - survived} caught, {survived} survived")
    return 1 if survived else 0


def try_one(mutant: Mutant) -> tuple[bool, str]:
    """(caught, by what): the mutant in a copy of the code, and its catcher against it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name in FOLDERS:
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        apply(mutant, place)
        begun = time.monotonic()
        caught, how = _check(mutant.case, place) if mutant.catcher == CHECK else _test(mutant.catcher, place)
        return caught, f"{how} ({time.monotonic() - begun:.0f} s)"


def apply(mutant: Mutant, place: Path) -> None:
    """Change the one place. Raises ValueError where it is not there exactly once."""
    path = place / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant.name}: {mutant.file} holds the old text {text.count(mutant.old)} times, not once")
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")


def _check(case: Case, place: Path) -> tuple[bool, str]:
    what = ["--seed", case.seeds, "--faults", case.faults] if case.faults else ["--seeds", case.seeds]
    words = ["-m", "lampsim", "check", *what, "--jobs", "1", "--no-shrink", "--json"]
    done = _python(words, place)
    if done.returncode == 1 and done.stdout.startswith("{"):
        broken = json.loads(done.stdout)["broken"][0]
        return True, f"lampsim check, seed {broken['seed']}: {broken['text']}"
    return False, f"lampsim check ends with {done.returncode}: {(done.stdout or done.stderr)[-200:]}"


def _test(name: str, place: Path) -> tuple[bool, str]:
    words = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(ROOT / name), "--rootdir", str(ROOT)]
    done = _python([*words, "-c", str(ROOT / "pyproject.toml")], place)
    last = (done.stdout.strip().splitlines() or [done.stderr[-200:]])[-1]
    return done.returncode == 1, f"{name}: {last}"


def _python(words: list[str], place: Path) -> subprocess.CompletedProcess:
    path = os.pathsep.join(str(place / name) for name in FOLDERS)
    environment = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *words], cwd=place, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
    )


if __name__ == "__main__":
    sys.exit(main())
