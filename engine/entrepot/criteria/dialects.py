"""How each database walks JSON. A *node* is the alias of a row that holds one value, or nothing where a path ended early.

SQLite: a row of `json_each`, whose `type` is null if there is nothing. PostgreSQL: a row with a jsonb `v`, null likewise.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar, Protocol

from entrepot.criteria.condition import FALSE, Condition, formed, some
from entrepot.errors import JSON
from entrepot.models.sql_functions import canonical_json

#: Numbers beyond are met by no `$mod`: they have no exact remainder everywhere.
_EXACT = "9.2e18"


class Dialect(Protocol):
    """What the compiler asks of a database."""

    name: str

    def root(self, column: str, node: str) -> str:
        """Return the table of one row: the value of a column of JSON text, null where the column is."""

    def elements(self, array: str, node: str) -> str:
        """Return the table of an array's elements; no rows if it is none."""

    def objects(self, holder: str, node: str) -> str:
        """Return the join that leads to the value itself if it is an object, to its elements if an array, else to nothing."""

    def field(self, holder: str, name: str, node: str) -> Condition:
        """Return the join that leads to an object's field, or to nothing."""

    def place(self, array: str, place: int, node: str, *, within: bool) -> str:
        """Return the join that leads to an element of an array, and drops other rows; `within`: only if a path may go on."""

    def is_type(self, node: str, *types: str) -> Condition:
        """Return the condition that the value is of one of these types: array, boolean, null, number, object, text."""

    def is_nothing(self, node: str) -> str:
        """Return the condition that there is no value."""

    def equals(self, node: str, value: JSON) -> Condition:
        """Return the condition that the value is this one, null excepted."""

    def among(self, node: str, scalars: Sequence[JSON]) -> Condition:
        """Return the condition that the value is one of these numbers and texts."""

    def compares(self, node: str, sign: str, value: JSON) -> Condition:
        """Return the condition that the value is of the type of this number or text, and stands so to it."""

    def finds(self, node: str, pattern: str) -> Condition:
        """Return the condition that the value is text in which the pattern is found."""

    def text_finds(self, text: str, pattern: str) -> Condition:
        """Return the condition that a column's text has the pattern."""

    def mentions(self, column: str, text: str) -> Condition:
        """Return the condition that a column's text has this text in it."""

    def has_length(self, node: str, length: int) -> Condition:
        """Return the condition that the value is an array of this length."""

    def leaves(self, node: str, divisor: int, remainder: int) -> Condition:
        """Return the condition that the value is a number with this remainder."""

    def bytewise(self, text: str) -> str:
        """Return a text to compare and sort by its bytes."""

    def shown_moment(self, column: str) -> str:
        """Return microseconds since 1970 as clients see them."""

    def one_of(self, column: str, values: Sequence[object]) -> Condition:
        """Return the condition that a column is one of these texts or whole numbers, of which there may be many."""

    def sort_terms(self, node: str) -> tuple[str, str, str]:
        """Return what a value is sorted by: the rank of its type, then a number, then a text."""


