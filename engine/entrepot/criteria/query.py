"""What a client asks for: which objects, in which order, how many from where, and what of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from entrepot.criteria.filters import EVERYTHING, Filter
from entrepot.criteria.reading import read_filter
from entrepot.criteria.values import read_text
from entrepot.errors import InvalidValue

_DIRECTIONS = {"ascending": False, "1": False, "descending": True, "-1": True}
_KEYS = ("filters", "sort", "limit", "skip", "fields")
#: More than any table holds, and what both databases take as a limit.
_LARGEST = 2**62
#: Keys of a sort, and names of `fields`.
_MOST_NAMES = 100

#: Field, and whether the highest comes first.
Sort: TypeAlias = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Criteria:
    """A search. `limit` is None for all; `fields` is None for all of each object, and empty for its ids only.

    `source` is the document that was parsed, None if there was none: what can be sent to a server.
    """

    filters: Filter = EVERYTHING
    sort: Sort = ()
    limit: int | None = None
    skip: int = 0
    fields: tuple[str, ...] | None = None
    source: Mapping[str, object] | None = field(default=None, compare=False, repr=False)

    @classmethod
    def parse(cls, document: object) -> Criteria:
        """Return the criteria that `document`, parsed JSON, asks for; null means absent.

        Raises `InvalidValue` that names every refused property: the unknown keys, `sort`, `limit`, `skip`, `fields`, or
        `criteria` with a sub error where the filters cannot be read. Limits: filters 50 deep with 1,000 tests, 10,000
        values in one list. Source: the Pulp 2 REST contract, 4.2 and 4.3.
        """
        given = known(document, "criteria", _KEYS)
        return cls(
            filters=read_filter(given.get("filters")),
            sort=read_sort(given.get("sort")),
            limit=read_limit(given.get("limit")),
            skip=read_skip(given.get("skip")),
            fields=read_fields(given.get("fields")),
            source=given,
        )


@dataclass(frozen=True, slots=True)
class UnitCriteria:
    """A search for the units of a repository, by their own fields and by those of their association with it.

    `type_ids` is None for all types. The limits, absences and `source` are those of `Criteria`.
    """

    type_ids: tuple[str, ...] | None = None
    unit_filters: Filter = EVERYTHING
    association_filters: Filter = EVERYTHING
    unit_sort: Sort = ()
    association_sort: Sort = ()
    limit: int | None = None
    skip: int = 0
    unit_fields: tuple[str, ...] | None = None
    association_fields: tuple[str, ...] | None = None
    source: Mapping[str, object] | None = field(default=None, compare=False, repr=False)

    @classmethod
    def parse(cls, document: object) -> UnitCriteria:
        """Return the criteria that `document`, parsed JSON, asks for; raises as `Criteria.parse`.

        `remove_duplicates` is taken and has no effect: a repository holds a unit once. Source: the Pulp 2 REST contract, 4.6.
        """
        given = known(document, "criteria", ("type_ids", "filters", "sort", "limit", "skip", "fields", "remove_duplicates"))
        halves = ("unit", "association")
        filters, sort, fields = (known(given.get(name), name, halves) for name in ("filters", "sort", "fields"))
        return cls(
            type_ids=_read_type_ids(given.get("type_ids")),
            unit_filters=read_filter(filters.get("unit")),
            association_filters=read_filter(filters.get("association")),
            unit_sort=read_sort(sort.get("unit")),
            association_sort=read_sort(sort.get("association")),
            limit=read_limit(given.get("limit")),
            skip=read_skip(given.get("skip")),
            unit_fields=read_fields(fields.get("unit")),
            association_fields=read_fields(fields.get("association")),
            source=given,
        )


def known(document: object, name: str, keys: tuple[str, ...]) -> Mapping[str, object]:
    """Return an object with none but these keys, empty if it is None; raises `InvalidValue`."""
    if document is None and name != "criteria":
        return {}
    if not isinstance(document, Mapping):
        raise InvalidValue(name, why="it must be an object")
    if unknown := [str(key) for key in document if key not in keys]:
        raise InvalidValue(*unknown, why=f"{name} may hold {', '.join(keys)}")
    return document


def read_sort(given: object) -> Sort:
    """Return a list of [field, direction] as pairs; raises `InvalidValue`."""
    if given is None:
        return ()
    if not isinstance(given, list) or len(given) > _MOST_NAMES:
        raise InvalidValue("sort", why="it must be a list of [field, direction]")
    return tuple(_read_key(entry) for entry in given)


def _read_key(entry: object) -> tuple[str, bool]:
    if not isinstance(entry, list) or len(entry) != 2 or not isinstance(entry[0], str):  # noqa: PLR2004 - a pair
        raise InvalidValue("sort", why="each entry must be [field, direction]")
    direction = None if isinstance(entry[1], float) else _DIRECTIONS.get(str(entry[1]).lower())
    if direction is None:
        raise InvalidValue("sort", why="a direction is ascending (1) or descending (-1)")
    return _name("sort", entry[0]), direction


def read_limit(given: object) -> int | None:
    """Return how many are wanted, None for all; raises `InvalidValue`."""
    return None if given is None else _number("limit", given, least=1)


def read_skip(given: object) -> int:
    """Return how many are left out at the beginning; raises `InvalidValue`."""
    return 0 if given is None else _number("skip", given, least=0)


def read_fields(given: object) -> tuple[str, ...] | None:
    """Return the names of the wanted fields, None for all; raises `InvalidValue`."""
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise InvalidValue("fields", why="it must be a list of names")
    return tuple(_name("fields", name) for name in given)


def _read_type_ids(given: object) -> tuple[str, ...] | None:
    if given is None:
        return None
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise InvalidValue("type_ids", why="it must be a unit type, or a list of them")
    return tuple(read_text(name) for name in listed)


def _name(key: str, name: str) -> str:
    try:
        return read_text(name)
    except InvalidValue as error:
        raise InvalidValue(key, why=str(error)) from None


def _number(name: str, given: object, *, least: int) -> int:
    digits = isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= 20  # noqa: PLR2004 - past any table
    whole = isinstance(given, int) and not isinstance(given, bool)
    number = int(given) if digits or whole else least - 1  # type: ignore[call-overload]  # a whole number, or its digits
    if number < least:
        raise InvalidValue(name, why=f"it must be a whole number of {least} or more")
    return int(min(number, _LARGEST))
