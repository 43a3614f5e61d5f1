from __future__ import annotations

import re
from pathlib import Path

import pytest

from entrepot.dashboard import handbook
from entrepot.errors import MissingResource


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A handbook of two pages in a folder of its own."""
    (tmp_path / "howto").mkdir()
    (tmp_path / "README.md").write_text("# Front\n\n[How](howto/nginx.md#the-file), [out](../README.md)\n")
    monkeypatch.setattr(handbook, "NAVIGATION", (("Start", ("README",)), ("How to", ("howto/nginx", "gone"))))
    monkeypatch.setattr(handbook, "_folder", lambda: tmp_path)
    monkeypatch.setattr(handbook, "page", handbook.page.__wrapped__)
    monkeypatch.setattr(handbook, "_pages", handbook._pages.__wrapped__)
    return tmp_path


def rendered(book: Path, text: str) -> handbook.RenderedPage:
    (book / "howto" / "nginx.md").write_text(f"# Behind `nginx`\n\n{text}\n", encoding="utf-8")
    return handbook.page("howto/nginx")


def test_pages_come_in_the_order_of_the_navigation_with_their_titles(book: Path) -> None:
    rendered(book, "Text.")

    assert [(page.section, page.slug, page.title, page.address) for page in handbook.pages()] == [
        ("Start", "README", "Front", "/docs/"),
        ("How to", "howto/nginx", "Behind nginx", "/docs/howto/nginx"),
    ]


@pytest.mark.parametrize("slug", ["nothing", "../README", "gone", "README.md", ""])
def test_a_page_that_the_navigation_has_not_is_missing(book: Path, slug: str) -> None:
    with pytest.raises(MissingResource):
        handbook.page(slug)


def test_a_page_is_html_below_its_title(book: Path) -> None:
    page = rendered(book, "Some *text*.\n\n## The file\n\n### `a` & b\n\n## The file")

    assert page.title == "Behind nginx"
    assert page.html.startswith("<p>Some <em>text</em>.</p>")
    assert page.headings == (
        handbook.Heading(2, "The file", "the-file"),
        handbook.Heading(3, "a & b", "a--b"),
        handbook.Heading(2, "The file", "the-file-1"),
    )
    assert re.findall(r'id="([^"]+)"', page.html) == [heading.anchor for heading in page.headings]


def test_links_lead_to_pages_that_are_here_and_all_others_are_text(book: Path) -> None:
    links = (
        "[up](../README.md#front) [here](#the-file) [gone](../gone.md) [code](../../engine/x.py) [web](https://example.org/a)"
    )
    page = rendered(book, links)

    assert page.html == (
        '<p><a href="/docs/#front">up</a> <a href="#the-file">here</a> gone code <a href="https://example.org/a">web</a></p>\n'
    )
    assert handbook.page("README").html == '<p><a href="/docs/howto/nginx#the-file">How</a>, out</p>\n'


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](//elsewhere.example/a.md)",
        "[x](data:text/html,hello)",
        "![x](https://elsewhere.example/a.png)",
        '```sh onclick="x"\n<img src=x onerror=y>\n```',
        "| a |\n|:-:|\n| <b style='x'>b</b> |",
    ],
)
def test_nothing_in_a_page_runs_or_is_loaded_or_has_a_style(book: Path, text: str) -> None:
    html = rendered(book, text).html

    assert re.findall(r"<(?:script|img|iframe|b)|<[^>]*\b(?:style|on\w+)=|href=\"(?!#|/docs/|https?://)[^\"]*\"", html) == []


def test_tables_and_code_scroll_by_keyboard_and_headers_say_what_they_head(book: Path) -> None:
    html = rendered(book, "| a | b |\n|---|--:|\n| 1 | 2 |\n\n```sh\nls a\n```").html

    assert '<div class="scroll" role="region" tabindex="0" aria-label="Table 1"><table>' in html
    assert html.count('<th scope="col">') == 2
    assert '<pre tabindex="0"><code class="language-sh">ls a\n</code></pre>' in html


def test_every_page_of_the_documentation_is_in_the_navigation_and_small_enough_to_show() -> None:
    root = Path(handbook.__file__).parents[3] / "docs"
    written = {path.relative_to(root).with_suffix("").as_posix() for path in root.rglob("*.md")} - {"decisions/template"}

    assert {page.slug for page in handbook.pages()} == written
    assert [page.slug for page in handbook.pages() if len(handbook.page(page.slug).html.encode()) > 52_000] == []
