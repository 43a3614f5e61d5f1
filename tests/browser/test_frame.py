"""Logging in and out, the Live switch, streams that break, and pages without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .cable import Cable
from .conftest import PASSWORD


@pytest.fixture
def cable(site):
    """A cable to the served engine."""
    cable = Cable(site.url)
    yield cable
    cable.close()


#: What htmx writes to the console when a stream breaks.
HTMX_SAYS_SO = "[object Event]"


def log_in(page, login="admin", password=PASSWORD):
    page.get_by_label("Login", exact=True).fill(login)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()


def beat(engine, name):
    """Let a worker of this name show itself, which the page of workers tells."""
    with engine.transaction() as database:
        database.execute(
            "INSERT INTO worker (name, host, pid, threads, version, started_at, beat_at) VALUES (?, ?, 1, 1, '0', 0, 0)",
            (name, "elsewhere"),
        )


def test_a_wrong_password_is_told_and_the_right_one_leads_to_where_one_wanted(windows):
    watched = windows()
    watched.expected = ("Failed to load resource: the server responded with a status of 401",)
    page = watched.page
    page.goto("/workers")
    expect(page).to_have_url(re.compile(r"/login\?next=%2Fworkers$"))

    log_in(page, password="wrong")
    expect(page.get_by_role("alert")).to_have_text("Login and password do not fit.")
    expect(page.get_by_label("Login", exact=True)).to_have_value("admin")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    log_in(page)

    expect(page).to_have_url(re.compile("/workers$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Workers")


def test_who_logs_out_is_out_in_every_window_at_once(window):
    first = window()
    first.page.goto("/workers")
    second = first.page.context.new_page()
    second.goto("/workers")
    expect(second.locator("[data-live-state]")).to_have_text("connected")

    first.page.get_by_role("button", name="Log out").click()

    expect(first.page.get_by_role("status")).to_have_text("You are logged out.")
    expect(second).to_have_url(re.compile("/login"))


def test_a_change_is_on_the_page_at_once_and_not_while_live_is_off(page, engine):
    page.goto("/workers")
    expect(page.locator("[data-live-state]")).to_have_text("connected")
    beat(engine, "live-one")
    expect(page.get_by_role("rowheader", name="live-one")).to_be_visible(timeout=2_000)

    page.get_by_label("Live").uncheck()
    expect(page.locator("[data-live-state]")).to_have_text("off")
    beat(engine, "live-two")
    page.reload()
    expect(page.locator("[data-live-state]")).to_have_text("off")
    beat(engine, "live-three")
    page.get_by_label("Live").check()

    expect(page.locator("[data-live-state]")).to_have_text("connected")
    expect(page.get_by_role("rowheader", name="live-three")).to_be_visible()


def test_a_stream_that_breaks_goes_on_with_what_was_missed(window, engine, cable):
    watched = window(base_url=cable.url)
    watched.expected, watched.also = ("Failed to load resource: net::ERR", HTMX_SAYS_SO), (cable.url,)
    page, asked = watched.page, []
    page.on("request", lambda request: asked.append(request) if "/live?" in request.url else None)
    page.goto("/workers")
    expect(page.locator("[data-live-state]")).to_have_text("connected")
    beat(engine, "before-it-broke")
    expect(page.get_by_role("rowheader", name="before-it-broke")).to_be_visible()

    cable.cut()
    expect(page.locator("[data-live-state]")).to_have_text(re.compile("connecting again|asking"))
    beat(engine, "while-it-was-away")
    cable.mend()

    expect(page.get_by_role("rowheader", name="while-it-was-away")).to_be_visible()
    expect(page.locator("[data-live-state]")).to_have_text("connected")
    assert asked[-1].all_headers()["last-event-id"].startswith("workers:")


def test_where_no_stream_gets_through_the_page_is_asked_for_again_and_again(window, engine):
    watched = window()
    watched.expected = ("Failed to load resource", HTMX_SAYS_SO)
    page = watched.page
    page.route("**/live?*", lambda route: route.fulfill(status=502, body="a proxy that knows no streams"))
    page.goto("/workers")
    expect(page.locator("[data-live-state]")).to_have_text("asking every 5 s")

    beat(engine, "seen-by-asking")

    expect(page.get_by_role("rowheader", name="seen-by-asking")).to_be_visible()


def test_without_javascript_all_is_there(windows, engine):
    page = windows(java_script_enabled=False).page
    page.goto("/login?next=/workers")
    log_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Workers")
    expect(page.get_by_text("Load this page again")).to_be_visible()
    expect(page.get_by_label("Live")).to_be_hidden()
    worker = page.locator("tbody tr", has_text="active").first
    name = worker.get_by_role("rowheader").inner_text()

    worker.get_by_role("button", name="Drain").click()
    expect(page.get_by_role("status")).to_contain_text("will claim nothing new")
    page.locator("tbody tr", has_text=name).get_by_role("button", name="Resume").click()

    expect(page.get_by_role("status")).to_contain_text("will claim tasks again")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def test_the_keyboard_is_enough(windows):
    page = windows().page
    page.goto("/login?next=/workers")
    expect(page.get_by_label("Login", exact=True)).to_be_focused()
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Workers")

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_both_themes_are_dressed(window):
    colours = {}
    for theme in ("light", "dark"):
        page = window(color_scheme=theme).page
        page.goto("/workers")
        colours[theme] = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert colours == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 29)"}
