"""Publications to push, without a database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.propagation.targets.contract import Publication, Publish


@pytest.fixture
def publish(tmp_path: Path) -> Publish:
    """Make a publication of texts by path; `revision` and `site` by keyword."""
    store = tmp_path / "store"
    store.mkdir()
    return lambda texts, **facts: Publication(store, texts, **facts)
