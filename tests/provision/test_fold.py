"""Constants become numbers, and nothing else changes."""

import ast
import contextlib
import re
import sys
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from lamplighter.provision import board_files
from lamplighter.provision.fold import fold

LIMITS = "try:\n    from micropython import const\nexcept ImportError:\n    def const(x):\n        return x\n\n"
LIMITS += (
    "MOST = const(7 * 86400)  # why\nLEAST = -2\nSURE = True\nHALF = 0.5\nNAME = 'x'\nTWICE = MOST + LEAST\nTEN = 10\n"
)


def folded(text: str, *more: tuple[str, str]) -> str:
    """`text` as a module that another one reads, with limits.py."""
    return world(("a/m.py", text), ("a/reader.py", "from a import m\nm.run()\n"), *more)["a/m.py"]


def world(*files: tuple[str, str]) -> dict[str, str]:
    return fold({"a/__init__.py": "", "a/limits.py": LIMITS, **dict(files)})


def test_an_imported_constant_is_a_number_and_its_import_goes() -> None:
    assert folded("from a.limits import MOST\n\nX = [MOST, MOST + 1]\n") == "\n\nX = [604800, 604800 + 1]\n"
    assert folded("from a.limits import MOST, f\nX = [MOST, f]\n") == "from a.limits import f\nX = [604800, f]\n"
    assert folded("from a.limits import MOST as M\ndef g():\n    return M\n") == "\ndef g():\n    return 604800\n"
    assert folded("def g():\n    from a.limits import TEN\n    return TEN\n") == "def g():\n    pass\n    return 10\n"


def test_an_attribute_of_its_module_is_a_number() -> None:
    assert folded("from a import limits\nX = [limits.MOST]\n") == "\nX = [604800]\n"
    assert folded("from a import limits as l\nX = [l.TEN, l.HALF]\n") == "from a import limits as l\nX = [10, l.HALF]\n"


def test_signs_truth_and_attributes_keep_their_meaning() -> None:
    assert folded("from a.limits import LEAST\nX = [LEAST**2, 1 - LEAST]\n") == "\nX = [(-2)**2, 1 - (-2)]\n"
    assert folded("from a.limits import SURE\nX = [SURE]\n") == "\nX = [True]\n"
    assert folded("from a.limits import TEN\nX = [TEN.real, -TEN]\n") == "\nX = [(10).real, -10]\n"
    assert folded("from a.limits import TWICE\nX = [TWICE]\n") == "\nX = [604798]\n"


def test_what_is_no_whole_number_stays() -> None:
    for text in ("from a.limits import HALF\nX = [HALF]\n", "from a.limits import NAME\nX = [NAME]\n"):
        assert folded(text) == text


def test_an_own_constant_is_folded_and_goes_with_its_lines() -> None:
    assert folded("_A = (\n    3\n)  # why\n\n\ndef g(x=_A):\n    return x + _A\n") == (
        "\n\n  # why\n\n\ndef g(x=3):\n    return x + 3\n"
    )
    assert folded("B = 4\nX = [B]\n") == "\nX = [4]\n"


def test_numbers_in_a_row_are_folded_and_go_when_none_of_them_is_read() -> None:
    assert folded("A, B = range(2)\nX = [A, B]\n") == "\nX = [0, 1]\n"
    assert folded("_A, _B = range(\n    7, 9\n)\nX = [_B]\n") == "\n\n\nX = [8]\n"
    kept = "A, B = range(2)\nX = [0, B]\nB += 1\n"
    assert folded("A, B = range(2)\nX = [A, B]\nB += 1\n") == kept
    for text in ("A, B = range(3)\nX = [A]\n", "def range(n):\n    pass\nA, B = range(2)\nX = [A]\n"):
        assert folded(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "from a.limits import TEN\ndef g(TEN):\n    return TEN\n",
        "from a.limits import TEN\ndef g(x, *TEN):\n    return TEN\n",
        "from a.limits import TEN\ndef g():\n    TEN = 3\n    return TEN\n",
        "from a.limits import TEN\ndef g():\n    for TEN in range(3):\n        pass\n    return TEN\n",
        "from a.limits import TEN\ndef g():\n    with open('f') as TEN:\n        return TEN\n",
        "from a.limits import TEN\ndef g():\n    try:\n        g()\n    except OSError as TEN:\n        return TEN\n",
        "from a.limits import TEN\nX = [TEN for TEN in range(3)]\n",
        "from a.limits import TEN\nX = lambda TEN: TEN\n",
        "from a.limits import TEN\nclass A:\n    TEN = 3\n    X = [TEN]\n",
        "from a.limits import TEN\ndef g():\n    def TEN():\n        pass\n    return TEN\n",
        "from a.limits import TEN\ndef g():\n    import TEN\n    return TEN\n",
        "from a.limits import TEN\ndef g():\n    from b import TEN\n    return TEN\n",
        "from a.limits import TEN\ndef g():\n    if (TEN := 3):\n        return TEN\n",
        "from a.limits import TEN\nTEN += 1\nX = [TEN]\n",
        "TEN = 10\ndel TEN\nX = [TEN]\n",
        "TEN = 10\nTEN = 11\nX = [TEN]\n",
        "TEN = 10\ndef g():\n    global TEN\n    TEN = 11\nX = [TEN]\n",
        "if X:\n    TEN = 10\nX = [TEN]\n",
        "TEN = OTHER = 10\nX = [TEN]\n",
        "TEN, OTHER = 10, 11\nX = [TEN]\n",
        "TEN = TEN\nX = [TEN]\n",
        "TEN = 10\nX = f'{TEN}'\n",
        "from b import TEN\nX = [TEN]\n",
    ],
)
def test_a_name_that_may_be_something_else_is_left_alone(text: str) -> None:
    assert folded(text) == text


