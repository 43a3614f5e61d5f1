"""Turn the tree of a filter into a condition of SQL, and the keys of a sort into an ORDER BY.

Each test of a plain column becomes a comparison, each test of JSON an EXISTS over the values that its path leads to:

    from the column's value (`root`)
    for each name of the path: into the object, or into the objects of an array (`objects`, `field`); a name that is a number
    may also be a place in an array (`place`), so that such a path has several ways
    at the end: the value itself, or one of its elements if it is an array

Where an object lacks a name the way ends in nothing, which null and the negations are met by, and goes on as nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import count, product

from entrepot.criteria.columns import SIGNS, column_meets, nothing_meets
from entrepot.criteria.condition import FALSE, Condition, every, formed, joined, negated, some
from entrepot.criteria.dialects import Dialect, dialect_named
from entrepot.criteria.document import Document, Field
from entrepot.criteria.filters import (
    Among,
    And,
    Compared,
    Element,
    Equal,
    Exists,
    Filter,
    Matching,
    Not,
    Or,
    Remainder,
    Sized,
    Test,
    Typed,
)
from entrepot.criteria.query import Sort
from entrepot.criteria.reading import is_place
from entrepot.criteria.refusal import refusal
from entrepot.criteria.regex_forms import form
from entrepot.criteria.values import Value, plain

#: Arrays within arrays that `$elemMatch` looks into: databases limit how deep a statement is.
DEEPEST_ELEMENT = 3
_PLAIN = re.compile(r"[ A-Za-z0-9_.:@+-]*")


class Compiler:
    """Compiles the filters and sorts of one statement; `reads_much` tells whether one of them reads JSON or text in full."""

    def __init__(self, document: Document, dialect: str) -> None:
        """Compile for the objects of `document`, kept in a database of `dialect`."""
        self._document = document
        self._dialect: Dialect = dialect_named(dialect)
        self._numbers = count()
        self.reads_much = False

    def condition(self, given: Filter) -> Condition:
        """Return the condition that a row meets the filter; raises `InvalidValue` if it cannot be asked."""
        return self._joined(given, None, 0)

    def order(self, sort: Sort) -> list[Condition]:
        """Return the terms of an ORDER BY: nothing and null stand before all else."""
        terms: list[Condition] = []
        for name, descending in sort:
            direction = "DESC NULLS LAST" if descending else "NULLS FIRST"
            terms += [Condition(f"{term.sql} {direction}", term.values) for term in self._keys(tuple(name.split(".")))]
        return terms

    def _joined(self, given: Filter, node: str | None, depth: int) -> Condition:
        """Return the condition that a row, or the element `node` of an array in it, meets the filter."""
        if isinstance(given, And):
            return every(*(self._joined(part, node, depth) for part in given.parts))
        if isinstance(given, Or):
            return some(*(self._joined(part, node, depth) for part in given.parts))
        if isinstance(given, Not):
            return negated(self._joined(given.part, node, depth))
        if node is None:
            return self._on_row(given.path, given.test)
        if not given.path:
            return self._element_meets(node, given.test, depth)
        return self._on_ways(Condition(""), node, given.path, given.test, depth)

    def _on_row(self, path: tuple[str, ...], test: Test) -> Condition:
        found = self._document.find(path)
        if found is None:
            return nothing_meets(test)
        field, inside = found
        if field.kind != "json":
            self.reads_much |= isinstance(test, Matching)
            return nothing_meets(test) if inside else column_meets(field, test, self._dialect)
        return self._served(field, inside, test) or self._on_json(field, inside, test)

    def _served(self, field: Field, inside: tuple[str, ...], test: Test) -> Condition | None:
        """Return the condition that an index of the field serves, None if none does."""
        if field.lookup is None or not isinstance(test, (Equal, Among)):
            return None
        return field.lookup(inside, (test.value,) if isinstance(test, Equal) else test.values)

    def _on_json(self, field: Field, inside: tuple[str, ...], test: Test) -> Condition:
        self.reads_much = True
        node = self._node()
        met = self._on_ways(Condition(self._dialect.root(field.sql, node), field.values), node, inside, test, 0)
        return every(*self._mentioned(field, test), met)

    def _mentioned(self, field: Field, test: Test) -> list[Condition]:
        """Return the cheap condition that JSON mentions a text which the test needs: hundreds of times faster than to read it.

        Only of letters that every writer of JSON writes alike.
        """
        text = test.value if isinstance(test, Equal) else None
        if not isinstance(text, str) or not _PLAIN.fullmatch(text) or field.values:
            return []
        return [self._dialect.mentions(field.sql, f'"{text}"')]

    def _on_ways(self, root: Condition, node: str, path: tuple[str, ...], test: Test, depth: int) -> Condition:
        names = [(False, True) if is_place(part) else (False,) for part in path]
        ways = [list(zip(path, places, strict=True)) for places in product(*names)]
        return joined("OR", [self._on_way(root, node, way, test, depth) for way in ways])

    def _on_way(self, root: Condition, start: str, way: Sequence[tuple[str, bool]], test: Test, depth: int) -> Condition:
        """Return the condition that one of the values at the end of one way meets the test.

        A way tells of each part of the path whether it is taken as a place in an array.
        """
        dialect, node = self._dialect, start
        joins, guards = [root], list[Condition]()
        if not root.sql:  # from an element of an array that the statement around this one has
            joins = [Condition("(SELECT 1) AS " + self._node())]
        for number, (part, is_taken_as_place) in enumerate(way, start=1):
            child = self._node()
            if is_taken_as_place:
                joins.append(Condition(dialect.place(node, int(part), child, within=number < len(way))))
            else:
                holder = self._node()
                joins += [Condition(dialect.objects(node, holder)), dialect.field(holder, part, child)]
                in_array, is_object = dialect.is_type(node, "array"), dialect.is_type(holder, "object")
                guards.append(Condition(f"({in_array.sql} IS NOT TRUE OR {is_object.sql})"))
            node = child
        met = every(*guards, self._leaf_meets(node, test, depth))
        table = " ".join(join.sql for join in joins)
        values = tuple(value for join in joins for value in join.values)
        return Condition(f"EXISTS (SELECT 1 FROM {table} WHERE {met.sql})", values + met.values)

    def _leaf_meets(self, node: str, test: Test, depth: int) -> Condition:
        """Return the condition that a value, or one of its elements, meets the test."""
        itself = self._element_meets(node, test, depth)
        if isinstance(test, (Exists, Sized, Element)):
            return itself
        element = self._node()
        one = self._element_meets(element, test, depth)
        if one == FALSE:
            return itself
        return some(
            itself, Condition(f"EXISTS (SELECT 1 FROM {self._dialect.elements(node, element)} WHERE {one.sql})", one.values)
        )

    def _element_meets(self, node: str, test: Test, depth: int) -> Condition:
        """Return the condition that a value itself meets the test."""
        dialect = self._dialect
        if isinstance(test, Equal):
            return self._among(node, (test.value,))
        if isinstance(test, Among):
            return self._among(node, test.values)
        if isinstance(test, Compared):
            return self._compared(node, test.sign, test.value)
        if isinstance(test, Matching):
            return dialect.finds(node, form(test.pattern, dialect.name))
        if isinstance(test, Element):
            return self._some_element(node, test, depth)
        return self._shape_meets(node, test)

    def _shape_meets(self, node: str, test: Exists | Sized | Typed | Remainder) -> Condition:
        dialect = self._dialect
        if isinstance(test, Exists):
            return Condition(f"NOT ({dialect.is_nothing(node)})")
        if isinstance(test, Sized):
            return dialect.has_length(node, test.length)
        if isinstance(test, Remainder):
            return dialect.leaves(node, test.divisor, test.remainder)
        known = sorted(test.types & {"array", "boolean", "null", "number", "object", "text"})
        return dialect.is_type(node, *known) if known else FALSE

    def _some_element(self, node: str, test: Element, depth: int) -> Condition:
        if depth >= DEEPEST_ELEMENT:
            raise refusal(f"$elemMatch may be nested {DEEPEST_ELEMENT} deep at most")
        element = self._node()
        met = self._joined(test.filter, element, depth + 1)
        if test.of_fields:
            met = every(self._dialect.is_type(element, "object"), met)
        return Condition(f"EXISTS (SELECT 1 FROM {self._dialect.elements(node, element)} WHERE {met.sql})", met.values)

    def _among(self, node: str, values: Sequence[Value]) -> Condition:
        dialect, given = self._dialect, [plain(value) for value in values]
        scalars = [value for value in given if isinstance(value, (str, int, float)) and not isinstance(value, bool)]
        others = [value for value in given if isinstance(value, (bool, list, dict))]
        parts = [dialect.equals(node, value) for value in others]
        if None in given:
            parts.append(Condition(f"({dialect.is_nothing(node)} OR {dialect.is_type(node, 'null').sql})"))
        if len(scalars) == 1:
            parts.append(dialect.equals(node, scalars[0]))
        elif scalars:
            parts.append(dialect.among(node, scalars))
        return some(*parts)

    def _compared(self, node: str, sign: str, value: Value) -> Condition:
        given = plain(value)
        if given is None:
            return self._among(node, (None,)) if "=" in sign else FALSE
        if isinstance(given, bool):
            return some(*(self._dialect.equals(node, stored) for stored in (False, True) if SIGNS[sign](stored, given)))
        if isinstance(given, dict):  # an object id: JSON holds them as objects, which have no order
            return self._dialect.equals(node, given) if "=" in sign else FALSE
        return self._dialect.compares(node, sign, given)

    def _keys(self, path: tuple[str, ...]) -> list[Condition]:
        """Return the expressions that a path is sorted by: of JSON the first value that it leads to."""
        found = self._document.find(path)
        if found is None or (found[1] and found[0].kind != "json"):
            return []
        field, inside = found
        if field.kind == "text":
            return [Condition(self._dialect.bytewise(field.sql))]
        if field.kind != "json":
            return [Condition(field.sql)]
        self.reads_much = True
        node = self._node()
        joins = [Condition(self._dialect.root(field.sql, node), field.values)]
        for part in inside:
            holder, child = self._node(), self._node()
            joins += [Condition(self._dialect.objects(node, holder)), self._dialect.field(holder, part, child)]
            node = child
        table = " ".join(join.sql for join in joins)
        values = tuple(value for join in joins for value in join.values)
        return [formed(f"(SELECT {term} FROM {table} LIMIT 1)", *values) for term in self._dialect.sort_terms(node)]

    def _node(self) -> str:
        return f"n{next(self._numbers)}"
