"""Modules that are needed now and then: loaded for it, and forgotten, so that their memory serves the light."""

import sys

CPYTHON = sys.implementation.name == "cpython"


def forget(package: str, *names: str) -> None:
    """Let modules of a package go, whether they were loaded or not. Nothing that lives on may be defined in one.

    On CPython, which has the memory, they stay. An import that failed on a board leaves nothing behind, and the next
    begins anew.
    """
    if CPYTHON:
        return
    above = sys.modules[package]
    for name in names:
        sys.modules.pop("%s.%s" % (package, name), None)
        if hasattr(above, name):
            delattr(above, name)
