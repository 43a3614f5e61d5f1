"""Units, whatever repositories hold them: list, search, and what clients keep with one.

Source: the Pulp 2 REST contract, 4.7 and 5.2.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from entrepot.access import Operation
from entrepot.criteria import Criteria
from entrepot.errors import JSON
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint, Parameter
from entrepot.rest.reading import flag, is_true
from entrepot.rest.schemas import BOOLEAN, INTEGER, MOMENT, NULL, OBJECT, TEXT, TEXT_OR_NULL, body, many, record
from entrepot.rest.search import FLAG, PARAMETERS, criteria_document, cut, part_of, search_body, tree_of
from entrepot.rest.shapes import href, moment

if TYPE_CHECKING:
    from entrepot.repositories import UnitReport

#: The unit's own fields stand beside these. `_created` is this project's own.
_UNIT = record(
    "ContentUnit",
    ("repository_memberships",),
    _id=TEXT,
    _href=TEXT,
    _content_type_id=TEXT,
    _storage_path=TEXT_OR_NULL,
    _created=MOMENT,
    _last_updated=MOMENT,
    downloaded=BOOLEAN,
    pulp_user_metadata=OBJECT,
    children=OBJECT,
    repository_memberships=many(TEXT),
)
_FILE = record(
    "UnitFile",
    path=TEXT,
    size={"type": ["integer", "null"]},
    digests={"type": "object", "additionalProperties": TEXT},
    downloaded=BOOLEAN,
    sources=INTEGER,
)
_KEPT = ("_id", "_href", "children", "repository_memberships")
_FLAGS = ("include_repos",)


def list_units(asked: Asked) -> Answer:
    """Return all units of a type; of one that nobody knows there are none."""
    units = asked.engine.content.find_units(asked.names["unit_type_id"], include_repositories=flag(asked, "include_repos"))
    return Answer(map(_shape, units))


def search_units(asked: Asked) -> Answer:
    """Return the units of a type that the criteria select."""
    is_post = asked.scope["method"] == "POST"
    with_repositories = is_true(asked.document.get("include_repos")) if is_post else flag(asked, "include_repos")
    criteria = Criteria.parse(criteria_document(asked, flags=_FLAGS))
    type_id = asked.names["unit_type_id"]
    shapes = map(_shape, asked.engine.content.find_units(type_id, criteria, include_repositories=with_repositories))
    if criteria.fields is None:
        return Answer(shapes)
    tree = tree_of(criteria.fields)
    return Answer(cut(shape, tree, _KEPT) for shape in shapes)


def get_unit(asked: Asked) -> Answer:
    """Return one unit."""
    shape = _shape(asked.engine.content.get_unit(asked.names["unit_type_id"], asked.names["unit_id"]))
    if not flag(asked, "include_repos"):
        del shape["repository_memberships"]
    return Answer(shape)


def list_files(asked: Asked) -> Answer:
    """Return the files of a unit, with sizes in bytes, digests, and from how many feeds each can be fetched; an extension."""
    files = asked.engine.content.unit_files(asked.names["unit_type_id"], asked.names["unit_id"])
    return Answer([asdict(file) for file in files])


def get_user_metadata(asked: Asked) -> Answer:
    """Return what clients keep with a unit."""
    return Answer(asked.engine.content.get_unit(asked.names["unit_type_id"], asked.names["unit_id"]).user_metadata)


def set_user_metadata(asked: Asked) -> Answer:
    """Keep any object with a unit, in place of what was kept before."""
    asked.engine.content.set_user_metadata(asked.names["unit_type_id"], asked.names["unit_id"], asked.document)
    return Answer(None)


def _shape(unit: UnitReport) -> dict[str, JSON]:
    shape: dict[str, JSON] = {
        **unit.data,
        "_id": unit.unit_id,
        "_href": href("content", "units", unit.unit_type_id, unit.unit_id),
        "_content_type_id": unit.unit_type_id,
        "_storage_path": None,  # the bytes lie in the store by their digests
        "_created": moment(unit.created),
        "_last_updated": moment(unit.updated),
        "downloaded": unit.downloaded,
        "pulp_user_metadata": unit.user_metadata,
        "children": {},
    }
    if unit.repository_ids is not None:
        shape["repository_memberships"] = list[JSON](unit.repository_ids)
    return shape


_ALL, _ONE = "/v2/content/units/{unit_type_id}/", "/v2/content/units/{unit_type_id}/{unit_id}/"
_SEARCH, _METADATA = f"{_ALL}search/", f"{_ONE}pulp_user_metadata/"
_WITH_REPOSITORIES = Parameter("include_repos", "`true` names the repositories that hold a unit.")
_FOUND = {200: many(part_of(_UNIT, "FoundUnit", ("_id", "_href", "children")))}

ENDPOINTS = (
    Endpoint("GET", _ALL, Operation.READ, list_units, {200: many(_UNIT)}, query=(_WITH_REPOSITORIES,)),
    Endpoint("GET", _SEARCH, Operation.READ, search_units, _FOUND, query=(*PARAMETERS, _WITH_REPOSITORIES)),
    Endpoint("POST", _SEARCH, Operation.READ, search_units, _FOUND, body=search_body("ContentUnitSearch", include_repos=FLAG)),
    Endpoint("GET", _ONE, Operation.READ, get_unit, {200: _UNIT}, problems=(404,), query=(_WITH_REPOSITORIES,)),
    Endpoint("GET", f"{_ONE}files/", Operation.READ, list_files, {200: many(_FILE)}, problems=(404,)),
    Endpoint("GET", _METADATA, Operation.READ, get_user_metadata, {200: OBJECT}, problems=(404,)),
    Endpoint(
        "PUT",
        _METADATA,
        Operation.UPDATE,
        set_user_metadata,
        {200: NULL},
        problems=(404,),
        body=Body(body("UserMetadata")),
    ),
)
