"""Run a search: one statement, bounded in time, its pages stable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from entrepot.criteria.compiler import Compiler
from entrepot.criteria.condition import TRUE, Condition, every
from entrepot.criteria.query import Criteria
from entrepot.models.time_limit import limited

if TYPE_CHECKING:
    from entrepot.criteria.document import Document
    from entrepot.criteria.filters import Filter
    from entrepot.criteria.query import Sort
    from entrepot.models import Database, Row

#: A limit that is none.
ALL = 2**62
#: Seconds that a search may read before it is given up.
SEARCH_SECONDS = 10.0


def select(
    database: Database, head: str, document: Document, criteria: Criteria, *, tie: str, among: Condition = TRUE
) -> list[Row]:
    """Return the rows of `head` (`SELECT … FROM …`) that meet the criteria and the condition `among`.

    The column `tie` orders what the criteria do not, so that pages neither repeat nor leave out; without a sort it is the
    order. Raises `InvalidValue` for what cannot be asked, `SearchTooSlow`.
    """
    document.check_names(criteria.sort, criteria.fields)
    return select_by(
        database,
        head,
        filters=[(document, criteria.filters)],
        sorts=[(document, criteria.sort)],
        limit=criteria.limit,
        skip=criteria.skip,
        tie=tie,
        among=among,
    )


def select_by(
    database: Database,
    head: str,
    *,
    filters: Sequence[tuple[Document, Filter]],
    sorts: Sequence[tuple[Document, Sort]],
    limit: int | None,
    skip: int,
    tie: str,
    among: Condition,
) -> list[Row]:
    """Select as `select` does, by the filters and then the sorts of several documents that the rows of `head` hold."""
    compilers = {id(document): Compiler(document, database.dialect) for document, _ in (*filters, *sorts)}
    for document, sort in sorts:
        document.check_names(sort, None)
    met = every(among, *(compilers[id(document)].condition(given) for document, given in filters))
    order = [term for document, sort in sorts for term in compilers[id(document)].order(sort)]
    values = [*met.values, *(value for term in order for value in term.values)]
    query = f"{head} WHERE {met.sql} ORDER BY {', '.join([*(term.sql for term in order), tie])}"
    if limit is not None or skip:
        query += " LIMIT ? OFFSET ?"
        values += [ALL if limit is None else limit, skip]
    if not any(compiler.reads_much for compiler in compilers.values()):
        return database.rows(query, values)
    with limited(database, SEARCH_SECONDS):
        return database.rows(query, values)
