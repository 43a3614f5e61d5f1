"""The units of one type that a repository holds, in the order of their names, a page at a time: what people leaf through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.repositories.unit_search import read_units

if TYPE_CHECKING:
    from entrepot.models import Repository
    from entrepot.repositories.house import House
    from entrepot.repositories.unit_search import AssociatedUnit

#: Up to so many units of a repository are sorted; of more of them the index of all names is read, in its order.
_MOST_SORTED = 2_000


def browse_units(
    house: House, repository: Repository, unit_type_id: str, *, text: str = "", limit: int = 50, skip: int = 0
) -> list[AssociatedUnit]:
    """Return `limit` units behind the first `skip`, by name; only those whose names hold `text`, whatever its case."""
    is_small = repository.content_unit_counts.get(unit_type_id, 0) <= _MOST_SORTED
    # `CROSS JOIN` is the order in which SQLite reads the tables; PostgreSQL knows by itself
    tables = "association CROSS JOIN unit" if is_small else "unit CROSS JOIN association"
    condition, values = "", list[object]()
    if text:
        pattern = "%" + text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
        condition, values = r" AND LOWER(unit.name) LIKE LOWER(?) ESCAPE '\'", [pattern]
    query = (
        f"SELECT unit.id FROM {tables} WHERE association.unit = unit.id AND association.repository = ? "
        f"AND association.removed_revision IS NULL AND unit.unit_type = ?{condition} "
        "ORDER BY unit.name, unit.id LIMIT ? OFFSET ?"
    )
    found = house.database.rows(query, (repository.id, unit_type_id, *values, limit, skip))
    return read_units(house.database, repository.id, [unit for (unit,) in found])
