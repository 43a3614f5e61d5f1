"""Searches as Pulp's clients write them: read, turned into SQL for either database, and run; no table is known here.

`query` reads a search (`reading` its filters, `regex` their patterns) into frozen values; a package that owns a table describes
it as a `Document`; `compiler` makes the SQL, with `columns` and `dialects` for what differs; `selection` runs it.
"""

from entrepot.criteria.condition import TRUE, Condition, every, formed
from entrepot.criteria.document import Document, Field
from entrepot.criteria.filters import And, Equal, Filter, On
from entrepot.criteria.query import Criteria, UnitCriteria
from entrepot.criteria.selection import select, select_by
from entrepot.criteria.values import Value

__all__ = [
    "TRUE",
    "And",
    "Condition",
    "Criteria",
    "Document",
    "Equal",
    "Field",
    "Filter",
    "On",
    "UnitCriteria",
    "Value",
    "every",
    "formed",
    "select",
    "select_by",
]
