"""Where is deployed to: the POPs by region, and the servers of each with what was pushed there last; no secret is shown."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from entrepot.dashboard.page import Asked, Page, Route, whole_number
from entrepot.dashboard.propagation import EDGE, error_of
from entrepot.errors import MissingResource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.propagation import PopReport

_POPS_SHOWN = 100
_SERVERS_SHOWN = 50


def show(asked: Asked) -> Page:
    """Show the POPs of all networks, or of one region, by region."""
    every = sorted(asked.engine.edges.list_pops(), key=lambda pop: (pop.network, pop.region, pop.name))
    regions = sorted({pop.region for pop in every})
    region, skip = asked.asks("region"), whole_number(asked.asks("skip")) or 0
    chosen = [pop for pop in every if region in ("", pop.region)]
    values = {
        "groups": _groups(chosen[skip : skip + _POPS_SHOWN]),
        "regions": regions[:_POPS_SHOWN],
        "region": region,
        "pop_count": len(every),
        "server_count": sum(pop.servers for pop in every),
        "earlier": asked.here(skip=str(max(skip - _POPS_SHOWN, 0))) if skip else "",
        "later": asked.here(skip=str(skip + _POPS_SHOWN)) if len(chosen) > skip + _POPS_SHOWN else "",
    }
    return Page("propagation_pops.html", "POPs and servers", values)


def show_pop(asked: Asked) -> Page:
    """Show the servers of one POP."""
    pop_id, edges = whole_number(asked.names["pop_id"]), asked.engine.edges
    pop = next((one for one in edges.list_pops() if one.pop_id == pop_id), None)
    if pop is None:
        raise MissingResource(pop=asked.names["pop_id"])
    skip = whole_number(asked.asks("skip")) or 0
    servers = edges.list_servers(pop.pop_id)
    values = {
        "pop": pop,
        "servers": servers[skip : skip + _SERVERS_SHOWN],
        "pushes": {push.server_id: push for push in edges.last_pushes(pop.pop_id)},
        "error_of": error_of,
        "earlier": asked.here(skip=str(max(skip - _SERVERS_SHOWN, 0))) if skip else "",
        "later": asked.here(skip=str(skip + _SERVERS_SHOWN)) if len(servers) > skip + _SERVERS_SHOWN else "",
    }
    return Page("propagation_servers.html", pop.name, values)


def _groups(pops: Sequence[PopReport]) -> list[tuple[str, str, list[PopReport]]]:
    """Return network, region and POPs, of POPs in the order of both."""
    return [(*place, list(some)) for place, some in groupby(pops, key=lambda pop: (pop.network, pop.region))]


ROUTES = (
    Route("GET", "/propagation/pops", show, resource=EDGE),
    Route("GET", "/propagation/pops/{pop_id:int}", show_pop, resource=EDGE),
)
