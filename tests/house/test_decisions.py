"""Decisions are numbered and listed, and every dependency has its line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

HEADINGS = ["Context", "Options", "Decision", "Consequences"]


@pytest.fixture
def decisions(root: Path) -> list[Path]:
    """Every decision, in order."""
    return sorted((root / "docs" / "decisions").glob("[0-9]*.md"))


def test_decisions_are_numbered_from_one_without_gaps(decisions: list[Path]) -> None:
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))


def test_the_index_lists_every_decision(decisions: list[Path], root: Path) -> None:
    index = (root / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")

    assert re.findall(r"\]\((\d{4}-[^)]+)\)", index) == [path.name for path in decisions]


def test_every_decision_has_the_parts_of_the_template(decisions: list[Path]) -> None:
    for path in decisions:
        assert re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE) == HEADINGS, path.name


def test_every_dependency_says_what_it_replaces_and_who_keeps_it(root: Path) -> None:
    page = (root / "docs" / "decisions" / "0002-dependencies.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| ([a-z0-9-]+) \| .+ \| .+ \| .+ \|$", page, re.MULTILINE)
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {re.split(r"[\[<>=~! ;]", requirement)[0] for requirement in required} - {project["name"]}

    assert sorted(name for name in listed if name != "package") == sorted(names)
