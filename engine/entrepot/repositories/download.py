"""The walk of a download: `request_download` enqueues, `download` sees in the task that every file is there and whole.

What was deferred, lost or damaged is fetched from any feed that the catalog knows to offer it (`recovery`). It reserves
nothing and changes no contents, so it runs beside a sync. Source: the Pulp 2 REST contract, 2.9.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from entrepot.content.bulk import CHUNK_ROWS, chunks, placeholders
from entrepot.errors import JSON, WrongType
from entrepot.repositories import rows
from entrepot.repositories.progress import Progress, Step, final_state
from entrepot.repositories.recovery import Recovery, Wanted
from entrepot.tasking import Call, TaskHandle, current_task

if TYPE_CHECKING:
    from entrepot.content.store import BlobStore
    from entrepot.models import Database
    from entrepot.repositories.house import House
    from entrepot.tasking import TaskContext

#: The task type, and the key of its progress report, that clients know.
TASK_TYPE = "pulp.server.controllers.repository.download_repo"
PROGRESS_KEY = "background_download"

#: Bytes that are read at once.
_READ = 1 << 20
_HELD = "FROM association JOIN unit_file ON unit_file.unit = association.unit"
_AWAITED = (
    "SELECT DISTINCT entry.unit FROM entry JOIN distributor ON distributor.id = entry.distributor "
    "WHERE distributor.repository = ? AND entry.blob IS NULL AND NOT EXISTS (SELECT 1 FROM association "
    "WHERE association.repository = distributor.repository AND association.unit = entry.unit "
    "AND association.removed_revision IS NULL) ORDER BY entry.unit"
)
_UNITS = "SELECT unit FROM association WHERE repository = ? AND removed_revision IS NULL AND unit > ? ORDER BY unit LIMIT ?"
_FILES = (
    "SELECT unit_file.unit, unit_file.path, COALESCE(blob.size, unit_file.size), unit_file.digests, blob.sha256 "
    "FROM unit_file LEFT JOIN blob ON blob.id = unit_file.blob WHERE unit_file.unit IN {units} "
    "ORDER BY unit_file.unit, unit_file.path"
)


def request_download(house: House, repository_id: str, *, verify_all_units: JSON = False) -> TaskHandle:
    """Enqueue a download; `verify_all_units` reads every file. Raises `MissingResource`, `WrongType`."""
    rows.get_repository(house.database, repository_id)
    if not isinstance(verify_all_units, bool):
        field = "verify_all_units"
        raise WrongType(field, verify_all_units, "bool")
    return house.tasks.enqueue(Call(TASK_TYPE, (repository_id, verify_all_units)))


def request_after_sync(house: House, repository_id: str, task: TaskContext) -> None:
    """Enqueue, in the transaction that ends a sync, the download of what it deferred; a repeated one enqueues it once."""
    house.tasks.enqueue(Call(TASK_TYPE, (repository_id, False), idempotency_key=f"{task.task_id}:download"))


def download(house: House, repository_id: str, verify_all_units: bool = False) -> None:  # noqa: FBT001, FBT002 - a task's argument
    """See that the store has every file of the repository, on request by reading it, and fetch what is missing or damaged.

    Files of units that left belong to it while one of its publications waits for their bytes.
    Damaged bytes are put aside, in the store's `quarantine`, and never served again. A file that cannot be had is counted and
    named in the progress report; it does not fail the task, and a later download tries again.
    """
    task, database = current_task(), house.database
    repository = rows.get_repository(database, repository_id)
    step = Step("download", "Reading every file" if verify_all_units else "Downloading what is missing")
    progress = Progress(PROGRESS_KEY, step)
    step.start()
    awaited = [unit for (unit,) in database.rows(_AWAITED, (repository.id,))]
    step.items_total, step.bytes_total = _totals(database, repository.id, awaited)
    state = final_state(None)
    try:
        with Recovery(house, step, lambda: task.progress(progress.report)) as recovery:
            for page in _pages(database, repository.id, awaited):
                wanted = []
                for file in page:
                    problem = _problem(house.store, file)
                    if problem is None and verify_all_units:
                        problem = _damage(house.store, file, task, progress)
                    if problem is None:
                        step.num_success += 1
                        step.bytes_done += file.size or 0
                    else:
                        wanted.append(file._replace(problem=problem))
                    task.progress(progress.report)
                recovery.recover(wanted)
    except BaseException as error:
        state = final_state(type(error))
        raise
    finally:
        task.finish_progress(progress.close(state))


def _totals(database: Database, repository: int, awaited: Sequence[int]) -> tuple[int, int]:
    """Return how many files there are, and how many bytes, as far as that is known."""
    sums = "SELECT COUNT(*), COALESCE(SUM(unit_file.size), 0)"
    found = database.rows(
        f"{sums} {_HELD} WHERE association.repository = ? AND association.removed_revision IS NULL", (repository,)
    )
    for units in chunks(awaited):
        found += database.rows(f"{sums} FROM unit_file WHERE unit IN {placeholders(len(units))}", units)
    return sum(files for files, _ in found), int(sum(size for _, size in found))


def _pages(database: Database, repository: int, awaited: Sequence[int]) -> Iterator[list[Wanted]]:
    """Yield the files of the repository, those of a page of units at a time; those of `awaited` units last."""
    last = 0
    while units := [unit for (unit,) in database.rows(_UNITS, (repository, last, CHUNK_ROWS))]:
        yield _files(database, units)
        last = units[-1]
    for page in chunks(awaited):
        yield _files(database, page)


def _files(database: Database, units: Sequence[int]) -> list[Wanted]:
    found = database.rows(_FILES.format(units=placeholders(len(units))), units)
    return [Wanted(unit, path, size, json.loads(digests), sha256) for unit, path, size, digests, sha256 in found]


def _problem(store: BlobStore, file: Wanted) -> str | None:
    """Say what is wrong with a file, from what the file system knows of it; bytes of another length are put aside."""
    if file.sha256 is None:
        return "its bytes have not been downloaded"
    try:
        found = store.path(file.sha256).stat().st_size
    except OSError as error:
        return f"its bytes are not in the store: {os.strerror(error.errno or 0)}"
    if found == file.size:
        return None
    store.quarantine(file.sha256)
    return f"its bytes are damaged: there are {found:,} of {file.size:,}"


def _damage(store: BlobStore, file: Wanted, task: TaskContext, progress: Progress) -> str | None:
    """Say what reading a file shows to be wrong with it; damaged bytes are put aside."""
    assert file.sha256 is not None  # noqa: S101 - `_problem` found none
    digest = hashlib.sha256()
    try:
        with store.path(file.sha256).open("rb") as stream:
            while piece := stream.read(_READ):
                digest.update(piece)
                task.progress(progress.report)
    except OSError as error:
        return f"its bytes cannot be read: {os.strerror(error.errno or 0)}"
    if digest.hexdigest() == file.sha256:
        return None
    store.quarantine(file.sha256)
    return f"its bytes are damaged: the blob {file.sha256} has another SHA-256 now"
