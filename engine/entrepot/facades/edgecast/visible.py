"""What an account sees: the deploys and the policies of its sources. Pure.

A policy is `repository`, `repository:distributor` or `repository:distributor:revision`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.propagation import DeployReport
    from entrepot.tenants import TenantReport

#: A source whose distributor is this shows all distributors of the repository.
_ANY = "*"
_REVISION = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Policy:
    """What is deployed: a publication of a distributor; None says that it is not named, and means the only or the next one."""

    repository_id: str
    distributor_id: str | None = None
    revision: int | None = None

    def is_of(self, deploy: DeployReport) -> bool:
        """Say whether a deploy brings this."""
        return (
            self.repository_id == deploy.repository_id
            and self.distributor_id in (None, deploy.distributor_id)
            and self.revision in (None, deploy.revision)
        )


def read_policy(value: JSON) -> Policy | None:
    """Return the policy that a client names, by a text or, of a repository that is called so, a number; None if it is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    match value.split(":"):
        case [repository_id] if repository_id:
            return Policy(repository_id)
        case [repository_id, distributor_id] if repository_id and distributor_id:
            return Policy(repository_id, distributor_id)
        case [repository_id, distributor_id, revision] if repository_id and distributor_id and _REVISION.fullmatch(revision):
            return Policy(repository_id, distributor_id, int(revision))
        case _:
            return None


def sources_of(account: TenantReport) -> frozenset[tuple[str, str]]:
    """Return the pairs of repository and distributor that an account sees."""
    return frozenset(source for channel in account.channels for source in channel.sources)


def sees(sources: frozenset[tuple[str, str]], repository_id: str, distributor_id: str) -> bool:
    """Say whether one of the sources shows a distributor."""
    return not sources.isdisjoint({(repository_id, distributor_id), (repository_id, _ANY)})


def only_seen(sources: frozenset[tuple[str, str]], deploys: Iterable[DeployReport]) -> list[DeployReport]:
    """Return the deploys that one of the sources shows."""
    return [deploy for deploy in deploys if sees(sources, deploy.repository_id, deploy.distributor_id)]
