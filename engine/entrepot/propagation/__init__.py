"""Propagation: from a publication to the servers at the edge, one push to each.

* `pop_names`, `networks`: POPs and their servers, which make up networks.
* `starting`: a distributor that deploys serves something else (`House.flipped`): the deploy, its frozen set of servers and
  one task for each of them are written by the transaction that flips. `asking`: a deploy that is asked for.
* `pushes`: the task that pushes to one server, by a target (`targets/`), which reads a `published_tree`.
* `progress`: what becomes of a push and of the whole; the only module that writes how far a deploy has got.
* `stopping`: cancel, push again, a server that is removed. `settling`: tasks that ended without a word, in a loop.
* `deploys`: what is known of deploys. `service`: `engine.edges`.
"""

from entrepot.propagation.reports import (
    DeployReport,
    DeployState,
    Environment,
    PopProgress,
    PopReport,
    PushState,
    ServerPush,
    ServerReport,
)
from entrepot.propagation.service import Edges

__all__ = [
    "DeployReport",
    "DeployState",
    "Edges",
    "Environment",
    "PopProgress",
    "PopReport",
    "PushState",
    "ServerPush",
    "ServerReport",
]
