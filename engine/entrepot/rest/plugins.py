"""Plugins: the importers, distributors and unit types at hand. Source: the Pulp 2 REST contract, 5.5.

One that is broken is listed with the reason, and with no types.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.errors import JSON, MissingResource
from entrepot.rest.endpoint import Answer, Asked, Endpoint
from entrepot.rest.schemas import OID, TEXT, TEXT_OR_NULL, many, record
from entrepot.rest.shapes import href, oid

if TYPE_CHECKING:
    from entrepot.discovery import Kind, PluginInfo
    from entrepot.plugin import Unit

#: What follows `types` is this project's own.
PLUGIN = record(
    "Plugin",
    _href=TEXT,
    id=TEXT,
    display_name=TEXT,
    types=many(TEXT),
    distribution=TEXT_OR_NULL,
    version=TEXT_OR_NULL,
    error=TEXT_OR_NULL,
)
UNIT_TYPE = record(
    "ContentType",
    _href=TEXT,
    _id=OID,
    _ns={"const": "content_types"},
    id=TEXT,
    display_name=TEXT,
    description=TEXT,
    unit_key=many(TEXT),
    search_indexes=many(TEXT),
    referenced_types=many(TEXT),
)


def list_importers(asked: Asked) -> Answer:
    """Return the importer plugins."""
    return Answer(_plugins(asked, "importer"))


def get_importer(asked: Asked) -> Answer:
    """Return one importer plugin."""
    return Answer(_plugin(asked, "importer"))


def list_distributors(asked: Asked) -> Answer:
    """Return the distributor plugins."""
    return Answer(_plugins(asked, "distributor"))


def get_distributor(asked: Asked) -> Answer:
    """Return one distributor plugin."""
    return Answer(_plugin(asked, "distributor"))


def list_types(asked: Asked) -> Answer:
    """Return the unit types that plugins bring."""
    return Answer([_type_shape(unit_type) for unit_type in asked.engine.plugins.unit_types()])


def get_type(asked: Asked) -> Answer:
    """Return one unit type."""
    type_id = asked.names["type"]
    for unit_type in asked.engine.plugins.unit_types():
        if unit_type.type_id == type_id:
            return Answer(_type_shape(unit_type))
    raise MissingResource(type=type_id)


def _plugins(asked: Asked, kind: Kind) -> list[dict[str, JSON]]:
    return [_plugin_shape(info) for info in asked.engine.plugins.listing() if info.kind == kind]


def _plugin(asked: Asked, kind: Kind) -> dict[str, JSON]:
    name = f"{kind}_type_id"
    type_id = asked.names[name]
    found = [info for info in asked.engine.plugins.listing() if info.kind == kind and info.type_id == type_id]
    if not found:
        raise MissingResource(**{name: type_id})
    return _plugin_shape(min(found, key=lambda info: info.error is not None))


def _plugin_shape(info: PluginInfo) -> dict[str, JSON]:
    return {
        "_href": href("plugins", f"{info.kind}s", info.type_id),
        "id": info.type_id,
        "display_name": info.display_name,
        "types": list(info.unit_types),
        "distribution": info.distribution,
        "version": info.version,
        "error": info.error,
    }


def _type_shape(unit_type: type[Unit]) -> dict[str, JSON]:
    type_id = unit_type.type_id
    described = (unit_type.__doc__ or "").strip().partition("\n")[0]
    return {
        "_href": href("plugins", "types", type_id),
        "_id": oid(int.from_bytes(hashlib.sha256(type_id.encode()).digest()[:12])),  # no row has it: the same for ever
        "_ns": "content_types",
        "id": type_id,
        "display_name": type_id,
        "description": described,
        "unit_key": list(unit_type.unit_key),
        "search_indexes": [],
        "referenced_types": [],
    }


_READ = Operation.READ

ENDPOINTS = (
    Endpoint("GET", "/v2/plugins/importers/", _READ, list_importers, {200: many(PLUGIN)}),
    Endpoint("GET", "/v2/plugins/importers/{importer_type_id}/", _READ, get_importer, {200: PLUGIN}, problems=(404,)),
    Endpoint("GET", "/v2/plugins/distributors/", _READ, list_distributors, {200: many(PLUGIN)}),
    Endpoint("GET", "/v2/plugins/distributors/{distributor_type_id}/", _READ, get_distributor, {200: PLUGIN}, problems=(404,)),
    Endpoint("GET", "/v2/plugins/types/", _READ, list_types, {200: many(UNIT_TYPE)}),
    Endpoint("GET", "/v2/plugins/types/{type}/", _READ, get_type, {200: UNIT_TYPE}, problems=(404,)),
)
