"""The pages of users, roles, tokens and sessions, and of the audit log."""

from __future__ import annotations

import re

import pytest

from entrepot.access import Operation
from entrepot.dashboard import handbook

from .conftest import HOSTILE, LARGEST_PAGE_BYTES, PASSWORD

NEW = "a new password, long enough"


def test_a_user_is_made_given_roles_and_deleted(dashboard, engine):
    engine.access.create_role("mirrors")

    made = dashboard.post("/users", {"login": "ann", "name": "Ann", "password": NEW, "again": NEW})
    assert (made.status_code, made.headers["location"]) == (303, "/users/ann")
    assert "User ann is made." in dashboard.page("/users/ann")
    dashboard.post("/users/ann", {"name": "Ann Other", "has_roles": "yes", "role": ["mirrors"]})
    report = engine.access.get_user("ann")
    assert (report.name, report.roles, report.has_password) == ("Ann Other", ("mirrors",), True)
    engine.access.create_token("ann", "ci")
    assert "deletes the user ann with 1 API token, all" in dashboard.page("/users/ann/delete")
    dashboard.post("/users/ann/delete")

    assert [user.login for user in engine.access.list_users()] == ["admin"]
    assert "User ann is deleted." in dashboard.page("/users")


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"login": "ann", "password": NEW, "again": "another"}, 400, "the two that were typed differ"),
        ({"login": "admin"}, 409, "Duplicate resource"),
        ({"login": HOSTILE}, 400, "login"),
    ],
)
def test_a_user_that_cannot_be_made_is_asked_for_again_with_what_was_typed(dashboard, fields, status, said):
    response = dashboard.post("/users", {"name": "Typed before", **fields})

    assert response.status_code == status
    assert said in response.text
    assert 'value="Typed before"' in response.text
    assert NEW not in response.text


def test_whoever_changes_their_own_password_logs_in_again(browser_of, engine):
    engine.access.create_user("ann", password=PASSWORD)
    own, other = browser_of("ann"), browser_of("ann")
    assert own.get("/account").headers["location"] == "/users/ann"

    changed = own.post("/users/ann/password", {"password": NEW, "again": NEW})

    assert changed.headers["location"] == "/login"
    assert other.get("/users/ann").status_code == 303
    assert engine.access.authenticate_password("ann", NEW, address=None).login == "ann"


@pytest.mark.parametrize("fields", [{"password": "", "again": ""}, {"password": NEW, "again": ""}])
def test_a_password_that_cannot_be_set_changes_nothing(dashboard, engine, fields):
    response = dashboard.post("/users/admin/password", fields)

    assert response.status_code == 400
    assert engine.access.authenticate_password("admin", PASSWORD, address=None).login == "admin"


def test_a_token_is_shown_once_works_and_is_revoked(dashboard, engine):
    made = dashboard.post("/users/admin/tokens", {"name": "ci", "expires": "2100-01-31"})
    secret = re.search(r"<code>(\S+)</code>", made.text)[1]

    assert made.headers["cache-control"] == "no-store"
    assert engine.access.authenticate_token(secret).token_name == "ci"
    assert secret not in dashboard.page("/users/admin")
    (report,) = engine.access.list_tokens("admin")
    assert f"{report.expires:%Y-%m-%d}" == "2100-01-31"
    dashboard.post("/users/admin/tokens/revoke", {"name": "ci"})
    assert engine.access.list_tokens("admin") == []


@pytest.mark.parametrize(
    "fields", [{"name": "", "expires": ""}, {"name": "ci", "expires": "soon"}, {"name": "ci", "expires": "2001-01-01"}]
)
def test_a_token_that_cannot_be_made_is_refused_in_words(dashboard, engine, fields):
    response = dashboard.post("/users/admin/tokens", fields)

    assert response.status_code == 400
    assert 'role="alert"' in response.text
    assert engine.access.list_tokens() == []


def test_browsers_are_listed_and_logged_out(dashboard, browser_of):
    other = browser_of("admin")
    assert dashboard.page("/users/admin").count("unknown") == 2

    other.post("/users/admin/sessions/end")

    assert dashboard.get("/users/admin").status_code == 303


def test_permissions_are_granted_shown_and_revoked(dashboard, engine):
    engine.access.create_user("ann")

    dashboard.post("/users/ann/grant", {"resource": "/v2/repositories/zoo/", "operation": ["READ", "EXECUTE"]})
    assert "read, execute" in dashboard.page("/users/ann")
    dashboard.post("/users/ann/revoke", {"resource": "/v2/repositories/zoo/"})
    assert "/v2/repositories/zoo/</code>" not in dashboard.page("/users/ann")
    refused = dashboard.post("/users/ann/grant", {"resource": "no path", "operation": ["READ"]})
    assert refused.status_code == 400


