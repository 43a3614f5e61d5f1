"""What the door does before and after a view: whom it lets wait, what it reads, what it logs."""

from __future__ import annotations

import asyncio
import logging
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from entrepot.engine import Engine
from entrepot.readers import READER_THREADS, Readers
from entrepot.rest import RestApp
from entrepot.rest.task_watch import WatchedTask
from entrepot.streaming import Changes

from .conftest import PASSWORD
from .sample_tasks import echo

ADMIN = b"Basic " + b64encode(f"admin:{PASSWORD}".encode())


@pytest.fixture
def database_kind() -> str:
    """One is enough: nothing here asks the database more than who asks."""
    return "sqlite"


class Client:
    """One request to a door; it stays until it is told to go."""

    def __init__(self, method: str, path: str, *, credentials: bytes = ADMIN, **headers: bytes) -> None:
        self.scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": f"/pulp/api/v2/{path}",
            "raw_path": f"/pulp/api/v2/{path.partition('?')[0]}".encode(),
            "query_string": path.partition("?")[2].encode(),
            "headers": [(b"authorization", credentials), *((name.encode(), value) for name, value in headers.items())],
            "client": ("192.0.2.1", 5),
        }
        self.sent: list[Any] = []
        self.received = 0
        self.gone = asyncio.Event()
        self.body: Iterator[bytes] = iter(())
        self.ends = False  # or goes before the end of its body

    async def receive(self) -> dict[str, Any]:
        part = next(self.body, None)
        if part is not None:
            self.received += len(part)
            return {"type": "http.request", "body": part, "more_body": not self.ends}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    async def ask(self, door: RestApp) -> None:
        await asyncio.wait_for(door(self.scope, self.receive, self.send), 30)


def door_of(engine: Engine) -> RestApp:
    return RestApp(engine, Readers(engine))


@pytest.mark.parametrize("parts", [[], [b'{"override_config": '], [b"{}"]])
def test_a_request_whose_client_goes_before_its_end_does_nothing(engine: Engine, parts: list[bytes]) -> None:
    engine.repositories.create("zoo", importer_type_id="iso_importer")

    async def ask() -> list[Any]:
        client = Client("POST", "repositories/zoo/actions/sync/", **{"content-length": b"50"})
        client.body = iter(parts)
        client.gone.set()
        await client.ask(door_of(engine))
        return client.sent

    assert asyncio.run(ask()) == []
    assert engine.tasks.list() == []


@pytest.mark.parametrize("headers", [{"content-length": b"5000000"}, {"transfer-encoding": b"chunked"}])
def test_a_large_body_is_read_only_from_those_who_may_send_it(engine: Engine, headers: dict[str, bytes]) -> None:
    async def ask(credentials: bytes) -> Client:
        client = Client("POST", "users/", credentials=credentials, **headers)
        client.body = iter([b"x" * 100_000] * 50)
        client.gone.set()
        await client.ask(door_of(engine))
        return client

    refused = asyncio.run(ask(b"Bearer none"))

    assert (refused.status, refused.received) == (401, 0)
    assert asyncio.run(ask(ADMIN)).received == 5_000_000


def held(function: Callable[..., Any], begun: threading.Semaphore, go_on: threading.Event) -> Callable[..., Any]:
    """Return `function`, which says when it begins, and then waits."""

    def waiting(*arguments: Any, **options: Any) -> Any:
        begun.release()
        assert go_on.wait(60)
        return function(*arguments, **options)

    return waiting


