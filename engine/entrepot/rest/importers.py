"""The importer of a repository: look up, set, change, remove. Source: the Pulp 2 REST contract, 2.6."""

from __future__ import annotations

from entrepot.access import Operation
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint
from entrepot.rest.reading import required
from entrepot.rest.repository_shapes import IMPORTER, importer_shape
from entrepot.rest.schemas import CALL_REPORT, OBJECT, OBJECT_OR_NULL, TEXT, body, many
from entrepot.rest.shapes import accepted

_NEW = body("NewImporter", ("importer_type_id",), importer_type_id=TEXT, importer_config=OBJECT_OR_NULL)
_CHANGES = body("ImporterChanges", ("importer_config",), importer_config=OBJECT)


def list_importers(asked: Asked) -> Answer:
    """Return a list of the repository's importer, empty if it has none."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    return Answer([importer_shape(report) for report in repository.importers()])


def set_importer(asked: Asked) -> Answer:
    """Put a new importer in place of the one that the repository has, by a task."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    type_id, config = asked.document.get("importer_type_id"), asked.document.get("importer_config")
    return accepted(repository.request_set_importer(type_id, config))  # type: ignore[arg-type]  # it checks them


def get_importer(asked: Asked) -> Answer:
    """Return the importer of a repository."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    return Answer(importer_shape(repository.importer(asked.names["importer_id"])))


def update_importer(asked: Asked) -> Answer:
    """Change keys of the importer's configuration by a task; null takes a key away."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    repository.importer(asked.names["importer_id"])  # what does not exist is said before what is missing in the body
    config = required(asked, "importer_config")
    return accepted(repository.request_update_importer(asked.names["importer_id"], config))  # type: ignore[arg-type]  # it checks it


def remove_importer(asked: Asked) -> Answer:
    """Remove the importer, with its schedules, by a task; the repository keeps its units."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    return accepted(repository.request_remove_importer(asked.names["importer_id"]))


_ALL = "/v2/repositories/{repository_id}/importers/"
_ONE = f"{_ALL}{{importer_id}}/"

ENDPOINTS = (
    Endpoint("GET", _ALL, Operation.READ, list_importers, {200: many(IMPORTER)}, problems=(404,)),
    Endpoint("POST", _ALL, Operation.CREATE, set_importer, {202: CALL_REPORT}, problems=(400, 404), body=Body(_NEW)),
    Endpoint("GET", _ONE, Operation.READ, get_importer, {200: IMPORTER}, problems=(404,)),
    Endpoint("PUT", _ONE, Operation.UPDATE, update_importer, {202: CALL_REPORT}, problems=(400, 404), body=Body(_CHANGES)),
    Endpoint("DELETE", _ONE, Operation.DELETE, remove_importer, {202: CALL_REPORT}, problems=(404,)),
)
