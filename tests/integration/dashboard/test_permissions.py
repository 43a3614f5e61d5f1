"""Each page and form of the dashboard against the REST API: nobody can do or see more by a browser than by a program."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from entrepot.access import Operation, Principal
from entrepot.access.resources import ancestors
from entrepot.dashboard.routes import ROUTES
from entrepot.engine import Engine
from entrepot.rest.routes import ENDPOINTS

from .conftest import PASSWORD, Browser

R, S, W = "/v2/repositories/{repository_id}/", "/v2/schedules/{schedule_id}/", "/v2/workers/"
IMPORTER, DISTRIBUTOR = f"{R}importers/{{importer_id}}/", f"{R}distributors/{{distributor_id}}/"
T, U, ROLE, PERMISSIONS = "/v2/tasks/{task_id}/", "/v2/users/{login}/", "/v2/roles/{role_id}/", "/v2/permissions/actions/"
DEPLOY, DEPLOYS = "/v2/edge/deploys/{deploy_id}/", "/propagation/{deploy_id:int}"
REPOSITORY, SETTINGS, ONE_USER, ONE_ROLE = "/repositories/{repository_id}", "/settings", "/users/{login}", "/roles/{role_id}"
#: Rows of routes that whoever has logged in may ask: what they show of others, their views ask for part by part.
ANYBODY = ()


@dataclass(frozen=True)
class Row:
    """A route, and the REST endpoints whose permissions it needs, each of them; `fields` are its query or its form."""

    method: str
    path: str
    needs: tuple[str, ...]
    fields: Mapping[str, str] = field(default_factory=dict)


SYNC = {"kind": "sync", "repository": "zoo", "plugin": "iso_importer", "schedule": "P1D"}
PUBLISH = {"kind": "publish", "repository": "zoo", "plugin": "files", "schedule": "P1D"}
TASK = {"kind": "task", "task": "no.such.type", "schedule": "P1D"}
PASSWORDS = {"password": "another pass phrase", "again": "another pass phrase"}
GRANT = {"resource": "/v2/farm/", "operation": "READ"}

#: In the order in which they are asked: what removes things comes last.
ROWS = (
    Row("GET", "/", ANYBODY),
    Row("GET", "/account", ANYBODY),
    Row("GET", "/docs", ANYBODY),
    Row("GET", "/docs/{slug:path}", ANYBODY),
    Row("GET", "/tasks", ("GET /v2/tasks/",)),
    Row("GET", "/tasks/bulk", ("GET /v2/tasks/", "DELETE /v2/tasks/"), {"action": "cancel"}),
    Row("GET", "/tasks/bulk", ("GET /v2/tasks/", "DELETE /v2/tasks/"), {"action": "purge"}),
    Row("POST", "/tasks/bulk", ("GET /v2/tasks/", "DELETE /v2/tasks/"), {"action": "purge"}),
    Row("POST", "/tasks/bulk", ("GET /v2/tasks/", "DELETE /v2/tasks/"), {"action": "cancel", "id": "0"}),
    Row("GET", "/tasks/{task_id}", (f"GET {T}",)),
    Row("POST", "/tasks/{task_id}/retry", (f"POST {T}actions/retry/", f"POST {R}actions/sync/")),
    Row("POST", "/tasks/{task_id}/cancel", (f"DELETE {T}",)),
    Row("GET", "/groups/{group_id}", ("GET /v2/task_groups/{group_id}/",)),
    Row("POST", "/groups/{group_id}/cancel", ("DELETE /v2/task_groups/{group_id}/",)),
    # Deploys; who deploys again needs what pushing again needs: EXECUTE on the edge or the repository
    Row("GET", "/propagation", ANYBODY),
    Row("GET", "/propagation/pops", ("GET /v2/edge/pops/",)),
    Row("GET", "/propagation/pops/{pop_id:int}", ("GET /v2/edge/pops/{pop_id}/",)),
    Row("GET", DEPLOYS, (f"GET {DEPLOY}",)),
    Row("GET", DEPLOYS + "/pops/{pop_id:int}", (f"GET {DEPLOY}pushes/",)),
    Row("GET", f"{DEPLOYS}/cancel", (f"POST {DEPLOY}actions/cancel/",)),
    Row("POST", f"{DEPLOYS}/cancel", (f"POST {DEPLOY}actions/cancel/",)),
    Row("GET", f"{DEPLOYS}/push-again", (f"POST {DEPLOY}actions/push_again/",)),
    Row("POST", f"{DEPLOYS}/push-again", (f"POST {DEPLOY}actions/push_again/",)),
    Row("GET", f"{DEPLOYS}/deploy-again", (f"POST {DEPLOY}actions/push_again/",)),
    Row("POST", f"{DEPLOYS}/deploy-again", (f"POST {DEPLOY}actions/push_again/",)),
    # Repositories
    Row("GET", "/repositories", ("GET /v2/repositories/",)),
    Row("GET", "/repositories/+new", ("POST /v2/repositories/",)),
    Row("POST", "/repositories/+new", ("POST /v2/repositories/",), {"id": "new"}),
    *(Row("GET", REPOSITORY + tab, (f"GET {R}",)) for tab in ("", "/content", "/schedules", "/history", "/events")),
    Row("GET", f"{REPOSITORY}/publications", (f"GET {R}",)),
    Row("GET", f"{REPOSITORY}/publications/compare", (f"GET {R}",), {"distributor": "files", "before": "1", "after": "2"}),
    Row("GET", f"{REPOSITORY}/publications/roll_back", (f"POST {R}actions/roll_back/",)),
    Row("POST", f"{REPOSITORY}/publications/roll_back", (f"POST {R}actions/roll_back/",)),
    Row("POST", f"{REPOSITORY}/sync", (f"POST {R}actions/sync/",)),
    Row("POST", f"{REPOSITORY}/publish", (f"POST {R}actions/publish/",), {"distributor_id": "files"}),
    Row("POST", f"{REPOSITORY}/download", (f"POST {R}actions/download/",)),
    *(Row(method, REPOSITORY + SETTINGS, (f"PUT {R}",), {"notes": "{}"}) for method in ("GET", "POST")),
    *(Row(method, f"{REPOSITORY}{SETTINGS}/importer", (f"PUT {R}",)) for method in ("GET", "POST")),
    *(
        Row(method, f"{REPOSITORY}{SETTINGS}/distributors/{{distributor_id}}", (f"PUT {R}",), {"auto_publish": "true"})
        for method in ("GET", "POST")
    ),
    *(
        Row(method, f"{REPOSITORY}{SETTINGS}/importers", (f"POST {R}importers/",), {"type": "iso_importer"})
        for method in ("GET", "POST")
    ),
    *(
        Row(method, f"{REPOSITORY}{SETTINGS}/distributors", (f"POST {R}distributors/",), {"type": "iso_distributor"})
        for method in ("GET", "POST")
    ),
    Row("GET", "/units/{unit_type_id}/{unit_id}", ("GET /v2/content/units/{unit_type_id}/{unit_id}/",)),
    # Schedules
    Row("GET", "/schedules", ("GET /v2/schedules/",)),
    *(Row(method, "/schedules/new", (f"POST {IMPORTER}schedules/sync/",), SYNC) for method in ("GET", "POST")),
    *(Row(method, "/schedules/new", (f"POST {DISTRIBUTOR}schedules/publish/",), PUBLISH) for method in ("GET", "POST")),
    *(Row(method, "/schedules/new", ("POST /v2/schedules/",), TASK) for method in ("GET", "POST")),
    Row("GET", "/schedules/{schedule_id}", (f"GET {S}",)),
    *(Row(method, "/schedules/{schedule_id}/edit", (f"PUT {S}",)) for method in ("GET", "POST")),
    *(Row("POST", f"/schedules/{{schedule_id}}/{action}", (f"PUT {S}",)) for action in ("enable", "disable")),
    Row("POST", "/schedules/{schedule_id}/run", (f"POST {S}actions/run_now/",)),
    # Plugins: to check a configuration changes nothing
    Row("GET", "/plugins", ("GET /v2/plugins/importers/",)),
    *(
        Row(method, "/plugins/importer/{importer_type_id}", ("GET /v2/plugins/importers/{importer_type_id}/",))
        for method in ("GET", "POST")
    ),
    *(
        Row(method, "/plugins/distributor/{distributor_type_id}", ("GET /v2/plugins/distributors/{distributor_type_id}/",))
        for method in ("GET", "POST")
    ),
    Row("GET", "/plugins/unit_type/{type}", ("GET /v2/plugins/types/{type}/",)),
    Row("GET", "/workers", (f"GET {W}",)),
    Row("POST", "/workers/drain", (f"POST {W}actions/drain/",), {"host": "h"}),
    Row("POST", "/workers/resume", (f"POST {W}actions/resume/",), {"host": "h"}),
    # Users and roles
    Row("GET", "/users", ("GET /v2/users/",)),
    Row("POST", "/users", ("POST /v2/users/",), {"login": "new"}),
    Row("GET", ONE_USER, (f"GET {U}",)),
    Row("POST", ONE_USER, (f"PUT {U}",), {"name": "V"}),
    Row("POST", ONE_USER, (f"PUT {U}", f"POST {ROLE}users/"), {"name": "V", "has_roles": "yes", "role": "victims"}),
    Row("POST", f"{ONE_USER}/password", (f"PUT {U}",), PASSWORDS),
    Row("POST", f"{ONE_USER}/tokens", (f"PUT {U}",), {"name": "ci"}),
    Row("POST", f"{ONE_USER}/tokens/revoke", (f"PUT {U}",), {"name": "ci"}),
    Row("POST", f"{ONE_USER}/sessions/end", (f"DELETE {U}sessions/",)),
    Row("POST", f"{ONE_USER}/grant", (f"POST {PERMISSIONS}grant_to_user/",), GRANT),
    Row("POST", f"{ONE_USER}/revoke", (f"POST {PERMISSIONS}revoke_from_user/",), GRANT),
    Row("POST", "/roles", ("POST /v2/roles/",), {"role_id": "new"}),
    Row("GET", ONE_ROLE, (f"GET {ROLE}",)),
    Row("POST", ONE_ROLE, (f"PUT {ROLE}",)),
    Row("POST", f"{ONE_ROLE}/members", (f"POST {ROLE}users/",), {"login": "victim"}),
    Row("POST", f"{ONE_ROLE}/members/{{login}}/remove", (f"DELETE {ROLE}users/{{login}}/",)),
    Row("POST", f"{ONE_ROLE}/grant", (f"POST {PERMISSIONS}grant_to_role/",), GRANT),
    Row("POST", f"{ONE_ROLE}/revoke", (f"POST {PERMISSIONS}revoke_from_role/",), GRANT),
    Row("GET", "/audit", ("GET /v2/audit/",)),
    # What removes things
    *(Row(method, "/schedules/{schedule_id}/delete", (f"DELETE {S}",)) for method in ("GET", "POST")),
    *(
        Row(method, f"{REPOSITORY}{SETTINGS}/importers/{{importer_id}}/remove", (f"DELETE {IMPORTER}",))
        for method in ("GET", "POST")
    ),
    *(
        Row(method, f"{REPOSITORY}{SETTINGS}/distributors/{{distributor_id}}/remove", (f"DELETE {DISTRIBUTOR}",))
        for method in ("GET", "POST")
    ),
    *(Row(method, f"{REPOSITORY}/delete", (f"DELETE {R}",)) for method in ("GET", "POST")),
    *(Row(method, f"{ONE_USER}/delete", (f"DELETE {U}",)) for method in ("GET", "POST")),
    *(Row(method, f"{ONE_ROLE}/delete", (f"DELETE {ROLE}",)) for method in ("GET", "POST")),
    Row("POST", "/logout", ANYBODY),
)


def unnamed(path: str) -> str:
    return re.sub("{.*?}", "{}", path)


BY_ROUTE = {(endpoint.method, unnamed(endpoint.path)): endpoint for endpoint in ENDPOINTS}


def filled(path: str, names: Mapping[str, str]) -> str:
    return re.sub("{(.*?)(:.*?)?}", lambda found: names[found[1]], path)


def grant_of(needed: str, names: Mapping[str, str]) -> tuple[Operation, str]:
    """Return operation and resource that a REST endpoint asks for."""
    method, path = needed.split(" ")
    endpoint = BY_ROUTE[method, unnamed(path)]
    assert endpoint.permission is not None
    return endpoint.permission, filled(endpoint.resource or path, names)


@pytest.fixture
def names(engine: Engine) -> dict[str, str]:
    """What stands for the variable parts of paths; `zoo` and `victim` are meant, `farm` and `other` are not."""
    for repository_id in ("zoo", "farm"):
        repository = engine.repositories.create(repository_id, importer_type_id="iso_importer")
        repository.add_distributor("iso_distributor", None, distributor_id="files")
        repository.add_distributor("edge_distributor", {"source": "files"}, distributor_id="edge")
    task = engine.repositories.get("zoo").sync()
    task.cancel()
    pop_id = engine.edges.add_pop("Europe : Berlin").pop_id
    for login in ("victim", "other"):
        engine.access.create_user(login)
        engine.access.create_role(f"{login}s")
    return {
        "repository_id": "zoo",
        "importer_id": "iso_importer",
        "importer_type_id": "iso_importer",
        "distributor_id": "files",
        "distributor_type_id": "iso_distributor",
        "type": "iso",
        "unit_type_id": "iso",
        "unit_id": "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
        "task_id": task.task_id,
        "group_id": engine.group().group_id,
        "schedule_id": engine.schedules.create_sync("zoo", "iso_importer", "P1D").schedule_id,
        "pop_id": str(pop_id),
        "deploy_id": str(engine.edges.request_deploy("zoo", "edge").deploy_id),
        "login": "victim",
        "role_id": "victims",
        "slug": "README",
    }


@pytest.fixture
def ask(names: dict[str, str]) -> Callable[[Browser, Row], int]:
    """Ask for the route of a row, and return the status; who is led to the login has no session."""

    def asked(browser: Browser, row: Row) -> int:
        path = filled(row.path, names)
        response = browser.get(path, params=row.fields) if row.method == "GET" else browser.post(path, row.fields)
        assert not response.headers.get("location", "").startswith("/login?"), path
        assert response.status_code < 500, (path, response.text)
        return response.status_code

    return asked


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    rows = {f"{row.method} {unnamed(row.path)}" for row in ROWS}
    there = {f"{route.method} {unnamed(route.path)}" for route in ROUTES}

    assert (sorted(there - rows), sorted(rows - there)) == ([], [])


def test_who_has_all_other_operations_everywhere_is_refused(
    engine: Engine, browser_of: Callable[[str], Browser], names: dict[str, str], ask: Callable[[Browser, Row], int]
) -> None:
    browsers = {}
    for operation in Operation:
        login = f"all-but-{operation.name.lower()}"
        engine.access.create_user(login, password=PASSWORD)
        engine.access.grant_to_user(login, "/", set(Operation) - {operation})
        browsers[operation] = browser_of(login)

    let_in = [
        (operation.name, row.method, row.path, status)
        for row in ROWS
        for operation in {grant_of(needed, names)[0] for needed in row.needs}
        if (status := ask(browsers[operation], row)) != 403
    ]

    assert let_in == []


def test_who_may_do_everything_to_other_things_is_refused(
    engine: Engine, browser_of: Callable[[str], Browser], ask: Callable[[Browser, Row], int]
) -> None:
    engine.access.create_user("farmer", password=PASSWORD)
    other = engine.schedules.create_sync("farm", "iso_importer", "P1D").schedule_id
    task_id = engine.repositories.get("farm").sync().task_id
    for resource in (
        "/v2/repositories/farm/",
        "/v2/users/other/",
        "/v2/roles/others/",
        f"/v2/schedules/{other}/",
        f"/v2/tasks/{task_id}/",
        f"/v2/task_groups/{engine.group().group_id}/",
    ):
        engine.access.grant_to_user("farmer", resource, Operation)
    browser = browser_of("farmer")

    let_in = [(row.method, row.path, status) for row in ROWS if row.needs and (status := ask(browser, row)) != 403]

    assert let_in == []


def test_who_has_what_the_rest_api_asks_for_is_let_in_and_not_with_less(
    engine: Engine,
    browser_of: Callable[[str], Browser],
    names: dict[str, str],
    ask: Callable[[Browser, Row], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    granted: set[tuple[Operation, str]] = set()
    engine.access.create_user("one", password=PASSWORD)
    browser, wrong = browser_of("one"), []

    def allows(_principal: Principal, operation: Operation, resource: str) -> bool:
        """Look into `granted` instead of the tables, which would be written twice for each row."""
        return any((operation, path) in granted for path in ancestors(resource))

    monkeypatch.setattr(engine.access, "allows", allows)
    for row in ROWS:
        granted.clear()
        grants = [grant_of(needed, names) for needed in row.needs]
        for number, grant in enumerate(grants):
            if number and ask(browser, row) != 403:
                wrong.append(("too early", number, row))
            granted.add(grant)
        if ask(browser, row) == 403:
            wrong.append(("refused", len(grants), row))

    assert wrong == []


@pytest.mark.parametrize(
    ("operation", "resource", "path", "fields"),
    [
        (Operation.CREATE, "/v2/users/", "/users", {"login": ""}),
        (Operation.EXECUTE, f"{PERMISSIONS}grant_to_user/", "/users/victim/grant", {"resource": "no path"}),
        (Operation.UPDATE, "/v2/users/victim/", "/users/victim/password", {"password": "x"}),
        (Operation.UPDATE, "/v2/users/victim/", "/users/victim/tokens", {"name": "ci", "expires": "never"}),
        (Operation.UPDATE, "/v2/users/victim/", "/users/victim/tokens", {"name": "ci"}),
        (Operation.UPDATE, "/v2/roles/ops/users/", "/roles/ops/members", {"login": "nobody"}),
        (Operation.EXECUTE, f"{PERMISSIONS}grant_to_role/", "/roles/ops/grant", {"resource": "no path"}),
    ],
)
def test_a_form_that_is_refused_shows_nothing_to_who_may_not_read_its_page(  # noqa: PLR0917 - a row of the table
    engine: Engine, browser_of: Callable[[str], Browser], operation: Operation, resource: str, path: str, fields: dict[str, str]
) -> None:
    engine.access.create_user("victim", name="Hidden")
    engine.access.create_token("victim", "Hidden")
    engine.access.create_role("ops", description="Hidden")
    engine.access.create_user("one", password=PASSWORD)
    engine.access.grant_to_user("one", resource, [operation])

    response = browser_of("one").post(path, fields)

    name_is_told = operation is Operation.UPDATE and response.status_code == 200  # as the REST API answers a change
    assert response.status_code in (200, 400)
    assert response.text.count("Hidden") == (2 if name_is_told else 0)


def test_who_may_not_see_a_deploy_or_a_repository_cannot_tell_whether_there_is_one(
    engine: Engine, browser_of: Callable[[str], Browser], names: dict[str, str]
) -> None:
    engine.access.create_user("one", password=PASSWORD)
    browser, deploy_id = browser_of("one"), names["deploy_id"]

    def answers(*paths: str) -> set[tuple[int, str]]:
        found = [(browser.get(path), path) for path in paths]
        return {(one.status_code, one.text.partition("<main")[2].replace("zoo", "x").replace("none", "x")) for one, _ in found}

    assert len(answers(f"/propagation/{deploy_id}", "/propagation/999")) == 1
    new = "/schedules/new?kind=sync&plugin=iso_importer&repository="
    assert len(answers(f"{new}zoo", f"{new}none")) == 1
    assert "zoo" not in browser.get(f"/propagation/{deploy_id}").text
