"""A new engine in a temporary folder, and real worker processes, as a user has them: default settings, default durability."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from entrepot import Engine
from entrepot.settings import read_settings

PROCESSES = 2
THREADS = 4
#: Seconds to wait for what should take about one.
_PATIENCE_SECONDS = 60


@contextmanager
def new_engine(place: Path) -> Iterator[Engine]:
    """Yield an engine without any content or task, in a new folder below `place`."""
    for name in [name for name in os.environ if name.startswith("ENTREPOT_")]:
        del os.environ[name]  # the defaults are measured, not what somebody has set
    folder = Path(tempfile.mkdtemp(prefix="engine-", dir=place))
    with Engine(settings=read_settings(data_dir=folder, task_modules=["noop_tasks"])) as engine:
        engine.initialise()
        yield engine


@contextmanager
def workers(engine: Engine) -> Iterator[None]:
    """Run `entrepot worker` for the block; it begins when all worker processes are up."""
    with starting_workers(engine):
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while sum(worker.alive for worker in engine.workers()) < PROCESSES:
            if time.monotonic() > deadline:
                sys.exit("The workers did not start.")
            time.sleep(0.02)
        yield


@contextmanager
def starting_workers(engine: Engine) -> Iterator[None]:
    """Run `entrepot worker` for the block, without waiting until it is up."""
    environment = {
        **os.environ,
        "ENTREPOT_DATA_DIR": str(engine.settings.data_dir),
        "ENTREPOT_TASK_MODULES": '["noop_tasks"]',
        "PYTHONPATH": str(Path(__file__).parent),
    }
    command = [sys.executable, "-m", "entrepot", "worker", "--processes", str(PROCESSES), "--threads", str(THREADS)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            _, said = process.communicate(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # the worker processes see their standard input end, and stop
            _, said = process.communicate()
        if process.returncode:
            print(said, file=sys.stderr)
