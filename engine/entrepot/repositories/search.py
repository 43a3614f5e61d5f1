"""Search for repositories and distributors by the fields that clients are shown. Source: the Pulp 2 REST contract, 4.3, 4.5.

No search looks into secrets: in a configuration they read `*****`, as reports show them, so that none can be guessed letter by
letter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.criteria import Criteria, Document, Field, select
from entrepot.plugin.config import MASK
from entrepot.repositories import listing, notes

if TYPE_CHECKING:
    from entrepot.repositories.house import House
    from entrepot.repositories.reports import DistributorReport, RepositoryReport


def search_repositories(house: House, criteria: Criteria) -> list[RepositoryReport]:
    """Return the repositories that `criteria` select, in their order, else as they were created. Raises as `select`."""
    rows = select(house.database, listing.SELECT_REPOSITORIES, _REPOSITORIES, criteria, tie="repository.id")
    return listing.reports(house, rows)


def search_distributors(house: House, criteria: Criteria) -> list[DistributorReport]:
    """Return the distributors that `criteria` select, in their order, else as they were added. Raises as `select`."""
    fields = {**_DISTRIBUTOR_FIELDS, "config": _shown_config(house)}
    document = Document("repo_distributors", fields)
    rows = select(house.database, listing.SELECT_DISTRIBUTORS, document, criteria, tie="distributor.id")
    return listing.distributor_reports(house, rows)


def _shown_config(house: House) -> Field:
    """Return the configuration of distributors with `*****` for what is secret in that of any type that is in use."""
    secrets, database = listing.Secrets(house), house.database
    types = [type_id for (type_id,) in database.rows("SELECT DISTINCT distributor_type_id FROM distributor")]
    of_types = {type_id: secrets.of_distributor(type_id) for type_id in types}
    keys = sorted({key for found in of_types.values() for key in found or ()})
    unseen = tuple(type_id for type_id, found in of_types.items() if found is None)
    config = "distributor.config"
    if unseen:  # nobody can tell what is secret in them: nothing is found by it
        config = f"CASE WHEN distributor.distributor_type_id IN ({', '.join('?' * len(unseen))}) THEN '{{}}' ELSE {config} END"
    if not keys:
        return Field("json", f"({config})", values=unseen)
    if database.dialect == "sqlite":
        paths = [f'$."{key}"' for key in keys]
        marks = ", ".join(["?, ?"] * len(keys))
        shown = f"json_replace({config}, {marks})"
        return Field("json", shown, values=(*unseen, *(value for path in paths for value in (path, MASK))))
    shown = f"entrepot_jsonb({config})"
    for _ in keys:
        shown = f"jsonb_set({shown}, ARRAY[?::text], to_jsonb(?::text), false)"
    return Field("json", f"({shown})::text", values=(*unseen, *(value for key in keys for value in (key, MASK))))


_REPOSITORIES = Document(
    "repos",
    {
        "_id": Field("oid", "repository.id"),
        "_ns": Field("text", "'repos'"),
        "_href": Field("text", "('/pulp/api/v2/repositories/' || repository.repository_id || '/')"),
        "id": Field("text", "repository.repository_id"),
        "repo_id": Field("text", "repository.repository_id"),
        "repository_id": Field("text", "repository.repository_id"),
        "display_name": Field("text", "repository.display_name"),
        "description": Field("text", "repository.description"),
        "notes": Field("json", "repository.notes", notes.lookup),
        "scratchpad": Field("json", "repository.scratchpad"),
        "content_unit_counts": Field("json", "repository.content_unit_counts"),
        "last_unit_added": Field("moment", "repository.last_unit_added"),
        "last_unit_removed": Field("moment", "repository.last_unit_removed"),
        "create_time": Field("moment", "repository.created_at"),
        "revision": Field("number", "repository.revision"),
    },
)
_DISTRIBUTOR_FIELDS = {
    "_id": Field("oid", "distributor.id"),
    "_ns": Field("text", "'repo_distributors'"),
    "_href": Field(
        "text",
        "('/pulp/api/v2/repositories/' || repository.repository_id || '/distributors/' || distributor.distributor_id || '/')",
    ),
    "id": Field("text", "distributor.distributor_id"),
    "distributor_id": Field("text", "distributor.distributor_id"),
    "distributor_type_id": Field("text", "distributor.distributor_type_id"),
    "repo_id": Field("text", "repository.repository_id"),
    "repository_id": Field("text", "repository.repository_id"),
    "auto_publish": Field("boolean", "distributor.auto_publish"),
    "last_publish": Field("moment", "distributor.last_publish"),
    "scratchpad": Field("json", "COALESCE(distributor.scratchpad, '{}')"),
    "base_path": Field("text", "distributor.base_path"),
    "live_revision": Field("number", "distributor.live_revision"),
}
