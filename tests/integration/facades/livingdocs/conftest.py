"""A Livingdocs project with a channel that shows one repository, and a client with its token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from entrepot import clock
from entrepot.engine import Engine
from entrepot.events import Flip
from entrepot.facades.limits import Buckets
from entrepot.facades.livingdocs import LivingdocsDoor
from entrepot.readers import Readers
from entrepot.settings import Settings

PROJECT, FEED = "30", "/api/v1/publicationEvents"


@pytest.fixture
def database_kind() -> str:
    """One is enough for what the door makes of events; that both tell the same is shown where they are asked."""
    return "sqlite"


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    with Engine(settings=settings) as made:
        yield made


@dataclass
class Newsroom:
    """The engine's side: publishes, as a distributor's flip does, without the work of one."""

    engine: Engine
    #: What is served: (repository, distributor) -> publication.
    served: dict[tuple[str, str], int] = field(default_factory=dict)

    def add_repository(self, repository_id: str, *distributors: str) -> None:
        """Make a repository that distributors publish."""
        new = [{"distributor_type_id": "iso_distributor", "distributor_id": one} for one in distributors or ("web",)]
        self.engine.repositories.create(repository_id, distributors=new)

    def publish(self, repository_id: str = "zoo", distributor_id: str = "web", **changes: Any) -> None:
        """Serve the next publication, or what `changes` of a `Flip` say."""
        key = (repository_id, distributor_id)
        previous = self.served.get(key)
        values: dict[str, Any] = {
            "revision": (previous or 0) + 1,
            "previous": previous,
            "content_type": "iso_importer",
            "unit_types": ("iso",),
            "task_id": None,
            "is_automatic": False,
            "is_rollback": False,
        }
        flip = Flip(repository_id, distributor_id, 1, "iso_distributor", **(values | changes))
        with self.engine.database.transaction():
            self.engine.events.flipped(flip)
        if flip.revision is None:
            del self.served[key]
        else:
            self.served[key] = flip.revision

    def unpublish(self, repository_id: str = "zoo", distributor_id: str = "web") -> None:
        """Serve nothing any more."""
        self.publish(repository_id, distributor_id, revision=None)

    def date(self, event_id: int, moment: str) -> None:
        """Let an event have happened at another moment."""
        created = clock.to_us(datetime.fromisoformat(moment))
        with self.engine.database.transaction() as database:
            database.execute("UPDATE publication_event SET created_at = ? WHERE id = ?", (created, event_id))


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    """A project whose default channel `web` shows all that the repository `zoo` publishes."""
    made = Newsroom(engine)
    made.add_repository("zoo", "web", "print")
    engine.tenants.add("livingdocs", PROJECT)
    engine.tenants.set_channel("livingdocs", PROJECT, "web", sources=[("zoo", "*")])
    return made


class Client:
    """Asks the door with a token, in a thread of its own; a token may ask as often as it likes."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient, token: str) -> None:
        self._portal, self._client = portal, client
        self.token = token

    def get(self, path: str = FEED, *, method: str = "GET", token: str | None = None, **headers: str) -> httpx.Response:
        """Ask for `path` with its query."""
        given = {"Authorization": f"Bearer {token or self.token}"} | {name.replace("_", "-"): headers[name] for name in headers}
        raw = {name: value.encode("latin-1") for name, value in given.items()}
        return self._portal.call(partial(self._client.request, method, path, headers=raw))

    def events(self, query: str = "", path: str = FEED) -> list[dict[str, Any]]:
        """Return the events that are told."""
        answer = self.get(f"{path}?{query}" if query else path)
        assert answer.status_code == 200, answer.text
        events: list[dict[str, Any]] = answer.json()
        return events

    def ids(self, query: str = "", path: str = FEED) -> list[int]:
        """Return the ids of the events that are told."""
        return [event["id"] for event in self.events(query, path)]

    def refused(self, query: str) -> dict[str, str]:
        """Return what is said of the parameters of a query that is refused."""
        answer = self.get(f"{FEED}?{query}")
        body = answer.json()
        assert (answer.status_code, body["status"], body["error"]) == (400, 400, "Bad Request")
        details: dict[str, str] = body["error_details"]
        return details


@pytest.fixture
def door(engine: Engine) -> LivingdocsDoor:
    return LivingdocsDoor(engine, Readers(engine), limits=Buckets(1e6, 1_000_000))


@pytest.fixture
def client(newsroom: Newsroom, door: LivingdocsDoor) -> Iterator[Client]:
    """A client with a token of the project."""
    _, secret = newsroom.engine.tenants.issue_token("livingdocs", PROJECT, "poller")
    with start_blocking_portal() as portal:
        asking = httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://news.example.org")
        yield Client(portal, asking, secret)
        portal.call(asking.aclose)
