"""Task types for the tests of the dashboard."""

from __future__ import annotations

import entrepot


@entrepot.task(resources=lambda name: [f"thing:{name}"], tags=lambda name: [f"on:{name}", f"pulp:repository:{name}"])
def hold(name: str) -> str:
    """Reserve a thing, and return its name."""
    return name


@entrepot.task
def fail(words: str = "disk gone") -> None:
    """Raise."""
    raise ValueError(words)


@entrepot.task
def echo(value: object = None, **named: object) -> object:
    """Return what is given, and say how it goes."""
    step = {"step_type": "echo", "description": "Echo", "state": "FINISHED", "num_processed": 3, "items_total": 3}
    entrepot.current_task().progress({"sample": [step]})
    return [value, named]


@entrepot.task
def spawn(name: str) -> None:
    """Enqueue two children, of which one spawns another."""
    entrepot.current_task().spawn(hold, name)
    if name:
        entrepot.current_task().spawn(spawn, "")
