"""Tests of code that a model wrote: one passes if it ends with a mark that nothing in the tested code can know."""

import ast

from tasks.reply import Reply


def wrong_python(text: str) -> str:
    """Why a text is no Python program, in one line; empty where it is one."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"
    return "" if tree.body else "it is empty"


def untested(test: str) -> str:
    """Why a test tests nothing, in one line; empty where it does."""
    if why := wrong_python(test):
        return f"it is no Python: {why}"
    checks = any(isinstance(n, ast.Assert | ast.Raise) for n in ast.walk(ast.parse(test)))
    return "" if checks else "it asserts nothing"


def marked_cell(test: str, mark: str) -> str:
    """The cell that runs a test, beside the files that it imports, and sets `passed` to the mark at its end."""
    return f"{BEFORE}\n{test}\n{AFTER}\npassed = {mark!r}"


def has_passed(ran: Reply | None, mark: str) -> bool:
    """Whether the run of a cell came to its end."""
    return bool(ran and ran.ok and ran.data()["ok"] and ran.data()["values"].get("passed") == mark)


BEFORE = 'import sys\nsys.path.insert(0, ".")'
AFTER = """\
for _name, _test in list(globals().items()):
    if _name.startswith("test") and callable(_test) and _test.__module__ == "__main__":
        _test()"""
