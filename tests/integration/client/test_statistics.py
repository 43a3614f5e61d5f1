"""Figures by way of a client are those of the engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot import Client, clock
from entrepot.engine import Engine
from entrepot.errors import InvalidValue


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


def test_figures_are_those_of_the_engine(engine: Engine, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.now_us() // 1_000_000 * 1_000_000
    monkeypatch.setattr(clock, "now_us", lambda: now)  # moments are told in whole seconds
    engine.database.execute(
        "INSERT INTO task (task_id, task_type, state, arguments, tags, idempotent, created_at, started_at, finished_at) "
        "VALUES ('x', 'bake', 'finished', '[]', '[]', FALSE, ?, ?, ?)",
        (now - 3, now - 2, now),
    )
    for loop in engine.loops():
        if loop.name in ("hourly tasks", "content measures"):
            loop.round()

    assert client.tasks.hourly() == engine.tasks.hourly()
    assert client.content.measures() == engine.content.measures()
    assert [hour.run for hour in client.tasks.hourly(since=timedelta(minutes=1))] == [timedelta(microseconds=2)]
    with pytest.raises(InvalidValue, match="hours"):
        client.tasks.hourly(since=timedelta(days=401))