def test_a_constant_that_another_module_changes_is_none() -> None:
    changes = ("a/other.py", "from a import m\nm.TEN = 11\n")
    assert folded("TEN = 10\nX = [TEN]\n", changes) == "TEN = 10\nX = [TEN]\n"


def test_a_definition_stays_for_who_reads_it_some_other_way() -> None:
    assert folded("TEN = 10\nX = [TEN]\n", ("a/o.py", "import a.m\nY = a.m.TEN\n")) == "TEN = 10\nX = [10]\n"
    assert folded("TEN = 10\nX = [TEN]\n", ("a/o.py", "from a.m import *\n")) == "\nX = [10]\n"
    assert world(("a/alone.py", "TEN = 10\nX = [TEN]\n"))["a/alone.py"] == "TEN = 10\nX = [10]\n"


def test_a_module_that_only_makes_constants_is_not_imported_for_it() -> None:
    files = world(("a/m.py", "from a.limits import const\n\n_B = const(4)\nX = [_B]\n"))
    assert files["a/m.py"] == "\n\n\nX = [4]\n"
    assert files["a/limits.py"].count("const(") == LIMITS.count("const(")


def test_a_reader_of_a_firmware_is_folded_with_its_constants() -> None:
    sources = {"a/__init__.py": "", "a/limits.py": LIMITS}
    text = "from a import limits\nTEN = 5\nX = [limits.TEN, TEN]\n"
    assert fold(sources, {"test.py": text})["test.py"] == "\nTEN = 5\nX = [10, TEN]\n"


def test_a_file_that_is_no_python_is_named() -> None:
    with pytest.raises(SyntaxError) as caught:
        world(("a/m.py", "def\n"))
    assert caught.value.filename == "a/m.py"


def test_every_number_is_what_python_itself_says_and_stands_at_its_line(monkeypatch) -> None:
    for name in ("machine", "network", "esp32", "rp2"):  # a board's, of which no constant is made
        monkeypatch.setitem(sys.modules, name, MagicMock())
    sources = board_files.texts()
    after = fold(sources)
    count = 0
    for path, text in sources.items():
        if after[path] == text:
            continue
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        names = {"__name__": module, "__package__": module.rpartition(".")[0]}
        exec(compile(text, path, "exec"), names)
        assert after[path].count("\n") == text.count("\n")
        old, new = ast.parse(text), ast.parse(after[path])
        count += Same(names).statements(old.body, new.body)
    assert count > 800


class Same:
    """Walks two trees in step: where one has a name and the other a number, the name's value is that number."""

    def __init__(self, names: dict[str, object]):
        self._names = dict(names)

    def statements(self, old: list, new: list) -> int:
        """Compare two bodies; imports and definitions of constants may have gone. Return how many numbers there are."""
        count, left = 0, list(new)
        for node in old:
            if left and self._starts(node, left[0]):
                count += self.nodes(node, left.pop(0))
            else:
                assert isinstance(node, ast.Import | ast.ImportFrom | ast.Assign), ast.dump(node)
        assert not left
        return count

    def nodes(self, old: ast.AST, new: ast.AST) -> int:
        if isinstance(old, ast.Name | ast.Attribute) and not isinstance(new, type(old)):
            value = eval(ast.unparse(old), self._names)  # the module's own names
            number = ast.literal_eval(ast.unparse(new))
            assert (type(number), number) == (type(value), value), ast.unparse(old)
            return 1
        if isinstance(old, ast.ImportFrom):
            assert isinstance(new, ast.Pass | ast.ImportFrom)
            for alias in old.names:  # of a function: the names are new
                if (alias.asname or alias.name) not in self._names:
                    with contextlib.suppress(ImportError):  # what only a board has
                        exec(ast.unparse(old), self._names)
            return 0
        assert type(old) is type(new)
        assert getattr(old, "lineno", 0) == getattr(new, "lineno", 0)
        count = 0
        for (name, before), (_, after) in zip(ast.iter_fields(old), ast.iter_fields(new), strict=True):
            if name == "body" and isinstance(before, list):
                count += self.statements(before, after)
            elif isinstance(before, list):
                assert len(before) == len(after)
                count += sum(self.nodes(a, b) for a, b in zip(before, after, strict=True) if isinstance(a, ast.AST))
            elif isinstance(before, ast.AST):
                count += self.nodes(before, after)
            else:
                assert before == after or name in ("lineno", "type_comment")
        return count

    def _starts(self, old: ast.stmt, new: ast.stmt) -> bool:
        return old.lineno == new.lineno


def test_the_tree_of_a_board_imports_no_limits() -> None:
    for path, text in fold(board_files.texts()).items():
        assert not re.search(r"import limits|from lamppost\.limits", text), path
    assert Path(board_files.sources() / "limits.py").read_text() == fold(board_files.texts())["lamppost/limits.py"]
