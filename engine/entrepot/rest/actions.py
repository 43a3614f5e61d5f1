"""What is done with a repository: sync, publish, download, roll back. Source: the Pulp 2 REST contract, 2.8 to 2.10."""

from __future__ import annotations

from entrepot.access import Operation
from entrepot.errors import InvalidValue
from entrepot.rest.endpoint import Answer, Asked, Body, Endpoint
from entrepot.rest.reading import find_object, find_text, required
from entrepot.rest.repository_shapes import PUBLICATION, publication_shape
from entrepot.rest.schemas import BOOLEAN, CALL_REPORT, INTEGER, OBJECT_OR_NULL, TEXT, body
from entrepot.rest.shapes import accepted

_SYNC = body("Sync", override_config=OBJECT_OR_NULL)
_PUBLISH = body("Publish", ("id",), id=TEXT, override_config=OBJECT_OR_NULL)
_DOWNLOAD = body("Download", verify_all_units=BOOLEAN)
_TOO_LARGE = 1 << 63  # for any database
_ROLL_BACK = body("RollBack", ("distributor_id", "revision"), distributor_id=TEXT, revision=INTEGER)


def sync_repository(asked: Asked) -> Answer:
    """Bring in what the feed of the repository's importer offers, by a task."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    return accepted(repository.sync(find_object(asked.document, "override_config")))


def publish_repository(asked: Asked) -> Answer:
    """Publish the repository with one of its distributors, by a task, which fails if there is none of that id."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    required(asked, "id")
    distributor_id, override = find_text(asked.document, "id") or "", find_object(asked.document, "override_config")
    return accepted(repository.request_publish_unchecked(distributor_id, override))


def download_repository(asked: Asked) -> Answer:
    """Look whether every file of the repository is there, by a task that reserves nothing."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    return accepted(repository.request_download(verify_all_units=asked.document.get("verify_all_units", False)))


def roll_back(asked: Asked) -> Answer:
    """Serve an earlier or later publication of a distributor from now on."""
    repository = asked.engine.repositories.get(asked.names["repository_id"])
    required(asked, "distributor_id")
    distributor_id, revision = find_text(asked.document, "distributor_id") or "", required(asked, "revision")
    if not isinstance(revision, int) or isinstance(revision, bool) or not 0 < revision < _TOO_LARGE:
        raise InvalidValue("revision", why="it must be the whole number of a publication")
    return Answer(publication_shape(repository.roll_back(distributor_id, revision)))


_AT = "/v2/repositories/{repository_id}/actions/"
_TASK = {202: CALL_REPORT}

ENDPOINTS = (
    Endpoint(
        "POST",
        f"{_AT}sync/",
        Operation.EXECUTE,
        sync_repository,
        _TASK,
        problems=(404,),
        body=Body(_SYNC, is_optional=True),
    ),
    Endpoint("POST", f"{_AT}publish/", Operation.EXECUTE, publish_repository, _TASK, problems=(404,), body=Body(_PUBLISH)),
    Endpoint(
        "POST",
        f"{_AT}download/",
        Operation.EXECUTE,
        download_repository,
        _TASK,
        problems=(404,),
        body=Body(_DOWNLOAD, is_optional=True),
    ),
    Endpoint(
        "POST",
        f"{_AT}roll_back/",
        Operation.EXECUTE,
        roll_back,
        {200: PUBLICATION},
        problems=(404,),
        body=Body(_ROLL_BACK),
    ),
)
