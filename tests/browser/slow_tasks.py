"""Tasks that go on until a test has seen them."""

from __future__ import annotations

import time
from pathlib import Path

from entrepot import checkpoint, current_task, task


@task
def wait_for(path: str) -> str:
    """Go on until there is a file at `path`."""
    while not Path(path).exists():
        checkpoint()
        time.sleep(0.02)  # the work that this task does
    return "seen"


@task
def fail_until(path: str) -> str:
    """Fail unless there is a file at `path`."""
    if not Path(path).exists():
        msg = "The bridge is up."
        raise RuntimeError(msg)
    return "crossed"


@task(resources=lambda thing, *_: [f"thing:{thing}"])
def hold(thing: str, path: str) -> str:
    """Reserve a thing until there is a file at `path`."""
    step = {"step_type": "hold", "description": "Hold", "state": "IN_PROGRESS", "num_processed": 1, "items_total": 4}
    current_task().progress({"slow_tasks": [step]})
    return wait_for(path)
