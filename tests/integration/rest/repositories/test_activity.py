"""The log of a repository and the events of its publications."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.rest.conftest import Api
from tests.integration.rest.repositories.conftest import Tasks


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


def test_what_happened_is_told_newest_first_and_page_by_page(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    for _ in range(2):
        tasks.run_one(api.post("repositories/zoo/actions/sync/"))

    lines = api.get("repositories/zoo/activity/").json()

    assert [line["id"] for line in lines] == sorted((line["id"] for line in lines), reverse=True)
    assert {line["repo_id"] for line in lines} == {"zoo"}
    assert lines[-1]["message"].startswith("The sync brought in")
    assert api.get(f"repositories/zoo/activity/?before={lines[0]['id']}&limit=1").json() == lines[1:2]
    assert api.get("repositories/none/activity/").status_code == 404


def test_events_of_publications_are_told_newest_first(api: Api, zoo: dict[str, Any], tasks: Tasks) -> None:
    distributor = api.get("repositories/zoo/distributors/").json()[0]["id"]
    for _ in range(2):
        tasks.run_one(api.post("repositories/zoo/actions/sync/"))
        tasks.run_one(api.post("repositories/zoo/actions/publish/", {"id": distributor}))

    events = api.get("repositories/zoo/publication_events/").json()

    assert events[-1]["event_type"] == "publish"
    assert events[-1]["distributor_id"] == distributor
    assert api.get(f"repositories/zoo/publication_events/?before={events[-1]['id']}").json() == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "before=-1", "before=99999999999999999999"])
@pytest.mark.parametrize("place", ["activity", "publication_events"])
def test_an_odd_page_is_refused_by_its_name(api: Api, zoo: dict[str, Any], place: str, query: str) -> None:
    answer = api.get(f"repositories/zoo/{place}/?{query}")

    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.text
