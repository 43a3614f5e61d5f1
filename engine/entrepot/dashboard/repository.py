"""A repository: what it is, what is being done to it, what it serves; and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.dashboard.page import Asked, Page, Redirect, Route, address
from entrepot.dashboard.repository_new import PATH as NEW_PATH
from entrepot.dashboard.repository_page import ONE, path_of, repository_of, tab
from entrepot.dashboard.repository_work import work_on
from entrepot.dashboard.words import short
from entrepot.errors import MissingResource

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.repositories import DistributorReport, HistoryEntry, Repository
    from entrepot.tasking import TaskHandle


@dataclass(frozen=True, slots=True)
class _Shown:
    """A distributor, its last publish, and where what it publishes is served; None if it is not."""

    report: DistributorReport
    last: HistoryEntry | None
    address: str | None


def show(asked: Asked) -> Page | Redirect:
    """Show the repository as it is now; `new`, where there is none of this id, leads to the form that makes one."""
    try:
        repository = repository_of(asked)
    except MissingResource:
        if asked.names["repository_id"] == "new":
            return Redirect(NEW_PATH)
        raise
    report = repository.report()
    syncs = repository.history("sync", limit=1)
    values = {
        "work": work_on(asked, report.repository_id),
        "last_sync": next(iter(syncs), None),
        "next_run": asked.engine.schedules.next_runs([report.repository_id]).get(report.repository_id),
        "distributors": [_shown(asked.engine, repository, distributor) for distributor in report.distributors],
    }
    return tab(asked, report, "", "repository.html", values)


def sync(asked: Asked) -> Redirect:
    """Bring in what the feed offers."""
    repository = repository_of(asked)
    return _accepted(repository, repository.sync(), "The sync")


def publish(asked: Asked) -> Redirect:
    """Publish by one distributor."""
    repository = repository_of(asked)
    return _accepted(repository, repository.publish(asked.given("distributor_id")), "The publish")


def download(asked: Asked) -> Redirect:
    """Fetch what is missing; read what is there, too, if that is asked for."""
    repository = repository_of(asked)
    handle = repository.request_download(verify_all_units=asked.given("verify_all_units") == "true")
    return _accepted(repository, handle, "The download of what is missing")


def ask_delete(asked: Asked) -> Page:
    """Say what goes with the repository."""
    repository = repository_of(asked)
    report = repository.report()
    schedules = asked.engine.schedules
    count = 0
    if report.importer is not None:
        count += len(schedules.list_sync(report.repository_id, report.importer.importer_type_id))
    kept = {}
    for distributor in report.distributors:
        count += len(schedules.list_publish(report.repository_id, distributor.distributor_id))
        kept[distributor.distributor_id] = len(repository.publications(distributor.distributor_id))
    distributors = [_shown(asked.engine, repository, distributor) for distributor in report.distributors]
    values = {"schedules": count, "kept": kept, "distributors": distributors}
    return tab(asked, report, "delete", "repository_delete.html", values)


def delete(asked: Asked) -> Redirect:
    """Delete the repository by a task."""
    repository_id = asked.names["repository_id"]
    handle = asked.engine.repositories.delete(repository_id)
    return Redirect("/repositories", f"{repository_id} will be deleted by task {short(handle.task_id)}.")


def _accepted(repository: Repository, handle: TaskHandle, what: str) -> Redirect:
    return Redirect(path_of(repository.repository_id), f"{what} was accepted as task {short(handle.task_id)}.")


def _shown(engine: Engine, repository: Repository, distributor: DistributorReport) -> _Shown:
    last = repository.history("publish", distributor_id=distributor.distributor_id, limit=1)
    is_served = any(
        distributor.config.get(f"serve_{scheme}", engine.plugins.is_served_by_default(distributor.distributor_type_id, scheme))
        for scheme in ("http", "https")
    )
    served = address(f"/content/{distributor.base_path}/") if is_served and distributor.live_revision is not None else None
    return _Shown(distributor, next(iter(last), None), served)


_ACTIONS = f"{ONE}actions/"
_PAGE = "/repositories/{repository_id}"

ROUTES = (
    Route("GET", _PAGE, show, resource=ONE),
    Route("POST", f"{_PAGE}/sync", sync, Operation.EXECUTE, f"{_ACTIONS}sync/"),
    Route("POST", f"{_PAGE}/publish", publish, Operation.EXECUTE, f"{_ACTIONS}publish/"),
    Route("POST", f"{_PAGE}/download", download, Operation.EXECUTE, f"{_ACTIONS}download/"),
    Route("GET", f"{_PAGE}/delete", ask_delete, Operation.DELETE, ONE),
    Route("POST", f"{_PAGE}/delete", delete, Operation.DELETE, ONE),
)
