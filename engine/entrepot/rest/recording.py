"""What the audit log is told of a request: who asks, what for, and the names of what the body gives."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from entrepot.access import Actor, Operation, names_in
from entrepot.rest.authentication import client_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

    from entrepot.access import Access, Principal
    from entrepot.errors import JSON
    from entrepot.rest.endpoint import Endpoint


def recorded(
    access: Access,
    endpoint: Endpoint,
    principal: Principal | None,
    *,
    resource: str,
    scope: Scope,
    request_id: str,
    document: Mapping[str, JSON],
) -> AbstractContextManager[None]:
    """Return the context in which a request is worked on: what it changes, or is refused, gets into the audit log.

    A request that needs no more than READ changes nothing. The action is the name of the view: `sync repository`.
    """
    if principal is None or endpoint.permission in (None, Operation.READ):
        return nullcontext()
    if principal.via == "local":  # a command on the machine that works by this door
        actor = Actor.of_machine("cli")
    else:
        actor = Actor.of(principal, "rest", address=client_address(scope), request_id=request_id)
    return access.acting(actor, endpoint.action, resource, names_in(document))
