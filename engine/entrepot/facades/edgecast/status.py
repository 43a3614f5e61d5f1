"""How far a deploy has got, in the keys, the casing and the arithmetic of Edgecast. Pure.

The percentages of the documented sample are `done / servers * 100` to the last digit, in this order of operations, and its
total is that of all servers. Source: Edgecast's REST API, "Get Deploy Request Status".
"""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.propagation import DeployReport, PopProgress

Average = Literal["servers", "pops"]


def status_document(deploy: DeployReport, average: Average) -> dict[str, JSON] | None:
    """Return what is told of a deploy, None of one that did not get through.

    `average` says what the total is of: all servers, or the mean of the POPs. It is 100.0 if, and only if, all servers are
    done: whoever reads the servers a moment after the deploy finds them done before he finds it propagated.
    """
    if deploy.state == "new":
        return {"Status": "New", "Percent_propagated": 0}
    if deploy.state not in ("propagating", "propagated"):
        return None
    pops = [pop for pop in deploy.pops if pop.servers]
    is_done = deploy.state == "propagated" or 0 < deploy.servers == deploy.done
    return {
        "Status": "propagated" if is_done else "propagating",
        "Percent_propagated": 100.0 if is_done else _total(deploy, pops, average),
        "Pops": [{"name": pop.name, "percentage_propagated": _percentage(pop)} for pop in pops],
    }


def _total(deploy: DeployReport, pops: list[PopProgress], average: Average) -> float:
    if not pops:  # the last server was removed a moment ago
        return 0.0
    if average == "pops":
        return fsum(_percentage(pop) for pop in pops) / len(pops)
    return deploy.done / deploy.servers * 100


def _percentage(pop: PopProgress) -> float:
    return pop.done / pop.servers * 100
