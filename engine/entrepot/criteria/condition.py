"""Pieces of SQL with the values that stand for their `?`, and how they are joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, or another expression, of SQL; `values` in the order of its marks."""

    sql: str
    values: tuple[object, ...] = ()


TRUE = Condition("TRUE")
FALSE = Condition("FALSE")


def joined(word: str, parts: Sequence[Condition]) -> Condition:
    """Join `parts` by AND or OR as a balanced tree, for databases limit how deep an expression is, and not how wide."""
    if not parts:
        return TRUE if word == "AND" else FALSE
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    first, second = joined(word, parts[:half]), joined(word, parts[half:])
    return Condition(f"({first.sql} {word} {second.sql})", first.values + second.values)


def every(*parts: Condition) -> Condition:
    """Return the condition that all of `parts` hold; those that always do are left out."""
    if FALSE in parts:
        return FALSE
    return joined("AND", [part for part in parts if part != TRUE])


def some(*parts: Condition) -> Condition:
    """Return the condition that one of `parts` holds; those that never do are left out."""
    if TRUE in parts:
        return TRUE
    return joined("OR", [part for part in parts if part != FALSE])


def negated(part: Condition) -> Condition:
    """Return the condition that `part` does not hold; SQL's unknown counts as not holding."""
    if part in (TRUE, FALSE):
        return FALSE if part == TRUE else TRUE
    return Condition(f"({part.sql}) IS NOT TRUE", part.values)


def formed(sql: str, *values: object) -> Condition:
    """Return `sql` with its values."""
    return Condition(sql, values)
