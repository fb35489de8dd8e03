"""Constants that a module's source names become numbers before it is compiled for a board.

MicroPython keeps the name of each constant and an entry in each module that imports it, and looks it up at each use.
`fold` takes every module of a firmware and returns the same with whole numbers and truth values in the place of their
names. What it keeps: a line stays at its number, what is compiled does what it did. A name is folded only where all of
its file says the same of it: it is bound once, at the top of its module, or imported, and nothing else in the file is
called so, no argument, no local variable, no attribute of a class. Everything else is left alone.

A definition that nobody reads any more goes too, unless nobody reads anything of its module (limits.py): that costs a
board no memory.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Iterator

_BINARY = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod, ast.LShift: operator.lshift, ast.RShift: operator.rshift, ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_, ast.BitXor: operator.xor,
}  # fmt: skip
_UNARY = {ast.USub: operator.neg, ast.Invert: operator.invert, ast.UAdd: operator.pos, ast.Not: operator.not_}
_ROUNDS = 5  # a definition that goes takes with it what only it has read; three will do
Import = ast.Import | ast.ImportFrom
Part = tuple[str, str]  # a module and a name of it
Edit = tuple[ast.stmt | ast.expr, str]  # what goes, and what stands in its place


def fold(sources: dict[str, str], readers: dict[str, str] | None = None) -> dict[str, str]:
    """{path: source} of all modules that run together, such as lamppost/wire/cobs.py, with their constants folded.

    `readers` are folded as well and returned, but no definition stays for them. Raises SyntaxError where a source has
    one.
    """
    every = {**sources, **(readers or {})}
    modules = {path: _Module(path, text) for path, text in every.items()}
    world = _World([modules[path] for path in sources])
    gone: set[ast.AST] = set()
    for _ in range(_ROUNDS):
        edits = {module.name: world.edits(module, gone) for module in modules.values()}
        unread = world.unread(edits, gone)
        before, gone = gone, {below for nodes in unread.values() for node in nodes for below in ast.walk(node)}
        if gone == before:
            break
    else:
        raise RuntimeError("constants that come and go: import `const` from micropython where it is used")
    for name, definitions in unread.items():
        edits[name] += [(node, "") for node in definitions]
    return {path: _edited(text, edits[modules[path].name]) for path, text in every.items()}


class _Module:
    """A module's tree, and what its names are bound to."""

    def __init__(self, path: str, text: str):
        self.name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        self.tree = ast.parse(text, path)
        self.above = {below: node for node in ast.walk(self.tree) for below in ast.iter_child_nodes(node)}
        self.bound: dict[str, list[ast.AST]] = {}
        for bound, node in _bindings(self.tree):
            self.bound.setdefault(bound, []).append(node)
        formatted = [node for node in ast.walk(self.tree) if isinstance(node, ast.JoinedStr)]
        inside = [node for one in formatted for node in ast.walk(one)]  # whose places Python 3.11 does not tell
        self._aloof = {node.id for node in inside if isinstance(node, ast.Name)}

    def definition(self, name: str) -> ast.Assign | None:
        """The one statement at the top that binds `name`, where that is all that binds it."""
        nodes = self.bound.get(name, [])
        if len(nodes) != 1 or not isinstance(nodes[0], ast.Assign) or name in self._aloof:
            return None
        return nodes[0] if self.above[nodes[0]] is self.tree and len(nodes[0].targets) == 1 else None

    def origin(self, name: str) -> Part | None:
        """What `name` is imported from, where nothing else binds it."""
        found = set()
        for node in self.bound.get(name, []):
            if not isinstance(node, ast.ImportFrom) or node.level or name in self._aloof:
                return None
            found |= {(node.module or "", alias.name) for alias in node.names if (alias.asname or alias.name) == name}
        return found.pop() if len(found) == 1 else None

    def part(self, node: ast.AST) -> Part | None:
        """What an attribute of an imported name is, where that name is a module's."""
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            return None
        origin = self.origin(node.value.id)
        return (".".join(origin), node.attr) if origin else None


