"""The distributors of a repository and what they have published. Source: the Pulp 2 REST contract, 2.7.

Publications are this project's own.
"""

from __future__ import annotations

from entrepot.access import Operation
from entrepot.errors import InvalidValue, MissingValue, WrongType
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint, Parameter
from entrepot.rest.ownership import grant_to_creator
from entrepot.rest.reading import find_object, required, whole_number
from entrepot.rest.repositories import NEW_DISTRIBUTOR
from entrepot.rest.repository_shapes import (
    DIFFERENCE,
    DISTRIBUTOR,
    PUBLICATION,
    difference_shape,
    distributor_href,
    distributor_shape,
    publication_shape,
)
from entrepot.rest.schemas import BOOLEAN, CALL_REPORT, INTEGER, OBJECT_OR_NULL, body, many
from entrepot.rest.shapes import accepted

_CHANGES = body(
    "DistributorChanges",
    distributor_config=OBJECT_OR_NULL,
    delta={"type": ["object", "null"], "properties": {"auto_publish": BOOLEAN}},
)


def list_distributors(asked: Asked) -> Answer:
    """Return the distributors of a repository, in the order they were added."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    return Answer([distributor_shape(report) for report in repository.distributors()])


def add_distributor(asked: Asked) -> Answer:
    """Add a distributor at once, in place of one of the same id."""
    given = asked.document
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    with asked.engine.transaction():
        report = repository.add_distributor(
            required(asked, "distributor_type_id"),  # type: ignore[arg-type]  # whatever it is: it is refused by its name
            given.get("distributor_config"),  # type: ignore[arg-type]  # as above
            distributor_id=given.get("distributor_id"),  # type: ignore[arg-type]  # as above
            auto_publish=bool(given.get("auto_publish")),
        )
        href = distributor_href(report.repository_id, report.distributor_id)
        grant_to_creator(asked, href)
    return Answer(distributor_shape(report), 201, href)


def get_distributor(asked: Asked) -> Answer:
    """Return one distributor of a repository."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    return Answer(distributor_shape(repository.distributor(asked.names["distributor_id"])))


def update_distributor(asked: Asked) -> Answer:
    """Change keys of a distributor's configuration, and whether it publishes after each sync, by a task."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    distributor_id = asked.names["distributor_id"]
    repository.distributor(distributor_id)  # what does not exist is said before what is wrong in the body
    delta = asked.document.get("delta") or {}
    if not isinstance(delta, dict):
        field = "delta"
        raise WrongType(field, delta, "dict")
    config = find_object(asked.document, "distributor_config")
    auto_publish = delta.get("auto_publish")
    return accepted(repository.request_update_distributor(distributor_id, config, auto_publish=auto_publish))  # type: ignore[arg-type]  # the task checks it, as in Pulp


def remove_distributor(asked: Asked) -> Answer:
    """Remove a distributor, with its schedules and what it has published, by a task."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    return accepted(repository.request_remove_distributor(asked.names["distributor_id"]))


def list_publications(asked: Asked) -> Answer:
    """Return the publications of a distributor that are kept, newest first."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    return Answer([publication_shape(report) for report in repository.publications(asked.names["distributor_id"])])


def compare_publications(asked: Asked) -> Answer:
    """Return which paths two kept publications of a distributor do not have alike, with their sizes in bytes."""
    given = {name: asked.query.get(name, [""])[-1] for name in ("before", "after")}
    if missing := [name for name, text in given.items() if not text]:
        raise MissingValue(*missing)
    revisions = {name: whole_number(text) for name, text in given.items()}
    before, after = revisions["before"], revisions["after"]
    if before is None or after is None:
        refused = [name for name, revision in revisions.items() if revision is None]
        raise InvalidValue(*refused, why="it must be the whole number of a publication")
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    return Answer(difference_shape(repository.compare_publications(asked.names["distributor_id"], before, after)))


_ALL = "/v2/repositories/{repository_id}/distributors/"
_ONE = f"{_ALL}{{distributor_id}}/"

ENDPOINTS = (
    Endpoint("GET", _ALL, Operation.READ, list_distributors, {200: many(DISTRIBUTOR)}, problems=(404,)),
    Endpoint(
        "POST",
        _ALL,
        Operation.CREATE,
        add_distributor,
        {201: DISTRIBUTOR},
        problems=(400, 404, 409),
        body=Body(NEW_DISTRIBUTOR),
    ),
    Endpoint("GET", _ONE, Operation.READ, get_distributor, {200: DISTRIBUTOR}, problems=(404,)),
    Endpoint("PUT", _ONE, Operation.UPDATE, update_distributor, {202: CALL_REPORT}, problems=(400, 404), body=Body(_CHANGES)),
    Endpoint("DELETE", _ONE, Operation.DELETE, remove_distributor, {202: CALL_REPORT}, problems=(404,)),
    Endpoint("GET", f"{_ONE}publications/", Operation.READ, list_publications, {200: many(PUBLICATION)}, problems=(404,)),
    Endpoint(
        "GET",
        f"{_ONE}publications/compare/",
        Operation.READ,
        compare_publications,
        {200: DIFFERENCE},
        problems=(404,),
        query=(Parameter("before", "The revision to start from.", INTEGER), Parameter("after", "The other one.", INTEGER)),
    ),
)
