"""The stage of a test, and the figure at the end of the run: how often this tier killed, and where."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot.engine import Engine
from entrepot.settings import read_settings

from .effects import FOLDER
from .plan import least_kills
from .stage import SETTINGS, Stage


def _book() -> Path:
    """The kills of this run, one line each, from all processes of pytest-xdist."""
    return Path(tempfile.gettempdir()) / f"entrepot-kills-{os.environ['ENTREPOT_TEST_RUN']}"


@pytest.fixture
def stage(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """An engine on the test's database, whose leases are short; its processes are gone when the test ends."""
    monkeypatch.setenv(FOLDER, str(tmp_path))
    settings = read_settings(data_dir=tmp_path / "data", database_url=database_url, **SETTINGS)
    with Engine(settings=settings) as engine:
        engine.initialise()
        made = Stage(engine, tmp_path, _book())
        yield made
        made.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how often was killed, and where; once, not in each process of pytest-xdist."""
    book = _book()
    if hasattr(config, "workerinput") or not book.exists():
        return
    kills = Counter(book.read_text().splitlines())
    book.unlink()
    terminalreporter.section("kills")
    for label, count in sorted(kills.items()):
        terminalreporter.line(f"{count:5} {label}")
    terminalreporter.line(f"{kills.total():5} in all (ENTREPOT_KILLS asks for {least_kills()} of the whole tier)")
