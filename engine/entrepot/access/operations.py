"""What can be done to a resource."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from entrepot.errors import InvalidValue, MissingValue


class Operation(IntEnum):
    """One of the five operations; the value is what the tables keep. Source: the Pulp 2 REST contract, 1.6."""

    CREATE = 0
    READ = 1
    UPDATE = 2
    DELETE = 3
    EXECUTE = 4


def operations_named(names: object) -> tuple[Operation, ...]:
    """Return the operations of these names, upper or lower case, without doubles, in the order of the enumeration.

    Raises `InvalidValue` that names `operation_name`, and `MissingValue` for `operation_names` if there are none: the words
    of the Pulp 2 REST contract, 5.7.
    """
    given = list(names) if isinstance(names, Iterable) and not isinstance(names, str) else [names]
    if not given:
        raise MissingValue("operation_names")
    found = set()
    for name in given:
        if not isinstance(name, str) or name.upper() not in Operation.__members__:
            raise InvalidValue("operation_name", why=f"{name!r} is none of {', '.join(Operation.__members__)}")
        found.add(Operation[name.upper()])
    return tuple(sorted(found))


def names_of(operations: Iterable[int]) -> tuple[str, ...]:
    """Return the names of operations as the tables keep them, in the order of the enumeration."""
    return tuple(Operation(number).name for number in sorted(operations))
