"""Repositories: create, look up, change, delete. Source: the Pulp 2 REST contract, 2.1 to 2.5."""

from __future__ import annotations

from entrepot.access import Operation
from entrepot.errors import JSON, InvalidValue, WrongType
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint, Parameter
from entrepot.rest.ownership import grant_to_creator
from entrepot.rest.reading import find_object, flag
from entrepot.rest.repository_shapes import REPOSITORY, repository_href, repository_shape
from entrepot.rest.schemas import (
    BOOLEAN,
    CALL_REPORT,
    OBJECT,
    OBJECT_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    body,
    many,
)
from entrepot.rest.shapes import accepted, call_report

NEW_DISTRIBUTOR = body(
    "NewDistributor",
    ("distributor_type_id",),
    distributor_type_id=TEXT,
    distributor_config=OBJECT_OR_NULL,
    distributor_id=TEXT_OR_NULL,
    auto_publish=BOOLEAN,
)
_NEW = body(
    "NewRepository",
    ("id",),
    id=TEXT,
    display_name=TEXT_OR_NULL,
    description=TEXT_OR_NULL,
    notes=OBJECT_OR_NULL,
    importer_type_id=TEXT_OR_NULL,
    importer_config=OBJECT_OR_NULL,
    distributors={"type": ["array", "null"], "items": NEW_DISTRIBUTOR},
)
#: What `delta` may change; other keys in it are ignored, as in Pulp.
_CHANGEABLE = ("display_name", "description", "notes", "scratchpad")
_DELTA = body("RepositoryDelta", display_name=TEXT_OR_NULL, description=TEXT_OR_NULL, notes=OBJECT, scratchpad=OBJECT)
_CHANGES = body(
    "RepositoryChanges",
    delta={**OBJECT_OR_NULL, "anyOf": [_DELTA, {"type": "null"}]},
    importer_config=OBJECT_OR_NULL,
    distributor_configs={"type": ["object", "null"], "additionalProperties": OBJECT},
)
_DETAILS = (
    Parameter("details", "`true` shows importers, distributors, and of one repository the number of its units."),
    Parameter("importers", "`true` shows importers."),
    Parameter("distributors", "`true` shows distributors."),
)


def list_repositories(asked: Asked) -> Answer:
    """Return all repositories, by id."""
    details = flag(asked, "details")
    importers, distributors = details or flag(asked, "importers"), details or flag(asked, "distributors")
    reports = asked.engine.repositories.reports()
    return Answer([repository_shape(report, with_importers=importers, with_distributors=distributors) for report in reports])


def create_repository(asked: Asked) -> Answer:
    """Create a repository with its importer and distributors, or nothing."""
    given = asked.document
    distributors = given.get("distributors")
    if distributors is not None and not isinstance(distributors, list):
        raise InvalidValue("distributor_list", why="distributors must be a list")
    options = {name: given[name] for name in ("display_name",) if name in given}
    with asked.engine.transaction():
        repository = asked.engine.repositories.create(
            given.get("id"),  # type: ignore[arg-type]  # whatever it is: it is refused by its name
            importer_type_id=given.get("importer_type_id"),  # type: ignore[arg-type]  # as above
            importer_config=given.get("importer_config"),  # type: ignore[arg-type]  # as above
            distributors=distributors or [],  # type: ignore[arg-type]  # as above
            description=given.get("description"),  # type: ignore[arg-type]  # as above
            notes=given.get("notes"),  # type: ignore[arg-type]  # as above
            **options,  # type: ignore[arg-type]  # as above
        )
        href = repository_href(repository.repository_id)
        grant_to_creator(asked, href)
        report = repository.report()
    return Answer(repository_shape(report), 201, href)


def get_repository(asked: Asked) -> Answer:
    """Return one repository."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    details = flag(asked, "details")
    report = repository.report()
    shape = repository_shape(
        report,
        with_importers=details or flag(asked, "importers"),
        with_distributors=details or flag(asked, "distributors"),
    )
    if details:
        shape["total_repository_units"] = report.total_units
        shape["locally_stored_units"] = repository.locally_stored_units()
    return Answer(shape)


def update_repository(asked: Asked) -> Answer:
    """Change a repository and its importer's configuration at once, those of distributors by tasks; all or nothing."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    delta = asked.document.get("delta") or {}
    if not isinstance(delta, dict):
        field = "delta"
        raise WrongType(field, delta, "dict")
    changes = {name: delta[name] for name in _CHANGEABLE if name in delta}
    importer_config = find_object(asked.document, "importer_config")
    distributor_configs = find_object(asked.document, "distributor_configs") or {}
    with asked.engine.transaction():
        at_once = distributor_configs if flag(asked, "at_once") else {}
        report = repository.update(importer_config=importer_config, distributor_configs=at_once, **changes)  # type: ignore[arg-type]  # it checks them
        distributor_configs = {} if at_once else distributor_configs
        tasks = repository.request_distributor_updates(distributor_configs) if distributor_configs else []  # type: ignore[arg-type]  # as above
    result: JSON = repository_shape(report)
    return Answer(call_report(tasks, result), 202 if tasks else 200)


def delete_repository(asked: Asked) -> Answer:
    """Delete a repository by a task, after all that was accepted for it before."""
    return accepted(asked.engine.repositories.delete(asked.names["repository_id"]))


_ALL, _ONE = "/v2/repositories/", "/v2/repositories/{repository_id}/"

ENDPOINTS = (
    Endpoint("GET", _ALL, Operation.READ, list_repositories, {200: many(REPOSITORY)}, query=_DETAILS),
    Endpoint("POST", _ALL, Operation.CREATE, create_repository, {201: REPOSITORY}, problems=(400, 409), body=Body(_NEW)),
    Endpoint("GET", _ONE, Operation.READ, get_repository, {200: REPOSITORY}, problems=(404,), query=_DETAILS),
    Endpoint(
        "PUT",
        _ONE,
        Operation.UPDATE,
        update_repository,
        {200: CALL_REPORT, 202: CALL_REPORT},
        problems=(400, 404, 409),
        body=Body(_CHANGES, is_optional=True),
        query=(Parameter("at_once", "`true` changes distributors at once as well, without tasks."),),
    ),
    Endpoint("DELETE", _ONE, Operation.DELETE, delete_repository, {202: CALL_REPORT}, problems=(404,)),
)
