"""Real worker processes under a real supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from entrepot.engine import Engine
from entrepot.settings import Settings

TASKS = """
import os, time
import entrepot

@entrepot.task
def pid() -> int:
    return os.getpid()

@entrepot.task(idempotent=True)
def nap(seconds: float) -> int:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        entrepot.checkpoint()
        time.sleep(0.002)
    return os.getpid()

@entrepot.task(idempotent=True)
def hold(gate: str) -> int:
    while not os.path.exists(gate):
        entrepot.checkpoint()
        time.sleep(0.005)
    return os.getpid()

KEPT = []

@entrepot.task
def keep(megabytes: int) -> int:
    KEPT.append(b"x" * (megabytes * 1_000_000))
    return os.getpid()

@entrepot.task(idempotent=True)
def swell_and_never_stop() -> None:
    keep(300)
    never()

@entrepot.task(timeout=0.2, idempotent=True)
def overrun_and_never_stop() -> None:
    never()

@entrepot.task
def never() -> None:
    while True:
        try:
            time.sleep(3600)
        except BaseException:
            pass
"""


@pytest.fixture
def engine(settings: Settings, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "process_tasks.py").write_text(TASKS, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(folder)
    chosen = settings.model_copy(update={"task_modules": ["process_tasks"]})
    with Engine(settings=chosen) as made:
        made.initialise()
        made.registry.load_modules(["process_tasks"])
        yield made


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A file that the task `hold` waits for."""
    return tmp_path / "gate"


@contextmanager
def supervisor(engine: Engine, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `entrepot worker` until the block ends."""
    with program(engine, "worker", *arguments, **environment) as process:
        yield process


@contextmanager
def program(engine: Engine, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of `entrepot` until the block ends, with standard input open; what it says is what `said` returns."""
    with log_of(engine).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "entrepot", *arguments],
            stdin=subprocess.PIPE,
            stderr=log,
            env=os.environ
            | {
                "ENTREPOT_DATA_DIR": str(engine.settings.data_dir),
                "ENTREPOT_DATABASE_URL": engine.settings.effective_database_url,
                "ENTREPOT_TASK_MODULES": '["process_tasks"]',
            }
            | environment,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)
        sys.stderr.write(said(engine))  # shown when the test fails


def said(engine: Engine) -> str:
    """Return what the programs of this test have said so far."""
    return log_of(engine).read_text(encoding="utf-8", errors="replace")


def log_of(engine: Engine) -> Path:
    """The file that the programs of this test write their standard error to."""
    return Path(engine.settings.data_dir) / "said.log"


def eventually(condition: Callable[[], object], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.01)
