"""The walk of a download: `request_download` enqueues, `download` looks in the task whether every file is there and whole.

Every importer fetches files during its sync, so nothing is left to be downloaded: what is not there is counted and named. It
reserves nothing and changes nothing, so it runs beside a sync. Source: the Pulp 2 REST contract, 2.9.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from entrepot.content.bulk import CHUNK_ROWS, placeholders
from entrepot.errors import JSON, WrongType
from entrepot.repositories import rows
from entrepot.repositories.progress import Progress, Step, final_state
from entrepot.tasking import Call, TaskHandle, current_task

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.models import Database, Row
    from entrepot.repositories.house import House
    from entrepot.tasking import TaskContext

#: The task type, and the key of its progress report, that clients know.
TASK_TYPE = "pulp.server.controllers.repository.download_repo"
PROGRESS_KEY = "background_download"

#: Bytes that are read at once.
_READ = 1 << 20
_HELD = "FROM association JOIN unit_file ON unit_file.unit = association.unit"
_UNITS = "SELECT unit FROM association WHERE repository = ? AND removed_revision IS NULL AND unit > ? ORDER BY unit LIMIT ?"
_FILES = (
    "SELECT unit_file.path, blob.sha256, blob.size FROM unit_file LEFT JOIN blob ON blob.id = unit_file.blob "
    "WHERE unit_file.unit IN {units} ORDER BY unit_file.unit, unit_file.path"
)


def request_download(house: House, repository_id: str, *, verify_all_units: JSON = False) -> TaskHandle:
    """Enqueue a download; `verify_all_units` reads every file. Raises `MissingResource`, `WrongType`."""
    rows.get_repository(house.database, repository_id)
    if not isinstance(verify_all_units, bool):
        field = "verify_all_units"
        raise WrongType(field, verify_all_units, "bool")
    return house.tasks.enqueue(Call(TASK_TYPE, (repository_id, verify_all_units)))


def download(house: House, repository_id: str, verify_all_units: bool = False) -> None:  # noqa: FBT001, FBT002 - a task's argument
    """Look whether the store has every file of the repository, and on request whether its bytes are those that were kept.

    A file that is missing or damaged is counted and named in the progress report; it does not fail the task.
    """
    task, database = current_task(), house.database
    repository = rows.get_repository(database, repository_id)
    step = Step("download", "Reading every file" if verify_all_units else "Looking for every file")
    progress = Progress(PROGRESS_KEY, step)
    step.start()
    step.items_total, step.bytes_total = _totals(database, repository.id)
    state = final_state(None)
    try:
        for path, sha256, size in _files(database, repository.id):
            problem = "its bytes have not been downloaded" if sha256 is None else _problem(house.store.path(sha256), size)
            if problem is None and verify_all_units and _digest(task, progress, house.store.path(sha256)) != sha256:
                problem = f"its bytes are damaged: the blob {sha256} has another SHA-256 now"
            if problem is None:
                step.num_success += 1
                step.bytes_done += size
            else:
                step.fail_item(path, problem)
            task.progress(progress.report)
    except BaseException as error:
        state = final_state(type(error))
        raise
    finally:
        task.finish_progress(progress.close(state))


def _totals(database: Database, repository: int) -> tuple[int, int]:
    row = database.row(
        f"SELECT COUNT(*), COALESCE(SUM(unit_file.size), 0) {_HELD} "
        "WHERE association.repository = ? AND association.removed_revision IS NULL",
        (repository,),
    )
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _files(database: Database, repository: int) -> Iterator[Row]:
    """Yield path, digest and size of each file, a page of units at a time; digest and size are None if it is deferred."""
    last = 0
    while units := [unit for (unit,) in database.rows(_UNITS, (repository, last, CHUNK_ROWS))]:
        yield from database.rows(_FILES.format(units=placeholders(len(units))), units)
        last = units[-1]


def _problem(path: Path, size: int) -> str | None:
    """Say what is wrong with the file at `path`, from what the file system knows of it."""
    try:
        found = path.stat().st_size
    except OSError as error:
        return f"its bytes are not in the store: {os.strerror(error.errno or 0)}"
    return None if found == size else f"its bytes are damaged: there are {found:,} of {size:,}"


def _digest(task: TaskContext, progress: Progress, path: Path) -> str | None:
    """Return the SHA-256 of the file at `path`, None if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while piece := stream.read(_READ):
                digest.update(piece)
                task.progress(progress.report)
    except OSError:
        return None
    return digest.hexdigest()