class Sqlite:
    """SQLite's JSON functions."""

    name = "sqlite"
    _TYPES: ClassVar = {
        "array": "'array'",
        "boolean": "'true', 'false'",
        "null": "'null'",
        "number": "'integer', 'real'",
        "object": "'object'",
        "text": "'text'",
    }

    def root(self, column: str, node: str) -> str:
        """Return the table of one row."""
        wrapped = (
            f"(SELECT CASE WHEN json_valid(kept) THEN '[' || kept || ']' ELSE '[null]' END FROM (SELECT {column} AS kept))"
        )
        return f"json_each({wrapped}) AS {node}"

    def elements(self, array: str, node: str) -> str:
        """Return the table of an array's elements."""
        return f"json_each(CASE {array}.type WHEN 'array' THEN {array}.value END) AS {node}"

    def objects(self, holder: str, node: str) -> str:
        """Return the join that leads to the value itself if it is an object, to its elements if an array."""
        wrapped = f"WHEN 'object' THEN '[' || {holder}.value || ']'"
        return f"LEFT JOIN json_each(CASE {holder}.type WHEN 'array' THEN {holder}.value {wrapped} END) AS {node}"

    def field(self, holder: str, name: str, node: str) -> Condition:
        """Return the join that leads to an object's field."""
        inside = f"CASE {holder}.type WHEN 'object' THEN {holder}.value END"
        return formed(f"LEFT JOIN json_each({inside}) AS {node} ON {node}.key = ?", name)

    def place(self, array: str, place: int, node: str, *, within: bool) -> str:
        """Return the join that leads to an element of an array."""
        holds = f" AND {node}.type IN ('array', 'object')" if within else ""
        return f"JOIN {self.elements(array, node)} ON {node}.key = {place}{holds}"

    def is_type(self, node: str, *types: str) -> Condition:
        """Return the condition that the value is of one of these types."""
        names = ", ".join(self._TYPES[kind] for kind in types if kind in self._TYPES)
        return Condition(f"{node}.type IN ({names})") if names else FALSE

    def is_nothing(self, node: str) -> str:
        """Return the condition that there is no value."""
        return f"{node}.type IS NULL"

    def equals(self, node: str, value: JSON) -> Condition:
        """Return the condition that the value is this one."""
        if isinstance(value, bool):
            return Condition(f"{node}.type = '{str(value).lower()}'")
        if isinstance(value, str):
            return formed(f"({node}.type = 'text' AND {node}.value = ?)", value)
        if isinstance(value, (int, float)):
            return self.compares(node, "=", value)
        kind = "array" if isinstance(value, list) else "object"
        same = f"entrepot_canonical_json(CAST({node}.value AS BLOB)) = ?"
        return formed(f"CASE {node}.type WHEN '{kind}' THEN {same} ELSE FALSE END", canonical_json(json.dumps(value)))

    def among(self, node: str, scalars: Sequence[JSON]) -> Condition:
        """Return the condition that the value is one of these numbers and texts."""
        return some(
            *(
                formed(
                    f"({self.is_type(node, kind).sql} AND {node}.value IN (SELECT value FROM json_each(?)))", json.dumps(part)
                )
                for kind, part in (
                    ("text", [item for item in scalars if isinstance(item, str)]),
                    ("number", [item for item in scalars if not isinstance(item, str)]),
                )
                if part
            )
        )

    def compares(self, node: str, sign: str, value: JSON) -> Condition:
        """Return the condition that the value stands so to this one; SQLite reads both numbers, and rounds both alike."""
        if isinstance(value, str):
            return formed(f"({node}.type = 'text' AND {node}.value {sign} ?)", value)
        return formed(f"({self.is_type(node, 'number').sql} AND {node}.value {sign} json_extract(?, '$'))", json.dumps(value))

    def finds(self, node: str, pattern: str) -> Condition:
        """Return the condition that the value is text in which the pattern is found."""
        found = self.text_finds(f"{node}.value", pattern)
        return Condition(f"CASE {node}.type WHEN 'text' THEN {found.sql} ELSE FALSE END", found.values)

    def text_finds(self, text: str, pattern: str) -> Condition:
        """Return the condition that a column's text has the pattern."""
        return formed(f"entrepot_finds(?, CAST({text} AS BLOB))", pattern)

    def mentions(self, column: str, text: str) -> Condition:
        """Return the condition that a column's text has this text in it."""
        return formed(f"instr({column}, ?) > 0", text)

    def has_length(self, node: str, length: int) -> Condition:
        """Return the condition that the value is an array of this length."""
        return formed(f"CASE {node}.type WHEN 'array' THEN json_array_length({node}.value) = ? ELSE FALSE END", length)

    def leaves(self, node: str, divisor: int, remainder: int) -> Condition:
        """Return the condition that the value is a number with this remainder."""
        number = f"{self.is_type(node, 'number').sql} AND {node}.value BETWEEN -{_EXACT} AND {_EXACT}"
        return formed(f"({number} AND CAST({node}.value AS INTEGER) % ? = ?)", divisor, remainder)

    def bytewise(self, text: str) -> str:
        """Return a text to compare and sort by its bytes, as SQLite does by itself."""
        return text

    def shown_moment(self, column: str) -> str:
        """Return microseconds since 1970 as clients see them."""
        return f"strftime('%Y-%m-%dT%H:%M:%SZ', {column} / 1000000, 'unixepoch')"

    def one_of(self, column: str, values: Sequence[object]) -> Condition:
        """Return the condition that a column is one of these values."""
        return formed(f"{column} IN (SELECT value FROM json_each(?))", json.dumps(values))

    def sort_terms(self, node: str) -> tuple[str, str, str]:
        """Return the rank of the type, a number, and a text."""
        ranks = {"null": 0, "integer": 1, "real": 1, "text": 2, "object": 3, "array": 4, "true": 5, "false": 5}
        cases = " ".join(f"WHEN '{kind}' THEN {rank}" for kind, rank in ranks.items())
        numeric = f"CASE WHEN {node}.type IN ('integer', 'real', 'true', 'false') THEN {node}.value END"
        return f"CASE {node}.type {cases} ELSE 0 END", numeric, f"CASE {node}.type WHEN 'text' THEN {node}.value END"