def test_passwords_that_are_hashed_leave_room_for_other_requests(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = engine.access.create_token("admin", "ci")
    begun, go_on = threading.Semaphore(0), threading.Event()
    passwords = engine.access._passwords
    monkeypatch.setattr(passwords, "matches", held(passwords.matches, begun, go_on))

    async def ask() -> tuple[int, list[int]]:
        door = door_of(engine)
        guesses = [
            Client("GET", "tasks/", credentials=b"Basic " + b64encode(b"admin:guess %d" % number))
            for number in range(2 * READER_THREADS)
        ]
        guessing = [asyncio.create_task(guess.ask(door)) for guess in guesses]
        try:
            await asyncio.to_thread(begun.acquire, timeout=30)
            other = Client("GET", "tasks/", credentials=f"Bearer {token}".encode())
            await other.ask(door)
        finally:
            go_on.set()
            await asyncio.gather(*guessing)
        return other.status, [guess.status for guess in guesses]

    assert asyncio.run(ask()) == (200, [401] * 2 * READER_THREADS)


def test_those_who_wait_to_write_leave_room_for_those_who_read(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()
    monkeypatch.setattr(engine.access, "create_user", held(engine.access.create_user, begun, go_on))

    async def ask() -> tuple[int, list[int]]:
        door = door_of(engine)
        reader = Client("GET", "tasks/")
        await reader.ask(door)  # from now on the password is remembered
        writers = [Client("POST", "users/", **{"content-length": b"16"}) for _ in range(2 * READER_THREADS)]
        for number, writer in enumerate(writers):
            writer.body, writer.ends = iter([b'{"login": "u%02d"}' % number]), True
        writing = [asyncio.create_task(writer.ask(door)) for writer in writers]
        try:
            await asyncio.to_thread(begun.acquire, timeout=30)
            reader = Client("GET", "tasks/")
            await reader.ask(door)
        finally:
            go_on.set()
            await asyncio.gather(*writing)
        return reader.status, [writer.status for writer in writers]

    assert asyncio.run(ask()) == (200, [201] * 2 * READER_THREADS)


def test_those_who_wait_for_tasks_leave_room_for_other_requests(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = engine.enqueue(echo, 1).task_id
    begun, go_on = threading.Semaphore(0), threading.Event()
    monkeypatch.setattr(WatchedTask, "look", held(WatchedTask.look, begun, go_on))

    async def ask() -> int:
        door = door_of(engine)
        await Client("GET", "status/").ask(door)
        waiting = [asyncio.create_task(Client("GET", f"tasks/{task_id}/?wait=0").ask(door)) for _ in range(2 * READER_THREADS)]
        try:
            await asyncio.to_thread(begun.acquire, timeout=30)
            other = Client("GET", "tasks/")
            await other.ask(door)
        finally:
            go_on.set()
            await asyncio.gather(*waiting)
        return other.status

    assert asyncio.run(ask()) == 200


def test_nobody_looks_for_a_client_who_has_gone(engine: Engine) -> None:
    task_id = engine.enqueue(echo, 1).task_id

    async def ask() -> list[Any]:
        client = Client("GET", f"tasks/{task_id}/?wait=60")
        asking = asyncio.create_task(client.ask(door_of(engine)))
        client.gone.set()
        await asking  # at most 30 s
        return client.sent

    assert asyncio.run(ask()) == []


def test_a_watch_that_fails_is_begun_anew(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, failed = engine.database.watch, threading.Event()

    def fail_once() -> Any:
        if failed.is_set():
            return watch()
        failed.set()
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(engine.database, "watch", fail_once)

    async def listen() -> bool:
        changes = Changes(engine)
        with changes.listening() as changed:
            stays: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            began = asyncio.get_running_loop().time()
            for _ in range(3):
                await changed.after_change(60, stays)
            return asyncio.get_running_loop().time() - began < 30

    assert asyncio.run(listen())


def test_what_a_client_sends_makes_no_line_of_its_own_in_the_log(
    api: Any, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "entrepot")

    api.as_("eve\n2026-01-01 WARNING entrepot: all is well" + "x" * 10_000).get("users/")

    lines = [record.getMessage() for record in caplog.records if record.name.startswith("entrepot")]
    assert len(lines) == 2
    assert all("\n" not in line and len(line) < 3000 for line in lines)
