"""Which units a command is about: `--type`, `--match` and `--filter` become criteria; and how units are listed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from entrepot.errors import JSON, InvalidValue

if TYPE_CHECKING:
    from datetime import datetime

    from entrepot.criteria import Criteria, UnitCriteria

TypesOption = Annotated[
    list[str] | None, typer.Option("--type", metavar="TYPE", help="Only units of this type; may be given several times.")
]
MatchOption = Annotated[
    list[str] | None,
    typer.Option("--match", metavar="FIELD=VALUE", help="Only units with this value in a field; may be given several times."),
]
FilterOption = Annotated[
    str | None, typer.Option("--filter", metavar="JSON", help='A query document, such as \'{"size": {"$gt": 1000}}\'.')
]
LimitOption = Annotated[int, typer.Option(metavar="N", min=1, help="How many units to print.")]

#: Fields that tell units apart, with their columns, as far as a type has them.
_COLUMNS = (("version", "VERSION"), ("release", "RELEASE"), ("arch", "ARCH"), ("architecture", "ARCHITECTURE"))
#: What a unit without a name is called by.
_NAMES = ("name", "package", "id", "filename", "title")


class _ListedUnit(Protocol):
    """A unit that is listed: of one repository, or of all."""

    @property
    def unit_id(self) -> str: ...
    @property
    def unit_type_id(self) -> str: ...
    @property
    def created(self) -> datetime: ...
    @property
    def data(self) -> dict[str, JSON]: ...
    @property
    def downloaded(self) -> bool: ...


def has_choice(types: Iterable[str] | None, match: Iterable[str] | None, filter_: str | None) -> bool:
    """Say whether any of the options chooses units."""
    return bool(types or match or filter_)


def unit_criteria(
    types: Sequence[str] | None, match: Iterable[str] | None, filter_: str | None, *, limit: int | None = None
) -> UnitCriteria:
    """Return what the options choose among the units of a repository; raises `InvalidValue`."""
    from entrepot.criteria import UnitCriteria

    document: dict[str, JSON] = {"filters": {"unit": _filters(match, filter_)}}
    if types:
        document["type_ids"] = list[JSON](types)
    if limit is not None:
        document["limit"] = limit
    return UnitCriteria.parse(document)


def criteria(match: Iterable[str] | None, filter_: str | None, *, limit: int | None = None) -> Criteria:
    """Return what the options choose among the units of one type; raises `InvalidValue`."""
    from entrepot.criteria import Criteria

    document: dict[str, JSON] = {"filters": _filters(match, filter_)}
    if limit is not None:
        document["limit"] = limit
    return Criteria.parse(document)


def write_units(units: Sequence[_ListedUnit], *, limit: int, empty: str) -> None:
    """Print at most `limit` units as a table, and whether there are more."""
    from entrepot.cli.output import write_line, write_table
    from entrepot.wording import size_text

    rows = [
        (
            unit.unit_type_id,
            _name(unit.data),
            *(_text(unit.data.get(field)) for field, _ in _COLUMNS),
            size_text(size) if isinstance(size := unit.data.get("size"), int) else "",
            "yes" if unit.downloaded else "deferred",
            unit.created,
            unit.unit_id,
        )
        for unit in units[:limit]
    ]
    columns = ("TYPE", "NAME", *(column for _, column in _COLUMNS), "SIZE#", "STORED", "ADDED", "UNIT")
    write_table(columns, rows, flexible="NAME", empty=empty)
    if len(units) > limit:
        write_line(f"There are more than {limit:,}: narrow it, or raise --limit.", stderr=True)


def _filters(match: Iterable[str] | None, filter_: str | None) -> dict[str, JSON]:
    """Return a query document that all of the options make together."""
    parts: list[JSON] = [_matched(argument) for argument in match or ()]
    if filter_ is not None:
        try:
            document = json.loads(filter_)
        except ValueError as error:
            raise InvalidValue("--filter", why=f"{filter_!r} is no JSON ({error})") from error
        if not isinstance(document, dict):
            raise InvalidValue("--filter", why=f"{filter_!r} is no JSON object")
        parts.append(document)
    return {"$and": parts} if len(parts) > 1 else next((part for part in parts if isinstance(part, dict)), {})


def _matched(argument: str) -> dict[str, JSON]:
    """Return the query document of one FIELD=VALUE: as text, or as the JSON that VALUE also is."""
    from entrepot.cli.values import value

    field, separator, text = argument.partition("=")
    if not separator or not field.strip():
        raise InvalidValue("--match", why=f"{argument!r} is not of the form FIELD=VALUE")
    read = value(text)
    return {field.strip(): text if isinstance(read, (str, dict, list)) else {"$in": [text, read]}}


def _name(data: Mapping[str, JSON]) -> str:
    return next((text for field in _NAMES if (text := _text(data.get(field)))), "")


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
