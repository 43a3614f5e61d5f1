"""Pages that are written from the code say what the code does."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from entrepot.settings import Settings

GENERATORS = sorted((Path(__file__).parents[2] / "scripts").glob("describe_*.py"))


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda path: path.stem)
def test_a_generated_page_is_as_it_would_be_written_now(generator: Path) -> None:
    pages: dict[Path, str] = runpy.run_path(str(generator))["pages"]()

    outdated = [path.name for path, text in pages.items() if path.read_text(encoding="utf-8") != text]
    assert (bool(pages), outdated) == (True, []), "run: make format"


def test_the_page_names_every_setting(root: Path) -> None:
    page = (root / "docs" / "settings.md").read_text(encoding="utf-8")

    assert [name for name in Settings.model_fields if f"`ENTREPOT_{name.upper()}`" not in page] == []
