"""Where content comes from: the feeds of importers, and the catalog of files that can be fetched there.

Source: the Pulp 2 REST contract, 5.4. A sync renews the catalog, so there is nothing else that would refresh it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON
from entrepot.rest.endpoint import Answer, Asked, Endpoint
from entrepot.rest.schemas import BOOLEAN, INTEGER, TEXT, many, record
from entrepot.rest.shapes import href

if TYPE_CHECKING:
    from entrepot.repositories import SourceReport

#: `file_count` is this project's own.
_SOURCE = record(
    "ContentSource",
    _href=TEXT,
    source_id=TEXT,
    name=TEXT,
    type=TEXT,
    enabled=BOOLEAN,
    base_url=TEXT,
    paths=many(TEXT),
    priority=INTEGER,
    max_concurrent={"type": ["integer", "null"]},
    ssl_validation=BOOLEAN,
    file_count=INTEGER,
)


def list_sources(asked: Asked) -> Answer:
    """Return the sources of content: one for each importer that has a feed."""
    return Answer([_shape(source) for source in asked.engine.content.list_sources()])


def get_source(asked: Asked) -> Answer:
    """Return one source."""
    return Answer(_shape(asked.engine.content.get_source(asked.names["source_id"])))


def delete_catalog(asked: Asked) -> Answer:
    """Forget which files can be fetched from a source, until its next sync."""
    return Answer({"deleted": asked.engine.content.delete_catalog(asked.names["source_id"])})


def _shape(source: SourceReport) -> dict[str, JSON]:
    return {
        "_href": href("content", "sources", source.source_id),
        "source_id": source.source_id,
        "name": source.name,
        "type": source.importer_type_id,
        "enabled": True,
        "base_url": source.base_url,
        "paths": [],
        "priority": 0,
        "max_concurrent": source.max_concurrent,
        "ssl_validation": source.ssl_validation,
        "file_count": source.file_count,
    }


_ALL = "/v2/content/sources/"

ENDPOINTS = (
    Endpoint("GET", _ALL, Operation.READ, list_sources, {200: many(_SOURCE)}),
    Endpoint("GET", f"{_ALL}{{source_id}}/", Operation.READ, get_source, {200: _SOURCE}, problems=(404,)),
    Endpoint(
        "DELETE",
        "/v2/content/catalog/{source_id}/",
        Operation.DELETE,
        delete_catalog,
        {200: record("DeletedCatalog", deleted=INTEGER)},
    ),
)
