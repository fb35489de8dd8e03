"""The tests as MicroPython gets them: what they read of a board's constants is a number, for a board keeps no names."""

from pathlib import Path

from lamplighter.provision import board_files
from lamplighter.provision.fold import fold

HERE = Path(__file__).parents[1]


def fold_tests(folder: Path) -> Path:
    """Write all of tests/edge into a folder of that name below `folder`, folded, the vectors beside it; return it."""
    tests = {path.name: path.read_text() for path in HERE.glob("*.py")}
    texts = fold(board_files.texts(), tests)
    target = folder / "edge"
    target.mkdir()
    (folder / "vectors").symlink_to(HERE.parent / "vectors")
    for name in tests:
        (target / name).write_text(texts[name])
    return target
