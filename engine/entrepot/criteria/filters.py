"""What a filter means: a small tree, the same whatever database answers it.

`And`, `Or` and `Not` join; `On` is a test of what a dotted path leads to. A path leads to several values where it meets arrays,
and to none where it ends early; a test holds if it holds for one of them. Source: MongoDB's query language as the Pulp 2
REST contract, 4.3, names it; `reading` makes the tree, `compiler` turns it into SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from entrepot.criteria.regex import Pattern
from entrepot.criteria.values import Value


@dataclass(frozen=True, slots=True)
class Equal:
    """The value is this one, or an array that holds it; None is also met where there is nothing."""

    value: Value


@dataclass(frozen=True, slots=True)
class Among:
    """The value is one of these; see `Equal`."""

    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """The value is of the operand's type and stands so (`<`, `<=`, `>`, `>=`) to it."""

    sign: str
    value: Value


@dataclass(frozen=True, slots=True)
class Exists:
    """There is a value, be it null."""


@dataclass(frozen=True, slots=True)
class Matching:
    """The value is text in which the pattern is found."""

    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Sized:
    """The value is an array of so many elements."""

    length: int


@dataclass(frozen=True, slots=True)
class Typed:
    """The value is of one of these types: array, boolean, moment, null, number, object, object id, text."""

    types: frozenset[str]


@dataclass(frozen=True, slots=True)
class Remainder:
    """The value is a number that leaves this remainder; fractions are cut off before."""

    divisor: int
    remainder: int


@dataclass(frozen=True, slots=True)
class Element:
    """The value is an array with an element that meets the filter; `of_fields`: whose fields do."""

    filter: Filter
    of_fields: bool


Test: TypeAlias = "Equal | Among | Compared | Exists | Matching | Sized | Typed | Remainder | Element"


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; without parts it always does."""

    parts: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """One of the parts holds."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Filter


@dataclass(frozen=True, slots=True)
class On:
    """What `path` leads to meets the test; within `Element`, the empty path is the element itself."""

    path: tuple[str, ...]
    test: Test


Filter: TypeAlias = "And | Or | Not | On"

#: Selects everything.
EVERYTHING = And()
