"""What all pages of one repository share: its name above, and the tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.dashboard.page import Page, segment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrepot.dashboard.page import Asked
    from entrepot.repositories import Repository, RepositoryReport

#: The REST path of one repository, and those below it that its actions have.
ONE = "/v2/repositories/{repository_id}/"
#: The last segment of a tab's path, its words, and what must be permitted on the repository.
_TABS = (
    ("", "Overview", Operation.READ),
    ("content", "Content", Operation.READ),
    ("publications", "Publications", Operation.READ),
    ("schedules", "Schedules", Operation.READ),
    ("history", "History", Operation.READ),
    ("events", "Events", Operation.READ),
    ("settings", "Settings", Operation.UPDATE),
)


def repository_of(asked: Asked) -> Repository:
    """Return the repository that the path names; raises `MissingResource`."""
    return asked.engine.repositories.get(asked.names["repository_id"])


def path_of(repository_id: str, *below: str) -> str:
    """Return the path of a repository's page, or of one below it."""
    return "/".join(["/repositories", *map(segment, (repository_id, *below))])


def tab(
    asked: Asked, report: RepositoryReport, name: str, template: str, values: Mapping[str, object], *, status: int = 200
) -> Page:
    """Return the page of the tab `name` (or of a page below it) with what it shows."""
    repository_id = report.repository_id
    resource = ONE.format(repository_id=repository_id)
    tabs = [
        (path_of(repository_id, *([last] if last else [])), words, last == name)
        for last, words, operation in _TABS
        if asked.may(operation.name, resource)
    ]
    words = next((words for last, words, _ in _TABS if last == name), "")
    title = f"{repository_id} · {words}" if name else repository_id
    frame = {"report": report, "tabs": tabs, "here": path_of(repository_id), "resource": resource}
    return Page(template, title, {**frame, **values}, status)


def page_number(asked: Asked) -> int:
    """Return which page of a list is asked for, from 1 on; anything odd is the first."""
    text = asked.asks("page", "1")
    return min(max(int(text), 1), 1_000_000) if text.isascii() and text.isdigit() and len(text) < 8 else 1  # noqa: PLR2004


def neighbours(asked: Asked, number: int, *, has_more: bool) -> tuple[str, str]:
    """Return the addresses of the page before and the one behind, empty where there is none."""
    before = asked.here(page=None if number == 2 else str(number - 1)) if number > 1 else ""  # noqa: PLR2004 - the first has none
    return before, asked.here(page=str(number + 1)) if has_more else ""
