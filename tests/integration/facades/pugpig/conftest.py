"""A Pugpig account with a publication that shows one repository, and a client with its key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from entrepot import clock
from entrepot.engine import Engine
from entrepot.events import record_activity
from entrepot.facades.limits import Buckets
from entrepot.facades.pugpig import PugpigDoor
from entrepot.readers import Readers
from entrepot.settings import Settings
from entrepot.tasking import TaskHandle
from entrepot.testing import drain

BASE = "/publication/weekly/addon/main.weekly.acme"
PROGRESS, COMPLETED, ACTIVITY, SPECIFICATION, UPDATE = (
    f"{BASE}/{name}" for name in ("progress.json", "completed.json", "activity", "specification", "action/update_content")
)


@pytest.fixture
def database_kind() -> str:
    """One is enough for what the door makes of tasks; that both tell the same is shown where they are asked."""
    return "sqlite"


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """An engine with the account, whose publication shows what the distributor `web` of the repository `zoo` publishes."""
    with Engine(settings=settings) as made:
        made.initialise()
        distributors = [{"distributor_type_id": "iso_distributor", "distributor_id": one} for one in ("web", "print")]
        made.repositories.create("zoo", distributors=distributors)
        made.tenants.add("pugpig", "acme")
        made.tenants.set_channel("pugpig", "acme", "weekly", sources=[("zoo", "web")])
        yield made


@pytest.fixture
def mirror(engine: Engine) -> None:
    """The repository has an importer; nothing is fetched, for no task runs."""
    engine.repositories.get("zoo").request_set_importer("iso_importer", {"feed": "http://feed.test/"})
    drain(engine)


class Seconds:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def let_run(
    engine: Engine, handle: TaskHandle, *, age: timedelta = timedelta(minutes=1), steps: list[dict[str, Any]] | None = None
) -> None:
    """Let a task be under way since `age`, as a worker's claim and progress do."""
    started = clock.to_us(clock.now() - age)
    progress = None if steps is None else json.dumps({"iso_importer": steps})
    with engine.database.transaction() as database:
        database.execute(
            "UPDATE task SET state = 'running', started_at = ?, progress = ?, attempt = 1, owner = 'w' WHERE task_id = ?",
            (started, progress, handle.task_id),
        )


def let_end(engine: Engine, handle: TaskHandle, state: str, **values: Any) -> None:
    """Let a task have ended, with JSON in the columns that `values` name."""
    given = {"finished_at": clock.now_us(), **values}
    columns = "".join(f", {name} = ?" for name in given)
    texts = [
        value if name in ("finished_at", "started_at", "traceback") else json.dumps(value) for name, value in given.items()
    ]
    with engine.database.transaction() as database:
        database.execute(f"UPDATE task SET state = ?{columns} WHERE task_id = ?", (state, *texts, handle.task_id))
        database.execute("DELETE FROM reservation WHERE task = (SELECT id FROM task WHERE task_id = ?)", (handle.task_id,))


def note(engine: Engine, *messages: str, repository_id: str = "zoo") -> None:
    """Write lines of the log."""
    for message in messages:
        with engine.database.transaction() as database:
            record_activity(database, "notice", repository_id, message)


class Client:
    """Asks the door with a key, in a thread of its own."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient, key: str) -> None:
        self.portal, self.client = portal, client
        self.key = key

    def get(self, path: str = PROGRESS, *, method: str = "GET", key: str | None = None, **headers: str) -> httpx.Response:
        """Ask for `path` with its query; without `key` by the client's own, with an empty one by none."""
        shown = self.key if key is None else key
        given = {"Authorization": f"Bearer {shown}"} if shown else {}
        given |= {name.replace("_", "-"): headers[name] for name in headers}
        return self.portal.call(partial(self.client.request, method, path, headers=given))

    def actions(self, path: str = PROGRESS) -> list[dict[str, Any]]:
        """Return the actions that are told."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        actions: list[dict[str, Any]] = answer.json()["actions"]
        return actions

    def said(self, path: str = PROGRESS, **asked: Any) -> tuple[int, Any]:
        """Return the status and the text of a refusal, after a look at its shape."""
        answer = self.get(path, **asked)
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert list(answer.json()) == ["error"]
        return answer.status_code, answer.json()["error"]


@pytest.fixture
def door(engine: Engine, seconds: Seconds) -> PugpigDoor:
    return PugpigDoor(engine, Readers(engine), seconds=seconds, updates=Buckets(1e6, 1_000_000, seconds))


@pytest.fixture
def client(engine: Engine, door: PugpigDoor) -> Iterator[Client]:
    """A client with a key of the publication that may do all that there is."""
    _, secret = engine.tenants.issue_token("pugpig", "acme", "dashboard", handle="weekly", scopes=["monitor", "act"])
    with start_blocking_portal() as portal:
        asking = httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://acme.admin.example.org:8080")
        yield Client(portal, asking, secret)
        portal.call(asking.aclose)


@pytest.fixture
def other_key(engine: Engine) -> str:
    """Another key of the same publication, which may only read."""
    return engine.tenants.issue_token("pugpig", "acme", "other", handle="weekly")[1]
