"""Real wheels of the gateway under other version numbers, built and signed without a network, and small ones."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from lamplighter.provision.secret_key import SecretKey

ROOT = Path(__file__).parents[3]
SMALL = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "{name}"
version = "{version}"
dependencies = {requires}
[project.optional-dependencies]
gateway = []
[project.scripts]
lamplighter = "lamplighter:main"
[tool.hatch.build.targets.wheel]
packages = ["lamplighter"]
"""
PROGRAM = 'import sys\ndef main():\n    {start}\n    print("lamplighter, version {version}")\n'


class Releases:
    """Builds into `folder`; `key` signs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = SecretKey.new()
        self.key.write(folder / "site.key")
        self.public = folder / "site.pub"

    def whole(self, version: str, change: tuple[str, str, str] | None = None) -> Path:
        """The gateway as it is in this tree, under another version; `change`: a file, a text in it, and another."""
        place = self.folder / f"whole-{version}"
        for name in ("edge", "gateway", "sim"):
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("README.md", "LICENSE"):
            shutil.copy(ROOT / name, place)
        text = (ROOT / "pyproject.toml").read_text()
        (place / "pyproject.toml").write_text(re.sub(r'\nversion = ".*"', f'\nversion = "{version}"', text, count=1))
        inner = place / "gateway/lamplighter/__init__.py"
        inner.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', inner.read_text()))
        if change:
            file, old, new = change
            before = (place / file).read_text()
            assert before.count(old) == 1
            (place / file).write_text(before.replace(old, new))
        return self._build(place)

    def small(self, version: str, name: str = "lamplighter", requires: str = "[]", start: str = "pass") -> Path:
        """A wheel with nothing but a program that says its version."""
        place = self.folder / f"{name}-{version}-{abs(hash((requires, start)))}"
        (place / "lamplighter").mkdir(parents=True)
        (place / "pyproject.toml").write_text(SMALL.format(name=name, version=version, requires=requires))
        (place / "lamplighter" / "__init__.py").write_text(PROGRAM.format(version=version, start=start))
        return self._build(place)

    def sign(self, wheel: Path, minimum: str = "0") -> Path:
        """As its user does; the signature's path."""
        words = ["sign-wheel", str(wheel), "--minimum", minimum, "--key", str(self.folder / "site.key")]
        done = subprocess.run([sys.executable, "-m", "lamplighter", *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return wheel.with_name(wheel.name + ".minisig")

    def _build(self, place: Path) -> Path:
        words = ["-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(place / "dist"), str(place)]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "wheel", *words], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        (wheel,) = (place / "dist").glob("*.whl")
        return wheel
