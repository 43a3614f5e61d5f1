"""What the audit log is told of a command that works on this machine: who runs it, which one, and which options are given."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    import typer

    from entrepot.engine import Engine

#: The path of what a command is about, by the name of its argument; the first that it has counts.
_RESOURCES = {
    "repository_id": "repositories",
    "role_id": "roles",
    "login": "users",
    "task_id": "tasks",
}


def recorded(engine: Engine, ctx: typer.Context) -> AbstractContextManager[None]:
    """Return the context in which a command works: what it changes gets into the audit log, and what it only reads does not."""
    from entrepot.access import Actor

    given = [name for name in ctx.params if _is_given(ctx, name)]
    return engine.access.acting(Actor.of_machine("cli"), _words(ctx), _resource(ctx), given)


def _words(ctx: typer.Context) -> str:
    """Return the command's words: `repo sync`."""
    return " ".join(ctx.command_path.split()[1:])


def _resource(ctx: typer.Context) -> str:
    for name, collection in _RESOURCES.items():
        if isinstance(value := ctx.params.get(name), str):
            return f"/v2/{collection}/{quote(value, safe='@:+')}/"
    return "/"


def _is_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE" and name != "output"
