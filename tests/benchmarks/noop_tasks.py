"""The task that does nothing, as the workers of the benchmarks find it by ENTREPOT_TASK_MODULES."""

from __future__ import annotations

import entrepot

#: How many resources the tasks share out among themselves: about a site's repositories that are busy at once.
RESOURCES = 100


def resource(number: int) -> str:
    """Return the name of the resource that a task with this number reserves."""
    return f"bench:{number % RESOURCES}"


def tags(number: int) -> list[str]:
    """Return the two tags of a task with this number."""
    return [f"bench:resource:{number % RESOURCES}", "bench:action:nothing"]


@entrepot.task(name="bench.nothing", resources=lambda number: [resource(number)], tags=tags)
def nothing(number: int) -> None:
    """Do nothing."""
