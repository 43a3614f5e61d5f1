"""What the house tests read: every module of the engine and the plugins, as a syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class SourceModule:
    """One module as its author left it."""

    path: Path
    name: str  # entrepot.models.connection

    @property
    def room(self) -> str:
        """The room of the house it stands in: `models` for `entrepot.models.connection`, else the distribution's package."""
        package, _, rest = self.name.partition(".")
        return rest.partition(".")[0] if package == "entrepot" else package

    @property
    def is_plugin(self) -> bool:
        return not self.name.startswith("entrepot.") and self.name != "entrepot"

    @cached_property
    def source(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    def place(self, node: ast.AST) -> str:
        """Where `node` stands, as a finding names it."""
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call with the dotted name of what is called, where it has one."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and (name := dotted(node.func)):
                yield node, name

    def texts(self) -> Iterator[ast.Constant]:
        """Every string that is no docstring."""
        loose = {id(node.value) for node in ast.walk(self.tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in loose:
                yield node


def dotted(node: ast.expr) -> str:
    """`datetime.now` for the expression of that name, the empty string for what has no name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def modules() -> list[SourceModule]:
    """Every module of engine and plugins."""
    found = []
    for source_root in (ROOT / "engine", ROOT / "plugins"):
        for path in sorted(source_root.rglob("*.py")):
            parts = path.relative_to(source_root).with_suffix("").parts
            found.append(SourceModule(path, ".".join(part for part in parts if part != "__init__")))
    return found


@pytest.fixture(scope="session")
def engine_modules(modules: list[SourceModule]) -> list[SourceModule]:
    """Every module of the engine."""
    return [module for module in modules if not module.is_plugin]
