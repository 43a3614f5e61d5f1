"""Which page of a simple index a client is given."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

from entrepot.repositories.reports import PublishedFile
from entrepot.serving.answer import Answer
from entrepot.serving.indexes import HTML, JSON, PLAIN_HTML, IndexAnswer, find_index, preferred

PIP = f"{JSON}, {HTML}; q=0.1, text/html; q=0.01"


class Files:
    """Stands for what is published: paths, looked up as `Repositories` does."""

    def __init__(self, *paths: str) -> None:
        self.paths = paths

    def find_published_files(self, asked: Iterable[tuple[str, str]]) -> dict[tuple[str, str], PublishedFile]:
        now = datetime.now(tz=UTC)
        return {key: PublishedFile(key[0], "", 0, now, None, is_live=True) for key in asked if key[0] in self.paths}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (PIP, JSON),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("", PLAIN_HTML),
        ("*/*", PLAIN_HTML),
        (f"{JSON};q=0.5, */*;q=0.1", JSON),
        (f"{JSON};q=0.1, text/*", PLAIN_HTML),
        (f"{JSON};q=0, text/html;q=0.5", PLAIN_HTML),
        (HTML, HTML),
        ("application/vnd.pypi.simple.latest+html, text/html;q=0.5", HTML),
        ("text/html,application/xhtml+xml,*/*;q=0.8", PLAIN_HTML),
        (f"{JSON};q=much", PLAIN_HTML),
        ("image/png", PLAIN_HTML),
    ],
)
def test_json_is_given_to_who_prefers_it(accept: str, kind: str) -> None:
    assert preferred(accept) == kind


@pytest.mark.parametrize(
    ("paths", "accept", "expected"),
    [
        (("a/simple/index.v1_json", "a/simple/index.html"), PIP, ("a/simple/index.v1_json", JSON)),
        (("a/simple/index.v1_json", "a/simple/index.html"), "*/*", ("a/simple/index.html", PLAIN_HTML)),
        (("a/simple/index.v1_json",), "*/*", ("a/simple/index.v1_json", JSON)),
        (("a/simple/index.html",), PIP, None),
        ((), PIP, None),
    ],
)
def test_a_folder_is_an_index_if_it_has_a_json_page(paths, accept: str, expected) -> None:
    found = find_index(Files(*paths), "a/simple", {"accept": accept}, scheme="http")

    assert (found and (found[0].path, found[1])) == expected


def test_the_list_of_all_sites_is_no_index() -> None:
    assert find_index(Files("index.v1_json", "/index.v1_json"), "", {"accept": PIP}, scheme="http") is None


def test_caches_are_told_that_the_answer_depends_on_what_is_accepted() -> None:
    sent = []

    async def send(message) -> None:
        sent.append(message)

    answer = IndexAnswer(Answer(200, {"content-type": "application/octet-stream", "etag": '"a"'}, b"{}"), JSON)
    asyncio.run(answer({"type": "http"}, None, send))

    assert dict(sent[0]["headers"]) == {
        b"content-type": JSON.encode(),
        b"etag": b'"a"',
        b"content-length": b"2",
        b"vary": b"Accept",
    }
    assert sent[1]["body"] == b"{}"
