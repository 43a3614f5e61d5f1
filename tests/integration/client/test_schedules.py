"""Schedules by way of a client: the reports and the errors are those of the engine."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot import Client
from entrepot.engine import Engine
from entrepot.errors import EntrepotError, InvalidValue, MissingResource, UnsupportedValue
from entrepot.testing import drain
from tests.integration.rest.sample_tasks import echo

FAR = "2999-01-01T02:00:00+01:00/P1M"


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


@pytest.fixture(autouse=True)
def _zoo(engine: Engine) -> None:
    """A repository with an importer and a distributor, and a task type that the server knows."""
    repository = engine.repositories.create("zoo", importer_type_id="harness_importer")
    repository.add_distributor("harness_distributor", None, distributor_id="files")
    engine.registry.type_of(echo)


def test_reports_are_those_of_the_engine(engine: Engine, client: Client) -> None:
    zoo = client.repositories.get("zoo")
    options: dict[str, Any] = {"overlap": "queue", "jitter_seconds": 60, "failure_threshold": 3, "time_zone": "Europe/Zurich"}

    made = [
        zoo.schedule_sync("PT1H", override_config={"num_threads": 2, "proxy_password": "secret"}, **options),
        zoo.schedule_publish("files", FAR.replace(":00+", ":00.5+"), enabled=False),
        client.schedule("R3/PT1.5S", echo, 12, loud=True, **options),
    ]
    engine.schedules.go_round()

    reports = engine.schedules.list()
    assert client.schedules.list() == reports
    assert [client.schedules.get(report.schedule_id) for report in made] == reports
    assert (
        client.schedules.list_sync("zoo", "harness_importer")
        == engine.schedules.list_sync("zoo", "harness_importer")
        == reports[:1]
    )
    assert client.schedules.list_publish("zoo", "files") == [made[1]] == [reports[1]]
    assert [report.kind for report in made] == ["sync", "publish", "task"]
    assert (reports[2].task_type, reports[2].args, reports[2].kwargs) == (f"{echo.__module__}.echo", (12,), {"loud": True})


def test_a_schedule_is_changed_run_and_deleted(engine: Engine, client: Client) -> None:
    made = client.schedule(FAR, echo, "rung")

    changed = client.schedules.update(made.schedule_id, {"schedule": "R2/P1D", "failure_threshold": 4})
    handle = client.schedules.run_now(made.schedule_id)
    drain(engine)
    client.schedules.delete(made.schedule_id)

    assert (changed.remaining_runs, changed.failure_threshold) == (2, 4)
    assert handle.wait(5).result == ["rung", False]
    assert client.schedules.list() == []


def test_previews_are_those_of_the_engine(engine: Engine, client: Client) -> None:
    made = client.repositories.get("zoo").schedule_sync("R3/2999-01-31T02:00Z/PT1.5S")

    preview = client.schedules.preview(FAR, time_zone="Europe/Zurich", count=2)

    assert preview == engine.schedules.preview(FAR, time_zone="Europe/Zurich", count=2)
    assert len(preview.runs) == 2
    assert client.schedules.preview_of(made.schedule_id) == engine.schedules.preview_of(made.schedule_id)


def test_a_schedule_is_found_below_its_own_importer_or_distributor_only(client: Client) -> None:
    client.repositories.create("farm", importer_type_id="harness_importer")
    made = client.schedules.create_sync("zoo", "harness_importer", FAR)
    elsewhere: list[dict[str, Any]] = [
        {"repository_id": "farm"},
        {"repository_id": "farm", "importer_id": "harness_importer"},
        {"repository_id": "zoo", "distributor_id": "files"},
    ]

    for owner in elsewhere:
        for ask in (client.schedules.get, client.schedules.delete):
            with pytest.raises(MissingResource):
                ask(made.schedule_id, **owner)
        with pytest.raises(MissingResource):
            client.schedules.update(made.schedule_id, {"enabled": False}, **owner)
    assert client.schedules.get(made.schedule_id, repository_id="zoo", importer_id="harness_importer") == made


def refusal(ask: Any) -> tuple[type[EntrepotError], dict[str, Any]]:
    with pytest.raises(EntrepotError) as caught:
        ask()
    return type(caught.value), caught.value.data


def test_what_is_refused_is_refused_as_by_the_engine(engine: Engine, client: Client) -> None:
    schedule_id = engine.schedule(FAR, echo).schedule_id

    def refusals(service: Client | Engine) -> list[tuple[type[EntrepotError], dict[str, Any]]]:
        schedules = service.schedules
        return [
            refusal(
                lambda: schedules.create_sync("zoo", "harness_importer", "nonsense", time_zone="Nowhere", jitter_seconds=-1)
            ),
            refusal(lambda: schedules.create_publish("zoo", "nope", FAR)),
            refusal(lambda: schedules.update(schedule_id, {"schedule": "PT0S"})),
            refusal(lambda: schedules.update(schedule_id, {"override_config": {}})),
            refusal(lambda: schedules.preview("nonsense", count=1)),
            refusal(lambda: schedules.preview(FAR, count=101)),
            refusal(lambda: schedules.preview_of(schedule_id, count=0)),
            refusal(lambda: schedules.preview_of("0" * 24)),
            refusal(lambda: schedules.run_now("0" * 24)),
            refusal(lambda: schedules.delete("0" * 24)),
        ]

    found = refusals(client)

    assert found == refusals(engine)
    kinds = [InvalidValue, MissingResource, InvalidValue, UnsupportedValue, *[InvalidValue] * 3, *[MissingResource] * 3]
    assert [kind for kind, _ in found] == kinds
