"""Every page there is, in both themes, on a narrow screen, and with names that would be markup."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from entrepot.dashboard.routes import ROUTES

from .furniture import furnish

LARGEST_PAGE_BYTES = 60_000
MOST_REQUESTS = 5
#: A page of the reference lists everything; it is read, and not looked at while one works.
LONG = ("/docs",)
#: What the names of a path do not say: parameters without which a page has nothing to show.
QUERIES = {
    "/repositories/{repository_id}/publications/compare": "?distributor=web&before=1&after=2",
    "/repositories/{repository_id}/publications/roll_back": "?distributor=web&revision=1",
    "/tasks/bulk": "?action=cancel&state=waiting",
    "/schedules/new": "?repository=zoo&kind=sync",
}
#: Names that mean something else below another path.
OTHERS = {
    "/plugins/distributor/{type_id}": {"type_id": "yum_distributor"},
    "/plugins/unit_type/{type_id}": {"type_id": "rpm"},
}
PATHS = sorted({route.path for route in ROUTES if route.method == "GET"} - {"/account"})


@pytest.fixture(scope="module")
def known() -> dict[str, str]:
    """What the names in the pages' paths may be; filled by the first test that asks."""
    return {}


@pytest.fixture
def names(known, engine, tmp_path_factory, feed) -> Mapping[str, str]:
    if not known:
        known |= furnish(engine, feed, tmp_path_factory.mktemp("furniture"))
    return known


def path_of(pattern, names):
    def value(match):
        return {**names, **OTHERS.get(pattern, {})}[match[1].partition(":")[0]]

    return re.sub(r"\{([^}]+)\}", value, pattern) + QUERIES.get(pattern, "")


@pytest.mark.parametrize("pattern", PATHS)
def test_a_page_is_fit_for_people(pattern, names, window):
    """It says what it is, keeps nobody out (axe-core, WCAG 2.2 AA), is small, and its bars stay on a narrow screen."""
    watched = window(reduced_motion="reduce")
    page = watched.page
    answer = page.goto(path_of(pattern, names))
    assert answer is not None
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    if page.locator("[data-live-state]").count():
        expect(page.locator("[data-live-state]")).to_have_text("connected")

    assert answer.status == 200
    html = answer.text()
    assert len(html.encode()) <= LARGEST_PAGE_BYTES or pattern.startswith(LONG)
    assert len(watched.requested) <= MOST_REQUESTS, watched.requested
    assert "geheim-geheim" not in html
    assert page.locator("img[src=x]").count() == 0
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
    assert serious(found) == []
    page.emulate_media(color_scheme="dark")
    assert serious(Axe().run(page, options={"runOnly": ["cat.color"]})) == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def serious(found):
    """Return what axe-core found that keeps people from using a page."""
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: {[node['html'][:200] for node in each['nodes'][:3]]}"
        for each in found.response["violations"]
        if each["impact"] in ("serious", "critical")
    ]
