"""What a repository has published: the publications that are kept, what tells two apart, and which of them is served."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.dashboard.page import Asked, Page, Redirect, Route, address
from entrepot.dashboard.repository_page import ONE, neighbours, page_number, path_of, repository_of, tab
from entrepot.errors import InvalidValue, MissingResource

if TYPE_CHECKING:
    from entrepot.repositories import DistributorReport, PublicationReport, Repository, RepositoryReport
    from entrepot.repositories.comparing import PathChange, PublicationDifference

#: Publications on a page, and paths of a comparison.
_PER_PAGE = 50
_PATHS = 100
#: Publications that can be chosen to be compared.
_CHOICES = 100
_TOO_LONG = 19  # digits of a revision


def show(asked: Asked) -> Page:
    """Show the publications of one distributor."""
    repository = repository_of(asked)
    report = repository.report()
    if not report.distributors:
        return tab(asked, report, "publications", "repository_publications.html", {"chosen": None})
    chosen = _distributor(report, asked.asks("distributor") or report.distributors[0].distributor_id)
    kept, number = repository.publications(chosen.distributor_id), page_number(asked)
    page = kept[(number - 1) * _PER_PAGE :]
    newer, older = neighbours(asked, number, has_more=len(page) > _PER_PAGE)
    before = {one.revision: earlier.revision for one, earlier in pairwise(kept)}
    values = {
        "chosen": chosen,
        "publications": page[:_PER_PAGE],
        "count": len(kept),
        "before": before,
        "choices": [one.revision for one in kept[:_CHOICES]],
        "compare": _address(report, "compare", chosen),
        "roll_back": _address(report, "roll_back", chosen),
        "newer": newer,
        "older": older,
    }
    return tab(asked, report, "publications", "repository_publications.html", values)


def compare(asked: Asked) -> Page:
    """Show which paths two publications do not have alike."""
    repository = repository_of(asked)
    report = repository.report()
    chosen = _distributor(report, asked.asks("distributor"))
    before, after = _revision("before", asked.asks("before")), _revision("after", asked.asks("after"))
    difference = repository.compare_publications(chosen.distributor_id, before, after)
    changed = _changes(difference)
    number = page_number(asked)
    start = (number - 1) * _PATHS
    newer, older = neighbours(asked, number, has_more=start + _PATHS < len(changed))
    values = {
        "chosen": chosen,
        "difference": difference,
        "changes": changed[start : start + _PATHS],
        "first": start + 1,
        "last": min(start + _PATHS, len(changed)),
        "count": len(changed),
        "newer": newer,
        "older": older,
    }
    return tab(asked, report, "publications", "publication_difference.html", values)


def ask_roll_back(asked: Asked) -> Page:
    """Say what changes for clients if another publication is served."""
    repository = repository_of(asked)
    report = repository.report()
    chosen = _distributor(report, asked.asks("distributor"))
    wanted = _publication(repository, chosen, _revision("revision", asked.asks("revision")))
    live, difference = chosen.live_revision, None
    if live is not None and live != wanted.revision:
        difference = repository.compare_publications(chosen.distributor_id, live, wanted.revision)
    values = {"chosen": chosen, "wanted": wanted, "difference": difference}
    return tab(asked, report, "publications", "publication_roll_back.html", values)


def roll_back(asked: Asked) -> Redirect:
    """Serve another publication from now on."""
    repository = repository_of(asked)
    distributor_id = asked.given("distributor_id")
    served = repository.roll_back(distributor_id, _revision("revision", asked.given("revision")))
    place = address(path_of(repository.repository_id, "publications"), {"distributor": [distributor_id]})
    return Redirect(place, f"{distributor_id} serves publication {served.revision} from now on.")


def _address(report: RepositoryReport, what: str, chosen: DistributorReport) -> str:
    return address(path_of(report.repository_id, "publications", what), {"distributor": [chosen.distributor_id]})


def _changes(difference: PublicationDifference) -> list[tuple[str, PathChange]]:
    parts = (("added", difference.added), ("changed", difference.changed), ("removed", difference.removed))
    return [(word, change) for word, changes in parts for change in changes]


def _distributor(report: RepositoryReport, distributor_id: str) -> DistributorReport:
    """Return the distributor with this id; raises `MissingResource`."""
    for found in report.distributors:
        if found.distributor_id == distributor_id:
            return found
    raise MissingResource(repo_id=report.repository_id, distributor_id=distributor_id)


def _publication(repository: Repository, chosen: DistributorReport, revision: int) -> PublicationReport:
    """Return a publication that is kept; raises `MissingResource`."""
    for kept in repository.publications(chosen.distributor_id):
        if kept.revision == revision:
            return kept
    raise MissingResource(distributor_id=chosen.distributor_id, revision=str(revision))


def _revision(name: str, text: str) -> int:
    """Return the number of a publication; raises `InvalidValue`."""
    if not (text.isascii() and text.isdigit() and len(text) < _TOO_LONG and int(text)):
        raise InvalidValue(name, why="it must be the whole number of a publication")
    return int(text)


_PAGE = "/repositories/{repository_id}/publications"

ROUTES = (
    Route("GET", _PAGE, show, resource=ONE),
    Route("GET", f"{_PAGE}/compare", compare, resource=ONE),
    Route("GET", f"{_PAGE}/roll_back", ask_roll_back, Operation.EXECUTE, f"{ONE}actions/roll_back/"),
    Route("POST", f"{_PAGE}/roll_back", roll_back, Operation.EXECUTE, f"{ONE}actions/roll_back/"),
)
