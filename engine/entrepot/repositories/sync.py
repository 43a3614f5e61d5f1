"""The walk of a sync: `request_sync` enqueues, `sync` does the work in the task.

The walk goes on in `sync_run` (units and bytes), `associations` (the change set) and, for auto-publish, `publish`.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from entrepot import clock, failpoints
from entrepot.content.fetch import FetchOptions
from entrepot.errors import JSON, MissingResource, RefusedConfiguration, SyncFailed
from entrepot.plugin import unmasked
from entrepot.repositories import associations, publish, rows
from entrepot.repositories.associations import ChangeSet
from entrepot.repositories.history import Record, recorded
from entrepot.repositories.sync_run import KnownState, SyncRun
from entrepot.tasking import Call, TaskHandle, current_task

if TYPE_CHECKING:
    from entrepot.models import Database, Importer, Repository
    from entrepot.plugin import ImporterConfig
    from entrepot.repositories.house import House
    from entrepot.settings import Settings

#: The task type that clients know. Source: the Pulp 2 REST contract, 2.8.
TASK_TYPE = "pulp.server.managers.repo.sync.sync"


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
        config = plugin.configure(importer.config, unmasked(override_config or {}, importer.config))
        fingerprint = _fingerprint(config)
        run = SyncRun(
            database,
            house.store,
            task,
            repository_id=repository_id,
            importer_type_id=type_id,
            config=config,
            options=fetch_options(house.settings, config),
            known=_known_state(importer, repository, config, fingerprint),
        )
        with run:
            found = run.import_units(plugin())
        record.summary = run.summary()
        if run.error_count:
            raise _failed(run)
        with task.transaction():
            database.lock_resources([f"repository:{repository_id}"])  # first, as whoever enqueues for it does
            changes = _changes(database, repository, run, found, config)
            revision = associations.apply(database, repository.id, changes)
            failpoints.reach("sync.change_set_written")
            rows.close_sync(database, importer.id, {"token": run.token, "fingerprint": fingerprint, "revision": revision})
            record.counts = changes.counts
            publish.request_auto_publishes(house, repository, task)
            result = record.close(database, "success")
    failpoints.reach("sync.committed")
    return result


def fetch_options(settings: Settings, config: ImporterConfig) -> FetchOptions:
    """Return how files are fetched: an importer's configuration, and the engine's settings where it is silent.

    Raises `RefusedConfiguration` if there is no feed.
    """
    if not config.feed:
        raise RefusedConfiguration("The importer", {"feed": "is missing: name the address to sync from"})
    return FetchOptions(
        feed=config.feed,
        max_downloads=config.max_downloads,
        max_speed=config.max_speed,
        connect_timeout_seconds=config.connect_timeout or settings.connect_timeout_seconds,
        total_timeout_seconds=settings.total_timeout_seconds,
        low_speed_bytes=settings.low_speed_bytes,
        low_speed_seconds=math.ceil(config.read_timeout or settings.low_speed_seconds),
        retries=settings.fetch_retries if config.num_retries is None else config.num_retries,
        ssl_validation=config.ssl_validation,
        ssl_ca_cert=config.ssl_ca_cert,
        ssl_client_cert=config.ssl_client_cert,
        ssl_client_key=_revealed(config.ssl_client_key),
        proxy_host=config.proxy_host,
        proxy_port=config.proxy_port,
        proxy_username=config.proxy_username,
        proxy_password=_revealed(config.proxy_password),
        basic_auth_username=config.basic_auth_username,
        basic_auth_password=_revealed(config.basic_auth_password),
        allowed_file_roots=tuple(settings.allowed_file_roots),
        blocked_networks=tuple(settings.blocked_networks),
    )


def _changes(
    database: Database, repository: Repository, run: SyncRun, found: dict[int, str], config: ImporterConfig
) -> ChangeSet:
    if run.was_unchanged:
        return ChangeSet({}, {}, updated=0)
    return associations.change_set(database, repository.id, found, remove_missing=config.remove_missing)


def _known_state(importer: Importer, repository: Repository, config: ImporterConfig, fingerprint: str) -> KnownState:
    state: dict[str, Any] = importer.sync_state or {}
    same = state.get("fingerprint") == fingerprint and state.get("revision") == repository.revision
    return KnownState(state.get("token"), is_comparable=same and not config.force_full)


def _fingerprint(config: ImporterConfig) -> str:
    """Return what stands for a configuration: a digest, because the configuration holds secrets."""
    values = config.model_dump(mode="python", exclude={"force_full"})
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=_plain).encode()).hexdigest()


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _plain(value: Any) -> str:  # noqa: ANN401 - whatever a configuration holds
    return value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)


def _failed(run: SyncRun) -> SyncFailed:
    first, others = run.errors[0], run.error_count - 1
    more = f" And {others} more." if others else ""
    msg = f"The sync failed, and the repository was left as it was. {first['item']}: {first['error']}{more}"
    return SyncFailed(msg, errors=list[JSON](run.errors), error_count=run.error_count)
