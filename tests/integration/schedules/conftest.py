"""An engine on each database, a repository whose feed is a folder, and a clock that the test sets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.repositories import Repository
from entrepot.schedules import ScheduleReport
from entrepot.settings import Settings
from entrepot.tasking import TaskReport
from entrepot.testing import drain


class Clock:
    """The time of this process, which stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock, at ten o'clock on 22 November 2026."""
    made = Clock()
    monkeypatch.setattr(clock, "now", lambda: made.now)
    monkeypatch.setattr(clock, "now_us", lambda: clock.to_us(made.now))
    return made


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """A folder that is an empty feed; without its manifest, a sync fails."""
    folder = tmp_path / "feed"
    folder.mkdir()
    (folder / "PULP_MANIFEST").write_text("")
    return folder


@pytest.fixture
def engine(settings: Settings, feed: Path) -> Iterator[Engine]:
    quick = settings.model_copy(update={"fetch_retries": 0, "allowed_file_roots": [feed.parent]})
    with Engine(settings=quick) as made:
        made.initialise()
        yield made


@pytest.fixture
def zoo(engine: Engine, feed: Path) -> Repository:
    """A repository that mirrors the feed and publishes by hand."""
    return create_repository(engine, "zoo", feed)


def create_repository(engine: Engine, repository_id: str, feed: Path) -> Repository:
    return engine.repositories.create(
        repository_id,
        importer_type_id="iso_importer",
        importer_config={"feed": feed.as_uri() + "/"},
        distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web"}],
    )


def schedule_sync(engine: Engine, schedule: str, repository_id: str = "zoo", **options: Any) -> ScheduleReport:
    return engine.schedules.create_sync(repository_id, "iso_importer", schedule, **options)


def go_round(engine: Engine, *, run: bool = True) -> int:
    """Let the clockwork go round, and a worker run what it enqueued; return how many tasks that were."""
    count = engine.schedules.go_round()
    if run:
        drain(engine)
        engine.schedules.go_round()  # counts how they have ended
    return count


def tasks_of(engine: Engine) -> list[TaskReport]:
    """The tasks, the oldest first."""
    return engine.tasks.list(limit=1000)[::-1]
