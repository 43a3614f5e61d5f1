"""The documentation is built as a site, without a warning, and loads nothing from elsewhere; and a wheel holds its pages."""

from __future__ import annotations

import re
import subprocess
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from entrepot.dashboard import handbook

#: Attributes by which a browser loads something, by element; a link that a person follows is none.
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src", "link": "href"}


class Loaded(HTMLParser):
    """What a page loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name == LOADS.get(tag) and value]


def is_elsewhere(address: str) -> bool:
    return re.match(r"(?:[a-z]+:)?//", address) is not None


def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(root: Path, tmp_path: Path) -> None:
    built = subprocess.run([root / "scripts" / "docs", tmp_path / "site"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr

    pages = {path: path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.html")}
    styles = {path: path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.css")}
    loaded = {
        path.name: [address for address in Loaded(text).addresses if is_elsewhere(address)] for path, text in pages.items()
    }
    loaded |= {
        path.name: re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')]+)", text) for path, text in styles.items()
    }
    assert {name: found for name, found in loaded.items() if found} == {}

    shown = {path.relative_to(tmp_path / "site").with_suffix("").as_posix() for path in pages}
    expected = {page.slug.replace("README", "index") for page in handbook.pages()}
    assert expected - shown == set()


def test_what_is_loaded_from_elsewhere_is_found() -> None:
    page = (
        '<script src="https://a.example/x.js"></script><img src=//b.example/x><a href="https://c.example"><link href="x.css">'
    )

    assert [address for address in Loaded(page).addresses if is_elsewhere(address)] == [
        "https://a.example/x.js",
        "//b.example/x",
    ]


def test_a_wheel_holds_the_pages_where_the_dashboard_looks_for_them(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = pytest.importorskip("hatchling.build")
    monkeypatch.chdir(root)

    held = zipfile.ZipFile(tmp_path / build.build_wheel(str(tmp_path))).namelist()

    assert [page.slug for page in handbook.pages() if f"entrepot/handbook/{page.slug}.md" not in held] == []
    dashboard = root / "engine" / "entrepot" / "dashboard"
    files = [path for kind in ("templates", "static") for path in (dashboard / kind).rglob("*") if path.is_file()]
    assert [path.name for path in files if f"entrepot/dashboard/{path.relative_to(dashboard)}" not in held] == []
