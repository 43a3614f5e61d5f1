"""Give who makes something every operation on it; those who may do everything anyhow need no grant.

Source: the Pulp 2 REST contract, 1.6 with its fix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.rest.endpoint import PREFIX

if TYPE_CHECKING:
    from entrepot.rest.endpoint import Asked


def grant_to_creator(asked: Asked, href: str) -> None:
    """Grant who asks everything on the resource at `href`, in the caller's transaction."""
    if asked.principal is not None and not asked.principal.is_superuser:
        asked.engine.access.grant_creator(asked.login, href.removeprefix(PREFIX))
