"""Search for the units of a repository. Source: the Pulp 2 REST contract, 4.6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.criteria import UnitCriteria
from entrepot.errors import JSON, InvalidValue
from entrepot.rest.endpoint import Answer, Asked, Endpoint, Parameter, Schema
from entrepot.rest.reading import read_json, required
from entrepot.rest.schemas import BOOLEAN, MOMENT, OBJECT_OR_NULL, OID, TEXT, body, many, record
from entrepot.rest.search import FIELDS, FLAG, NUMBER, SORT, cut, search_body, tree_of
from entrepot.rest.shapes import hex_id, moment, oid

if TYPE_CHECKING:
    from entrepot.repositories.unit_search import AssociatedUnit

_METADATA = record(
    "UnitMetadata",
    ("_ns", "_storage_path", "_last_updated", "downloaded", "pulp_user_metadata"),
    _id=TEXT,
    _ns=TEXT,
    _content_type_id=TEXT,
    _storage_path={"type": ["string", "null"]},
    _last_updated={"type": "integer"},
    downloaded=BOOLEAN,
    pulp_user_metadata={"type": "object"},
)
_UNIT = record(
    "AssociatedUnit",
    ("_ns", "id", "repo_id", "created", "updated"),
    _id=OID,
    _ns={"const": "repo_content_units"},
    id=TEXT,
    repo_id=TEXT,
    unit_id=TEXT,
    unit_type_id=TEXT,
    created=MOMENT,
    updated=MOMENT,
    metadata=_METADATA,
)
_KEPT = ("_id", "unit_id", "unit_type_id", "metadata")
_KEPT_OF_METADATA = ("_id", "_content_type_id")


def _halves(title: str, schema: Schema) -> Schema:
    return {"anyOf": [body(title, unit=schema, association=schema), {"type": "null"}]}


#: What selects units of a repository.
CRITERIA = body(
    "UnitCriteria",
    type_ids={"type": ["array", "string", "null"], "items": TEXT},
    filters=_halves("UnitFilters", OBJECT_OR_NULL),
    sort=_halves("UnitSort", SORT),
    limit=NUMBER,
    skip=NUMBER,
    fields=_halves("UnitFields", FIELDS),
    remove_duplicates=FLAG,
)
_PARAMETERS = (
    Parameter("type_ids", "Only units of these types.", is_repeated=True),
    Parameter("filters", "Query documents for the halves `unit` and `association`, as JSON."),
    Parameter("sort", "Lists of [field, direction] for the halves `unit` and `association`, as JSON."),
    Parameter("fields", "Lists of fields for the halves `unit` and `association`, as JSON."),
    Parameter("limit", "How many are shown at most."),
    Parameter("skip", "How many are passed over before that."),
    Parameter("remove_duplicates", "Accepted, and without effect: no unit is in a repository twice."),
)


def search_units(asked: Asked) -> Answer:
    """Return the units of a repository that the criteria select, by their own fields and those of their association."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    document = required(asked, "criteria") if asked.scope["method"] == "POST" else _from_query(asked)
    criteria = UnitCriteria.parse(document)
    units = repository.search_units(criteria)
    shapes = [_shape(unit) for unit in units]
    if criteria.unit_fields is not None:
        tree = tree_of(criteria.unit_fields)
        for shape in shapes:
            shape["metadata"] = cut(shape["metadata"], tree, _KEPT_OF_METADATA)  # type: ignore[arg-type]  # an object
    if criteria.association_fields is not None:
        tree = tree_of(criteria.association_fields)
        shapes = [cut(shape, tree, _KEPT) for shape in shapes]
    return Answer(shapes)


def _from_query(asked: Asked) -> dict[str, JSON]:
    """Return the criteria that the query makes up; raises `InvalidValue` naming each parameter that cannot be read."""
    found: dict[str, JSON] = {}
    refused: list[str] = []
    known = {parameter.name for parameter in _PARAMETERS}
    for name, values in asked.query.items():
        if name not in known:
            refused.append(name)
        elif name == "type_ids":
            found[name] = list[JSON](values)
        elif name in ("filters", "sort", "fields"):
            try:
                found[name] = read_json(values[-1])
            except ValueError:
                refused.append(name)
        else:
            found[name] = values[-1]
    if refused:
        raise InvalidValue(*refused, why="filters, sort and fields are JSON, and unknown parameters are refused")
    return found


def _shape(unit: AssociatedUnit) -> dict[str, JSON]:
    association = hex_id(unit.association_id)
    metadata: dict[str, JSON] = {
        **unit.data,
        "_id": unit.unit_id,
        "_ns": f"units_{unit.unit_type_id}",
        "_content_type_id": unit.unit_type_id,
        "_storage_path": None,  # the bytes lie in the store by their digests
        "_last_updated": int(unit.updated.timestamp()),
        "downloaded": unit.downloaded,
        "pulp_user_metadata": unit.user_metadata,
    }
    return {
        "_id": oid(unit.association_id),
        "_ns": "repo_content_units",
        "id": association,
        "repo_id": unit.repository_id,
        "unit_id": unit.unit_id,
        "unit_type_id": unit.unit_type_id,
        "created": moment(unit.created),
        "updated": moment(unit.updated),
        "metadata": metadata,
    }


_AT = "/v2/repositories/{repository_id}/search/units/"

ENDPOINTS = (
    Endpoint("GET", _AT, Operation.READ, search_units, {200: many(_UNIT)}, problems=(404,), query=_PARAMETERS),
    Endpoint(
        "POST",
        _AT,
        Operation.READ,
        search_units,
        {200: many(_UNIT)},
        problems=(404,),
        body=search_body("UnitSearch", CRITERIA),
    ),
)
