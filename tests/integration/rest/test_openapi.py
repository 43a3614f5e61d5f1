"""The door does what its OpenAPI document says, whatever it is sent.

schemathesis makes requests from the document, good ones and bad ones, and holds the answers against it: no failure of the
server, no status, media type or document that is not described.
"""

from __future__ import annotations

import json
import secrets

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import booleans
from schemathesis import APIOperation, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from entrepot.engine import Engine
from entrepot.readers import Readers
from entrepot.rest import ENDPOINTS, RestApp
from entrepot.rest.openapi import describe
from entrepot.testing import drain

from .conftest import PASSWORD

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
#: Requests of each endpoint: good ones, of which half are for what is there, and bad ones.
EXAMPLES = {GenerationMode.POSITIVE: 8, GenerationMode.NEGATIVE: 3}
#: Values that a generator does not guess.
GOOD = {
    "importer_type_id": "iso_importer",
    "importer_config": {},
    "distributor_type_id": "iso_distributor",
    "distributor_id": "files",
    "distributor_config": {},
    "distributors": [],
    "schedule": "R2/2999-01-01T00:00:00Z/P1D",
    "login": "jim",
    "role_id": "readers",
    "resource": "/v2/repositories/zoo/",
    "criteria": {},
    "expires": None,
    "settings": {},
    "handle": "weekly",
    "scopes": None,
    "sources": [],
    "source_repo_id": "farm",
    "override_config": None,
    "unit_metadata": None,
}


#: What makes something of a new name, and what the body calls it.
NEW = {
    "/pulp/api/v2/repositories/": "id",
    "/pulp/api/v2/users/": "login",
    "/pulp/api/v2/roles/": "role_id",
    "/pulp/api/v2/tokens/": "name",
    "/pulp/api/v2/facades/{facade}/tenants/": "name",
}
#: Bodies that a generator does not guess; `{new}` in a text is another one each time.
BODIES = {
    "/pulp/api/v2/edge/pops/": {"name": "Europe : {new}"},
    "/pulp/api/v2/edge/servers/": {"pop_id": 1, "url": "/srv/{new}"},
    "/pulp/api/v2/edge/deploys/": {"repository_id": "zoo", "distributor_id": "other_edge"},
    "/pulp/api/v2/edge/deploys/{deploy_id}/actions/push_again/": {},
    "/pulp/api/v2/facades/{facade}/tenants/{name}/actions/add_source/": {"repository_id": "zoo", "handle": "weekly"},
    "/pulp/api/v2/facades/{facade}/tenants/{name}/actions/remove_source/": {"repository_id": "zoo", "handle": "weekly"},
    "/pulp/api/v2/facades/{facade}/tenants/{name}/tokens/": {"name": "new", "handle": "weekly"},
}
#: What cannot succeed here: there is no such task type, and nothing has been published.
NEVER_GOOD = {
    "POST /pulp/api/v2/tasks/",
    "POST /pulp/api/v2/schedules/",
    "POST /pulp/api/v2/repositories/{repository_id}/actions/roll_back/",
}


@pytest.fixture
def names(engine: Engine) -> dict[str, str]:
    """What is there, by the names of the variable parts of paths; half of the requests are for it."""
    feed = {"feed": "http://feed.test/"}
    repository = engine.repositories.create("zoo", importer_type_id="iso_importer", importer_config=feed, notes={"a": "b"})
    engine.repositories.create("farm", importer_type_id="iso_importer")
    upload_id = engine.content.create_upload().upload_id
    repository.import_upload(upload_id, "iso", {"name": "a.iso"})
    repository.remove_units()
    drain(engine)
    (orphan,) = engine.content.list_orphans("iso")
    repository.add_distributor("iso_distributor", None, distributor_id="files")
    for edge in ("edge", "other_edge"):
        repository.add_distributor("edge_distributor", {"source": "files"}, distributor_id=edge)
    pop_id = engine.edges.add_pop("Europe : Berlin").pop_id
    other_pop_id = engine.edges.add_pop("Asia : Tokyo").pop_id  # a POP takes its servers with it
    server_id = engine.edges.add_server(other_pop_id, "/srv/a").server_id
    repository.publish("files")
    deploy_id = engine.edges.request_deploy("zoo", "edge").deploy_id
    drain(engine, limit=2)  # both are published, and nothing is pushed yet
    handle = repository.sync()
    handle.cancel()
    engine.access.create_user("jim")
    engine.access.create_role("readers")
    token, _ = engine.access.create_token("admin", "ci")
    engine.tenants.add("pugpig", "acme")
    engine.tenants.set_channel("pugpig", "acme", "weekly")
    engine.tenants.issue_token("pugpig", "acme", "app", handle="weekly")
    return {
        "repository_id": "zoo",
        "importer_id": "iso_importer",
        "distributor_id": "files",
        "importer_type_id": "iso_importer",
        "distributor_type_id": "iso_distributor",
        "type": "iso",
        "unit_type_id": "iso",
        "content_type_id": "iso",
        "unit_id": orphan.unit_id,
        "upload_id": upload_id,
        "offset": "5",
        "source_id": "zoo",
        "task_id": handle.task_id,
        "group_id": engine.group().group_id,
        "login": "jim",
        "role_id": "readers",
        "token_id": f"{token.token_id:024x}",
        "sync": engine.schedules.create_sync("zoo", "iso_importer", "P1D").schedule_id,
        "publish": engine.schedules.create_publish("zoo", "files", "P1D").schedule_id,
        "pop_id": str(pop_id),
        "server_id": str(server_id),
        "deploy_id": str(deploy_id),
        "facade": "pugpig",
        "name": "acme",
        "handle": "weekly",
        "token": "app",
        "own": engine.schedules.create_sync("zoo", "iso_importer", "P1D").schedule_id,
    }


