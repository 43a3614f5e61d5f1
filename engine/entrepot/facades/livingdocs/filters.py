"""What a query asks for: which events, in which order, and how many; or which of its parameters are refused, and why.

Parameters that are not known are left alone, so that clients of later versions are served as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

from entrepot.events import EventQuery, UnitTypes
from entrepot.facades.livingdocs.moments import Moment, find_moment
from entrepot.facades.livingdocs.refusals import Refusal, bad_query

#: How many events one gets who says nothing, and how many at most. Source: Livingdocs' public API, "Publication Events".
DEFAULT_LIMIT, HIGHEST_LIMIT = 100, 1000
#: What a document may be to a client.
DOCUMENT_TYPES = ("article", "page", "data-record")
#: What a document is whose type of unit is not mapped to another.
DEFAULT_DOCUMENT_TYPE = "article"
#: Every parameter that means something.
PARAMETERS = (
    "limit",
    "reverse",
    "contentTypes",
    "documentTypes",
    "after",
    "id.gte",
    "id.gt",
    "id.lte",
    "id.lt",
    "createdAt.gte",
    "createdAt.gt",
    "createdAt.lte",
    "createdAt.lt",
)

#: Types that a list names at most: each costs something for every repository that a channel shows.
_MOST_NAMES = 100
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_HIGHEST_ID = 2**63 - 1
_REVERSE = {"": True, "true": True, "1": True, "false": False, "0": False}
_LIMIT_RULE = f"must be an integer between 1 and {HIGHEST_LIMIT}"
_ID_RULE = f"must be an integer between {-_HIGHEST_ID} and {_HIGHEST_ID}"
_DATE_RULE = "must be an ISO 8601 date, or a date and a time with Z or an offset"
_CONTENT_TYPES_RULE = f"must be a comma separated list of at most {_MOST_NAMES} content types"
_DOCUMENT_TYPES_RULE = f"must be a comma separated list of {', '.join(DOCUMENT_TYPES)}"

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for. `first_id` is inclusive, None if no lower bound was given; `before` is exclusive."""

    first_id: int | None
    last_id: int | None
    since: datetime | None
    before: datetime | None
    content_types: tuple[str, ...] | None
    document_types: frozenset[str] | None
    newest_first: bool
    limit: int

    @property
    def canonical(self) -> tuple[object, ...]:
        """The same for all queries that ask for the same."""
        types = (sorted(kinds) if kinds is not None else None for kinds in (self.content_types, self.document_types))
        return (self.first_id, self.last_id, self.since, self.before, *types, self.newest_first, self.limit)

    def query(self, sources: tuple[tuple[str, str], ...], document_types: Mapping[str, str]) -> EventQuery:
        """Return the question to the engine, about `sources`; `document_types` maps types of units to those of documents."""
        return EventQuery(
            sources,
            first_id=self.first_id,
            last_id=self.last_id,
            since=self.since,
            before=self.before,
            content_types=self.content_types,
            unit_types=None if self.document_types is None else unit_types_of(self.document_types, document_types),
            newest_first=self.newest_first,
            limit=self.limit,
        )


def unit_types_of(wanted: Iterable[str], document_types: Mapping[str, str]) -> UnitTypes:
    """Return the types of units whose documents are of a type in `wanted`; what is not mapped is of the default type."""
    chosen = set(wanted)
    is_default_wanted = DEFAULT_DOCUMENT_TYPE in chosen
    named = (unit_type for unit_type, kind in document_types.items() if (kind in chosen) is not is_default_wanted)
    return UnitTypes(tuple(sorted(named)), are_excluded=is_default_wanted)


