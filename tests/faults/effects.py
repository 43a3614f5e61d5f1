"""What the tasks of this tier do: they leave a trace outside the database. Imported by the workers, and by the tests.

Each run appends a line when it starts and one when it ends, and holds a lock of the kernel on everything it has reserved,
which the kernel takes away from a dead process: whoever does not get one at once runs beside another.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import entrepot
from entrepot import Retry, Shared
from entrepot.errors import LeaseLost

#: The environment variable that names the folder of the trace and the locks.
FOLDER = "FAULTS_FOLDER"
TRACE = "effects.jsonl"
#: Runs of `limited` at once, as the stage's settings say.
LIMIT = 2
#: Seconds between two checkpoints.
_STEP = 0.01


def _resources(_number: int, uses: list[str], *_rest: object) -> list[str]:
    return [Shared(name.removeprefix("shared ")) if name.startswith("shared ") else name for name in uses]


def _tags(number: int, *_rest: object) -> list[str]:
    return ["effect", f"number:{number}"]


@entrepot.task(name="effects.repeatable", resources=_resources, tags=_tags, idempotent=True)
def repeatable(number: int, uses: list[str], milliseconds: int) -> int:
    """Leave a trace, and return which attempt this was; may run again."""
    with _trace(number, uses):
        time.sleep(milliseconds / 1000)  # the work
    return entrepot.current_task().claim.attempt


@entrepot.task(name="effects.once", resources=_resources, tags=_tags, idempotent=False)
def once(number: int, uses: list[str], milliseconds: int) -> int:
    """Leave a trace, and return which attempt this was; must never start twice."""
    with _trace(number, uses):
        time.sleep(milliseconds / 1000)  # the work
    return entrepot.current_task().claim.attempt


@entrepot.task(name="effects.patient", resources=_resources, tags=_tags, idempotent=True)
def patient(number: int, uses: list[str], milliseconds: int) -> int:
    """Do the same, with checkpoints on the way; may run again."""
    with _trace(number, uses):
        _work(milliseconds)
    return entrepot.current_task().claim.attempt


@entrepot.task(name="effects.limited", resources=_resources, tags=_tags, idempotent=True)
def limited(number: int, uses: list[str], milliseconds: int) -> int:
    """Do the same, and never in more than `LIMIT` runs at once; may run again."""
    with _trace(number, uses):
        _work(milliseconds)
    return entrepot.current_task().claim.attempt


@entrepot.task(
    name="effects.failing", resources=_resources, tags=_tags, idempotent=True, retry=Retry(max=10, first=0.05, jitter=0.5)
)
def failing(number: int, uses: list[str], milliseconds: int) -> int:
    """Fail at first, and be tried again; may run again."""
    attempt = entrepot.current_task().claim.attempt
    with _trace(number, uses):
        _work(milliseconds)
        if attempt <= 1 + number % 2:
            msg = "as this task does"
            raise RuntimeError(msg)
    return attempt


@entrepot.task(
    name="effects.writing",
    resources=_resources,
    tags=_tags,
    idempotent=True,
    retry=Retry(max=1000, first=0.05, longest=timedelta(seconds=0.5)),
)
def writing(number: int, uses: list[str], milliseconds: int) -> int:
    """Write to the database as who owns the task; is tried again while the database refuses."""
    task = entrepot.current_task()
    with _trace(number, uses):
        _work(milliseconds)
        with task.transaction() as database:
            database.execute("INSERT INTO written (task, attempt) VALUES (?, ?)", (task.task_id, task.claim.attempt))
    return task.claim.attempt


@entrepot.task(name="effects.growing", resources=_resources, tags=_tags, idempotent=True, retry=Retry(max=1000, first=0.05))
def growing(number: int, uses: list[str], milliseconds: int, depth: int, width: int) -> None:
    """Spawn tasks of its own kind, as many as it may, and note each that was acknowledged."""
    task = entrepot.current_task()
    with _trace(number, uses):
        for _ in range(width if depth else 0):
            child = task.spawn(growing, 0, [], milliseconds, depth - 1, width)
            append({"event": "spawned", "task": task.task_id, "child": child.task_id})
            _work(milliseconds)


@entrepot.task(name="effects.greedy", resources=_resources, tags=_tags, idempotent=True)
def greedy(number: int, uses: list[str], milliseconds: int) -> int:
    """Try all that only an owner may, without a pause in which it could be stopped, and note what was refused."""
    task = entrepot.current_task()
    attempt = task.claim.attempt
    with _trace(number, uses):
        time.sleep(milliseconds / 1000)
        for what, deed in {
            "progress": lambda: task.progress({"attempt": attempt}),
            "spawn": lambda: task.spawn(repeatable, number + 1000, [], 0),
            "write": lambda: _write(task.task_id, attempt),
        }.items():
            try:
                deed()
            except LeaseLost:
                append({"event": "refused", "task": task.task_id, "attempt": attempt, "what": what})
    return attempt


@entrepot.task(name="effects.scheduled", idempotent=True)
def scheduled(milliseconds: int, error: str | None = None) -> None:
    """Take a while, leave no trace, and fail if there is an `error`; may run again."""
    time.sleep(milliseconds / 1000)  # the work
    if error is not None:
        raise RuntimeError(error)


def _write(task_id: str, attempt: int) -> None:
    with entrepot.current_task().transaction() as database:
        database.execute("INSERT INTO written (task, attempt) VALUES (?, ?)", (task_id, attempt))


def _work(milliseconds: int) -> None:
    """Take so long, with checkpoints."""
    until = time.monotonic() + milliseconds / 1000
    entrepot.checkpoint()
    while time.monotonic() < until:
        time.sleep(_STEP)
        entrepot.checkpoint()


@contextmanager
def _trace(number: int, uses: list[str]) -> Iterator[None]:
    """Note the start of a run, and its end; hold the locks between."""
    claim = entrepot.current_task().claim
    kind = claim.task_type.removeprefix("effects.")
    run = {
        "run": secrets.token_hex(6),
        "number": number,
        "kind": kind,
        "task": claim.task_id,
        "attempt": claim.attempt,
        "pid": os.getpid(),
        "uses": uses,
        "claimed_at": time.monotonic() - (time.time() - claim.started_us / 1_000_000),
    }
    with ExitStack() as locks:
        for name in uses:
            if not _lock(name, locks):
                append({"event": "overlap", **run, "on": name})
        append({"event": "start", **run})
        try:
            yield
        except BaseException:
            append({"event": "stopped", **run})
            raise
        append({"event": "end", **run})


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
