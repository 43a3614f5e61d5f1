"""Modules are small, have a name that says something, and say what they and their public names are for."""

from __future__ import annotations

import ast
from pathlib import Path

LINES = 400
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "handler"}

Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public_names(body: list[ast.stmt], prefix: str = "") -> list[tuple[str, Documented]]:
    found: list[tuple[str, Documented]] = []
    for node in body:
        if isinstance(node, Documented) and not node.name.startswith("_"):
            found.append((prefix + node.name, node))
            if isinstance(node, ast.ClassDef):
                found.extend(public_names(node.body, f"{prefix}{node.name}."))
    return found


def needs_no_docstring(node: Documented, lines: list[str]) -> bool:
    """A library's hook is explained by the library, and says so on its line; an overload by what it overloads."""
    is_overload = any(isinstance(decorator, ast.Name) and decorator.id == "overload" for decorator in node.decorator_list)
    return is_overload or "noqa: D10" in lines[node.lineno - 1]


def test_no_module_is_longer_than_400_lines(modules) -> None:
    long = {module.name: count for module in modules if (count := len(module.source.splitlines())) > LINES}

    assert long == {}


def test_no_module_or_folder_has_a_name_that_says_nothing(modules) -> None:
    empty = [module.name for module in modules if NAMES_THAT_SAY_NOTHING & set(module.name.split("."))]

    assert empty == []


def test_every_folder_with_modules_is_a_package(modules) -> None:
    folders = {module.path.parent for module in modules}

    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_every_module_says_what_it_is_for(modules) -> None:
    silent = [module.place(module.tree) for module in modules if not ast.get_docstring(module.tree)]

    assert silent == []


def test_every_public_name_has_a_docstring(modules) -> None:
    silent = [
        f"{module.place(node)} {name}"
        for module in modules
        for name, node in public_names(module.tree.body)
        if not ast.get_docstring(node) and not needs_no_docstring(node, module.source.splitlines())
    ]

    assert silent == []


def test_no_package_exports_a_name_that_is_also_its_modules(modules) -> None:
    twins = [
        f"{module.name}: {name}"
        for module in modules
        if module.path.name == "__init__.py"
        for name in sorted({path.stem for path in module.path.parent.iterdir() if is_module(path)} & exports(module.tree))
    ]

    assert twins == []


def exports(tree: ast.Module) -> set[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(name, ast.Name) and name.id == "__all__" for name in node.targets):
            return set(ast.literal_eval(node.value))
    return set()


def is_module(path: Path) -> bool:
    return path.suffix == ".py" or (path / "__init__.py").exists()
