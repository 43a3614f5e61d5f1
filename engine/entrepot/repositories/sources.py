"""Distributors that copy what another one of their repository serves: which that is, and in which order they publish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.errors import RefusedConfiguration
from entrepot.plugin import DeployConfig
from entrepot.repositories import publication, rows

if TYPE_CHECKING:
    from entrepot.models import Database, Distributor, Repository
    from entrepot.plugin import DistributorConfig


@dataclass(frozen=True, slots=True)
class Source:
    """What a distributor copies: another one, with its row id, and the publication that this one serves.

    `revision` is None if it serves nothing; `repository_revision` is the repository's that the publication shows, and `made`
    when it was made (microseconds since 1970): both numbers may come again if the distributor gives place to another.
    """

    distributor_id: str
    distributor: int
    revision: int | None
    repository_revision: int
    made: int


def find_source(
    database: Database, repository: Repository, distributor: Distributor, config: DistributorConfig
) -> Source | None:
    """Return what a distributor of `repository` copies, None if its configuration is none of those that do.

    Raises `RefusedConfiguration` if there is no other distributor of that name.
    """
    if not isinstance(config, DeployConfig):
        return None
    found = rows.find_distributor(database, repository.id, config.source)
    if found is None or found.id == distributor.id:
        others = [one.distributor_id for one in rows.distributors_of(database, repository.id) if one.id != distributor.id]
        why = f"names {config.source!r}; the repository has " + (", ".join(map(repr, others)) or "no other distributor")
        raise RefusedConfiguration(distributor.distributor_type_id, {"source": why})
    shown = made = 0
    if found.live_revision is not None:
        shown, made = publication.repository_revision_and_moment(database, found.id, found.live_revision)
    return Source(found.distributor_id, found.id, found.live_revision, shown, made)


def in_order(distributors: Sequence[Distributor]) -> list[Distributor]:
    """Return the distributors of a repository in the order in which they publish: whoever copies comes after its source."""
    by_id = {one.distributor_id: one for one in distributors}

    def depth(one: Distributor) -> int:
        seen, source = {one.distributor_id}, one.config.get("source")
        while isinstance(source, str) and source in by_id and source not in seen:
            seen.add(source)
            source = by_id[source].config.get("source")
        return len(seen)

    return sorted(distributors, key=depth)
