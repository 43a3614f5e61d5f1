"""The ids that the beginnings stand for which people type, of the engine's tasks, groups and schedules or of a server's."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from entrepot.errors import MissingResource

if TYPE_CHECKING:
    from entrepot.client import Client
    from entrepot.engine import Engine

#: Groups that are looked through for one, the newest first; an older one is named by its whole id.
_MOST_GROUPS = 10_000
_SCHEDULE_LENGTH = 24


def full_task_id(engine: Engine | Client, given: str) -> str:
    """Return the id of the one task whose id begins with `given`; a whole id is returned as it is.

    Raises `MissingResource` if there is none, `InvalidValue` if there are several or `given` is too short.
    """
    from entrepot.tasking import short_ids

    if not _is_client(engine):
        return short_ids.full_task_id(cast("Engine", engine).database, given)
    if len(given) >= short_ids.FULL_LENGTH:
        return given
    start = short_ids.beginning("task_id", given)
    ids = [] if start is None else _tasks(cast("Client", engine), start, short_ids.MOST_COUNTED + 1)
    if not ids:
        raise MissingResource(resource_id=given)
    return short_ids.only_one(ids, "task_id", given)


def full_group_id(engine: Engine | Client, given: str) -> str:
    """Return the id of the one group of tasks whose id begins with `given`; as `full_task_id` otherwise."""
    from entrepot.tasking import short_ids

    if not _is_client(engine):
        return short_ids.full_group_id(cast("Engine", engine).database, given)
    if len(given) >= short_ids.FULL_LENGTH:
        return given
    start = short_ids.beginning("group_id", given)
    reports = [] if start is None else engine.tasks.list_groups(limit=_MOST_GROUPS)
    ids = [report.group_id for report in reports if report.group_id.startswith(start or "")]
    if not ids:
        raise MissingResource(task_group=given)
    return short_ids.only_one(ids, "group_id", given)


def full_schedule_id(engine: Engine | Client, given: str) -> str:
    """Return the id of the one schedule whose id begins with `given`; as `full_task_id` otherwise."""
    from entrepot.tasking import short_ids

    if len(given) >= _SCHEDULE_LENGTH:
        return given
    start = short_ids.beginning("schedule_id", given)
    reports = [] if start is None else engine.schedules.list()
    ids = [report.schedule_id for report in reports if report.schedule_id.startswith(start or "")]
    if not ids:
        raise MissingResource(schedule_id=given)
    return short_ids.only_one(ids, "schedule_id", given)


def _is_client(engine: Engine | Client) -> bool:
    """Say which it is, without importing the other."""
    return not hasattr(engine, "database")


def _tasks(client: Client, start: str, limit: int) -> list[str]:
    from entrepot.criteria import Criteria

    criteria = Criteria.parse({"filters": {"task_id": {"$gte": start, "$lt": f"{start}g"}}, "limit": limit})
    return [report.task_id for report in client.tasks.search(criteria) if report.task_id.startswith(start)]
