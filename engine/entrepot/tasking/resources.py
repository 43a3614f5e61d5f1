"""What a task reserves while it is unfinished, so that nothing else changes it meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from entrepot.errors import InvalidValue
from entrepot.tasking.names import require_names

#: How the name of a resource begins that stands for a limit.
LIMIT = "limit:"


class Shared(str):
    """The name of a resource that the task only reads: others may read it at the same time.

    A plain string reserves its resource exclusively.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource (`repository:zoo`) and whether it is reserved exclusively; or a limit, that `capacity` hold at once."""

    name: str
    exclusive: bool
    capacity: int | None = None

    def conflicts_with(self, other: Resource) -> bool:
        """Return True if the two may never be held at the same time."""
        return self.name == other.name and (self.exclusive or other.exclusive)


def reserved(names: Iterable[str]) -> tuple[Resource, ...]:
    """Return what `names` reserve, sorted by name; one named twice is exclusive if either naming is.

    Raises `InvalidValue` if one cannot be a name, or is that of a limit.
    """
    exclusive: dict[str, bool] = {}
    for name in require_names("resources", names):
        if name.startswith(LIMIT):
            raise InvalidValue("resources", why=f"{name!r} is the name of a limit: no resource begins with {LIMIT!r}")
        exclusive[str(name)] = exclusive.get(str(name), False) or not isinstance(name, Shared)
    return tuple(Resource(name, exclusive[name]) for name in sorted(exclusive))


def limited(limits: Iterable[tuple[str, int]]) -> tuple[Resource, ...]:
    """Return the lines that a task stands in for its limits, which are pairs of a key and how many may hold it at once."""
    return tuple(Resource(f"{LIMIT}{key}", exclusive=False, capacity=capacity) for key, capacity in sorted(limits))
