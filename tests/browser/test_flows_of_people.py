"""What people do for one another: make users and tokens, see who did what, read; and what who may not is told."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .conftest import PASSWORD
from .looking import said

#: What Chromium says of an answer that is an error.
STATUS = "Failed to load resource: the server responded with a status of {}"


@pytest.fixture
def expecting(window):
    """Open a window in which an answer with this status is no surprise."""

    def expecting(status, login="admin"):
        watched = window(login)
        watched.expected = (STATUS.format(status),)
        return watched.page

    return expecting


def test_a_user_is_made_and_may_do_what_is_granted(page, engine, windows):
    page.goto("/users")
    page.get_by_label("Login", exact=True).fill("nora")
    page.get_by_label("Name", exact=True).first.fill("Nora of the night shift")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password, once more").fill(PASSWORD)
    page.get_by_role("button", name="Make the user").click()
    expect(said(page)).to_have_text("User nora is made. Say what they may do.")
    page.get_by_label("Path of the REST API").fill("/v2/tasks/")
    page.get_by_role("button", name="Grant").click()
    expect(page.get_by_role("region", name="Permissions").get_by_role("row", name="/v2/tasks/")).to_contain_text("read")

    nora = windows().page
    nora.goto("/login?next=/tasks")
    nora.get_by_label("Login", exact=True).fill("nora")
    nora.get_by_label("Password", exact=True).fill(PASSWORD)
    nora.get_by_role("button", name="Log in").click()

    expect(nora.get_by_role("heading", level=1)).to_have_text("Tasks")
    menu = nora.get_by_role("navigation", name="Main").get_by_role("link")
    assert menu.all_inner_texts() == ["Overview", "Tasks", "Propagation", "Docs"]
    assert engine.access.get_user("nora").name == "Nora of the night shift"


def test_a_token_is_shown_once_copied_and_works_until_it_is_revoked(window, engine):
    page = window(permissions=["clipboard-read", "clipboard-write"]).page
    engine.access.create_user("tom", password=PASSWORD)
    page.goto("/users/tom")
    page.locator("#token-name").fill("ci")
    page.get_by_role("button", name="Make a token").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    secret = page.evaluate("navigator.clipboard.readText()")
    assert engine.access.authenticate_token(secret).login == "tom"

    page.goto("/users/tom")
    expect(page.get_by_text(secret)).to_have_count(0)
    page.get_by_role("row", name="ci").get_by_role("button", name="Revoke").click()

    expect(page.get_by_text("The token is revoked.")).to_be_visible()
    assert engine.access.list_tokens("tom") == []


def test_who_is_logged_out_by_somebody_else_is_led_to_the_login_from_an_open_page(page, window, engine):
    engine.access.create_user("otto", password=PASSWORD)
    otto = window("otto").page
    otto.goto("/")
    otto.get_by_role("link", name="Docs").click()
    otto.goto("/propagation")
    expect(otto.locator("[data-live-state]")).to_have_text("connected")

    page.goto("/users/otto")
    expect(page.get_by_role("region", name="Sessions").locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Log out everywhere").click()

    expect(said(page)).to_have_text("Logged out of 1 browser.")
    expect(otto).to_have_url(re.compile(r"/login\?next=%2Fpropagation$"))
    assert engine.access.list_sessions("otto") == []


def test_who_may_only_read_sees_no_button_and_is_refused_what_he_forges(expecting, engine, reader):
    page = expecting(403, reader)
    engine.repositories.create("read-only", importer_type_id="iso_importer", importer_config={"feed": "file:///nowhere/"})
    for path in ("/repositories", "/repositories/read-only", "/schedules", "/workers", "/users", "/tasks"):
        page.goto(path)
        buttons = page.locator("main").get_by_role("button").all_inner_texts()
        assert set(buttons) <= {"Show", "Search", "Filter"}, path

    refused = page.evaluate(
        """async () => {
            const form = new URLSearchParams({csrf: document.querySelector("input[name=csrf]").value});
            const answer = await fetch("/repositories/read-only/sync", {method: "POST", body: form});
            return [answer.status, await answer.text()];
        }"""
    )

    assert refused[0] == 403
    page.goto("/repositories/read-only")
    expect(page.get_by_text("never", exact=True)).to_be_visible()
    assert engine.tasks.list(tags=["pulp:repository:read-only"]) == []
    (entry,) = engine.access.list_audit(login=reader, outcome="refused", resource="/v2/repositories/read-only/")
    assert (entry.action, entry.door) == ("sync", "dashboard")


def test_what_somebody_did_stands_in_the_audit_log(page, engine):
    engine.repositories.create("audited")
    page.goto("/repositories/audited/settings")
    page.get_by_label("Description").fill("Whose description is told of, and not told.")
    page.get_by_role("button", name="Save").click()
    expect(said(page)).to_be_visible()
    page.get_by_role("link", name="Audit").click()

    page.get_by_label("Path, and below").fill("/v2/repositories/audited/")
    page.get_by_label("Door").select_option("dashboard")
    page.get_by_role("button", name="Show").click()

    row = page.get_by_role("region", name="Audit log").locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("description")
    expect(row.locator(".state")).to_have_text("done")
    expect(page.get_by_text("Whose description is told of")).to_have_count(0)
    (entry,) = engine.access.list_audit(resource="/v2/repositories/audited/")
    assert (entry.login, entry.action, entry.outcome) == ("admin", "change", "done")


def test_a_plugin_tells_what_it_is_told_and_takes_a_configuration_on_trial(expecting):
    page = expecting(400)
    page.goto("/plugins")
    page.get_by_role("link", name="iso_importer").click()
    expect(page.get_by_role("region", name="Keys of the configuration of iso_importer")).to_contain_text("feed")
    page.get_by_text("Fill in the form").click()
    page.get_by_label("Feed").fill("gopher://nowhere")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("The plugin refuses this configuration")
    expect(page.get_by_label("Feed")).to_have_attribute("aria-invalid", "true")

    page.get_by_label("Feed").fill("https://example.org/zoo/")
    page.get_by_role("button", name="Check").click()

    expect(said(page)).to_have_text("The plugin takes this configuration.")
    expect(page.locator(".copy code", has_text='"feed": "https://example.org/zoo/"')).to_be_visible()


def test_a_link_in_the_documentation_leads_to_the_very_paragraph(page):
    page.goto("/docs/cli")
    page.locator("article").get_by_role("link", name="audit log", exact=True).click()

    expect(page).to_have_url(re.compile("/docs/access#the-audit-log$"))
    expect(page.get_by_role("heading", name="The audit log")).to_be_in_viewport()


def test_a_page_that_there_is_not_says_so_and_leads_back(expecting):
    page = expecting(404)
    answer = page.goto("/repositories/no-such-repository")
    expect(page.get_by_role("heading", level=1)).to_have_text("That did not work")
    expect(page.locator("main .message")).to_contain_text("no-such-repository")
    assert answer is not None
    assert answer.status == 404

    page.get_by_role("link", name="To the overview").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
