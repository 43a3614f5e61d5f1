"""What is wrong is found, and said with what to do about it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from entrepot import clock
from entrepot.diagnosis import Finding, Readiness, diagnose, refused
from entrepot.diagnosis.finding import ok
from entrepot.discovery import Plugins
from entrepot.engine import Engine
from entrepot.errors import InvalidSettings
from entrepot.settings import Settings, read_settings


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    with Engine(settings=settings) as engine:
        engine.initialise()
        yield engine


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Engine]:
    """An engine of which nothing has been made yet."""
    with Engine(settings=read_settings(data_dir=tmp_path / "new")) as engine:
        yield engine


def found(engine: Engine, **options: object) -> dict[str, Finding]:
    return {finding.name: finding for finding in diagnose(engine, **{"port": None, **options})}  # type: ignore[arg-type]


def beat(engine: Engine, *, seconds_ago: int = 0, state: str = "active") -> None:
    moment = clock.now_us() - seconds_ago * 1_000_000
    engine.database.execute(
        "INSERT INTO worker (name, host, pid, threads, version, started_at, beat_at, state) "
        "VALUES (?, 'h', 1, 4, '1', 0, ?, ?)",
        (f"worker-{seconds_ago}", moment, state),
    )


def test_an_engine_that_is_well_has_nothing_to_be_done(engine: Engine) -> None:
    beat(engine)
    for loop in engine.loops():
        if loop.name == "content measures":
            loop.round()

    findings = found(engine)

    assert {name: finding for name, finding in findings.items() if finding.state not in ("ok", "skipped")} == {}
    assert [name for name, finding in findings.items() if finding.what_next] == []
    assert findings["loops"].state == "ok"
    assert findings["database clock"].state == ("skipped" if engine.database.is_embedded else "ok")


def test_a_machine_without_an_engine_is_told_to_make_one_and_nothing_is_made(on_sqlite: Engine) -> None:
    findings = found(on_sqlite)

    assert (findings["schema"].state, findings["store"].state) == ("failed", "failed")
    assert "entrepot init" in findings["schema"].what_next
    assert findings["tasks"].state == "skipped"
    assert not on_sqlite.settings.data_dir.exists()


def test_tasks_that_wait_for_loops_or_workers_are_found(engine: Engine) -> None:
    late, now = clock.now_us() - 3_600_000_000, clock.now_us()
    insert = (
        "INSERT INTO task (task_id, task_type, state, arguments, tags, idempotent, created_at, ready_at, not_before, owner, "
        "lease_until) VALUES (?, 't', ?, '[]', '[]', FALSE, 0, ?, ?, ?, ?)"
    )
    engine.database.execute(insert, ("ready", "waiting", late, None, None, None))
    engine.database.execute(insert, ("delayed", "waiting", None, late, None, None))
    engine.database.execute(insert, ("lost", "running", now, None, "gone", engine.database.lease_now_us() - 3_600_000_000))
    engine.database.execute(
        "INSERT INTO schedule (schedule_id, kind, override_config, schedule, enabled, first_run, next_run, created_at, "
        "last_updated) VALUES ('s', 'task', '{}', 'P1D', TRUE, 0, ?, 0, 0)",
        (late,),
    )
    beat(engine, seconds_ago=9999)

    findings = found(engine)

    assert {name: findings[name].state for name in ("workers", "loops", "schedules", "tasks")} == {
        "workers": "failed",
        "loops": "failed",
        "schedules": "failed",
        "tasks": "warning",
    }
    assert "1 tasks of lost workers" in findings["loops"].what
    assert "1 tasks whose moment has come" in findings["loops"].what
    assert "'default' for 60 min" in findings["tasks"].what
    assert all(findings[name].what_next for name in ("workers", "loops", "schedules", "tasks"))


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_database_that_is_damaged_is_found(engine: Engine) -> None:
    engine.close()
    path = Path(engine.database.peewee.database)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 20_000)

    findings = found(engine)

    assert findings["database"].state == "failed"
    assert findings["database"].what_next


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_too_little_space_is_found(settings: Settings) -> None:
    with Engine(settings=settings.model_copy(update={"min_free_mb": 10**9})) as engine:
        engine.initialise()

        assert found(engine)["space"].state == "failed"


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_broken_plugin_is_named_with_its_remedy(settings: Settings) -> None:
    class Nothing:
        """No importer."""

    broken = Plugins.of(importers={"odd_importer": Nothing})  # type: ignore[dict-item]  # that is what is wrong with it
    with Engine(settings=settings, plugins=broken) as engine:
        engine.initialise()
        finding = found(engine)["plugins"]

    assert (finding.state, "odd_importer" in finding.what, "pip install" in finding.what_next) == ("warning", True, True)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_port_that_somebody_else_listens_on_is_found(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]

        def hang_up() -> None:
            stranger.accept()[0].close()

        answering = threading.Thread(target=hang_up)
        answering.start()
        taken = found(engine, port=port)["port"]
        answering.join()

    assert (taken.state, found(engine, port=port)["port"].state) == ("failed", "ok")


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_clock_that_was_set_back_before_the_database_was_made_is_found(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_us = clock.now_us
    monkeypatch.setattr(clock, "now_us", lambda: now_us() - clock.us(timedelta(days=1)))

    assert found(engine)["clock"].state == "failed"


def test_settings_that_are_refused_are_a_finding() -> None:
    finding = refused(InvalidSettings({"database_url": "is no address"}))

    assert (finding.name, finding.state) == ("settings", "failed")
    assert "database_url" in finding.what


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_check_that_hangs_is_not_waited_for_and_not_begun_once_more(engine: Engine) -> None:
    release, begun = threading.Event(), []

    def hang(_: Engine) -> object:
        begun.append(1)
        release.wait(30)
        return ok("at last")

    readiness = Readiness(engine, checks=(("schema", hang), ("quick", lambda _: ok("well"))))  # type: ignore[arg-type]
    try:
        first, second = readiness.findings(seconds=0.05), readiness.findings(seconds=0.05)
    finally:
        release.set()

    assert [finding.state for finding in first] == ["failed", "ok"]
    assert [finding.state for finding in second] == ["failed", "ok"]
    assert begun == [1]
    assert readiness.findings(seconds=30)[0].what == "at last"
