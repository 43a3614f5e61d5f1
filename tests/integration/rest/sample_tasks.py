"""Task types for the tests of the REST door; a module that the setting `task_modules` may name."""

from __future__ import annotations

import entrepot


@entrepot.task(resources=lambda name: [f"thing:{name}"], tags=lambda name: [f"on:{name}", "sample"])
def hold(name: str) -> str:
    """Reserve a thing, and return its name."""
    return name


@entrepot.task
def echo(value: object = None, *, loud: bool = False) -> object:
    """Return what is given."""
    return [value, loud]


@entrepot.task
def fail() -> None:
    """Raise."""
    raise ValueError("disk gone")


@entrepot.task
def spawn() -> str:
    """Enqueue a child, and report progress."""
    context = entrepot.current_task()
    context.progress({"step": {"done": 1}})
    context.spawn(echo, 1)
    return "spawned"
