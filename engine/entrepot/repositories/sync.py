"""The walk of a sync: `request_sync` enqueues, `sync` does the work in the task.

The walk goes on in `sync_run` (units and bytes), `associations` (the change set), `download` for an importer that downloads in
the background and, for auto-publish, `publish`.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import peewee

from entrepot import clock, failpoints
from entrepot.content.units import are_there
from entrepot.errors import JSON, MissingResource, SyncFailed
from entrepot.plugin import unmasked
from entrepot.repositories import associations, download, publish, rows
from entrepot.repositories.associations import ChangeSet
from entrepot.repositories.feeds import fetch_options
from entrepot.repositories.history import Record, recorded
from entrepot.repositories.keeper import Vanished
from entrepot.repositories.sync_run import KnownState, SyncRun
from entrepot.tasking import Call, TaskHandle, current_task

if TYPE_CHECKING:
    from entrepot.models import Database, Importer, Repository
    from entrepot.plugin import ImporterConfig
    from entrepot.repositories.house import House

#: The task type that clients know. Source: the Pulp 2 REST contract, 2.8.
TASK_TYPE = "pulp.server.managers.repo.sync.sync"
#: How often an import is run, when what it found is removed meanwhile by those who remove orphans.
_MOST_IMPORTS = 3


def request_sync(house: House, repository_id: str, override_config: dict[str, JSON] | None = None) -> TaskHandle:
    """Enqueue a sync of the repository; raises `MissingResource` if it does not exist."""
    rows.require_repository(house.database, repository_id)
    return house.tasks.enqueue(Call(TASK_TYPE, (repository_id, override_config)))


def limit_keys(house: House, repository_id: str, override_config: dict[str, JSON] | None = None) -> list[str]:
    """Return what limits may count a sync by: `sync-origin:HOST`, the host of its feed, as far as it is known by now."""
    repository = rows.find_repository(house.database, repository_id)
    importer = rows.find_importer(house.database, repository.id) if repository else None
    feed = (override_config or {}).get("feed") or (importer.config.get("feed") if importer else None)
    try:
        host = urlsplit(feed).hostname if isinstance(feed, str) else None
    except ValueError:
        host = None  # the sync itself says what is wrong with such an address
    return [f"sync-origin:{host}"] if host else []


def sync(house: House, repository_id: str, override_config: dict[str, JSON] | None = None) -> dict[str, JSON]:
    """Bring in what the feed offers, and return the history entry; runs in a task that has reserved the repository.

    The contents change in one transaction at the end: a sync that fails or is canceled changes nothing. Raises
    `MissingResource`, `RefusedConfiguration`, `FetchError`, `PluginError`, `SyncFailed`, `StorageError`.
    """
    task, database = current_task(), house.database
    repository = rows.get_repository(database, repository_id)
    importer = rows.find_importer(database, repository.id)
    if importer is None:
        raise MissingResource(repo_id=repository_id)
    type_id = importer.importer_type_id
    record = Record("sync", repository.id, repository_id, type_id, type_id, task.task_id, clock.now(), importer.id)
    done = record.find_success(database) if task.claim.attempt > 1 else None
    if done is not None:
        return done  # the worker of an earlier attempt was lost after its commit
    with recorded(database, record):
        plugin = house.plugins.importer(type_id)
        override = unmasked(override_config or {}, importer.config)
        config = plugin.configure(importer.config, override, server=house.settings.plugins.get(type_id))
        fingerprint = _fingerprint(config)
        for _ in range(_MOST_IMPORTS):
            run = SyncRun(
                database,
                house.store,
                task,
                repository=repository,
                importer=importer,
                config=config,
                options=fetch_options(house.settings, config),
                known=_known_state(importer, repository, config, fingerprint),
                most_metadata=house.settings.max_metadata_bytes,
            )
            try:
                with run:
                    found = run.import_units(plugin())
                record.summary = run.summary()
                if run.error_count:
                    raise _failed(run)
                with task.transaction():
                    database.lock_resources([f"repository:{repository_id}"])  # first, as whoever enqueues for it does
                    changes = _changes(database, repository, run, found)
                    revision = _apply(database, repository, run, changes)
                    failpoints.reach("sync.change_set_written")
                    state: dict[str, JSON] = {"token": run.token, "fingerprint": fingerprint, "revision": revision}
                    rows.close_sync(database, importer.id, state)
                    record.counts = changes.counts
                    if config.download_policy == "background":
                        download.request_after_sync(house, repository_id, task)
                    publish.request_auto_publishes(house, repository, task)
                    result = record.close(database, "success")
                break
            except Vanished:
                continue
        else:
            raise _outpaced()
    failpoints.reach("sync.committed")
    return result


def _changes(database: Database, repository: Repository, run: SyncRun, found: dict[int, str]) -> ChangeSet:
    if run.was_unchanged:
        return ChangeSet({}, {}, updated=0)
    changes = associations.change_set(database, repository.id, found, remove_missing=run.config.remove_missing)
    if not run.leaving:
        return changes
    return ChangeSet(changes.added, {**changes.removed, **run.leaving}, changes.updated)


def _apply(database: Database, repository: Repository, run: SyncRun, changes: ChangeSet) -> int:
    """Write the change set, and return the repository's revision; raises `Vanished` if a unit of it is gone."""
    if not are_there(database, {row: run.known_uids[row] for row in changes.added if row in run.known_uids}):
        raise Vanished
    try:
        return associations.apply(database, repository.id, changes)
    except peewee.IntegrityError as error:  # a unit that nobody else held was removed since it was found
        raise Vanished from error


def _known_state(importer: Importer, repository: Repository, config: ImporterConfig, fingerprint: str) -> KnownState:
    state: dict[str, Any] = importer.sync_state or {}
    same = state.get("fingerprint") == fingerprint and state.get("revision") == repository.revision
    return KnownState(state.get("token"), is_comparable=same and not config.force_full)


def _fingerprint(config: ImporterConfig) -> str:
    """Return what stands for a configuration: a digest, because the configuration holds secrets."""
    values = config.model_dump(mode="python", exclude={"force_full"})
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: Any) -> str:  # noqa: ANN401 - whatever a configuration holds
    return value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)


def _failed(run: SyncRun) -> SyncFailed:
    errors = sorted(run.errors, key=lambda error: str(error["item"]))  # they came as transfers ended, in no order
    first, others = errors[0], run.error_count - 1
    more = f" And {others} more." if others else ""
    msg = f"The sync failed, and the repository was left as it was. {first['item']}: {first['error']}{more}"
    return SyncFailed(msg, errors=list[JSON](errors), error_count=run.error_count)


def _outpaced() -> SyncFailed:
    msg = (
        "The sync failed, and the repository was left as it was: units that it had found were removed meanwhile as orphans, "
        f"{_MOST_IMPORTS} times. Sync again when no orphans are being removed."
    )
    return SyncFailed(msg)
