"""Tasks that somebody calls by the name of their type: which he may call, and whether they take what he gives."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING

from entrepot.errors import InvalidSettings, InvalidValue, OperationRefused, UnknownTaskType
from entrepot.propagation import pushes
from entrepot.repositories.task_table import TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrepot.engine import Engine
    from entrepot.errors import JSON
    from entrepot.tasking import TaskType

_LOG = logging.getLogger(__name__)
#: Task types of the engine itself: permissions for what they do are checked by their own endpoints.
_OWN_TYPES = frozenset([pushes.TASK_TYPE, *(row[0] for row in TASKS)])


def require_callable(
    engine: Engine, name: str, args: Sequence[JSON], kwargs: Mapping[str, JSON], *, is_superuser: bool, property_name: str
) -> None:
    """Raise unless tasks of type `name` may be called so: types of the engine's own are for super users.

    Raises `OperationRefused`, and `InvalidValue` for `property_name` if no module defines the type, or for `args`, `kwargs`.
    """
    if name in _OWN_TYPES and not is_superuser:
        raise OperationRefused(f"Tasks of type {name} are enqueued by the endpoint that they belong to.")
    _require_fitting(_task_type(engine, name, property_name), args, kwargs)


def _task_type(engine: Engine, name: str, property_name: str) -> TaskType:
    """Return the task type; the task modules are imported when the first unknown one is named."""
    try:
        return engine.registry.get(name)
    except UnknownTaskType:
        pass
    try:
        engine.load_tasks()
        return engine.registry.get(name)
    except InvalidSettings as error:
        _LOG.warning("the task modules cannot be loaded: %s", error.message)
        raise InvalidValue(property_name, why="this server cannot load its task modules; its log has more") from error
    except UnknownTaskType as error:
        raise InvalidValue(property_name, why=error.message) from error


def _require_fitting(task_type: TaskType, args: Sequence[JSON], kwargs: Mapping[str, JSON]) -> None:
    """Raise `InvalidValue` unless the function takes these arguments, and its rules for them can be worked out."""
    given, named = tuple(args), dict(kwargs)
    try:
        inspect.signature(task_type.function).bind(*given, **named)
        task_type.resources_for(given, named)
        task_type.tags_for(given, named)
        task_type.limit_keys_for(given, named)
        task_type.limits_for(given, named)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise InvalidValue("args", "kwargs", why=f"{task_type.name} does not take them: {error}") from error