def read_filters(
    query: Iterable[tuple[str, str]],
    *,
    overflow: Literal["reject", "clamp"] = "reject",
    after: Literal["inclusive", "exclusive"] = "inclusive",
) -> Filters | Refusal:
    """Return what `query` asks for, or what is said of the parameters that are refused.

    `overflow` says what becomes of a `limit` that is too high, `after` how the parameter of that name is meant.
    """
    reading = _Reading(query)
    limit = reading.read("limit", lambda text: _limit(text, overflow), _LIMIT_RULE)
    newest_first = reading.read("reverse", _REVERSE.get, "must be true or false")
    content_types = reading.read("contentTypes", _names, _CONTENT_TYPES_RULE)
    document_types = reading.read("documentTypes", _document_types, _DOCUMENT_TYPES_RULE)
    event = reading.read("after", _integer, _ID_RULE)
    ids = {name: reading.read(f"id.{name}", _integer, _ID_RULE) for name in ("gte", "gt", "lte", "lt")}
    dates = {name: reading.read(f"createdAt.{name}", find_moment, _DATE_RULE) for name in ("gte", "gt", "lte", "lt")}
    if reading.has("after") and (reading.has("id.gte") or reading.has("id.gt")):
        reading.faults["after"] = "is the old name of id.gte, and cannot stand beside id.gte or id.gt"
    if reading.faults:
        return bad_query(reading.faults)
    return Filters(
        first_id=_highest((_plus(event, int(after == "exclusive")), ids["gte"], _plus(ids["gt"], 1))),
        last_id=_lowest((ids["lte"], _plus(ids["lt"], -1))),
        since=_highest((_bound(dates["gte"], "at_or_after"), _bound(dates["gt"], "after"))),
        before=_lowest((_bound(dates["lt"], "at_or_after"), _bound(dates["lte"], "after"))),
        content_types=content_types,
        document_types=None if document_types is None else frozenset(document_types),
        newest_first=newest_first or False,
        limit=DEFAULT_LIMIT if limit is None else limit,
    )


class _Reading:
    """A query that is being read, and what is wrong with it by now."""

    def __init__(self, query: Iterable[tuple[str, str]]) -> None:
        self.faults: dict[str, str] = {}
        self._given: dict[str, str] = {}
        for name, value in query:
            if name in self._given and name in PARAMETERS:
                self.faults[name] = "must be given once"
            self._given[name] = value

    def has(self, name: str) -> bool:
        return name in self._given

    def read(self, name: str, reader: Callable[[str], _Value | None], rule: str) -> _Value | None:
        """Return what `reader` makes of a parameter, None if it is not given or refused."""
        text = self._given.get(name)
        if text is None or name in self.faults:
            return None
        value = reader(text)
        if value is None:
            self.faults[name] = rule
        return value


def _limit(text: str, overflow: Literal["reject", "clamp"]) -> int | None:
    if not _INTEGER.fullmatch(text) or int(text) < 1:
        return None
    if int(text) > HIGHEST_LIMIT:
        return HIGHEST_LIMIT if overflow == "clamp" else None
    return int(text)


def _integer(text: str) -> int | None:
    value = int(text) if _INTEGER.fullmatch(text) else None
    return value if value is not None and abs(value) <= _HIGHEST_ID else None


def _names(text: str) -> tuple[str, ...] | None:
    names = tuple(part.strip() for part in text.split(","))
    return None if "" in names or "\0" in text or len(names) > _MOST_NAMES else tuple(dict.fromkeys(names))


def _document_types(text: str) -> tuple[str, ...] | None:
    names = _names(text)
    return names if names is not None and set(names) <= set(DOCUMENT_TYPES) else None


def _plus(number: int | None, more: int) -> int | None:
    """Return the number beside `number`; beyond the last there is none, and no event has the last."""
    return None if number is None else max(-_HIGHEST_ID, min(number + more, _HIGHEST_ID))


def _bound(moment: Moment | None, side: Literal["at_or_after", "after"]) -> datetime | None:
    if moment is None:
        return None
    return moment.at_or_after if side == "at_or_after" else moment.after


_Comparable = TypeVar("_Comparable", int, datetime)


def _highest(bounds: Iterable[_Comparable | None]) -> _Comparable | None:
    return max((bound for bound in bounds if bound is not None), default=None)


def _lowest(bounds: Iterable[_Comparable | None]) -> _Comparable | None:
    return min((bound for bound in bounds if bound is not None), default=None)
