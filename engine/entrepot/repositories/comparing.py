"""What tells two publications of a distributor apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.repositories import entries, publication

if TYPE_CHECKING:
    from entrepot.models import Database


@dataclass(frozen=True, slots=True)
class PathChange:
    """A path that two publications do not have alike; sizes in bytes, None where it is not there, or not known."""

    path: str
    size_before: int | None
    size_after: int | None


@dataclass(frozen=True, slots=True)
class PublicationDifference:
    """What publication `after` has and `before` has not, and the other way round; sorted by the bytes of the paths."""

    before: int
    after: int
    added: tuple[PathChange, ...]
    changed: tuple[PathChange, ...]
    removed: tuple[PathChange, ...]


def compare(database: Database, distributor: int, before: int, after: int) -> PublicationDifference:
    """Compare two kept publications of the distributor with that row id; only what changed is read.

    `before` may also be the later of the two. Raises `MissingResource` if one is not kept.
    """
    for revision in (before, after):
        publication.repository_revision(database, distributor, revision)
    come, gone = entries.difference(database, distributor, before, after)
    new = {path: size for path, _, size in come}
    old = {path: size for path, _, size in gone}
    return PublicationDifference(
        before,
        after,
        tuple(PathChange(path, None, size) for path, size in new.items() if path not in old),
        tuple(PathChange(path, old[path], size) for path, size in new.items() if path in old),
        tuple(PathChange(path, size, None) for path, size in old.items() if path not in new),
    )
