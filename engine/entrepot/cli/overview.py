"""`entrepot status`: on one screen how the engine is doing; `entrepot settings`: what it goes by, and who says so."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import typer

from entrepot.cli.session import OutputOption, Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from entrepot.client import Client
    from entrepot.engine import Engine
    from entrepot.repositories.failing import Failures
    from entrepot.schedules import ScheduleReport
    from entrepot.settings import Settings
    from entrepot.tasking import WorkerReport

#: How far back tasks that ended are counted.
_BACK = timedelta(hours=24)
#: Failures and schedules that are shown.
_SHOWN = 5
_MASK = "*****"
#: Parts of the names of what plugins are given that nobody need see.
_SECRET_WORDS = ("password", "secret", "token", "key", "passphrase")


@dataclass(frozen=True, slots=True)
class _Overview:
    """How an engine is doing: a `server`, or else the engine of a data folder."""

    workers: Sequence[WorkerReport]
    unfinished_tasks: Mapping[str, int]
    ended_tasks_24h: Mapping[str, int]
    failures: Failures
    next_schedules: Sequence[ScheduleReport]
    version: str | None
    server: str | None = None
    data_dir: str | None = None
    database: str | None = None


def status(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print on one screen how the engine is doing.

    Workers, tasks, what failed when it was run last, and what runs next. `doctor` looks for what is wrong with the machine.

    Example: entrepot status

    Example: entrepot --profile prod status -o json
    """
    from entrepot.cli.output import write_json

    session = Session.of(ctx)
    with session.service() as engine:
        overview = _Overview(
            **_where(session, engine),
            workers=engine.workers(),
            unfinished_tasks=_by_state((state, count) for state, _, count in engine.tasks.figures().unfinished),
            ended_tasks_24h=_by_state((hour.state, hour.tasks) for hour in engine.tasks.hourly(since=_BACK)),
            failures=engine.repositories.failures(limit=_SHOWN),
            next_schedules=engine.schedules.upcoming(limit=_SHOWN),
        )
    if session.as_json:
        write_json(overview)
    else:
        _write(overview)


def settings(ctx: typer.Context, *, output: OutputOption = None) -> None:  # noqa: ARG001 - read by its callback
    """Print the settings that are in force, and where each comes from.

    From the environment, the settings file, or the defaults. Passwords, tokens and keys are masked.

    Example: entrepot settings -o json
    """
    from entrepot.cli.output import write_json, write_line, write_table
    from entrepot.settings import config_file

    session = Session.of(ctx)
    found = session.settings()
    rows = [(name, _shown(found, name), _source(found, name)) for name in type(found).model_fields]
    if session.as_json:
        document = {name: {"value": shown, "source": source} for name, shown, source in rows}
        write_json({"config_file": str(config_file()), "settings": document})
        return
    write_table(
        ("SETTING", "VALUE", "FROM"),
        [(name, shown if isinstance(shown, str) else json.dumps(shown), source) for name, shown, source in rows],
        flexible="VALUE",
    )
    write_line(f"The settings file is {config_file()}{'' if config_file().exists() else ', which does not exist'}.")


def _where(session: Session, engine: Engine | Client) -> dict[str, str | None]:
    """Return which engine it is, and its version."""
    from entrepot.server_address import masked
    from entrepot.version import __version__

    if session.remote is not None:
        versions: Any = cast("Client", engine).status().get("versions")
        return {"server": session.remote.url, "version": versions.get("entrepot_version") if versions else None}
    found = cast("Engine", engine).settings
    address = masked(found.effective_database_url)
    return {"data_dir": str(found.data_dir.absolute()), "database": address, "version": __version__}


def _write(overview: _Overview) -> None:
    from entrepot import clock
    from entrepot.cli.output import write_line, write_record, write_table
    from entrepot.schedules.words import next_run, what_runs
    from entrepot.tasking.waiting import rough_text

    now = clock.now()
    write_record(
        [
            ("Server", overview.server),
            ("Data folder", overview.data_dir),
            ("Database", overview.database),
            ("Version", overview.version),
            ("Workers", _workers_text(overview.workers)),
            ("Tasks", _counts(overview.unfinished_tasks) or "none unfinished"),
            ("Last day", _counts(overview.ended_tasks_24h) or "no task is counted yet"),
            ("Failing", _failing_text(overview.failures.total)),
        ]
    )
    if overview.failures.failures:
        write_line("")
        rows = [
            (one.kind, one.repository_id, rough_text(now - one.since), one.task_id or "", one.error or "")
            for one in overview.failures.failures
        ]
        write_table(("FAILS", "REPOSITORY", "SINCE#", "TASK", "ERROR"), rows, flexible="ERROR")
    if overview.next_schedules:
        write_line("")
        runs = [(next_run(one, now), what_runs(one), one.sentence) for one in overview.next_schedules]
        write_table(("NEXT RUN", "WHAT", "WHEN"), runs, flexible="WHEN")


def _workers_text(workers: Sequence[WorkerReport]) -> str:
    alive = [worker for worker in workers if worker.alive]
    if not alive:
        return "none: nothing runs. Start one: entrepot serve, or entrepot worker"
    threads, busy = sum(worker.threads for worker in alive), sum(len(worker.tasks) for worker in alive)
    hosts = len({worker.host for worker in alive})
    said = f"{len(alive)} on {'1 host' if hosts == 1 else f'{hosts} hosts'}, {busy} of {threads} threads busy"
    drained, lost = sum(worker.state == "drained" for worker in alive), len(workers) - len(alive)
    return said + (f", {drained} drained" if drained else "") + (f", {lost} lost" if lost else "")


def _by_state(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for state, count in counts:
        found[state] = found.get(state, 0) + count
    return found


def _counts(by_state: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in sorted(by_state.items()) if count)


def _failing_text(total: int) -> str:
    if not total:
        return "no sync and no publish failed when it was run last"
    shown = f", the newest {_SHOWN} below" if total > _SHOWN else ""
    return f"{total:,} {'sync or publish' if total == 1 else 'syncs and publishes'}{shown}"


def _shown(found: Settings, name: str) -> Any:  # noqa: ANN401 - whatever a setting holds
    """Return a setting as it may be seen: as JSON data, without secrets."""
    from pydantic import SecretStr

    from entrepot.cli.output import as_document
    from entrepot.server_address import masked

    value = getattr(found, name)
    if isinstance(value, SecretStr):
        return _MASK
    if name.endswith("_url") and isinstance(value, str):
        return masked(value)
    return _without_secrets(as_document(value))


def _without_secrets(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return what plugins are given without what their keys call secret."""
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _MASK if isinstance(item, str) and any(word in key.lower() for word in _SECRET_WORDS) else _without_secrets(item)
        for key, item in value.items()
    }


def _source(found: Settings, name: str) -> str:
    """Return who says what a setting is: the environment before the file."""
    if name not in found.model_fields_set:
        return "default"
    variable = f"ENTREPOT_{name.upper()}"
    given = next((one for one in os.environ if one.upper() == variable), None)
    return given or "file"
