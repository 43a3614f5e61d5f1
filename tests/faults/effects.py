"""What the tasks of this tier do: they leave a trace outside the database. Imported by the workers, and by the tests.

Each run appends a line when it starts and one when it ends, and holds a lock of the kernel on everything it has reserved,
which the kernel takes away from a dead process: whoever does not get one at once runs beside another.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import ExitStack
from pathlib import Path

import entrepot
from entrepot import Shared

#: The environment variable that names the folder of the trace and the locks.
FOLDER = "FAULTS_FOLDER"
TRACE = "effects.jsonl"


def _resources(_number: int, uses: list[str], _milliseconds: int) -> list[str]:
    return [Shared(name.removeprefix("shared ")) if name.startswith("shared ") else name for name in uses]


def _tags(number: int, _uses: list[str], _milliseconds: int) -> list[str]:
    return ["effect", f"number:{number}"]


@entrepot.task(name="effects.repeatable", resources=_resources, tags=_tags, idempotent=True)
def repeatable(number: int, uses: list[str], milliseconds: int) -> int:
    """Leave a trace, and return which attempt this was; may run again."""
    return _leave_trace(number, uses, milliseconds)


@entrepot.task(name="effects.once", resources=_resources, tags=_tags, idempotent=False)
def once(number: int, uses: list[str], milliseconds: int) -> int:
    """Leave a trace, and return which attempt this was; must never start twice."""
    return _leave_trace(number, uses, milliseconds)


def _leave_trace(number: int, uses: list[str], milliseconds: int) -> int:
    claim = entrepot.current_task().claim
    run = {"number": number, "task": claim.task_id, "attempt": claim.attempt, "pid": os.getpid(), "uses": uses}
    with ExitStack() as locks:
        for name in uses:
            if not _lock(name, locks):
                append({"event": "overlap", **run, "on": name})
        append({"event": "start", **run})
        time.sleep(milliseconds / 1000)  # the work
        append({"event": "end", **run})
    return claim.attempt


def _lock(name: str, locks: ExitStack) -> bool:
    path = Path(os.environ[FOLDER], name.removeprefix("shared ").replace(":", "-") + ".lock")
    stream = locks.enter_context(path.open("a"))
    try:
        fcntl.flock(stream, (fcntl.LOCK_SH if name.startswith("shared ") else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def append(line: dict[str, object], file: str = TRACE) -> None:
    """Append one line to the trace, or to another file beside it, whole or not at all."""
    data = json.dumps({**line, "at": time.monotonic()}).encode() + b"\n"
    descriptor = os.open(Path(os.environ[FOLDER], file), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