def test_a_role_is_made_filled_and_deleted(dashboard, engine):
    engine.access.create_user("ann")

    assert dashboard.post("/roles", {"role_id": "mirrors", "display_name": "Mirrors"}).headers["location"] == "/roles/mirrors"
    dashboard.post("/roles/mirrors/grant", {"resource": "/v2/repositories/", "operation": ["READ"]})
    dashboard.post("/roles/mirrors/members", {"login": "ann"})
    page = dashboard.page("/roles/mirrors")
    assert "/v2/repositories/</code>" in page
    assert 'href="/users/ann"' in page
    assert dashboard.post("/roles/mirrors/members", {"login": "nobody"}).status_code == 400
    dashboard.post("/roles/mirrors/members/ann/remove")
    dashboard.post("/roles/mirrors/revoke", {"resource": "/v2/repositories/"})
    report = engine.access.get_role("mirrors")
    assert (report.users, dict(report.permissions)) == ((), {})
    assert "Users who lose what it allows: nobody." in dashboard.page("/roles/mirrors/delete")
    dashboard.post("/roles/mirrors/delete")
    assert "mirrors" not in {role.role_id for role in engine.access.list_roles()}


def test_who_sees_users_only_is_offered_nothing_else(reader, engine):
    engine.access.create_user("ann")

    page = reader.page("/users/ann")

    assert 'method="post"' not in page.partition("</header>")[2]
    assert "New user" not in reader.page("/users")


def test_a_user_without_grants_sees_only_oneself(browser_of, engine):
    engine.access.create_user("ann", password=PASSWORD)
    ann = browser_of("ann")

    assert ann.get("/users").status_code == 403
    assert ann.get("/users/admin").status_code == 403
    page = ann.page("/users/ann")
    assert "may do</h2>" not in page
    assert ann.post("/users/ann/grant", {"resource": "/", "operation": ["READ"]}).status_code == 403
    assert ann.post("/users/ann", {"name": "x", "has_roles": "yes", "role": ["super-users"]}).status_code == 403
    assert engine.access.get_user("ann").roles == ()


def test_the_log_shows_who_did_what_by_filter_and_page(dashboard, reader, engine):
    for number in range(70):
        dashboard.post("/users", {"login": f"user-{number:02}"})
    reader.post("/users", {"login": "refused"})

    newest = dashboard.page("/audit")
    older = dashboard.page(re.search(r'href="([^"]+)">Older', newest)[1].replace("&amp;", "&"))
    refused = dashboard.page("/audit?outcome=refused&login=rita")

    assert newest.count("create user") == 60
    assert older.count("create user") == 12 - 1
    assert refused.count("create user") == 1
    assert ">rita<" in refused
    assert max(len(newest), len(older)) < LARGEST_PAGE_BYTES
    assert dashboard.get("/audit?outcome=nonsense").status_code == 400


def test_names_that_would_be_markup_are_text(dashboard, engine):
    engine.access.create_role("r", HOSTILE, HOSTILE)
    engine.access.create_user("ann", name=HOSTILE)
    engine.access.create_token("ann", HOSTILE[:20])
    engine.access.grant_to_user("ann", "/v2/repositories/<script>/", [Operation.READ])

    for path in ("/users", "/users/ann", "/roles/r", "/audit", f"/users?q={HOSTILE}", "/audit?resource=/<script>alert(1)/"):
        assert "<script>" not in dashboard.get(path).text
        assert "&lt;script&gt;" in dashboard.get(path).text or path == "/audit"


def test_many_users_are_shown_by_pages(dashboard, engine):
    with engine.transaction():
        for number in range(150):
            engine.access.create_user(f"user-{number:03}", name="A name of usual length")

    page = dashboard.page("/users?q=USER")

    assert "150 users" in page
    assert "user-099" in page
    assert "user-100" not in page
    assert "user-149" in dashboard.page("/users?q=user&from=100")
    assert len(page) < LARGEST_PAGE_BYTES


@pytest.mark.parametrize("page", handbook.pages(), ids=lambda page: page.slug)
def test_every_page_of_the_documentation_is_shown(reader, page):
    html = reader.page(page.address)

    assert html.count("<h1") == 1
    assert f'href="/docs/{page.slug}" aria-current="page"' in html


def test_a_page_that_the_documentation_has_not_is_not_there(reader):
    assert reader.get("/docs/nothing").status_code == 404
    assert reader.get("/docs/../settings").status_code == 404
