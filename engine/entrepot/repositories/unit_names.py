"""What of a filter on units the index of their names can answer, so that a search by name reads only what it finds.

Each unit type has one field that people look its units up by (`Unit.name_field`); the column `unit.name` holds it. A filter
that needs this field to be a text, one of some texts, or to begin with a text, leaves few units: their row ids are looked up
before the filter itself is asked. What that answers stays the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.criteria import And, Condition, Equal, Filter, On, every, formed
from entrepot.criteria.condition import FALSE, some
from entrepot.criteria.dialects import Dialect, dialect_named
from entrepot.criteria.filters import Among, Matching, Or, Test
from entrepot.criteria.regex import Anchor, OneOf, Pattern, Sequence
from entrepot.errors import BrokenPlugin, MissingResource, PluginError

if TYPE_CHECKING:
    from collections.abc import Collection

    from entrepot.plugin import Unit
    from entrepot.repositories.house import House

#: Units that are looked up before a search at most: with more of them the search reads what it would read without.
MOST_FOUND = 10_000
#: Characters of a name: PostgreSQL refuses to index much more than twice as many bytes of UTF-8 as these may have.
LONGEST_NAME = 512
_LAST_CHARACTER = 0x10FFFF
_SURROGATES = (0xD800, 0xE000)


def found_by_name(house: House, unit_types: Collection[str], given: Filter, column: str) -> Condition | None:
    """Return the condition that `column`, a unit's row id, is one of those whose names can meet `given`; None if all may.

    Only units of `unit_types` are found.
    """
    field = _name_field(house, unit_types, given)
    dialect = dialect_named(house.database.dialect)
    condition = None if field is None else _needed(given, field, dialect)
    if condition is None:
        return None
    asked = every(dialect.one_of("unit.unit_type", sorted(unit_types)), condition)
    rows = house.database.rows(f"SELECT unit.id FROM unit WHERE {asked.sql} LIMIT ?", (*asked.values, MOST_FOUND + 1))
    if len(rows) > MOST_FOUND:
        return None
    return dialect.one_of(column, [row for (row,) in rows]) if rows else FALSE


def name_problem(unit: Unit) -> str | None:
    """Return why the unit's name cannot be kept, worded to follow what it is called, or None if it can."""
    name = unit.name_value
    if name is None or (len(name) <= LONGEST_NAME and "\x00" not in name):
        return None
    return f"its name has a NUL, or more than {LONGEST_NAME} characters"


def require_name(unit: Unit) -> None:
    """Raise `PluginError` if the unit's name cannot be kept."""
    problem = name_problem(unit)
    if problem:
        raise PluginError(f"A {unit.type_id} cannot be kept, {problem}: {(unit.name_value or '')[:LONGEST_NAME]!r}")


def _name_field(house: House, unit_types: Collection[str], given: Filter) -> str | None:
    """Return the field that the filter names and the column of names has, for all of the types; None if there is none such."""
    named = _first_names(given)
    if not named:
        return None
    fields = {_by_name(house, type_id, named) for type_id in unit_types} - {""}
    return fields.pop() if len(fields) == 1 else None


def _by_name(house: House, type_id: str, named: set[str]) -> str | None:
    """Return the name field of a type, "" if it has none of the fields named, None if it has one that is not its name."""
    try:
        unit_type = house.plugins.unit_type(type_id)
    except (MissingResource, BrokenPlugin):
        return None
    has = named & unit_type.model_fields.keys()
    if has <= {unit_type.name_field} and _is_text(unit_type):
        return unit_type.name_field if has else ""
    return None


def _is_text(unit_type: type[Unit]) -> bool:
    return unit_type.model_fields[unit_type.name_field].annotation is str


def _first_names(given: Filter) -> set[str]:
    """Return the fields that a filter asks about."""
    if isinstance(given, (And, Or)):
        return {name for part in given.parts for name in _first_names(part)}
    return {given.path[0]} if isinstance(given, On) and len(given.path) == 1 else set()


def _needed(given: Filter, field: str, dialect: Dialect) -> Condition | None:
    """Return what a name must meet if its unit meets the filter; None if that may be any."""
    if isinstance(given, (And, Or)):
        found = [_needed(part, field, dialect) for part in given.parts]
        parts = [part for part in found if part is not None]
        if not parts or (isinstance(given, Or) and len(parts) < len(found)):
            return None
        return (every if isinstance(given, And) else some)(*parts)
    return _of_text(given.test, dialect) if isinstance(given, On) and given.path == (field,) else None


def _of_text(test: Test, dialect: Dialect) -> Condition | None:
    """Return the same for a test of a name."""
    if isinstance(test, (Equal, Among)):
        values = (test.value,) if isinstance(test, Equal) else test.values
        texts = [value for value in values if isinstance(value, str)]
        return dialect.one_of("unit.name", texts) if len(texts) == len(values) else None
    beginning = _beginning(test.pattern) if isinstance(test, Matching) else ""
    if not beginning:
        return None
    after = _next(beginning)
    if after is None:
        return formed("unit.name >= ?", beginning)
    return formed("(unit.name >= ? AND unit.name < ?)", beginning, after)


def _beginning(pattern: Pattern) -> str:
    """Return the text that whatever has the pattern begins with, "" if it may begin with anything."""
    parts = pattern.parts if isinstance(pattern, Sequence) else ()
    if not parts or parts[0] != Anchor("start"):
        return ""
    letters = ""
    for part in parts[1:]:
        if not isinstance(part, OneOf) or len(part.ranges) != 1 or part.ranges[0][0] != part.ranges[0][1]:
            break
        letters += chr(part.ranges[0][0])
    return letters


def _next(text: str) -> str | None:
    """Return the first text that stands behind all that begin with `text`, by their characters; None if there is none."""
    kept = text.rstrip(chr(_LAST_CHARACTER))
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(_SURROGATES[1] if following == _SURROGATES[0] else following)
