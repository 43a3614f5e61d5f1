"""What pytest loads at its start: the fixtures that `PluginContract` stands on. The engine is imported by those who ask."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Its assertions are shown with the values in them, as those of a test module are.
pytest.register_assert_rewrite(
    *(f"entrepot.testing.{name}" for name in ("contract", "declaring", "syncing", "failing", "publishing", "workshop"))
)


@pytest.fixture
def entrepot_settings_of_tests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mapping[str, str]:
    """Keep the settings of an entrepot that is used on this machine out of the test; return what is left."""
    for name in [name for name in os.environ if name.startswith("ENTREPOT_") and not name.startswith("ENTREPOT_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ENTREPOT_DATA_DIR", str(tmp_path / "data"))
    return os.environ


@pytest.fixture(scope="session")
def entrepot_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a SQLite database with this version's tables, to be copied: making them takes a while."""
    from entrepot.models import Database
    from entrepot.models.migrate import migrate

    path = tmp_path_factory.mktemp("entrepot") / "tables.sqlite3"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path
