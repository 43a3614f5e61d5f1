"""The stage of a test, and the figures at the end of the run: how often this tier struck, and where."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from entrepot.engine import Engine
from entrepot.settings import read_settings

from .effects import FOLDER
from .nursery import Nursery
from .plan import asked, seed
from .servers import PostgresqlServer, RedisServer
from .stage import SETTINGS, Stage

#: Names the file that the faults of this run are written to; it is kept then.
_BOOK = "ENTREPOT_TEST_FAULTS_BOOK"
#: How a line of the book begins that is no fault, but what raced with them.
_RACED = "~"


def _book() -> Path:
    """The faults of this run, one line each, from all processes of pytest-xdist."""
    given = os.environ.get(_BOOK)
    return Path(given) if given else Path(tempfile.gettempdir()) / f"entrepot-faults-{os.environ['ENTREPOT_TEST_RUN']}"


@contextmanager
def _stage_on(url: str, folder: Path, redis: RedisServer | None, nursery: Nursery) -> Iterator[Stage]:
    broker = redis.url if redis else ""
    settings = read_settings(data_dir=folder / "data", database_url=url, broker_url=broker, **SETTINGS)
    with pytest.MonkeyPatch.context() as patch, Engine(settings=settings) as engine:
        patch.setenv(FOLDER, str(folder))
        engine.initialise()
        made = Stage(engine, folder, _book(), redis, nursery)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Where workers are forked that are to be killed."""
    made = Nursery()
    yield made
    made.close()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own."""
    server = RedisServer(tmp_path)
    yield server
    server.close()


@pytest.fixture
def stage(
    database_kind: str, database_url: str, tmp_path: Path, nursery: Nursery, request: pytest.FixtureRequest
) -> Iterator[Stage]:
    """An engine with short leases: on SQLite with the embedded transport, on PostgreSQL with Redis.

    Its processes are gone when the test ends.
    """
    redis = request.getfixturevalue("redis_server") if database_kind == "postgresql" else None
    with _stage_on(database_url, tmp_path, redis, nursery) as made:
        yield made


@pytest.fixture(scope="module")
def mortal_postgresql() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server that may be ended at once."""
    # Not below pytest's own folder, which each run of pytest closes to others: the server runs as another user than root.
    with tempfile.TemporaryDirectory(prefix="entrepot-postgresql-") as folder:
        server = PostgresqlServer(Path(folder))
        yield server
        server.close()


@pytest.fixture
def mortal_stage(
    mortal_postgresql: PostgresqlServer, redis_server: RedisServer, tmp_path: Path, nursery: Nursery
) -> Iterator[Stage]:
    """The same as `stage`, on a PostgreSQL server that may be ended at once."""
    with _stage_on(mortal_postgresql.make_database(), tmp_path, redis_server, nursery) as made:
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how often the tier struck, and where; once, not in each process of pytest-xdist."""
    book = _book()
    if hasattr(config, "workerinput") or not book.exists():
        return
    lines = Counter(book.read_text().splitlines())
    if _BOOK not in os.environ:
        book.unlink()
    faults = Counter({label: count for label, count in lines.items() if not label.startswith(_RACED)})
    terminalreporter.section("faults")
    for label, count in sorted(faults.items()):
        terminalreporter.line(f"{count:5} {label}")
    terminalreporter.line(
        f"{faults.total():5} in all (ENTREPOT_KILLS asks for {asked()} kills of the whole tier; seed {seed()})"
    )
    for label, count in sorted((lines - faults).items()):
        terminalreporter.line(f"{count:5} cancels of a {label.removeprefix(_RACED)}, beside them")
