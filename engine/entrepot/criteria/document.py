"""What a search can look at: the names that clients use, and where a row has what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from entrepot.criteria.condition import Condition
from entrepot.criteria.query import Sort
from entrepot.criteria.values import Value
from entrepot.errors import InvalidValue

Kind: TypeAlias = Literal["text", "number", "moment", "boolean", "oid", "json"]


@dataclass(frozen=True, slots=True)
class Field:
    """An expression of SQL and what it holds; a row always has it, be it null.

    Kinds: text, number (whole), moment (microseconds since 1970; searched in whole seconds, as clients see it), boolean, oid
    (a row id, which clients see as 24 hexadecimal digits), json (text that holds JSON; dotted paths lead into it). `lookup`
    returns the condition for equality with one of the values given, where an index serves it; None where it does not.
    `values` are those of the expression's marks, which only json may have.
    """

    kind: Kind
    sql: str
    lookup: Callable[[tuple[str, ...], Sequence[Value]], Condition | None] | None = None
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """The fields of a collection's objects, by name. Where `rest` is given, it holds every name that is none of these."""

    collection: str
    fields: Mapping[str, Field]
    rest: Field | None = None

    def find(self, path: tuple[str, ...]) -> tuple[Field, tuple[str, ...]] | None:
        """Return the field that `path` begins with and the way inside it, None if there is none."""
        if path[0] in self.fields:
            return self.fields[path[0]], path[1:]
        return None if self.rest is None else (self.rest, path)

    def check_names(self, sort: Sort, fields: Sequence[str] | None) -> None:
        """Raise `InvalidValue` if a sort or a choice of fields names one that there is not.

        Source: the Pulp 2 REST contract, 4.3: the property is a sentence that names the field and the collection.
        """
        named = [name for name, _ in sort] + list(fields or ())
        unknown = [name for name in named if self.find(tuple(name.split("."))) is None]
        if unknown:
            raise InvalidValue(*(f"There is no field {name!r} in the collection {self.collection!r}" for name in unknown))
