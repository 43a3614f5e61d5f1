"""Units come into a repository from another one or from an upload, and leave it. Source: the Pulp 2 REST contract, 5.1."""

from __future__ import annotations

from urllib.parse import quote

from entrepot.access import Operation
from entrepot.criteria import UnitCriteria
from entrepot.errors import InvalidValue
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint, Schema
from entrepot.rest.reading import find_object, find_text, required
from entrepot.rest.schemas import CALL_REPORT, NULL, OBJECT, OBJECT_OR_NULL, TEXT, body
from entrepot.rest.shapes import accepted
from entrepot.rest.unit_search import CRITERIA

_CHOSEN: Schema = {**OBJECT_OR_NULL, "anyOf": [CRITERIA, NULL]}
_COPY = body("Associate", ("source_repo_id",), source_repo_id=TEXT, criteria=_CHOSEN, override_config=OBJECT_OR_NULL)
_REMOVE = body("Unassociate", criteria=_CHOSEN)
_IMPORT = body(
    "ImportUpload",
    ("upload_id", "unit_type_id", "unit_key"),
    upload_id=TEXT,
    unit_type_id=TEXT,
    unit_key=OBJECT,
    unit_metadata=OBJECT_OR_NULL,
    override_config=OBJECT_OR_NULL,
)


def copy_units(asked: Asked) -> Answer:
    """Copy the units of another repository that the criteria select, all without, by a task; that one must be readable."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    required(asked, "source_repo_id")
    source_id, override = find_text(asked.document, "source_repo_id") or "", find_object(asked.document, "override_config")
    criteria = _criteria(asked)
    if asked.principal is not None:
        source = f"/v2/repositories/{quote(source_id, safe='@:+')}/"
        asked.engine.access.require(asked.principal, Operation.READ, source)
    return accepted(repository.copy_from(source_id, criteria, override))


def remove_units(asked: Asked) -> Answer:
    """Take the units that the criteria select, all without, out of the repository, by a task."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    return accepted(repository.remove_units(_criteria(asked)))


def import_upload(asked: Asked) -> Answer:
    """Make a unit of an upload, by a task, which fails if there is no such repository, upload or unit type."""
    for name in ("upload_id", "unit_type_id", "unit_key"):
        required(asked, name)
    document = asked.document
    handle = asked.engine.repositories.handle(asked.names["repository_id"]).import_upload(
        find_text(document, "upload_id") or "",
        find_text(document, "unit_type_id") or "",
        find_object(document, "unit_key") or {},
        find_object(document, "unit_metadata"),
        find_object(document, "override_config"),
    )
    return accepted(handle)


def _criteria(asked: Asked) -> UnitCriteria | None:
    """Return what the body selects, None for everything; raises `InvalidValue` of `criteria`, whatever in them is refused."""
    document = asked.document.get("criteria")
    if document is None:
        return None
    try:
        return UnitCriteria.parse(document)
    except InvalidValue as error:
        if error.data["property_names"] == ["criteria"]:
            raise
        refused = InvalidValue("criteria", why=error.message)
        refused.sub_errors.append(error)
        raise refused from error


_AT = "/v2/repositories/{repository_id}/actions/"
_UPDATE, _TASK = Operation.UPDATE, {202: CALL_REPORT}

ENDPOINTS = (
    Endpoint("POST", f"{_AT}associate/", _UPDATE, copy_units, _TASK, problems=(404,), body=Body(_COPY)),
    Endpoint("POST", f"{_AT}unassociate/", _UPDATE, remove_units, _TASK, problems=(404,), body=Body(_REMOVE, is_optional=True)),
    Endpoint("POST", f"{_AT}import_upload/", _UPDATE, import_upload, _TASK, body=Body(_IMPORT)),
)
