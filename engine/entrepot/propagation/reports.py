"""What doors and programs get to see of the edge: POPs, servers, deploys and pushes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from entrepot.errors import JSON

Environment = Literal["production", "staging"]
DeployState = Literal["new", "propagating", "propagated", "failed", "canceled", "superseded"]
PushState = Literal["pending", "pushing", "retrying", "done", "failed", "canceled"]

#: States that a deploy leaves again.
OPEN_DEPLOYS: tuple[DeployState, ...] = ("new", "propagating")
#: States that a push leaves again.
OPEN_PUSHES: tuple[PushState, ...] = ("pending", "pushing", "retrying")


@dataclass(frozen=True, slots=True)
class PopReport:
    """A point of presence; `name` is `region : location`, with ` (code)` behind it where there is one."""

    pop_id: int
    network: str
    name: str
    region: str
    location: str
    code: str | None
    max_pushes: int  # at once, to all its servers
    servers: int


@dataclass(frozen=True, slots=True)
class ServerReport:
    """A server of a POP; secrets in its `options` are masked."""

    server_id: int
    pop_id: int
    pop: str
    network: str
    url: str
    options: Mapping[str, JSON]
    created: datetime


@dataclass(frozen=True, slots=True)
class PopProgress:
    """How far a deploy has got in one POP, in servers; those that are neither done nor failed are still to come."""

    pop_id: int
    name: str
    servers: int
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class DeployReport:
    """A publication on its way to the servers of a network; `servers`, `done` and `failed` are the sums over its POPs.

    `revision` is None while the publication is not built. `message` is what who asked for it said, `reason` why it ended as
    it did. `pops` are those that have servers, in the order of their names.
    """

    deploy_id: int
    repository_id: str
    distributor_id: str
    revision: int | None
    environment: Environment
    network: str
    state: DeployState
    message: str | None
    reason: str | None
    requested_by: str | None
    task_id: str | None
    servers: int
    done: int
    failed: int
    created: datetime
    started: datetime | None
    finished: datetime | None
    pops: tuple[PopProgress, ...]


@dataclass(frozen=True, slots=True)
class ServerPush:
    """A push of deploy `deploy_id` to a server; `next_attempt` is when it is tried again, `acked` when the server had it all.

    `files` and `bytes` are what was transferred by the attempt that succeeded.
    """

    server_id: int
    pop_id: int
    pop: str
    url: str
    state: PushState
    attempts: int
    files: int
    bytes: int
    error: str | None
    next_attempt: datetime | None
    started: datetime | None
    acked: datetime | None
    task_id: str | None
    deploy_id: int
