"""Look-ups of files for many requests: alone where that is brief, together where a server is asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from entrepot.errors import DatabaseUnavailable
from entrepot.readers import Readers
from entrepot.repositories.reports import PublishedFile
from entrepot.serving.lookups import Lookups

if TYPE_CHECKING:
    from entrepot.engine import Engine

Asked = list[tuple[str, str]]


class Published:
    """Stands for an engine that publishes every path but `missing`, and notes what it is asked for at once."""

    def __init__(self, *, is_embedded: bool) -> None:
        self.database = SimpleNamespace(is_embedded=is_embedded)
        self.repositories = self
        self.asked: list[int] = []
        self.threads: set[threading.Thread] = set()
        self.is_away = False

    @contextmanager
    def visit(self) -> Iterator[None]:
        yield

    def find_published_files(self, asked: Asked) -> dict[tuple[str, str], PublishedFile]:
        if self.is_away:
            raise DatabaseUnavailable("away")
        self.asked.append(len(asked))
        self.threads.add(threading.current_thread())
        now = datetime.now(tz=UTC)
        return {each: PublishedFile(each[0], "", 0, now, None, is_live=True) for each in asked if each[0] != "missing"}


def _lookups(published: Published) -> Lookups:
    engine = cast("Engine", published)
    return Lookups(engine, Readers(engine, threads=1))


async def _find(lookups: Lookups, *paths: str) -> list[str | None]:
    found = await asyncio.gather(*(lookups.find(path, "http") for path in paths))
    return [file and file.path for file in found]


def test_where_the_database_is_a_file_each_is_looked_up_at_once_and_here() -> None:
    published = Published(is_embedded=True)

    assert asyncio.run(_find(_lookups(published), "a", "missing", "b")) == ["a", None, "b"]

    assert published.asked == [1, 1, 1]
    assert published.threads == {threading.main_thread()}


def test_where_it_is_a_server_those_that_wait_are_looked_up_together() -> None:
    published = Published(is_embedded=False)
    paths = [f"path-{number}" for number in range(150)]

    assert asyncio.run(_find(_lookups(published), *paths)) == paths

    assert published.asked == [1, 1, 64, 64, 20]
    assert threading.main_thread() not in published.threads


@pytest.mark.parametrize("is_embedded", [True, False])
def test_an_error_reaches_all_who_asked_and_the_next_one_is_answered(is_embedded: bool) -> None:
    published = Published(is_embedded=is_embedded)
    lookups = _lookups(published)

    async def find() -> list[str | None]:
        published.is_away = True
        failed = await asyncio.gather(*(lookups.find(path, "http") for path in "abcd"), return_exceptions=True)
        assert [type(error) for error in failed] == [DatabaseUnavailable] * 4
        published.is_away = False
        return await _find(lookups, "a")

    assert asyncio.run(find()) == ["a"]
