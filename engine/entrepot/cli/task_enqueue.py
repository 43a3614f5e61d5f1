"""`entrepot task enqueue`: run a task of one's own, and follow it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from entrepot.cli import completion
from entrepot.cli.options import ArgOption, BackgroundOption, KwargOption, TimeoutOption
from entrepot.cli.session import OutputOption, Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrepot.client import Client
    from entrepot.engine import Engine
    from entrepot.errors import JSON


class Priority(StrEnum):
    """Which ready task a worker takes first."""

    HIGH = "high"
    DEFAULT = "default"
    LOW = "low"


def enqueue(
    ctx: typer.Context,
    task_type: Annotated[str, typer.Argument(metavar="TYPE", help="The type of the task, as bakery.bake.")],
    *,
    arg: ArgOption = None,
    kwarg: KwargOption = None,
    delay: Annotated[float | None, typer.Option(min=0, metavar="SECONDS", help="Begin no sooner than after this time.")] = None,
    priority: Annotated[Priority | None, typer.Option(help="In place of its type's.", show_default=False)] = None,
    key: Annotated[str | None, typer.Option(metavar="TEXT", help="The same key stands for the same task.")] = None,
    group: Annotated[
        str | None, typer.Option(metavar="GROUP", autocompletion=completion.groups, help="Put it into this group of tasks.")
    ] = None,
    background: BackgroundOption = False,
    timeout: TimeoutOption = None,
    output: OutputOption = None,  # noqa: ARG001 - read by its callback
) -> None:
    """Run a task of your own.

    Its module is found as workers find it: by ENTREPOT_TASK_MODULES, or by its entry point. Waits for the end as `repo sync`
    does.

    Example: entrepot task enqueue bakery.bake --arg 12 --kwarg glaze=true --background
    """
    from datetime import timedelta

    from entrepot.cli.following import Following, start
    from entrepot.cli.short_ids import full_group_id
    from entrepot.cli.values import pairs, value
    from entrepot.tasking import Call

    session = Session.of(ctx)
    args, kwargs = tuple(map(value, arg or ())), pairs(kwarg, option="--kwarg")
    not_before = None if delay is None else timedelta(seconds=delay)
    with session.service() as engine:
        require_fitting(engine, task_type, args, kwargs)
        into = None if group is None else engine.tasks.get_group(full_group_id(engine, group))
        call = Call(task_type, args, kwargs, key, not_before, None if priority is None else priority.value)
        handle = engine.tasks.enqueue(call, group=into)  # type: ignore[arg-type]  # a group of the same engine or server
        title = handle.report().title
        start(engine, handle, title, background=background, following=Following(timeout, session.as_json))


def require_fitting(engine: Engine | Client, name: str, args: Sequence[JSON], kwargs: Mapping[str, JSON]) -> None:
    """Raise `InvalidValue` unless a module that workers load has this task, and it takes these; a server looks by itself."""
    import inspect

    from entrepot.engine import Engine
    from entrepot.errors import InvalidValue, UnknownTaskType

    if not isinstance(engine, Engine):
        return
    engine.load_tasks()
    try:
        inspect.signature(engine.registry.get(name).function).bind(*args, **kwargs)
    except UnknownTaskType as error:
        raise InvalidValue("task", why=error.message) from error
    except TypeError as error:
        raise InvalidValue("args", "kwargs", why=f"{name} does not take them: {error}") from error
