"""Deploys: what is on its way to the edge and what arrived there; one deploy by region, POP and server.

A deploy belongs to its repository: who may READ that, or all of the edge, sees it; who may EXECUTE that stops and repeats it.
What is done to one is in `propagation_actions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot import clock
from entrepot.dashboard.page import Asked, Page, Route, segment, whole_number
from entrepot.dashboard.propagation_bars import Bars, Region, bars, region_of, regions_of, sums_of
from entrepot.errors import MissingResource

if TYPE_CHECKING:
    from datetime import timedelta

    from entrepot.propagation import DeployReport, ServerPush

#: What must be permitted for the edge as a whole.
EDGE = "/v2/edge/"
#: Deploys on a page, bars for all of them, and for one of them.
_DEPLOYS_SHOWN = 6
_ROOM = 100
_ROOM_OF_ONE = 40
#: Bars of POPs, servers that have trouble, and servers of a POP on a page.
_POPS_SHOWN = 90
_TROUBLES_SHOWN = 25
_SERVERS_SHOWN = 50
_LONGEST_ERROR = 500
_ENDED = ("propagated", "failed", "canceled", "superseded")
#: What the list can be narrowed to: the word in the address, what is said, and the states.
VIEWS: tuple[tuple[str, str, tuple[str, ...] | None], ...] = (
    ("", "Under way and latest", None),
    ("under-way", "Under way", ("new", "propagating")),
    ("failed", "Failed", ("failed",)),
    ("all", "All", None),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A deploy with its bars."""

    report: DeployReport
    bars: Bars

    @property
    def lasted(self) -> timedelta:
        """How long it took, or has lasted so far."""
        return (self.report.finished or clock.now()) - self.report.created


def show(asked: Asked) -> Page:
    """Show the deploys that are under way, and the latest of each distributor; or those of a state, or all."""
    view = next((one for one in VIEWS if one[0] == asked.asks("show")), VIEWS[0])
    reports = asked.engine.edges.list_deploys(
        repository_ids=_readable(asked),
        states=view[2],
        before=whole_number(asked.asks("before")),
        limit=_DEPLOYS_SHOWN + 1,
        latest=not view[0],
    )
    shown, room = list[Shown](), _ROOM
    for report in reports[:_DEPLOYS_SHOWN]:
        shown.append(Shown(report, bars(report, room=max(min(room, _ROOM_OF_ONE), 0))))
        room -= shown[-1].bars.count
    older = asked.here(before=str(shown[-1].report.deploy_id)) if len(reports) > _DEPLOYS_SHOWN else ""
    newest = asked.here(before=None) if asked.asks("before") else ""
    values = {"deploys": shown, "views": VIEWS, "view": view[0], "newest": newest, "older": older}
    return Page("propagation.html", "Propagation", values)


def show_deploy(asked: Asked) -> Page:
    """Show one deploy: its bars by region and POP, and the servers that have trouble."""
    report = find_deploy(asked)
    chosen, skip = asked.asks("region"), whole_number(asked.asks("skip")) or 0
    past = whole_number(asked.asks("troubles")) or 0
    troubles = asked.engine.edges.list_pushes(
        report.deploy_id, states=("failed", "retrying"), skip=past, limit=_TROUBLES_SHOWN + 1
    )
    parts, earlier, later = _pops_shown(asked, report, chosen, skip)
    values = {
        "deploy": Shown(report, bars(report, room=0)),
        "regions": parts,
        "region": chosen,
        "pop_count": len(report.pops),
        "earlier": earlier,
        "later": later,
        "troubles": troubles[:_TROUBLES_SHOWN],
        "error_of": error_of,
        "fewer_troubles": asked.here(troubles=str(max(past - _TROUBLES_SHOWN, 0)) if past > _TROUBLES_SHOWN else None)
        if past
        else "",
        "more_troubles": asked.here(troubles=str(past + _TROUBLES_SHOWN)) if len(troubles) > _TROUBLES_SHOWN else "",
        **actions(asked, report),
    }
    return Page("propagation_deploy.html", f"Deploy {report.deploy_id}", values)


