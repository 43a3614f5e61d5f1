"""Each error has a code of its own, and the tree drawn at the head of their package is the tree there is."""

from __future__ import annotations

import ast
import inspect
import re

from entrepot import errors
from entrepot.errors import EntrepotError

LINE = re.compile(r"^(?P<branch>[ │├└─]*)(?P<name>[A-Z]\w+)(?: +(?P<code>PLP\d{4}) +(?P<status>\d{3}))?$")

ERRORS = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, EntrepotError) and value.__module__.startswith(errors.__name__)
]


def drawn_tree() -> dict[str, tuple[str, str, int]]:
    """Name -> (name above, code, status), as the module's head draws it."""
    above: list[str] = []
    drawn = {}
    for line in inspect.getdoc(errors).splitlines():
        match = LINE.match(line)
        if match is None or not (match["code"] or match["name"] == EntrepotError.__name__):
            continue
        depth = match.start("name") // 4 - 1
        del above[depth:]
        if match["code"]:
            drawn[match["name"]] = (above[-1], match["code"], int(match["status"]))
        above.append(match["name"])
    return drawn


def test_the_tree_drawn_in_the_head_is_the_real_one() -> None:
    real = {
        error.__name__: (error.__base__.__name__, error.code, error.status) for error in ERRORS if error is not EntrepotError
    }

    assert drawn_tree() == real


def test_no_code_is_used_twice() -> None:
    codes = [error.code for error in ERRORS]

    assert sorted(codes) == sorted(set(codes))


def test_every_error_sets_its_own_code() -> None:
    assert [error.__name__ for error in ERRORS if "code" not in vars(error)] == []


def test_every_errors_docstring_begins_with_one_sentence() -> None:
    wordy = [error.__name__ for error in ERRORS if not inspect.getdoc(error).splitlines()[0].endswith(".")]

    assert wordy == []


def test_errors_are_defined_nowhere_else(engine_modules) -> None:
    names = {error.__name__ for error in ERRORS}
    elsewhere = [
        f"{module.place(node)} {node.name}"
        for module in engine_modules
        if not module.name.startswith(errors.__name__)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and any(isinstance(base, ast.Name) and base.id in names for base in node.bases)
    ]

    assert elsewhere == []
