"""The threads that look things up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from entrepot import readers as readers_module
from entrepot.errors import DatabaseUnavailable
from entrepot.readers import Readers

if TYPE_CHECKING:
    from entrepot.engine import Engine


class Visited:
    """Stands for an engine: counts the visits that begin, and says when one has ended."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = threading.Semaphore(0)
        self.database = SimpleNamespace(is_embedded=True)

    @contextmanager
    def visit(self) -> Iterator[None]:
        self.begun += 1
        yield
        self.ended.release()


@pytest.fixture
def visited() -> Visited:
    return Visited()


@pytest.fixture
def readers(visited: Visited) -> Readers:
    return Readers(cast("Engine", visited), threads=1)


def _unavailable() -> None:
    msg = "away"
    raise DatabaseUnavailable(msg)


def test_what_is_read_one_after_the_other_shares_one_connection(readers: Readers, visited: Visited) -> None:
    async def read() -> list[int]:
        return [await readers.run(lambda number=number: number) for number in range(50)]  # type: ignore[misc]  # bound early

    assert asyncio.run(read()) == list(range(50))
    assert visited.begun == 1


def test_an_idle_thread_closes_its_connection(readers: Readers, visited: Visited) -> None:
    asyncio.run(readers.run(lambda: None))

    assert visited.ended.acquire(timeout=30)


def test_a_database_error_reaches_the_one_who_asked_and_ends_the_connection(readers: Readers, visited: Visited) -> None:
    async def read() -> int:
        with pytest.raises(DatabaseUnavailable):
            await readers.run(_unavailable)
        return await readers.run(lambda: 1)

    assert asyncio.run(read()) == 1
    assert visited.begun == 2


def test_any_other_error_reaches_the_one_who_asked_and_the_thread_goes_on(readers: Readers, visited: Visited) -> None:
    async def read() -> int:
        with pytest.raises(ZeroDivisionError):
            await readers.run(lambda: 1 // 0)
        return await readers.run(lambda: 1)

    assert asyncio.run(read()) == 1
    assert visited.begun == 1


def test_what_nobody_waits_for_any_more_is_not_run(readers: Readers) -> None:
    ran = []
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        go_on.wait(30)

    async def read() -> None:
        held = asyncio.ensure_future(readers.run(hold))
        await asyncio.to_thread(begun.wait, 30)
        canceled = asyncio.ensure_future(readers.run(lambda: ran.append("canceled")))
        await asyncio.sleep(0)
        canceled.cancel()
        await asyncio.sleep(0)
        go_on.set()
        await held
        await readers.run(lambda: ran.append("asked"))

    asyncio.run(read())

    assert ran == ["asked"]


def test_an_answer_to_a_loop_that_has_ended_is_dropped_and_the_thread_goes_on(readers: Readers) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        go_on.wait(30)

    async def leave() -> None:
        asyncio.ensure_future(readers.run(hold))  # noqa: RUF006 - nobody waits for it: that is the case
        await asyncio.to_thread(begun.wait, 30)

    asyncio.run(leave())
    go_on.set()

    assert asyncio.run(readers.run(lambda: 1)) == 1


def test_what_is_brief_runs_where_it_is_called_if_the_database_is_a_file(readers: Readers, visited: Visited) -> None:
    async def read() -> list[threading.Thread]:
        return [await readers.run_brief(threading.current_thread) for _ in range(50)]

    assert set(asyncio.run(read())) == {threading.main_thread()}
    assert visited.begun == 1


def test_what_is_brief_runs_in_a_reader_if_the_database_is_a_server(readers: Readers, visited: Visited) -> None:
    visited.database.is_embedded = False

    assert asyncio.run(readers.run_brief(threading.current_thread)) is not threading.main_thread()


def test_the_connection_for_what_is_brief_is_closed_when_it_is_idle(
    readers: Readers, visited: Visited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers_module, "_IDLE_SECONDS", 0.01)

    async def read() -> bool:
        await readers.run_brief(lambda: None)
        return await asyncio.to_thread(visited.ended.acquire, timeout=30)

    assert asyncio.run(read())


def test_the_connection_for_what_is_brief_ends_with_a_database_error(readers: Readers, visited: Visited) -> None:
    async def read() -> int:
        with pytest.raises(DatabaseUnavailable):
            await readers.run_brief(_unavailable)
        return await readers.run_brief(lambda: 1)

    assert asyncio.run(read()) == 1
    assert visited.begun == 2
