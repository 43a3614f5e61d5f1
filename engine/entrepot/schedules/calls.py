"""What a schedule asks for when it runs: the call of a sync, of a publish, or of a program's own task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from entrepot.errors import UnknownTaskType
from entrepot.repositories import publish, sync
from entrepot.tasking import Call

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.models import Row
    from entrepot.repositories import House

#: What `call_of` reads, of a schedule that the statement calls `held`.
COLUMNS = """
held.kind, (SELECT repository_id FROM repository WHERE id = held.repository),
(SELECT distributor_id FROM distributor WHERE id = held.distributor), held.task_type, held.arguments, held.override_config
"""


def call_of(house: House, row: Row, key: str, *, is_by_hand: bool = False) -> Call:
    """Return the call that `row`, the values of `COLUMNS`, stands for; by its idempotency key `key` the task is known.

    `is_by_hand`: somebody asks for a run out of turn. Raises `UnknownTaskType` if no module that workers load defines the
    task, `InvalidSettings` if one cannot be loaded.
    """
    kind, repository_id, distributor_id, task_type, arguments, override_config = row
    if kind == "task":
        _load(house, task_type)
        args, kwargs = json.loads(arguments)
        return Call(task_type, tuple(args), kwargs, idempotency_key=key)
    overrides = json.loads(override_config) or None
    if kind == "sync":
        return Call(sync.TASK_TYPE, (repository_id, overrides), idempotency_key=key)
    options: dict[str, JSON] = {} if is_by_hand else {"automatic": True}
    return Call(publish.TASK_TYPE, (repository_id, distributor_id, overrides), options, idempotency_key=key)


def _load(house: House, task_type: str) -> None:
    """Import the modules that define tasks, in a process that has not done so: who schedules syncs only needs none."""
    registry = house.tasks.registry
    try:
        registry.get(task_type)
    except UnknownTaskType:
        registry.load_entry_points()
        registry.load_modules(house.settings.task_modules)
