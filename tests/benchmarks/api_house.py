"""What `bench_api` measures on: a database with many tasks and repositories, and the two servers on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from entrepot import Engine
from entrepot.settings import read_settings

LOGIN, PASSWORD = "admin", "correct horse battery staple"
AUTHORIZATION = "Basic " + b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
#: Each tag `bench:resource:N` stands on every so manieth task: 20 of a million.
RESOURCES = 50_000
_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class House:
    """A data folder, its database, and the environment of programs that use them."""

    engine: Engine
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Server:
    """A process that listens on a port of the loopback interface."""

    port: int
    pid: int

    def cpu_seconds(self) -> float:
        """Return what it has used so far, in all of its threads."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def new_house(place: Path, database_url: str) -> Iterator[House]:
    """Yield an engine without any content or task; `database_url` is empty for SQLite in the folder."""
    for name in [name for name in os.environ if name.startswith("ENTREPOT_")]:
        del os.environ[name]  # the defaults are measured, not what somebody has set
    folder = Path(tempfile.mkdtemp(prefix="api-", dir=place))
    chosen = {"ENTREPOT_DATA_DIR": str(folder), "ENTREPOT_DATABASE_URL": database_url}
    settings = read_settings(data_dir=folder, database_url=database_url, admin_password=PASSWORD)
    with Engine(settings=settings) as engine:
        engine.initialise()
        engine.access.ensure_administrator()
        yield House(engine, {**os.environ, **chosen})


@contextmanager
def serving(house: House, *command: str) -> Iterator[Server]:
    """Run a program that serves; yield it when it says that it is ready."""
    process = subprocess.Popen(
        [sys.executable, *command], env=dict(house.environment), stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parent
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if " ready on " in line:
                yield Server(int(line.rpartition(":")[2]), process.pid)
                break
            print(line, end="", file=sys.stderr)
        else:
            sys.exit(f"{' '.join(command)} did not start")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def fill_tasks(engine: Engine, first: int, last: int) -> None:
    """Write finished tasks with the row ids `first` to `last` and their tags, as they would be had they been run."""
    database = engine.database
    hexadecimal = "printf('%012x', n)" if database.dialect == "sqlite" else "lpad(to_hex(n), 12, '0')"
    numbers = "WITH RECURSIVE number (n) AS (SELECT CAST(? AS bigint) UNION ALL SELECT n + 1 FROM number WHERE n < ?) "
    text = "CAST({} AS text)".format
    moment = "CAST(1760000000000000 AS bigint) + n"
    with database.transaction(durable=False):
        database.execute(
            "INSERT INTO task (task_id, task_type, state, arguments, tags, idempotent, created_at, ready_at, started_at, "
            f"finished_at, attempt, owner, result) {numbers} SELECT '00000000-0000-7000-8000-' || {hexadecimal}, "
            f"'entrepot.sync', 'finished', '[[' || {text('n')} || '],{{}}]', "
            f"""'["bench:resource:' || {text("n % " + str(RESOURCES))} || '","bench:action:sync"]', ?, """
            f"{moment}, {moment}, {moment}, {moment}, 1, 'worker.1@host', '{{\"added_count\":3}}' FROM number",
            (first, last, True),
        )
        database.execute(
            f"INSERT INTO task_tag (tag, task) SELECT 'bench:resource:' || {text('id % ' + str(RESOURCES))}, id FROM task "
            "WHERE id BETWEEN ? AND ? ORDER BY 1, 2",
            (first, last),
        )
        database.execute(
            "INSERT INTO task_tag (tag, task) SELECT 'bench:action:sync', id FROM task WHERE id BETWEEN ? AND ?", (first, last)
        )
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)" if database.dialect == "sqlite" else "ANALYZE")


def task_path(number: int) -> str:
    """Return the path of the task with this row id."""
    return f"/pulp/api/v2/tasks/00000000-0000-7000-8000-{number:012x}/"


def fill_repositories(engine: Engine, count: int) -> None:
    """Make repositories, each with an importer, a distributor and notes."""
    for number in range(count):
        engine.repositories.create(
            f"repository-{number:04}",
            description=f"Mirror number {number} of somebody's distribution",
            notes={"environment": "production", "number": number},
            importer_type_id="iso_importer",
            importer_config={"feed": f"http://feed.example.org/{number}/", "max_downloads": 4},
            distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}],
        )