class Postgresql:
    """PostgreSQL's jsonb."""

    name = "postgresql"
    _TYPES: ClassVar = {"text": "string"}

    def root(self, column: str, node: str) -> str:
        """Return the table of one row."""
        return f"(SELECT COALESCE(entrepot_jsonb({column}), 'null') AS v) AS {node}"

    def elements(self, array: str, node: str) -> str:
        """Return the table of an array's elements."""
        guarded = f"CASE jsonb_typeof({array}.v) WHEN 'array' THEN {array}.v ELSE '[]' END"
        return f"jsonb_array_elements({guarded}) AS {node}(v)"

    def objects(self, holder: str, node: str) -> str:
        """Return the join that leads to the value itself if it is an object, to its elements if an array."""
        value = f"{holder}.v"
        choice = (
            f"CASE jsonb_typeof({value}) WHEN 'array' THEN {value} WHEN 'object' THEN jsonb_build_array({value}) ELSE '[]' END"
        )
        return f"LEFT JOIN LATERAL jsonb_array_elements({choice}) AS {node}(v) ON TRUE"

    def field(self, holder: str, name: str, node: str) -> Condition:
        """Return the join that leads to an object's field."""
        return formed(f"CROSS JOIN LATERAL (SELECT {holder}.v -> ?::text AS v) AS {node}", name)

    def place(self, array: str, place: int, node: str, *, within: bool) -> str:
        """Return the join that leads to an element of an array."""
        types = "IN ('array', 'object')" if within else "IS NOT NULL"
        found = f"(SELECT CASE jsonb_typeof({array}.v) WHEN 'array' THEN {array}.v -> {place} END AS v) AS {node}"
        return f"JOIN LATERAL {found} ON jsonb_typeof({node}.v) {types}"

    def is_type(self, node: str, *types: str) -> Condition:
        """Return the condition that the value is of one of these types."""
        names = ", ".join(f"'{self._TYPES.get(kind, kind)}'" for kind in types)
        return Condition(f"jsonb_typeof({node}.v) IN ({names})") if names else FALSE

    def is_nothing(self, node: str) -> str:
        """Return the condition that there is no value."""
        return f"{node}.v IS NULL"

    def equals(self, node: str, value: JSON) -> Condition:
        """Return the condition that the value is this one."""
        return formed(f"{node}.v = ?::jsonb", json.dumps(value))

    def among(self, node: str, scalars: Sequence[JSON]) -> Condition:
        """Return the condition that the value is one of these numbers and texts."""
        return formed(f"{node}.v IN (SELECT jsonb_array_elements(?::jsonb))", json.dumps(list(scalars)))

    def compares(self, node: str, sign: str, value: JSON) -> Condition:
        """Return the condition that the value stands so to this one."""
        if isinstance(value, str):
            inside = self.bytewise(f"({node}.v #>> '{{}}')")
            return formed(f"(jsonb_typeof({node}.v) = 'string' AND {inside} {sign} ?::text)", value)
        return formed(f"(jsonb_typeof({node}.v) = 'number' AND {node}.v {sign} ?::jsonb)", json.dumps(value))

    def finds(self, node: str, pattern: str) -> Condition:
        """Return the condition that the value is text in which the pattern is found."""
        found = self.text_finds(f"({node}.v #>> '{{}}')", pattern)
        return Condition(f"(jsonb_typeof({node}.v) = 'string' AND {found.sql})", found.values)

    def text_finds(self, text: str, pattern: str) -> Condition:
        """Return the condition that a column's text has the pattern."""
        return formed(f"{text} ~ ?::text", pattern)

    def mentions(self, column: str, text: str) -> Condition:
        """Return the condition that a column's text has this text in it."""
        return formed(f"position(?::text IN {column}) > 0", text)

    def has_length(self, node: str, length: int) -> Condition:
        """Return the condition that the value is an array of this length."""
        return formed(
            f"CASE jsonb_typeof({node}.v) WHEN 'array' THEN jsonb_array_length({node}.v) = ?::bigint ELSE FALSE END", length
        )

    def leaves(self, node: str, divisor: int, remainder: int) -> Condition:
        """Return the condition that the value is a number with this remainder."""
        number = f"({node}.v #>> '{{}}')::numeric"
        inside = f"{number} BETWEEN -{_EXACT} AND {_EXACT} AND trunc({number}) % ?::bigint = ?::bigint"
        return formed(f"CASE jsonb_typeof({node}.v) WHEN 'number' THEN {inside} ELSE FALSE END", divisor, remainder)

    def bytewise(self, text: str) -> str:
        """Return a text to compare and sort by its bytes."""
        return f'{text} COLLATE "C"'

    def shown_moment(self, column: str) -> str:
        """Return microseconds since 1970 as clients see them."""
        moment = f"to_timestamp({column} / 1000000) AT TIME ZONE 'UTC'"
        return f'to_char({moment}, \'YYYY-MM-DD"T"HH24:MI:SS"Z"\')'

    def one_of(self, column: str, values: Sequence[object]) -> Condition:
        """Return the condition that a column is one of these values."""
        if all(isinstance(value, str) for value in values):
            return formed(f"{column} = ANY(?::text[])", list(values))
        kind = "bigint" if all(isinstance(value, int) for value in values) else "numeric"
        return formed(f"{column} = ANY(?::{kind}[])", [str(value) for value in values])

    def sort_terms(self, node: str) -> tuple[str, str, str]:
        """Return the rank of the type, a number, and a text."""
        ranks = {"null": 0, "number": 1, "string": 2, "object": 3, "array": 4, "boolean": 5}
        kind, inside = f"jsonb_typeof({node}.v)", f"{node}.v #>> '{{}}'"
        cases = " ".join(f"WHEN '{name}' THEN {rank}" for name, rank in ranks.items())
        numeric = f"CASE {kind} WHEN 'number' THEN ({inside})::numeric WHEN 'boolean' THEN ({inside})::boolean::integer END"
        return f"CASE {kind} {cases} ELSE 0 END", numeric, self.bytewise(f"(CASE {kind} WHEN 'string' THEN {inside} END)")


def dialect_named(name: str) -> Dialect:
    """Return the dialect of `Database.dialect`."""
    return Sqlite() if name == "sqlite" else Postgresql()
