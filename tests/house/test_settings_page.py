"""Every setting is documented, and the page says what the code does."""

from __future__ import annotations

import runpy
from pathlib import Path

from entrepot.settings import Settings


def test_the_page_of_settings_is_what_the_settings_are(root: Path) -> None:
    page = runpy.run_path(str(root / "scripts" / "describe_settings.py"))["page"]

    assert (root / "docs" / "settings.md").read_text(encoding="utf-8") == page(), "run: make format"


def test_the_page_names_every_setting(root: Path) -> None:
    page = (root / "docs" / "settings.md").read_text(encoding="utf-8")

    assert [name for name in Settings.model_fields if f"`ENTREPOT_{name.upper()}`" not in page] == []
