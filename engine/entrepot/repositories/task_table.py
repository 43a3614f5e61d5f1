"""What workers run for repositories: every task type, in one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from entrepot.repositories import (
    changes,
    copying,
    distributors,
    download,
    importers,
    importing,
    orphans,
    publish,
    removing,
    rolling_back,
    sync,
)
from entrepot.repositories.task_tags import of_distributor, of_importer, of_repository


def _one_repository(repository_id: str, *_args: object, **_options: object) -> list[str]:
    return [f"repository:{repository_id}"]


def _none(*_args: object, **_options: object) -> list[str]:
    return []


_Names = Callable[..., list[str]]

#: Task type, function, tags, what it reserves, what limits may count it by (this and the function get the house first). All may
#: be run again.
TASKS: tuple[tuple[str, Callable[..., Any], _Names, _Names, _Names], ...] = (
    (sync.TASK_TYPE, sync.sync, of_repository("sync"), _one_repository, sync.limit_keys),
    (publish.TASK_TYPE, publish.publish, of_repository("publish"), _one_repository, _none),
    (rolling_back.TASK_TYPE, rolling_back.roll_back, of_distributor("roll_back"), _one_repository, _none),
    (download.TASK_TYPE, download.download, of_repository("download", "download_repo"), _none, _none),
    (changes.DELETE_TASK_TYPE, changes.delete, of_repository("delete"), _one_repository, _none),
    (
        importers.SET_TASK_TYPE,
        importers.set_importer,
        of_importer("add_importer", "update_importer"),
        _one_repository,
        _none,
    ),
    (importers.UPDATE_TASK_TYPE, importers.update_importer, of_importer("update_importer"), _one_repository, _none),
    (importers.REMOVE_TASK_TYPE, importers.remove_importer, of_importer("delete_importer"), _one_repository, _none),
    (
        distributors.UPDATE_TASK_TYPE,
        distributors.update_distributor,
        of_distributor("update_distributor"),
        _one_repository,
        _none,
    ),
    (
        distributors.REMOVE_TASK_TYPE,
        distributors.remove_distributor,
        of_distributor("remove_distributor"),
        _one_repository,
        _none,
    ),
    (copying.TASK_TYPE, copying.copy, copying.tags, copying.reserves, _none),
    (removing.TASK_TYPE, removing.remove, of_repository("unassociate"), _one_repository, _none),
    (importing.TASK_TYPE, importing.import_upload, of_repository("import_upload"), _one_repository, _none),
    (orphans.DELETE_ALL_TASK_TYPE, orphans.delete_all, orphans.tags, orphans.reserves, _none),
    (orphans.DELETE_TYPE_TASK_TYPE, orphans.delete_of_type, orphans.tags, orphans.reserves, _none),
    (orphans.DELETE_LISTED_TASK_TYPE, orphans.delete_listed, orphans.tags_of_listed, orphans.reserves, _none),
)