class _World:
    """All modules of a firmware, and which of their names are constants."""

    def __init__(self, modules: list[_Module]):
        self._modules = {module.name: module for module in modules}
        self._values: dict[Part, int | None] = {}
        self._changed = {
            module.part(node)
            for module in modules
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
        }

    def value(self, part: Part) -> int | None:
        """What a name of a module is, None where it is no constant."""
        if part not in self._values:
            self._values[part] = None  # one that needs itself is none
            module = self._modules.get(part[0])
            if module and part not in self._changed:
                self._values[part] = self._defined(module, part[1])
        return self._values[part]

    def edits(self, module: _Module, gone: set[ast.AST]) -> list[Edit]:
        """What changes in a module: its uses of constants, and the imports that it then no longer needs.

        `gone` has what is no longer there.
        """
        edits: list[Edit] = []
        folded: set[ast.AST] = set()
        for node in ast.walk(module.tree):
            value = self._use(module, node) if node not in gone else None
            if value is not None and isinstance(node, ast.expr):
                bare = value >= 0 and not isinstance(module.above[node], ast.Attribute)
                edits.append((node, repr(value) if bare else f"({value!r})"))
                folded |= set(ast.walk(node))
        left = [node for node in ast.walk(module.tree) if node not in folded and node not in gone]
        read = {node.id for node in left if isinstance(node, ast.Name)}
        for node in left:
            if isinstance(node, ast.ImportFrom) and not node.level:
                kept = [alias for alias in node.names if not self._needless(module, node, alias, read)]
                if len(kept) < len(node.names):
                    edits.append((node, _import(node.module or "", kept, module.above[node] is module.tree)))
        return edits

    def unread(self, edits: dict[str, list[Edit]], gone: set[ast.AST]) -> dict[str, list[ast.Assign]]:
        """{module: definitions} of constants that nobody reads any more once the edits are made."""
        parts: set[Part] = set()
        attributes: set[str] = set()  # of whatever: a constant of that name stays
        names: dict[str, set[str]] = {}
        for name, module in self._modules.items():
            texts = dict(edits[name])
            folded = {below for node in texts if isinstance(node, ast.expr) for below in ast.walk(node)}
            names[name] = set()
            for node in ast.walk(module.tree):
                part = module.part(node)
                if node in folded or node in gone:
                    continue
                if part:
                    parts.add(part)
                elif isinstance(node, ast.Attribute):
                    attributes.add(node.attr)
                elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                    names[name].add(node.id)
                elif isinstance(node, Import):
                    parts |= _imported(texts.get(node), node)
        needed = {source for source, _ in parts} | {f"{source}.{name}" for source, name in parts}
        found: dict[str, list[ast.Assign]] = {}
        for name, module in self._modules.items():
            keep = attributes | names[name] | {one for source, one in parts if source == name}
            for definition in {module.definition(one) for one in module.bound}:
                bound = [one.id for one in _plain(definition) if isinstance(one, ast.Name)] if definition else []
                constant = bound and all(self.value((name, one)) is not None and one not in keep for one in bound)
                private = all(one.startswith("_") and not one.startswith("__") for one in bound)
                if definition and constant and (private or name in needed):
                    found.setdefault(name, []).append(definition)
        return found

    def _defined(self, module: _Module, name: str) -> int | None:
        definition, origin = module.definition(name), module.origin(name)
        if not definition:
            return self.value(origin) if origin else None
        target = definition.targets[0]
        if not isinstance(target, ast.Tuple):
            return self._of(module, definition.value)
        assert isinstance(definition.value, ast.Call)
        ends = [self._of(module, one) for one in definition.value.args]
        if None in ends or definition.value.keywords or not 1 <= len(ends) <= 3 or "range" in module.bound:
            return None
        numbers = range(*[end for end in ends if end is not None])
        places = [one.id for one in target.elts if isinstance(one, ast.Name)]
        return numbers[places.index(name)] if len(places) == len(numbers) else None

    def _use(self, module: _Module, node: ast.AST) -> int | None:
        """The value of an expression that reads a constant by its name, or as an attribute of its module."""
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if module.name in self._modules:
                return self.value((module.name, node.id))
            origin = module.origin(node.id)  # a reader's own constants are its own affair
            return self.value(origin) if origin else None
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.lineno == node.end_lineno:
            part = module.part(node)
            return self.value(part) if part else None
        return None

    def _of(self, module: _Module, node: ast.expr) -> int | None:
        """The value of a definition, None where it is not made of whole numbers and constants alone."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, int) else None
        if isinstance(node, ast.Call):
            plain = isinstance(node.func, ast.Name) and node.func.id == "const" and len(node.args) == 1
            return self._of(module, node.args[0]) if plain else None
        if isinstance(node, ast.UnaryOp):
            value = self._of(module, node.operand)
            return None if value is None else _UNARY[type(node.op)](value)
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            left, right = self._of(module, node.left), self._of(module, node.right)
            return None if left is None or right is None else _BINARY[type(node.op)](left, right)
        return self._use(module, node)

    def _needless(self, module: _Module, node: ast.ImportFrom, alias: ast.alias, read: set[str]) -> bool:
        """Whether an imported name is a constant, what makes one, or a module, and is read nowhere any more."""
        name, source = alias.asname or alias.name, node.module or ""
        if name in read or not module.origin(name):
            return False
        return (
            alias.name == "const"
            or self.value((source, alias.name)) is not None
            or f"{source}.{alias.name}" in self._modules
        )


def _bindings(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """(name, what binds it) for every name of a module, at its top or anywhere below."""
    plain = {one: node for node in ast.walk(tree) if isinstance(node, ast.Assign) for one in _plain(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id, plain.get(node, node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.arg):
            yield node.arg, node
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from ((name, node) for name in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name, node
        elif isinstance(node, Import):
            yield from ((alias.asname or alias.name.split(".")[0], node) for alias in node.names)


def _plain(node: ast.Assign) -> list[ast.expr]:
    """What an assignment binds, where it is one name, or one name for each number of a range."""
    target = node.targets[0]
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Call):
        named = all(isinstance(one, ast.Name) for one in target.elts)
        return target.elts if named and isinstance(node.value.func, ast.Name) and node.value.func.id == "range" else []
    return [target]


def _import(source: str, kept: list[ast.alias], at_top: bool) -> str:
    """The statement that imports what is left; where that is nothing, one that does nothing."""
    if not kept:
        return "" if at_top else "pass"
    names = [alias.name + (f" as {alias.asname}" if alias.asname else "") for alias in kept]
    return f"from {source} import {', '.join(names)}"


def _imported(text: str | None, node: Import) -> set[Part]:
    """All that an import takes, or what stands in its place."""
    found: set[Part] = set()
    for one in ast.parse(text).body if text is not None else [node]:
        if isinstance(one, ast.ImportFrom):
            found |= {(one.module or "", alias.name) for alias in one.names}
        elif isinstance(one, ast.Import):
            found |= {(alias.name, "") for alias in one.names}
    return found


def _edited(text: str, edits: list[Edit]) -> str:
    """The text with each node's own replaced; a statement over several lines leaves as many."""
    lines = text.encode().split(b"\n")
    for node, new in sorted(edits, key=lambda edit: (edit[0].lineno, edit[0].col_offset), reverse=True):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        rest = lines[last][node.end_col_offset :]
        head = lines[first][: node.col_offset] + new.encode()
        lines[first : last + 1] = [head, *[b""] * (last - first - 1), rest] if last > first else [head + rest]
    return b"\n".join(lines).decode()
