"""The failure matrix names tests that exist, and the table in the repository is the matrix, green."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from failures import ROWS, TABLE, table  # noqa: E402 - a script beside its data


@pytest.mark.parametrize("name", sorted({test for row in ROWS for test in row.tests}))
def test_the_named_test_exists(name) -> None:
    path, function = name.split("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.skipif(not TABLE.exists(), reason="python tests/failures.py has not written it yet")
def test_the_table_is_the_matrix_and_green() -> None:
    assert TABLE.read_text(encoding="utf-8") == table([True] * len(ROWS)), "run: python tests/failures.py"
