"""entrepot: repositories, importers, distributors, and a task queue that loses nothing.

    import entrepot

    @entrepot.task(resources=lambda order: [f"order:{order}"], idempotent=True)
    def ship(order: str) -> str: ...

    with entrepot.Engine("sqlite:///shop.sqlite3") as engine:
        engine.initialise()
        engine.enqueue(ship, "4711").wait(timeout=60)

`entrepot.Client("https://packages.example.org", token=…)` has the names of `Engine` for a server that runs elsewhere.

Names are imported when they are first used, so that `import entrepot` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from entrepot.version import __version__

if TYPE_CHECKING:
    from entrepot.client import Client
    from entrepot.engine import Engine
    from entrepot.errors import EntrepotError, TaskCanceled, TaskFailed, WaitTimeout
    from entrepot.settings import Settings
    from entrepot.tasking import (
        Call,
        Retry,
        Shared,
        TaskContext,
        TaskGroup,
        TaskHandle,
        TaskReport,
        checkpoint,
        current_task,
        task,
    )

_HOMES = {
    "Call": "entrepot.tasking",
    "Client": "entrepot.client",
    "Engine": "entrepot.engine",
    "EntrepotError": "entrepot.errors",
    "Retry": "entrepot.tasking",
    "Settings": "entrepot.settings",
    "Shared": "entrepot.tasking",
    "TaskCanceled": "entrepot.errors",
    "TaskContext": "entrepot.tasking",
    "TaskFailed": "entrepot.errors",
    "TaskGroup": "entrepot.tasking",
    "TaskHandle": "entrepot.tasking",
    "TaskReport": "entrepot.tasking",
    "WaitTimeout": "entrepot.errors",
    "checkpoint": "entrepot.tasking",
    "current_task": "entrepot.tasking",
    "task": "entrepot.tasking",
}

__all__ = [
    "Call",
    "Client",
    "Engine",
    "EntrepotError",
    "Retry",
    "Settings",
    "Shared",
    "TaskCanceled",
    "TaskContext",
    "TaskFailed",
    "TaskGroup",
    "TaskHandle",
    "TaskReport",
    "WaitTimeout",
    "__version__",
    "checkpoint",
    "current_task",
    "task",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever has that name
    """Import a public name when it is first used."""
    if name not in _HOMES:
        msg = f"module 'entrepot' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOMES[name]), name)
