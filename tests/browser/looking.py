"""What tests look at on many pages."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect


def open_live(page: Page, path: str) -> None:
    """Open a page, wait until it is live, and leave something in it that is gone when it is loaded anew."""
    page.goto(path)
    expect(page.locator("[data-live-state]")).to_have_text("connected")
    page.evaluate("window.isTheSame = true")


def assert_was_not_loaded_anew(page: Page) -> None:
    """See that what `open_live` left is there still: whatever has changed since came by the stream."""
    assert page.evaluate("window.isTheSame === true")


def fact(page: Page, name: str) -> Locator:
    """Return what stands beside a name in a list of facts."""
    return page.locator(f"dt:text-is('{name}') + dd")


def said(page: Page) -> Locator:
    """Return what the page says about what was done last."""
    return page.locator("p.notice[role=status]")


def state(page: Page) -> Locator:
    """Return the state of the task whose page it is."""
    return page.locator("#live-state .state").first


def task_link(task_id: str) -> str:
    """Return what selects links to the page of a task."""
    return f"a[title='{task_id}']"
