"""Task types: which function a task runs, what it reserves, and whether it may be run again."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import entry_points
from typing import Any, TypeVar, overload

from entrepot.errors import InvalidSettings, UnknownTaskType

F = TypeVar("F", bound=Callable[..., Any])

#: Entry points of this group name modules whose `@task` functions workers may run.
ENTRY_POINT_GROUP = "entrepot.tasks"

_MARK = "__entrepot_task_type__"


@dataclass(frozen=True, slots=True)
class TaskType:
    """A function that tasks run, and the rules for running it.

    `resources` and `tags` are the names themselves, or a function of the task's arguments that returns them.
    `idempotent` says that running it twice does no harm: only then is it run again after its worker was lost.
    """

    name: str
    function: Callable[..., Any]
    resources: Iterable[str] | Callable[..., Iterable[str]] = ()
    tags: Iterable[str] | Callable[..., Iterable[str]] = ()
    idempotent: bool = False
    timeout: timedelta | None = None

    def resources_for(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the resources that a task with these arguments reserves."""
        return tuple(self.resources(*args, **kwargs) if callable(self.resources) else self.resources)

    def tags_for(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the tags of a task with these arguments."""
        return tuple(self.tags(*args, **kwargs) if callable(self.tags) else self.tags)


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
) -> Callable[[F], F]: ...


def task(
    function: F | None = None,
    *,
    name: str | None = None,
    resources: Iterable[str] | Callable[..., Iterable[str]] = (),
    tags: Iterable[str] | Callable[..., Iterable[str]] = (),
    idempotent: bool = False,
    timeout: timedelta | float | None = None,
) -> F | Callable[[F], F]:
    """Mark a plain function as a task type; the function itself stays as it is and can be called directly.

    Workers find it when its module is named by an entry point of group `entrepot.tasks` or by the setting
    `task_modules`. `name` defaults to `module.function`; `timeout` is a span or seconds.
    """

    def mark(marked: F) -> F:
        limit = timeout if isinstance(timeout, timedelta) or timeout is None else timedelta(seconds=timeout)
        type_name = name or f"{marked.__module__}.{marked.__qualname__}"
        setattr(marked, _MARK, TaskType(type_name, marked, resources, tags, idempotent, limit))
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
