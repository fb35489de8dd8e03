"""The structure that everything else relies on: who may import whom, and what stays pure."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {"lamppost": ROOT / "edge", "lamplighter": ROOT / "gateway", "lampsim": ROOT / "sim"}
FILES = sorted(path for folder in FOLDERS.values() for path in folder.rglob("*.py") if "typings" not in path.parts)

# Modules of the pure line take bytes or events plus `now`: what they import may not reach a clock, a file or a socket.
PURE_GATEWAY = {
    "centre": "near topics",
    "footfall": "flow flow_crowd flow_estimate flow_place flow_privacy flow_track",
    "lines": (
        "air_poll burst cast counters hearing hints jobs line line_clock poll procedures relay roster "
        "slot speaking timekeeper turns visit"
    ),
    "reports": "alarms energy fleet",
    "search": "finding",
    "wanted": "commands desired firmware plan_sync",
}
PURE = (
    "lamppost.wire", "lamppost.light", "lamppost.store", "lamppost.post", "lamppost.answers", "lamppost.line",
    "lamppost.meter", "lamppost.clock", "lamppost.console", "lamppost.health", "lamppost.upkeep", "lamppost.timing",
    "lamppost.life", "lamppost.energy", "lamppost.found", "lamppost.dali", "lamppost.intake", "lamppost.blocks",
    "lamplighter.plans.compile", "lamplighter.plans.neighbours", "lamplighter.plans.neighbourhood",
    "lamplighter.plans.streets", "lamplighter.firmware_image",
    *(f"lamplighter.gateway.{package}.{name}" for package, names in PURE_GATEWAY.items() for name in names.split()),
)  # fmt: skip
IMPURE = ("asyncio", "time", "random", "logging", "os", "socket", "secrets", "sqlite3", "select", "threading", "serial")

SHARED = ("lamppost.wire", "lamppost.light", "lamppost.limits")
# A module in the first place may import lamppost only from the second.
LAYERS = (
    ("lamppost.wire", ("lamppost.wire", "lamppost.limits")),
    ("lamppost.light", ("lamppost.light", "lamppost.limits", "lamppost.forget", "lamppost.wire")),
    ("lamppost.store", ("lamppost.store", "lamppost.limits", "lamppost.wire", "lamppost.light.output")),
    ("lamplighter.gateway", ("lamppost.wire", "lamppost.light", "lamppost.limits")),
    ("lamplighter.office", ("lamppost.wire", "lamppost.light", "lamppost.limits")),
    ("lamplighter.technician", ("lamppost.wire", "lamppost.light", "lamppost.limits")),
    ("lamplighter.plans", ("lamppost.wire", "lamppost.light", "lamppost.limits")),
    ("lamplighter.update", ("lamppost.sign",)),
    # the signer lets the board's own code judge what it has signed
    (
        "lamplighter.provision",
        (
            "lamppost.wire",
            "lamppost.light",
            "lamppost.limits",
            "lamppost.sign",
            "lamppost.store",
            "lamppost.update",
            "lamppost.boards",  # whose pins judge a board.json before it is written
        ),
    ),
)
APART = ("lamplighter.gateway", "lamplighter.office", "lamplighter.technician", "lamplighter.provision")


def module_of(path: Path) -> str:
    for folder in FOLDERS.values():
        if path.is_relative_to(folder):
            parts = path.relative_to(folder).with_suffix("").parts
            return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    raise AssertionError(path)


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module_of(path).split(".")[: -node.level] if node.level and path.name != "__init__.py" else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            found.add(source)
            found.update(f"{source}.{alias.name}" for alias in node.names)
    return found


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_direction_of_imports(path: Path) -> None:
    module, imports = module_of(path), imports_of(path)
    if not within(module, "lampsim"):
        assert not [name for name in imports if within(name, "lampsim")], "nothing imports lampsim but tests"
    if within(module, "lamppost"):
        assert not [name for name in imports if within(name, "lamplighter")]
    for layer, allowed in LAYERS:
        if within(module, layer):
            ours = [name for name in imports if name.startswith("lamppost.")]
            assert not [name for name in ours if not any(within(name, package) for package in allowed)]
    for one in APART:
        if within(module, one):
            others = [other for other in APART if other != one]
            assert not [name for name in imports if any(within(name, other) for other in others)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_pure_line(path: Path) -> None:
    if any(within(module_of(path), pure) for pure in PURE):
        impure = [name for name in imports_of(path) if name.split(".")[0] in IMPURE]
        assert not impure, "bytes or events plus now, nothing else"


def test_only_the_agent_and_boards_know_asyncio() -> None:
    users = [module_of(path) for path in FILES if "asyncio" in imports_of(path)]
    on_boards = [name for name in users if within(name, "lamppost") and not within(name, "lamppost.boards")]
    assert sorted(on_boards) == ["lamppost.__main__", "lamppost.agent"]


def test_the_root_holds_only_what_was_agreed() -> None:
    allowed = {"pyproject.toml", "README.md", "LICENSE", "edge", "gateway", "sim", "tests", "deploy"}
    made_here = {"build", "dist", "typings"}
    assert {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - made_here == allowed


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_says_what_it_promises(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "a module opens with its docstring"