def make_good(case: schemathesis.Case, names: dict[str, str]) -> None:
    """Let a request be for what is there, without its odd parameters, and with a body that begins with good values."""
    kind = next((kind for kind in ("sync", "publish") if kind in case.path), "own")
    known = names | {"schedule_id": names[kind]}
    case.path_parameters = {name: known[name] for name in case.path_parameters}
    case.query = {"state": "finished"} if case.method == "DELETE" and "state" in case.query else {}
    if case.path.endswith("/compare/"):
        case.query = {"before": 1, "after": 1}
    if case.method == "POST" and case.path in NEW:
        case.body = {NEW[case.path]: f"new-{secrets.token_hex(8)}"}
    elif case.method == "POST" and case.path in BODIES:
        new = secrets.token_hex(8)
        case.body = {
            name: value.format(new=new) if isinstance(value, str) else value for name, value in BODIES[case.path].items()
        }
    elif case.method == "POST" and case.path.endswith(("/sync/", "/publish/")) and "/schedules/" in case.path:
        case.body = {"schedule": GOOD["schedule"]}
    elif isinstance(case.body, dict):
        case.body |= {name: value for name, value in GOOD.items() if name in case.body}


def probe(operation: APIOperation, mode: GenerationMode, app: RestApp, names: dict[str, str]) -> set[int]:
    """Send one endpoint requests, hold the answers against the document, and return the statuses."""
    statuses: set[int] = set()

    @settings(
        max_examples=EXAMPLES[mode],
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), is_good=booleans())
    def check(case: schemathesis.Case, is_good: bool) -> None:
        if is_good:
            make_good(case, names)
        response = case.call(app=app, auth=("admin", PASSWORD))
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    check()
    return statuses


def _order(operation: APIOperation) -> tuple[bool, int]:
    """Return what lets deletes come last, the deepest first."""
    is_delete = operation.method.upper() == "DELETE"
    return is_delete, -operation.path.count("/") if is_delete else 0


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("database_kind", "mode"),
    [
        ("sqlite", GenerationMode.POSITIVE),
        ("postgresql", GenerationMode.POSITIVE),
        ("postgresql", GenerationMode.NEGATIVE),  # the stricter one: what is refused is refused before on either
    ],
    ids=str,
)
def test_every_endpoint_does_as_it_says(engine: Engine, names: dict[str, str], mode: GenerationMode) -> None:
    app = RestApp(engine, Readers(engine))
    schema = schemathesis.openapi.from_dict(json.loads(json.dumps(describe(ENDPOINTS))))
    operations = [result.ok() for result in schema.get_all_operations()]
    wrong: list[str] = []
    good: set[str] = set()

    for operation in sorted(operations, key=_order):
        try:
            statuses = probe(operation, mode, app, names)
        except Unsatisfiable:  # there is nothing that it could be sent in a wrong way
            assert mode is GenerationMode.NEGATIVE
        except BaseException as error:  # noqa: BLE001 - all of them are shown together
            wrong.append(f"{operation.label}\n{str(error)[:2000]}")
        else:
            good |= {operation.label} if any(status < 300 for status in statuses) else set()

    if wrong:
        pytest.fail("\n\n".join(wrong), pytrace=False)
    if mode is GenerationMode.POSITIVE:
        assert {operation.label for operation in operations} - good == NEVER_GOOD
