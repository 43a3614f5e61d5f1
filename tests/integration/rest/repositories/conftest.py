"""An engine with plugins that do as their configuration says, so that each ending of a task can be had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from pydantic import Field

from entrepot.discovery import Plugins
from entrepot.engine import Engine
from entrepot.plugin import (
    Distributor,
    DistributorConfig,
    Importer,
    ImporterConfig,
    PluginError,
    PublishConduit,
    SyncConduit,
    Unit,
)
from entrepot.testing import drain
from tests.integration.rest.conftest import PASSWORD, Api


class Thing(Unit, type_id="thing", key=("name",)):
    name: str
    colour: str = "grey"
    size: int = 0


class HarnessConfig(ImporterConfig):
    num_units: int = Field(0, le=1_000)
    first: int = 0
    fate: str = "success"


class HarnessImporter(Importer):
    """Offers `num_units` things, or fails as `fate` says."""

    unit_types = (Thing,)
    Config = HarnessConfig

    def check(self, config: HarnessConfig) -> None:
        if config.num_units < 0:
            raise ValueError("num_units must not be negative")

    def sync(self, ctx: SyncConduit) -> Iterable[Unit]:
        config: HarnessConfig = ctx.config
        if config.fate == "disk gone":
            raise OSError("disk gone")
        if config.fate == "bad item":
            ctx.error("thing-0", "it is broken")
        for number in range(config.first, config.first + config.num_units):
            yield Thing(name=f"thing-{number}", colour="red" if number % 2 else "blue", size=number)


class HarnessDistributorConfig(DistributorConfig):
    a: int = 0
    fate: str = "success"


class HarnessDistributor(Distributor):
    """Publishes the names of the things, or fails as `fate` says."""

    unit_types = (Thing,)
    Config = HarnessDistributorConfig

    def check(self, config: HarnessDistributorConfig) -> None:
        if config.a < 0:
            raise ValueError("a must not be negative")

    def publish(self, pub: PublishConduit) -> None:
        if pub.config.fate == "disk gone":
            raise OSError("disk gone")
        if pub.config.fate == "refused":
            raise PluginError("sum")
        pub.write("names", "\n".join(thing.name for thing in pub.units(Thing)).encode())


@pytest.fixture
def engine(settings: Any, database_url: str) -> Iterator[Engine]:
    plugins = Plugins.of(
        importers={"harness_importer": HarnessImporter, "other_importer": type("OtherImporter", (HarnessImporter,), {})},
        distributors={"harness_distributor": HarnessDistributor},
        unit_types=[Thing],
    )
    with Engine(database_url, settings=settings, plugins=plugins) as engine:
        engine.initialise()
        engine.access.ensure_administrator()
        engine.access.update_user("admin", password=PASSWORD)
        yield engine


#: A repository with an importer and a distributor, as clients send it.
ZOO: dict[str, Any] = {
    "id": "zoo",
    "importer_type_id": "harness_importer",
    "importer_config": {
        "feed": "http://feed.test/",
        "num_units": "5",
        "basic_auth_username": "keeper",
        "basic_auth_password": "s3cret",
    },
    "distributors": [
        {"distributor_id": "d1", "distributor_type_id": "harness_distributor", "distributor_config": {"a": 1}},
    ],
}


@pytest.fixture
def zoo(api: Api) -> dict[str, Any]:
    """The repository `zoo` as the answer to its creation shows it."""
    response = api.post("repositories/", ZOO)
    assert response.status_code == 201, response.text
    document: dict[str, Any] = response.json()
    return document


class Tasks:
    """Runs what was accepted, and looks at what became of it."""

    def __init__(self, engine: Engine, api: Api) -> None:
        self._engine = engine
        self._api = api

    def run(self, response: Any, *, status: int = 202) -> list[dict[str, Any]]:
        """Check that `response` is a call report, run its tasks and return their reports."""
        assert response.status_code == status, response.text
        assert set(response.json()) == {"result", "error", "spawned_tasks"}
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        drain(self._engine)
        return [self.get(link) for link in response.json()["spawned_tasks"]]

    def run_one(self, response: Any) -> dict[str, Any]:
        """Run the only task of a call report, and return its report."""
        (task,) = self.run(response)
        return task

    def get(self, link: dict[str, Any]) -> dict[str, Any]:
        """Return the task that a call report, or a task, refers to."""
        assert set(link) == {"_href", "task_id"}
        assert link["_href"] == f"/pulp/api/v2/tasks/{link['task_id']}/"
        document: dict[str, Any] = self._api.get(f"tasks/{link['task_id']}/").json()
        return document


@pytest.fixture
def tasks(engine: Engine, api: Api) -> Tasks:
    return Tasks(engine, api)


def problem(response: Any, status: int, code: str, **extra: Any) -> dict[str, Any]:
    """Check that `response` is an error document of this status and code, with these keys beside; return it."""
    document: dict[str, Any] = response.json()
    assert response.status_code == status, response.text
    assert "location" not in response.headers
    assert set(document) >= {
        "_href",
        "http_request_method",
        "http_status",
        "error_message",
        "exception",
        "traceback",
        "error",
    }
    assert document["http_status"] == status
    assert document["exception"] is None
    assert document["traceback"] is None
    assert set(document["error"]) == {"code", "description", "data", "sub_errors"}
    assert document["error"]["code"] == code
    assert {name: document.get(name) for name in extra} == extra
    return document
