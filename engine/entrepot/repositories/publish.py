"""The walk of a publish: `request_publish` enqueues, `publish` does the work in the task.

The distributor lays out the files (`publish_run`); `publication` writes them as rows and flips. Steps 9 and 10 of the
walk of a sync.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from entrepot import clock, failpoints
from entrepot.errors import JSON, InvalidValue, PluginError, PublishFailed
from entrepot.plugin import unmasked
from entrepot.repositories import checks, entries, flips, publication, rows, sources
from entrepot.repositories.history import Record, recorded
from entrepot.repositories.publish_run import PreviousUnreadable, PublishRun
from entrepot.tasking import Call, TaskContext, TaskHandle, current_task

if TYPE_CHECKING:
    from entrepot.models import Distributor, Publication, Repository
    from entrepot.plugin import Distributor as DistributorPlugin
    from entrepot.plugin import DistributorConfig
    from entrepot.repositories.house import House
    from entrepot.repositories.sources import Source

#: The task type that clients know. Source: the Pulp 2 REST contract, 2.10.
TASK_TYPE = "pulp.server.managers.repo.publish.publish"


def request_publish(
    house: House, repository_id: str, distributor_id: str, override_config: dict[str, JSON] | None = None
) -> TaskHandle:
    """Enqueue a publish; raises `MissingResource` if there is no such repository or distributor."""
    repository = rows.get_repository(house.database, repository_id)
    rows.get_distributor(house.database, repository, distributor_id)
    return request_publish_unchecked(house, repository_id, distributor_id, override_config)


def request_publish_unchecked(
    house: House, repository_id: str, distributor_id: str, override_config: dict[str, JSON] | None = None
) -> TaskHandle:
    """Enqueue a publish that fails in its task if there is no such distributor.

    Raises `MissingResource` (no repository), `InvalidValue`. Source: the Pulp 2 REST contract, 2.10.
    """
    rows.get_repository(house.database, repository_id)
    if "\0" in distributor_id or len(distributor_id) > checks.LONGEST_ID:
        raise InvalidValue("id", why=f"a distributor's id has at most {checks.LONGEST_ID} characters, none of them NUL")
    return house.tasks.enqueue(Call(TASK_TYPE, (repository_id, distributor_id, override_config)))


def request_auto_publishes(house: House, repository: Repository, task: TaskContext) -> None:
    """Enqueue a publish for each distributor that asks for one after every sync, in the caller's transaction.

    A sync that is run again, because its worker was lost after this commit, finds the same tasks.
    """
    for distributor in sources.in_order(rows.distributors_of(house.database, repository.id)):
        if distributor.auto_publish:
            key = f"{task.task_id}:publish:{distributor.distributor_id}"
            arguments = (repository.repository_id, distributor.distributor_id)
            house.tasks.enqueue(Call(TASK_TYPE, arguments, {"automatic": True}, idempotency_key=key))


def publish(
    house: House,
    repository_id: str,
    distributor_id: str,
    override_config: dict[str, JSON] | None = None,
    *,
    automatic: bool = False,
) -> dict[str, JSON]:
    """Publish the repository, and return the history entry; runs in a task that has reserved the repository.

    Readers see the last publication or the new one, whole. If neither the contents nor the configuration changed since
    the latest publication, nothing is built; only a request by hand then serves the latest again after a roll-back, and
    builds it anew if files that the distributor wrote are lost.
    Raises `MissingResource`, `RefusedConfiguration`, `PublishFailed`, `PluginError`, `StorageError`.
    """
    task, database = current_task(), house.database
    repository = rows.get_repository(database, repository_id)
    distributor = rows.get_distributor(database, repository, distributor_id)
    type_id = distributor.distributor_type_id
    record = Record("publish", repository.id, repository_id, distributor_id, type_id, task.task_id, clock.now())
    done = record.find_success(database) if task.claim.attempt > 1 else None
    if done is not None:
        return done  # the worker of an earlier attempt was lost after its commit
    with recorded(database, record), _reported(repository_id, distributor_id):
        plugin = house.plugins.distributor(type_id)
        override = unmasked(override_config or {}, distributor.config)
        force = str(override.pop("force_full", False)).lower() in ("true", "1", "yes", "on")
        config = plugin.configure(distributor.config, override, server=house.settings.plugins.get(type_id))
        source = sources.find_source(database, repository, distributor, config)
        fingerprint = _fingerprint(plugin, config, source)
        latest = publication.latest(database, distributor.id)
        force = force or (not automatic and latest is not None and _has_lost_files(house, latest))
        same = latest is not None and latest.fingerprint == fingerprint and not force
        shown = repository.revision if source is None else source.repository_revision
        if latest is not None and same and latest.repository_revision == shown:
            return _serve_latest(house, record, repository, distributor, latest, automatic=automatic, override=override)
        base = latest if same else None
        result: dict[str, JSON] | None = None
        while result is None:
            with (
                suppress(PreviousUnreadable),
                PublishRun(
                    database,
                    house.store,
                    task,
                    repository=repository,
                    distributor_id=distributor_id,
                    config=config,
                    distributor=distributor.id,
                    previous=base,
                    source=source,
                ) as run,
            ):
                plugin().publish(run)
                with house.store.keeping():
                    run.keep_written()
                    failpoints.reach("publish.built")
                    result = _flip(
                        house,
                        record,
                        repository,
                        distributor,
                        run=run,
                        base=base,
                        fingerprint=fingerprint,
                        automatic=automatic,
                        override=override,
                    )
            base = None  # else once more, in full: a unit that it shows was deleted meanwhile, or a file of it cannot be read
    failpoints.reach("publish.committed")
    return result


def _flip(
    house: House,
    record: Record,
    repository: Repository,
    distributor: Distributor,
    *,
    run: PublishRun,
    base: Publication | None,
    fingerprint: str,
    automatic: bool,
    override: dict[str, JSON],
) -> dict[str, JSON] | None:
    """Write what `run` has built, serve it, and close the history entry, in one transaction; return the entry.

    None, and nothing is written, if the publication `base` that it is a difference to is none to start from any more.
    """
    with current_task().transaction() as database:
        previous = publication.lock_live(database, distributor.id)
        if base is not None and not publication.is_as_it_was(database, base):
            return None
        written = publication.write(database, run.result(fingerprint))
        flips.flipped(
            house,
            repository,
            distributor,
            revision=written.revision,
            previous=previous,
            is_automatic=automatic,
            override_config=override,
        )
        rows.close_publish(database, distributor.id)
        record.summary = {
            "revision": written.revision,
            "files": written.entry_count,
            "added": written.added_count,
            "updated": written.updated_count,
            "removed": written.removed_count,
            "unchanged": False,
        }
        return record.close(database, "success")


@contextmanager
def _reported(repository_id: str, distributor_id: str) -> Iterator[None]:
    """Let what a distributor reports end the task as clients know it, with what and where beside.

    Source: the Pulp 2 REST contract, 2.10 and A3.
    """
    try:
        yield
    except PluginError as error:
        data = error.data | {"distributor_id": distributor_id, "repo_id": repository_id, "summary": error.message}
        raise PublishFailed(error.message, **data) from error


def _serve_latest(
    house: House,
    record: Record,
    repository: Repository,
    distributor: Distributor,
    latest: Publication,
    *,
    automatic: bool,
    override: dict[str, JSON],
) -> dict[str, JSON]:
    with current_task().transaction() as database:
        previous = publication.lock_live(database, distributor.id)
        served = previous if automatic else latest.revision
        if served is not None and served != previous:
            publication.make_live(database, distributor.id, served)
        flips.flipped(
            house,
            repository,
            distributor,
            revision=served,
            previous=previous,
            is_automatic=automatic,
            override_config=override,
        )
        rows.close_publish(database, distributor.id)
        record.summary = {
            "revision": latest.revision,
            "files": latest.entry_count,
            "added": 0,
            "updated": 0,
            "removed": 0,
            "unchanged": True,
        }
        return record.close(database, "success")


def _has_lost_files(house: House, latest: Publication) -> bool:
    """Say whether bytes are lost that only a publish brings back; damaged ones are, once somebody has asked for them."""
    made = entries.made_files(house.database, latest.distributor, latest.revision)
    return not all(map(house.store.has, made))


def _fingerprint(plugin: type[DistributorPlugin], config: DistributorConfig, source: Source | None) -> str:
    """Return what stands for a configuration, the plugin that reads it, and the publication that it copies, if it does."""
    values: list[object] = [plugin.__module__, plugin.__qualname__, plugin.api, config.model_dump(mode="json")]
    if source is not None:
        values += [source.distributor, source.revision, source.made]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
