"""Servers of a test's own, which may be killed, emptied, frozen and started anew: Redis and PostgreSQL.

Redis is the program `redis-server`; where there is none, fakeredis in a process of its own, except under `CI=true`, where
nothing may be left out. PostgreSQL comes from the wheel that the other tests use.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from tests.conftest import _migrate, _own_server, _run, _with_name

HERE = Path(__file__).parent
#: Seconds in which a server answers, or never does.
_PATIENCE = 30.0


class RedisServer:
    """A Redis that keeps nothing when it ends."""

    def __init__(self, folder: Path) -> None:
        """Start it; what it prints goes to a file in `folder`."""
        self._log = folder / "redis.log"
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.client = redis.Redis.from_url(self.url, socket_timeout=5)
        self._command = _redis_command(self._port, folder)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, empty as it then is, and return when it answers."""
        deadline = time.monotonic() + _PATIENCE
        while not self._answers():
            assert time.monotonic() < deadline, f"Redis does not start\n{self._log.read_text(errors='replace')[-2000:]}"
            if self._process is None or self._process.poll() is not None:
                with self._log.open("ab") as log:
                    self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
            time.sleep(0.01)

    def kill(self) -> None:
        """SIGKILL it: whatever it held is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def empty(self) -> None:
        """FLUSHALL: as a restart, but the connections live on."""
        self.client.flushall()

    def freeze(self) -> None:
        """SIGSTOP it: whoever connects is accepted and gets no answer."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Leave nothing of it behind."""
        if self._process is not None:
            self.kill()
        self.client.close()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


class PostgresqlServer:
    """A PostgreSQL server that flushes what it is to flush, as in production."""

    def __init__(self, folder: Path) -> None:
        """Make it in `folder`, and start it."""
        self._server = _own_server(folder)
        self.url: str = self._server.get_uri()

    def crash(self) -> None:
        """End it as `pg_ctl stop -m immediate` does: nothing is written any more, the next start recovers."""
        postmaster = self._server.get_postmaster_info().process
        os.kill(postmaster.pid, signal.SIGQUIT)
        postmaster.wait(_PATIENCE)

    def start(self) -> None:
        """Start it after a crash, and return when it has recovered."""
        self._server.ensure_postgres_running()

    def make_database(self) -> str:
        """Return the address of a new database with this version's tables."""
        name = f"entrepot_test_{secrets.token_hex(6)}"
        _run(self.url, f'CREATE DATABASE "{name}"')
        url = _with_name(self.url, name)
        _migrate(url)
        return url

    def configure(self, **settings: str) -> None:
        """Change settings of the server that need no restart."""
        changes = [f"ALTER SYSTEM SET {name} = '{value}'" for name, value in settings.items()]
        _run(self.url, *changes, "SELECT pg_reload_conf()")

    def close(self) -> None:
        """Stop it."""
        self._server.stop()


def end_sessions(url: str, *, limit: int | None = None) -> int:
    """Let PostgreSQL end up to `limit` of the sessions of a database (all, if None), and return how many there were."""
    query = (
        "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY random() LIMIT %s) AS chosen"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query, (limit,)).fetchone()
    assert row is not None
    return int(row[0])


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _redis_command(port: int, folder: Path) -> list[str]:
    program = shutil.which("redis-server")
    if program is not None:
        options = {"port": port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": folder}
        return [program, *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
    if os.environ.get("CI") == "true":
        pytest.fail("redis-server is not installed, and the gate leaves nothing out. On Debian: apt-get install redis-server")
    return [sys.executable, str(HERE / "fake_redis.py"), str(port)]
