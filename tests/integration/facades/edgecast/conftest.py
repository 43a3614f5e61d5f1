"""An Edgecast account that sees one repository, deploys as rows, and a client with the account's token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from entrepot import clock
from entrepot.engine import Engine
from entrepot.facades.edgecast import EdgecastDoor
from entrepot.facades.limits import Buckets
from entrepot.models import Deploy, DeployPop
from entrepot.readers import Readers
from entrepot.settings import Settings

ACCOUNT, DEPLOY = "0001", 123456
STATUS = f"/v2/mcc/customers/{ACCOUNT}/rulesv4/{DEPLOY}/status"
REQUESTS = "/rules-engine/v1.1/deploy-requests"


@pytest.fixture
def database_kind() -> str:
    """One is enough for what the door makes of deploys; that both tell the same is shown where they are asked."""
    return "sqlite"


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """An engine with the account, which sees all that the repository `zoo` deploys."""
    with Engine(settings=settings) as made:
        made.initialise()
        web = {"distributor_type_id": "iso_distributor", "distributor_id": "web"}
        edge = {"distributor_type_id": "edge_distributor", "distributor_id": "edge", "distributor_config": {"source": "web"}}
        made.repositories.create("zoo", distributors=[web, edge])
        made.tenants.add("edgecast", ACCOUNT)
        made.tenants.add_source("edgecast", ACCOUNT, "zoo")
        yield made


def add_deploy(
    engine: Engine, pops: Mapping[str, tuple[int, int]] | None = None, *, age: timedelta = timedelta(0), **values: Any
) -> None:
    """Insert a deploy to POPs by name, each with (servers that are done, servers)."""
    deploy_id = values.pop("id", DEPLOY)
    created = clock.now() - age
    row = {
        "repository_id": "zoo",
        "distributor_id": "edge",
        "environment": "production",
        "network": "default",
        "state": "propagating",
    }
    with engine.database.transaction() as database:
        Deploy.insert(id=deploy_id, created_at=created, started_at=created, **(row | values)).execute(database.peewee)
        for number, (name, (done, servers)) in enumerate((pops or {}).items(), 1):
            counts = {"server_count": servers, "done_count": done}
            DeployPop.insert(deploy=deploy_id, pop=number, name=name, **counts).execute(database.peewee)


class Client:
    """Asks the door with a token, in a thread of its own; a token may ask as often as it likes."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient, token: str) -> None:
        self._portal, self._client = portal, client
        self.token = token

    def get(
        self, path: str = STATUS, *, method: str = "GET", authorization: str | None = None, json: object = None, **headers: str
    ) -> httpx.Response:
        """Ask for `path` with its query; `authorization` is the whole header, without it the client's token is shown."""
        given = {"Authorization": f"TOK:{self.token}" if authorization is None else authorization}
        given |= {name if name.startswith("Portals_") else name.replace("_", "-"): headers[name] for name in headers}
        return self._portal.call(partial(self._client.request, method, path, headers=given, json=json))

    def said(self, path: str = STATUS, **asked: Any) -> tuple[int, Any]:
        """Return the status and the message of a refusal, after a look at its type."""
        answer = self.get(path, **asked)
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        document = answer.json()
        assert list(document) == ["Message"]
        return answer.status_code, document["Message"]


@pytest.fixture
def door(engine: Engine) -> EdgecastDoor:
    return EdgecastDoor(engine, Readers(engine), limits=Buckets(1e6, 1_000_000))


@pytest.fixture
def client(engine: Engine, door: EdgecastDoor) -> Iterator[Client]:
    """A client with the primary token of the account, which may do all that there is."""
    _, secret = engine.tenants.issue_token("edgecast", ACCOUNT, "primary", scopes=["status", "deploy"])
    with start_blocking_portal() as portal:
        asking = httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://api.cdn.example.org")
        yield Client(portal, asking, secret)
        portal.call(asking.aclose)
