"""The content browser of a repository: its units of one type by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from entrepot.dashboard.page import Asked, Page, Route
from entrepot.dashboard.repository_page import ONE, neighbours, page_number, repository_of, tab

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entrepot.errors import JSON
    from entrepot.repositories.unit_search import AssociatedUnit

#: Units on a page.
_PER_PAGE = 50
#: Fields that tell units apart beside their names, as far as a type has them.
_FIELDS = ("epoch", "version", "release", "arch", "architecture", "packagetype")
#: What a unit may be called by.
_NAMES = ("name", "package", "id", "filename", "title")
#: Units of a repository up to which it is counted how many have all their files here: each is looked at.
_MOST_COUNTED = 20_000
_UNITS = "/v2/content/units/"


def show(asked: Asked) -> Page:
    """Show a page of the units of a type; those with a text in their names, if one is given."""
    repository = repository_of(asked)
    report = repository.report()
    counts = {type_id: count for type_id, count in report.content_unit_counts.items() if count}
    types = sorted(counts, key=lambda type_id: (-counts[type_id], type_id))
    chosen, text, number = asked.asks("type") or next(iter(types), ""), asked.asks("q"), page_number(asked)
    skip = (number - 1) * _PER_PAGE
    found = repository.browse_units(chosen, text=text, limit=_PER_PAGE + 1, skip=skip) if chosen else []
    units = found[:_PER_PAGE]
    newer, older = neighbours(asked, number, has_more=len(found) > _PER_PAGE)
    values = {
        "types": [(type_id, counts[type_id]) for type_id in types],
        "chosen": chosen,
        "text": text,
        "fields": [field for field in _FIELDS if any(unit.data.get(field) is not None for unit in units)],
        "units": [(unit, name_of(unit.data), _size(unit)) for unit in units],
        "first": skip + 1,
        "last": skip + len(units),
        "total": None if text else counts.get(chosen, 0),
        "stored": repository.locally_stored_units() if report.total_units <= _MOST_COUNTED else None,
        "may_look": asked.may("READ", _UNITS),
        "newer": newer,
        "older": older,
    }
    return tab(asked, report, "content", "repository_content.html", values)


def name_of(data: Mapping[str, JSON]) -> str:
    """Return what a unit is called by; a dash if it has no name."""
    return next((text for field in _NAMES if (text := as_text(data.get(field)))), "–")


def as_text(value: JSON) -> str:
    """Return a value as it stands in a cell: text as it is, nothing for null, else its JSON."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _size(unit: AssociatedUnit) -> int | None:
    size = unit.data.get("size")
    return size if isinstance(size, int) and not isinstance(size, bool) else None


ROUTES: Sequence[Route] = (Route("GET", "/repositories/{repository_id}/content", show, resource=ONE),)