def show_pop(asked: Asked) -> Page:
    """Show the servers of one POP, and how far a deploy has got there."""
    report, pop_id = find_deploy(asked), whole_number(asked.names["pop_id"])
    pop = next((one for one in report.pops if one.pop_id == pop_id), None)
    if pop is None:
        raise MissingResource(pop=asked.names["pop_id"])
    skip = whole_number(asked.asks("skip")) or 0
    pushes = asked.engine.edges.list_pushes(report.deploy_id, pop_id=pop.pop_id, skip=skip, limit=_SERVERS_SHOWN + 1)
    values = {
        "report": report,
        "pop": pop,
        "pushes": pushes[:_SERVERS_SHOWN],
        "error_of": error_of,
        "earlier": asked.here(skip=str(max(skip - _SERVERS_SHOWN, 0))) if skip else "",
        "later": asked.here(skip=str(skip + _SERVERS_SHOWN)) if len(pushes) > _SERVERS_SHOWN else "",
        **actions(asked, report),
    }
    return Page("propagation_pop.html", f"Deploy {report.deploy_id} in {pop.name}", values)


def find_deploy(asked: Asked, operation: str = "READ") -> DeployReport:
    """Return the deploy that the path names, on whose repository, or the edge, `operation` is permitted.

    Raises `MissingResource`, `PermissionDenied`.
    """
    deploy_id = whole_number(asked.names["deploy_id"])
    try:
        if deploy_id is None:
            raise MissingResource(deploy=asked.names["deploy_id"])
        report = asked.engine.edges.get_deploy(deploy_id)
    except MissingResource:
        asked.require(operation, EDGE)
        raise
    if not asked.may(operation, repository_path(report.repository_id)):
        asked.require(operation, EDGE)  # who may not see it is not told whose it is
    return report


def actions(asked: Asked, report: DeployReport) -> dict[str, object]:
    """Return what who asks may do with a deploy now."""
    may = asked.may("EXECUTE", EDGE) or asked.may("EXECUTE", repository_path(report.repository_id))
    return {
        "can_cancel": may and report.state not in _ENDED,
        "can_push": may and (report.failed > 0 or (report.state in ("failed", "canceled") and report.servers > report.done)),
        "can_deploy": may and report.state in _ENDED and report.revision is not None,
    }


def repository_path(repository_id: str) -> str:
    """Return what permissions for a repository are granted on."""
    return f"/v2/repositories/{segment(repository_id)}/"


def error_of(push: ServerPush) -> str:
    """Return the error of a push, without the URL that most of them begin with."""
    return (push.error or "No reason is known.").removeprefix(f"{push.url}: ")[:_LONGEST_ERROR]


def _pops_shown(asked: Asked, report: DeployReport, chosen: str, skip: int) -> tuple[list[Region], str, str]:
    """Return regions with the POPs that fit on the page, and the addresses of the POPs before and after them."""
    pops = [pop for pop in report.pops if chosen in ("", region_of(pop.name))]
    if not chosen and len(pops) > _POPS_SHOWN:
        return sums_of(pops)[:_POPS_SHOWN], "", ""
    cut = regions_of(pops[skip : skip + _POPS_SHOWN])
    earlier = asked.here(skip=str(max(skip - _POPS_SHOWN, 0))) if skip else ""
    return cut, earlier, asked.here(skip=str(skip + _POPS_SHOWN)) if len(pops) > skip + _POPS_SHOWN else ""


def _readable(asked: Asked) -> list[str] | None:
    """Return the repositories that who asks may READ, or None if these are all there are."""
    if asked.may("READ", EDGE) or asked.may("READ", "/v2/repositories/"):
        return None
    ids = [repository.repository_id for repository in asked.engine.repositories.list()]
    return [repository_id for repository_id in ids if asked.may("READ", repository_path(repository_id))]


ROUTES = (
    Route("GET", "/propagation", show),
    Route("GET", "/propagation/{deploy_id:int}", show_deploy),
    Route("GET", "/propagation/{deploy_id:int}/pops/{pop_id:int}", show_pop),
)
