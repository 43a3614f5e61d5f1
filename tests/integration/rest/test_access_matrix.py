"""Who gets what answer from which endpoint: one row for each endpoint, one column for each kind of client.

A row says what the endpoint needs (contract, 7) and answers to those who may; it is written down here once more, not taken
from the endpoints. An endpoint without a row fails.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from entrepot import clock
from entrepot.access import Operation
from entrepot.engine import Engine
from entrepot.rest import ENDPOINTS
from entrepot.rest.endpoint import PREFIX
from tests.integration.rest.sample_tasks import echo


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


READ, CREATE, UPDATE, DELETE, EXECUTE = "READ", "CREATE", "UPDATE", "DELETE", "EXECUTE"
ANYBODY = "ANYBODY"
R = "/v2/repositories/{repository_id}/"
SYNC = R + "importers/{importer_id}/schedules/sync/"
PUBLISH = R + "distributors/{distributor_id}/schedules/publish/"
C = "/v2/content/"
U = C + "units/{type}/"
E = "/v2/edge/"
F = "/v2/facades/{facade}/tenants/"
CRITERIA = {"criteria": {}}
GRANT_USER = {"login": "victim", "resource": "/v2/content/", "operations": ["READ"]}
GRANT_ROLE = {"role_id": "victims", "resource": "/v2/content/", "operations": ["READ"]}


@dataclass(frozen=True)
class Row:
    """An endpoint, what it needs, the status for those who may, a body, and who gets another answer than that says."""

    method: str
    path: str
    needs: str
    status: int
    body: Any = None
    query: str = ""
    but: dict[str, int] = field(default_factory=dict)


#: What everybody may do to himself: with the status.
OWN = ("nobody", "reader", "executor")
ROWS = (
    Row("GET", "/v2/status/", ANYBODY, 200),
    Row("GET", "/v2/statistics/", READ, 200),
    Row("GET", "/v2/failures/", READ, 200),
    Row("GET", "/v2/docs/", ANYBODY, 200),
    Row("GET", "/v2/docs/openapi.json", ANYBODY, 200),
    Row("POST", "/v2/actions/login/", READ, 200, but=dict.fromkeys(OWN, 200)),
    # Repositories
    Row("GET", "/v2/repositories/", READ, 200),
    Row("POST", "/v2/repositories/", CREATE, 201, {"id": "new"}),
    Row("GET", "/v2/repositories/search/", READ, 200),
    Row("POST", "/v2/repositories/search/", READ, 200, CRITERIA),
    Row("GET", "/v2/distributors/search/", READ, 200),
    Row("POST", "/v2/distributors/search/", READ, 200, CRITERIA),
    Row("GET", R, READ, 200),
    Row("PUT", R, UPDATE, 200, {"delta": {}}),
    Row("GET", R + "search/units/", READ, 200),
    Row("POST", R + "search/units/", READ, 200, CRITERIA),
    Row("GET", R + "history/sync/", READ, 200),
    Row("GET", R + "activity/", READ, 200),
    Row("GET", R + "publication_events/", READ, 200),
    Row("GET", R + "history/publish/", READ, 200),
    Row("GET", R + "history/publish/{distributor_id}/", READ, 200),
    Row("POST", R + "actions/sync/", EXECUTE, 202),
    Row("POST", R + "actions/publish/", EXECUTE, 202, {"id": "files"}),
    Row("POST", R + "actions/download/", EXECUTE, 202),
    Row("POST", R + "actions/roll_back/", EXECUTE, 404, {"distributor_id": "files", "revision": 7}),
    # Importers and distributors
    Row("GET", R + "importers/", READ, 200),
    Row("POST", R + "importers/", CREATE, 202, {"importer_type_id": "iso_importer"}),
    Row("GET", R + "importers/{importer_id}/", READ, 200),
    Row("PUT", R + "importers/{importer_id}/", UPDATE, 202, {"importer_config": {}}),
    Row("GET", R + "distributors/", READ, 200),
    Row(
        "POST",
        R + "distributors/",
        CREATE,
        201,
        {"distributor_type_id": "iso_distributor", "distributor_id": "new", "distributor_config": {}},
    ),
    Row("GET", R + "distributors/{distributor_id}/", READ, 200),
    Row("PUT", R + "distributors/{distributor_id}/", UPDATE, 202, {"distributor_config": {}}),
    Row("GET", R + "distributors/{distributor_id}/publications/", READ, 200),
    Row("GET", R + "distributors/{distributor_id}/publications/compare/", READ, 404, query="?before=1&after=2"),
    # Units of a repository; a copy needs READ on its source as well
    Row("POST", R + "actions/associate/", UPDATE, 202, {"source_repo_id": "farm"}),
    Row("POST", R + "actions/unassociate/", UPDATE, 202),
    Row("POST", R + "actions/import_upload/", UPDATE, 202, {"upload_id": "x", "unit_type_id": "iso", "unit_key": {}}),
    # Content
    Row("GET", C + "uploads/", READ, 200),
    Row("POST", C + "uploads/", CREATE, 201),
    Row("GET", C + "uploads/{upload_id}/", READ, 200),
    Row("PUT", C + "uploads/{upload_id}/0/", UPDATE, 200),
    Row("DELETE", C + "uploads/{upload_id}/", DELETE, 200),
    Row("GET", U, READ, 200),
    Row("GET", U + "search/", READ, 200),
    Row("POST", U + "search/", READ, 200, CRITERIA),
    Row("GET", U + "{unit_id}/", READ, 404),
    Row("GET", U + "{unit_id}/files/", READ, 404),
    Row("GET", U + "{unit_id}/pulp_user_metadata/", READ, 404),
    Row("PUT", U + "{unit_id}/pulp_user_metadata/", UPDATE, 404, {}),
    Row("GET", C + "orphans/", READ, 200),
    Row("DELETE", C + "orphans/", DELETE, 202),
    Row("GET", C + "orphans/{type}/", READ, 200),
    Row("DELETE", C + "orphans/{type}/", DELETE, 202),
    Row("GET", C + "orphans/{type}/{unit_id}/", READ, 404),
    Row("DELETE", C + "orphans/{type}/{unit_id}/", DELETE, 404),
    Row("POST", C + "actions/delete_orphans/", DELETE, 202, []),
    Row("GET", C + "sources/", READ, 200),
    Row("GET", C + "sources/{repository_id}/", READ, 404),
    Row("DELETE", C + "catalog/{repository_id}/", DELETE, 200),
    # Schedules
    Row("GET", SYNC, READ, 200),
    Row("POST", SYNC, CREATE, 201, {"schedule": "PT1H"}),
    Row("GET", SYNC + "{sync_schedule_id}/", READ, 200),
    Row("PUT", SYNC + "{sync_schedule_id}/", UPDATE, 200, {"enabled": False}),
    Row("DELETE", SYNC + "{sync_schedule_id}/", DELETE, 200),
    Row("GET", PUBLISH, READ, 200),
    Row("POST", PUBLISH, CREATE, 201, {"schedule": "PT1H"}),
    Row("GET", PUBLISH + "{publish_schedule_id}/", READ, 200),
    Row("PUT", PUBLISH + "{publish_schedule_id}/", UPDATE, 200, {"enabled": False}),
    Row("DELETE", PUBLISH + "{publish_schedule_id}/", DELETE, 200),
    # All schedules; one of a repository's is permitted to whoever it is permitted to there. A preview tells of nothing
    Row("GET", "/v2/schedules/", READ, 200),
    Row("POST", "/v2/schedules/", CREATE, 400, {"schedule": "P1D", "task": "no.such.type"}),
    Row("POST", "/v2/schedules/actions/preview/", READ, 200, {"schedule": "P1D"}, but=dict.fromkeys(OWN, 200)),
    Row("GET", "/v2/schedules/{task_schedule_id}/", READ, 200),
    Row("PUT", "/v2/schedules/{task_schedule_id}/", UPDATE, 200, {"enabled": False}),
    Row("GET", "/v2/schedules/{task_schedule_id}/preview/", READ, 200),
    Row("GET", "/v2/schedules/{task_schedule_id}/runs/", READ, 200),
    Row("POST", "/v2/schedules/{other_sync_schedule_id}/actions/run_now/", EXECUTE, 202, but={"executor": 202}),
    Row("DELETE", "/v2/schedules/{task_schedule_id}/", DELETE, 200),
    # The edge: POPs and servers granted on all of it; a deploy permitted to whoever it is permitted to on its repository
    Row("GET", E + "pops/", READ, 200),
    Row("POST", E + "pops/", CREATE, 201, {"name": "Asia : Tokyo"}),
    Row("GET", E + "pops/{pop_id}/", READ, 200),
    Row("GET", E + "pops/{pop_id}/pushes/", READ, 200),
    Row("GET", E + "servers/", READ, 200),
    Row("POST", E + "servers/", CREATE, 201, {"pop_id": 1, "urls": ["/srv/b", "/srv/c"]}),
    Row("GET", E + "servers/{server_id}/", READ, 200),
    Row("GET", E + "deploys/", READ, 200, but=dict.fromkeys(OWN, 200)),
    Row("GET", E + "deploys/{deploy_id}/", READ, 200),
    Row("GET", E + "deploys/{deploy_id}/pushes/", READ, 200),
    Row("POST", E + "deploys/{deploy_id}/actions/cancel/", EXECUTE, 200, but={"executor": 200}),
    Row("POST", E + "deploys/{deploy_id}/actions/push_again/", EXECUTE, 409, but={"executor": 409}),
    Row("POST", E + "deploys/", EXECUTE, 201, {"repository_id": "zoo", "distributor_id": "edge"}, but={"executor": 201}),
    Row("DELETE", E + "servers/{server_id}/", DELETE, 200),
    Row("DELETE", E + "pops/{pop_id}/", DELETE, 200),
    # Deleting, when nothing needs them any more
    Row("DELETE", R + "importers/{importer_id}/", DELETE, 202),
    Row("DELETE", R + "distributors/{distributor_id}/", DELETE, 202),
    Row("DELETE", R, DELETE, 202),
    # Tasks
    Row("GET", "/v2/tasks/", READ, 200),
    Row("POST", "/v2/tasks/", CREATE, 400, {"task_type": "no.such.type"}),
    Row("GET", "/v2/tasks/search/", READ, 200),
    Row("POST", "/v2/tasks/search/", READ, 200, CRITERIA),
    Row("GET", "/v2/tasks/{task_id}/", READ, 200),
    Row("GET", "/v2/tasks/{task_id}/arguments/", READ, 200),
    Row("GET", "/v2/tasks/{task_id}/events/", READ, 200),
    Row("POST", "/v2/tasks/{task_id}/actions/retry/", EXECUTE, 202),
    Row("DELETE", "/v2/tasks/{task_id}/", DELETE, 200),
    Row("DELETE", "/v2/tasks/", DELETE, 204, query="?state=finished"),
    Row("GET", "/v2/task_groups/", READ, 200),
    Row("POST", "/v2/task_groups/", CREATE, 201),
    Row("GET", "/v2/task_groups/{group_id}/", READ, 200),
    Row("GET", "/v2/task_groups/{group_id}/state_summary/", READ, 200),
    Row("DELETE", "/v2/task_groups/{group_id}/", DELETE, 200),
    Row("GET", "/v2/workers/", READ, 200),
    Row("GET", "/v2/workers/drains/", READ, 200),
    Row("POST", "/v2/workers/actions/drain/", EXECUTE, 200, {}),
    Row("POST", "/v2/workers/actions/resume/", EXECUTE, 200, {}),
    # Plugins
    Row("GET", "/v2/plugins/importers/", READ, 200),
    Row("GET", "/v2/plugins/importers/{importer_id}/", READ, 200),
    Row("GET", "/v2/plugins/distributors/", READ, 200),
    Row("GET", "/v2/plugins/distributors/{distributor_type_id}/", READ, 200),
    Row("GET", "/v2/plugins/types/", READ, 200),
    Row("GET", "/v2/plugins/types/{type}/", READ, 200),
    # Users, roles, permissions
    Row("GET", "/v2/users/", READ, 200),
    Row("POST", "/v2/users/", CREATE, 201, {"login": "new"}),
    Row("GET", "/v2/users/search/", READ, 200),
    Row("POST", "/v2/users/search/", READ, 200, CRITERIA),
    Row("GET", "/v2/users/{login}/", READ, 200),
    Row("PUT", "/v2/users/{login}/", UPDATE, 200, {"delta": {"name": "V"}}),
    Row("GET", "/v2/users/{login}/sessions/", READ, 200),
    Row("DELETE", "/v2/users/{login}/sessions/", UPDATE, 200),
    Row("GET", "/v2/audit/", READ, 200),
    Row("GET", "/v2/roles/", READ, 200),
    Row("POST", "/v2/roles/", CREATE, 201, {"role_id": "new"}),
    Row("GET", "/v2/roles/{role_id}/", READ, 200),
    Row("PUT", "/v2/roles/{role_id}/", UPDATE, 200, {"delta": {}}),
    Row("GET", "/v2/roles/{role_id}/users/", READ, 200),
    Row("POST", "/v2/roles/{role_id}/users/", UPDATE, 200, {"login": "victim"}),
    Row("DELETE", "/v2/roles/{role_id}/users/{login}/", DELETE, 200),
    Row("GET", "/v2/permissions/", READ, 200),
    Row("POST", "/v2/permissions/actions/grant_to_user/", EXECUTE, 200, GRANT_USER),
    Row("POST", "/v2/permissions/actions/revoke_from_user/", EXECUTE, 200, GRANT_USER),
    Row("POST", "/v2/permissions/actions/grant_to_role/", EXECUTE, 200, GRANT_ROLE),
    Row("POST", "/v2/permissions/actions/revoke_from_role/", EXECUTE, 200, GRANT_ROLE),
    Row("DELETE", "/v2/users/{login}/", DELETE, 200),
    Row("DELETE", "/v2/roles/{role_id}/", DELETE, 200),
    # Facades and their tenants: granted on all of them, and never on one
    Row("GET", "/v2/facades/", READ, 200),
    Row("GET", F, READ, 200),
    Row("POST", F, CREATE, 201, {"name": "globex"}),
    Row("GET", F + "{tenant}/", READ, 200),
    Row("PUT", F + "{tenant}/", UPDATE, 200, {"settings": {}}),
    Row("POST", F + "{tenant}/channels/", UPDATE, 200, {"handle": "daily"}),
    Row("POST", F + "{tenant}/actions/add_source/", UPDATE, 200, {"repository_id": "farm", "handle": "daily"}),
    Row("POST", F + "{tenant}/actions/remove_source/", UPDATE, 200, {"repository_id": "farm", "handle": "daily"}),
    Row("POST", F + "{tenant}/tokens/", UPDATE, 201, {"name": "new", "handle": "weekly"}),
    Row("DELETE", F + "{tenant}/tokens/{tenant_token}/", UPDATE, 200),
    Row("DELETE", F + "{tenant}/channels/{handle}/", UPDATE, 200),
    Row("DELETE", F + "{tenant}/", DELETE, 200),
    # Tokens: everybody has his own; the one of the path is the administrator's, which the reader may see
    Row("GET", "/v2/tokens/", READ, 200, but=dict.fromkeys(OWN, 200)),
    Row("POST", "/v2/tokens/", UPDATE, 201, {"name": "new"}, but=dict.fromkeys(OWN, 201)),
    Row("GET", "/v2/tokens/{token_id}/", READ, 200, but={"nobody": 404, "executor": 404}),
    Row("DELETE", "/v2/tokens/{token_id}/", UPDATE, 200, but=dict.fromkeys(OWN, 404)),
)
#: What the columns are called; the last may do everything, and comes last where an endpoint destroys.
CLIENTS = ("anonymous", "nobody", "reader", "executor", "expired token", "admin")


@pytest.fixture
def names(engine: Engine) -> dict[str, str]:
    """What stands for the variable parts of paths: one of each thing that there is."""
    repository = engine.repositories.create("zoo", importer_type_id="iso_importer")
    repository.add_distributor("iso_distributor", None, distributor_id="files")
    repository.add_distributor("edge_distributor", {"source": "files"}, distributor_id="edge")
    pop_id = engine.edges.add_pop("Europe : Berlin").pop_id
    server_id = engine.edges.add_server(pop_id, "/srv/a").server_id
    engine.repositories.create("farm")
    handle = repository.sync()
    handle.cancel()
    access = engine.access
    access.create_user("victim")
    access.create_role("victims")
    for login in OWN:
        access.create_user(login, password=login)
    access.grant_to_user("reader", "/", [Operation.READ])
    access.grant_to_user("executor", "/v2/repositories/zoo/", [Operation.EXECUTE])
    token, _ = access.create_token("admin", "ci")
    engine.tenants.add("pugpig", "acme")
    engine.tenants.set_channel("pugpig", "acme", "weekly")
    engine.tenants.issue_token("pugpig", "acme", "app", handle="weekly")
    return {
        "repository_id": "zoo",
        "importer_id": "iso_importer",
        "distributor_id": "files",
        "distributor_type_id": "iso_distributor",
        "type": "iso",
        "unit_id": "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
        "upload_id": engine.content.create_upload().upload_id,
        "task_id": handle.task_id,
        "group_id": engine.group().group_id,
        "sync_schedule_id": engine.schedules.create_sync("zoo", "iso_importer", "P1D").schedule_id,
        "other_sync_schedule_id": engine.schedules.create_sync("zoo", "iso_importer", "P1D").schedule_id,
        "task_schedule_id": engine.schedule("P1D", echo, 1).schedule_id,
        "publish_schedule_id": engine.schedules.create_publish("zoo", "files", "P1D").schedule_id,
        "login": "victim",
        "role_id": "victims",
        "token_id": f"{token.token_id:024x}",
        "pop_id": str(pop_id),
        "server_id": str(server_id),
        "deploy_id": str(engine.edges.request_deploy("zoo", "edge").deploy_id),
        "facade": "pugpig",
        "tenant": "acme",
        "handle": "weekly",
        "tenant_token": "app",
    }


def expected(row: Row, client: str) -> int:
    """Return the status that the table says."""
    if row.needs == ANYBODY:
        return row.status
    if client in row.but:
        return row.but[client]
    executable = row.needs == EXECUTE and row.path.startswith(R)
    may = client == "admin" or (client == "reader" and row.needs == READ) or (client == "executor" and executable)
    return row.status if may else 401


def code_of_refusal(client: str) -> str:
    return {"anonymous": "PLP0025", "expired token": "PLP0030"}.get(client, "PLP0026")


def test_every_endpoint_has_a_row_and_every_row_an_endpoint() -> None:
    def without_names(path: str) -> str:
        return "/".join("{}" if segment.startswith("{") or segment == "0" else segment for segment in path.split("/"))

    rows = [f"{row.method} {without_names(row.path)}" for row in ROWS]
    there = {f"{endpoint.method} {without_names(endpoint.path)}" for endpoint in ENDPOINTS}

    assert len(rows) == len(set(rows))
    assert (sorted(there - set(rows)), sorted(set(rows) - there)) == ([], [])


@pytest.mark.parametrize("client", CLIENTS)
def test_each_endpoint_answers_a_client_as_the_table_says(
    api, engine: Engine, names: dict[str, str], client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers: dict[str, str] = {}
    door = api.as_(None) if client == "anonymous" else api.as_(client, client)
    if client == "admin":
        door = api
    if client == "expired token":
        _, secret = engine.access.create_token("admin", "old", expires=clock.now() + timedelta(minutes=1))
        monkeypatch.setattr("entrepot.access.tokens.clock.now_us", lambda now=clock.now_us: now() + 61_000_000)
        door, headers = api.as_(None), {"authorization": f"Bearer {secret}"}

    wrong = {}
    for row in ROWS:
        path = row.path.removeprefix("/v2/").format_map(names) + row.query
        response = door.ask(row.method, path, row.body, headers=headers)
        status = expected(row, client)
        if response.status_code != status:
            wrong[f"{row.method} {path}"] = (response.status_code, status, response.text[:300])
        elif status == 401:
            document = response.json()
            assert document["error"]["code"] == code_of_refusal(client)
            assert document["_href"] == f"{PREFIX}/v2/{path}"
            assert document["auth_error_code"]

    assert wrong == {}


def test_who_may_execute_on_one_repository_may_not_on_another(api, names: dict[str, str]) -> None:
    executor = api.as_("executor", "executor")

    assert executor.post("repositories/zoo/actions/sync/").status_code == 202
    assert executor.post("repositories/farm/actions/sync/").status_code == 401
    assert executor.post("repositories/zoo%2f..%2ffarm/actions/sync/").status_code == 401
    assert executor.post("repositories/zoo/../farm/actions/sync/").status_code in (401, 404)
