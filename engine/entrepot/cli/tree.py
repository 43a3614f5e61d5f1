"""The tree of commands: which module holds which, and a program that reads a module only when one of its commands is named.

So `entrepot --help`, and each command, cost what they need and no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from collections.abc import Callable


class Branch(NamedTuple):
    """A command, or a group of them: where it is (`module:name` in this package), and its first line of help."""

    place: str
    help: str
    is_hidden: bool = False


#: In the order of the help.
TREE: Mapping[str, Branch] = {
    "init": Branch("database:init", "Make the data folder and the database."),
    "serve": Branch("server:serve", "Run the engine: REST API and content over HTTP, and workers."),
    "scheduler": Branch("server:scheduler", "Run the background loops, and nothing else."),
    "status": Branch("overview:status", "Print on one screen how the engine is doing."),
    "worker": Branch("worker:app", "Run workers, and nothing else; see, drain and resume them."),
    "repo": Branch("repo:app", "Make, sync, publish, see and delete repositories."),
    "content": Branch("content:app", "See units, uploads and orphans of all repositories."),
    "task": Branch("task:app", "Look at tasks, wait for them, cancel them, repeat them."),
    "group": Branch("group:app", "Look at groups of tasks, wait for them, cancel them."),
    "schedule": Branch("schedule:app", "Sync, publish and run tasks by the calendar."),
    "deploy": Branch("deploy:app", "Bring publications to the servers at the edge."),
    "edge": Branch("edge:app", "Say where content is deployed to."),
    "facade": Branch("facade:app", "Let other tools see the state of content."),
    "user": Branch("user:app", "Make users, set their passwords, say what they may do."),
    "role": Branch("role:app", "Make roles, say who has them and what they allow."),
    "token": Branch("token:app", "Make, see and revoke API tokens."),
    "audit": Branch("audit:app", "See who has changed what, and who was refused."),
    "plugin": Branch("plugin:app", "See what is installed, and begin a new plugin."),
    "profile": Branch("profile:app", "Keep servers by a name, for --profile."),
    "settings": Branch("overview:settings", "Print the settings that are in force, and where each comes from."),
    "doctor": Branch("doctor:doctor", "Check settings, database, broker, disk, plugins, clock and port."),
    "db": Branch("database:app", "Bring the database up to date, or check it."),
    "api": Branch("api:api", "Send one request to the REST API; without METHOD, serve it."),
    "version": Branch("program:version", "Print the version of entrepot."),
    "worker-process": Branch("worker:worker_process", "", is_hidden=True),
    "bury-worker": Branch("worker:bury_worker", "", is_hidden=True),
}


class Commands(Mapping[str, Any]):
    """The commands of the tree by name, each made when it is first asked for; typer keeps their class to itself."""

    def __init__(self) -> None:
        """Make none yet."""
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - a command of typer's
        """Return the command, for which its module is imported."""
        if name not in self._made:
            self._made[name] = _made(name, TREE[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names in the order of the help."""
        return iter(TREE)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(TREE)


class Program(TyperGroup):
    """The group of all commands, which its help and its completion tell of without reading their modules."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - typer's
        """Take the options of the group; its commands are those of the tree."""
        super().__init__(**options)
        self.commands = Commands()  # type: ignore[assignment]  # nobody adds to it

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002 - click's Context, whose class typer keeps to itself
        """Return the names of all commands."""
        return list(TREE)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002 - classes that typer keeps to itself
        """Write the names of all commands with their first lines."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, branch.help) for name, branch in TREE.items() if not branch.is_hidden])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:  # noqa: ANN401 - as above
        """Return the names of commands that begin so, else the options."""
        from typer._click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=branch.help)
            for name, branch in TREE.items()
            if name.startswith(incomplete) and not branch.is_hidden
        ]
        return names or list(super(TyperGroup, self).shell_complete(ctx, incomplete))


def _made(name: str, branch: Branch) -> Any:  # noqa: ANN401 - a command of typer's
    """Return the command or group as typer makes it in a program of its own."""
    module, _, attribute = branch.place.partition(":")
    found: typer.Typer | Callable[..., object] = getattr(import_module(f"entrepot.cli.{module}"), attribute)
    program = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
    program.callback()(_nothing)
    if isinstance(found, typer.Typer):
        program.add_typer(found, name=name)
    else:
        program.command(name, hidden=branch.is_hidden)(found)
    return typer.main.get_command(program).commands[name]  # type: ignore[attr-defined]  # with a callback it is a group


def _nothing() -> None:
    """Make a group of a program of one command."""
