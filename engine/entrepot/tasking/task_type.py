"""Task types: which function a task runs, what it reserves, and whether it may be run again."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import entry_points
from typing import Any, Literal, TypeVar, overload

from entrepot.errors import InvalidSettings, InvalidValue, UnknownTaskType
from entrepot.settings import NO_QUEUE_NAME, QUEUE_NAME
from entrepot.tasking.retry import Retry

F = TypeVar("F", bound=Callable[..., Any])

#: Entry points of this group name modules whose `@task` functions workers may run.
ENTRY_POINT_GROUP = "entrepot.tasks"

#: Names of priorities, and how the rows keep them: the smallest is claimed first.
PRIORITIES: Mapping[str, int] = {"high": 0, "default": 1, "low": 2}

Priority = Literal["high", "default", "low"]

DEFAULT_QUEUE = "default"

#: No limit is larger: so many rows at most are counted to find out whether a task is among the first in its line.
LARGEST_CAPACITY = 100
_MARK = "__entrepot_task_type__"


@dataclass(frozen=True, slots=True)
class TaskType:
    """A function that tasks run, and the rules for running it.

    `resources` and `tags` are the names themselves, or a function of the task's arguments that returns them.
    `idempotent` says that running it twice does no harm: only then is it run again after its worker was lost. `queue` says
    which workers run it, `priority` which ready task they take first; `retry` what becomes of one that raised.
    `limit_keys` names what limits of the setting `concurrency_limits` may count it by, beside its own name; `limits` are
    limits that the type sets itself: what they count it by, and how many of those may run at once, from 1 to 100.
    """

    name: str
    function: Callable[..., Any]
    resources: Iterable[str] | Callable[..., Iterable[str]] = ()
    tags: Iterable[str] | Callable[..., Iterable[str]] = ()
    idempotent: bool = False
    timeout: timedelta | None = None
    queue: str = DEFAULT_QUEUE
    priority: Priority = "default"
    retry: Retry | None = None
    limit_keys: Callable[..., Iterable[str]] | None = None
    limits: Callable[..., Mapping[str, int]] | None = None

    def __post_init__(self) -> None:
        """Refuse a priority or a queue name that cannot be; raises `InvalidValue`."""
        if self.priority not in PRIORITIES:
            raise InvalidValue("priority", why=f"{self.priority!r} is none of {', '.join(PRIORITIES)}")
        require_queue_name(self.queue)

    def resources_for(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the resources that a task with these arguments reserves."""
        return tuple(self.resources(*args, **kwargs) if callable(self.resources) else self.resources)

    def tags_for(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the tags of a task with these arguments."""
        return tuple(self.tags(*args, **kwargs) if callable(self.tags) else self.tags)

    def limit_keys_for(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what limits may count a task with these arguments by: its type, and what the type says."""
        return (self.name, *(self.limit_keys(*args, **kwargs) if self.limit_keys else ()))

    def limits_for(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Mapping[str, int]:
        """Return the limits that the type itself sets for a task with these arguments; raises `InvalidValue`."""
        found = self.limits(*args, **kwargs) if self.limits else {}
        for key, capacity in found.items():
            if type(capacity) is not int or not 1 <= capacity <= LARGEST_CAPACITY:
                raise InvalidValue("limits", why=f"of {key!r} at least 1 and at most {LARGEST_CAPACITY} run at once")
        return found


def require_queue_name(name: str) -> str:
    """Return `name` if it can be a queue's; raises `InvalidValue`."""
    if not QUEUE_NAME.fullmatch(name):
        raise InvalidValue("queue", why=f"{name!r} {NO_QUEUE_NAME}")
    return name


@overload
def task(function: F) -> F: ...


@overload
def task(
    *,
    name: str | None = None,
    resources: Iterable[str] | Callable[..., Iterable[str]] = (),
    tags: Iterable[str] | Callable[..., Iterable[str]] = (),
    idempotent: bool = False,
    timeout: timedelta | float | None = None,
    queue: str = DEFAULT_QUEUE,
    priority: Priority = "default",
    retry: Retry | None = None,
    limit_keys: Callable[..., Iterable[str]] | None = None,
) -> Callable[[F], F]: ...


def task(
    function: F | None = None,
    *,
    name: str | None = None,
    resources: Iterable[str] | Callable[..., Iterable[str]] = (),
    tags: Iterable[str] | Callable[..., Iterable[str]] = (),
    idempotent: bool = False,
    timeout: timedelta | float | None = None,
    queue: str = DEFAULT_QUEUE,
    priority: Priority = "default",
    retry: Retry | None = None,
    limit_keys: Callable[..., Iterable[str]] | None = None,
) -> F | Callable[[F], F]:
    """Mark a plain function as a task type; the function itself stays as it is and can be called directly.

    Workers find it when its module is named by an entry point of group `entrepot.tasks` or by the setting
    `task_modules`. `name` defaults to `module.function`; `timeout` is a span or seconds. The other options are those of
    `TaskType`. Raises `InvalidValue` if one of them cannot be.
    """

    def mark(marked: F) -> F:
        limit = timeout if isinstance(timeout, timedelta) or timeout is None else timedelta(seconds=timeout)
        type_name = name or f"{marked.__module__}.{marked.__qualname__}"
        made = TaskType(type_name, marked, resources, tags, idempotent, limit, queue, priority, retry, limit_keys)
        setattr(marked, _MARK, made)
        return marked

    return mark(function) if function is not None else mark


class TaskRegistry:
    """The task types that one engine knows."""

    def __init__(self, types: Iterable[TaskType] = ()) -> None:
        """Start with `types`."""
        self._types = {task_type.name: task_type for task_type in types}

    def add(self, task_type: TaskType) -> None:
        """Make `task_type` known; a later one of the same name replaces the earlier."""
        self._types[task_type.name] = task_type

    def queues(self) -> list[str]:
        """Return the queues that known task types name, sorted; `default` is always one of them."""
        return sorted({DEFAULT_QUEUE, *(task_type.queue for task_type in self._types.values())})

    def names(self) -> list[str]:
        """Return the names of all task types, sorted."""
        return sorted(self._types)

    def get(self, name: str) -> TaskType:
        """Return the task type called `name`; raises `UnknownTaskType`."""
        try:
            return self._types[name]
        except KeyError:
            msg = (
                f"No function of task type {name!r} is known here. Name its module in ENTREPOT_TASK_MODULES, or give "
                f"it an entry point of group {ENTRY_POINT_GROUP!r}, and restart the workers."
            )
            raise UnknownTaskType(msg, task_type=name) from None

    def type_of(self, function: Callable[..., Any] | str) -> TaskType:
        """Return the type of a `@task` function or of a type name, and remember it; raises `UnknownTaskType`."""
        if isinstance(function, str):
            return self.get(function)
        task_type = getattr(function, _MARK, None)
        if not isinstance(task_type, TaskType):
            name = getattr(function, "__qualname__", repr(function))
            msg = f"{name} is not a task: put @entrepot.task above it."
            raise UnknownTaskType(msg, task_type=name)
        self.add(task_type)
        return task_type

    def load_modules(self, modules: Iterable[str]) -> None:
        """Import `modules` and add every task they define; raises `InvalidSettings` naming one that fails."""
        for module_name in modules:
            try:
                module = importlib.import_module(module_name)
            except Exception as error:
                raise InvalidSettings({"task_modules": f"{module_name} cannot be imported: {error!r}"}) from error
            for value in vars(module).values():
                task_type = getattr(value, _MARK, None)
                if isinstance(task_type, TaskType):
                    self.add(task_type)

    def load_entry_points(self) -> None:
        """Add the tasks of every module that an installed distribution names."""
        self.load_modules(point.value for point in entry_points(group=ENTRY_POINT_GROUP))
