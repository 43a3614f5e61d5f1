"""Distributors are added at once, and changed and removed by tasks. Source: the Pulp 2 REST contract, 2.4 and 2.7."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from entrepot.engine import Engine
from entrepot.errors import (
    EntrepotError,
    InvalidValue,
    MissingResource,
    MissingValue,
    OperationConflict,
    RefusedConfiguration,
    UnknownDistributorType,
)
from entrepot.repositories import Repository
from entrepot.testing import drain

from .conftest import Feed, published, run


def test_a_distributor_is_added_at_once(engine: Engine, zoo: Repository) -> None:
    added = zoo.add_distributor("iso_distributor", {"relative_url": "more/", "serve_https": None}, auto_publish=True)

    assert str(uuid.UUID(added.distributor_id)) == added.distributor_id
    assert (added.config, added.base_path, added.auto_publish) == ({"relative_url": "more/"}, "more", True)
    assert zoo.distributor(added.distributor_id) == added
    assert [one.distributor_id for one in zoo.distributors()] == ["web", added.distributor_id]
    assert engine.tasks.list() == []


@pytest.mark.parametrize(
    ("type_id", "given", "error", "code"),
    [
        (None, {}, MissingValue, "PLP0016"),
        ("nope", {}, UnknownDistributorType, "PLP0015"),
        (5, {}, InvalidValue, "PLP0015"),
        ("iso_distributor", {"config": 5}, InvalidValue, "PLP0015"),
        ("iso_distributor", {"distributor_id": "a.b"}, InvalidValue, "PLP0015"),
        ("iso_distributor", {"config": {"serve_http": 5}}, RefusedConfiguration, "PLP0000"),
        ("iso_distributor", {"config": {"relative_url": "zoo/below"}}, OperationConflict, "PLP0010"),
    ],
)
def test_a_refused_distributor_is_not_added(
    zoo: Repository, type_id: Any, given: dict[str, Any], error: type[EntrepotError], code: str
) -> None:
    before = zoo.distributors()

    with pytest.raises(error) as caught:
        zoo.add_distributor(type_id, **given)

    assert caught.value.document()["code"] == code
    assert zoo.distributors() == before


def test_one_of_the_same_id_is_replaced_with_what_it_publishes(engine: Engine, zoo: Repository) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    old = zoo.distributor("web")

    new = zoo.add_distributor("iso_distributor", {"serve_https": False}, distributor_id="web")

    assert (old.live_revision, new.live_revision, new.config) == (1, None, {"serve_https": False})
    assert zoo.distributors() == [new]
    assert published(engine) == {}


def test_schedules_stay_with_a_changed_distributor_and_go_with_a_replaced_one(engine: Engine, zoo: Repository) -> None:
    engine.schedules.create_publish("zoo", "web", "PT1H")

    run(engine, zoo.request_update_distributor("web", {"serve_http": False}))
    kept = engine.schedules.list_publish("zoo", "web")
    zoo.add_distributor("iso_distributor", distributor_id="web")

    assert len(kept) == 1
    assert engine.schedules.list_publish("zoo", "web") == []


def test_none_is_replaced_while_a_task_of_its_repository_has_not_ended(engine: Engine, zoo: Repository) -> None:
    handle = zoo.publish("web")

    with pytest.raises(OperationConflict, match="publish zoo") as caught:
        zoo.add_distributor("iso_distributor", distributor_id="web")
    added = zoo.add_distributor("iso_distributor", distributor_id="new")
    drain(engine)
    zoo.request_download()
    zoo.add_distributor("iso_distributor", distributor_id="web")

    assert caught.value.data["reasons"] == [{"task_id": handle.task_id, "task_type": handle.report().task_type}]
    assert added.base_path == "zoo~new"


def test_no_number_of_downloads_hides_the_task_that_keeps_one_from_being_replaced(engine: Engine, zoo: Repository) -> None:
    zoo.publish("web")
    with engine.transaction():
        for _ in range(101):
            zoo.request_download()

    with pytest.raises(OperationConflict, match="publish zoo"):
        zoo.add_distributor("iso_distributor", distributor_id="web")


def test_a_change_merges_sets_auto_publish_and_returns_the_distributor(engine: Engine, zoo: Repository) -> None:
    row_id = zoo.distributor("web").row_id
    run(engine, zoo.request_update_distributor("web", {"serve_http": False, "serve_https": False}))

    report = run(engine, zoo.request_update_distributor("web", {"serve_http": None, "absent": None}, auto_publish=True))

    assert report.task_type == "pulp.server.tasks.repository.distributor_update"
    assert report.tags == ("pulp:repository:zoo", "pulp:repository_distributor:web", "pulp:action:update_distributor")
    assert report.result == {
        "_id": {"$oid": f"{row_id:024x}"},
        "_ns": "repo_distributors",
        "id": "web",
        "distributor_type_id": "iso_distributor",
        "repo_id": "zoo",
        "auto_publish": True,
        "config": {"serve_https": False},
        "last_publish": None,
        "scratchpad": {},
    }


def test_a_change_of_nothing_is_no_failure(engine: Engine, zoo: Repository) -> None:
    before = zoo.distributor("web")

    assert run(engine, zoo.request_update_distributor("web")).state == "finished"

    assert zoo.distributor("web") == before


def test_a_distributor_moves_to_its_new_path_and_back(engine: Engine, zoo: Repository) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    run(engine, zoo.request_update_distributor("web", {"relative_url": "away/from/here"}))

    assert engine.repositories.published("zoo/a.txt") is None
    assert engine.repositories.published("away/from/here/a.txt") is not None
    run(engine, zoo.request_update_distributor("web", {"relative_url": None}))
    assert zoo.distributor("web").base_path == "zoo"


@pytest.mark.parametrize(
    ("config", "auto_publish", "code"),
    [
        ({"serve_http": "perhaps"}, None, "PLP0000"),
        ({"unknown": 1}, None, "PLP0000"),
        ({"serve_http": False}, "yes", "PLP0015"),
        ({"relative_url": "taken/below"}, True, "PLP0010"),
    ],
)
def test_a_change_that_is_refused_fails_in_its_task_and_changes_nothing(
    engine: Engine, zoo: Repository, config: dict[str, Any], auto_publish: Any, code: str
) -> None:
    zoo.add_distributor("iso_distributor", {"relative_url": "taken"})
    before = zoo.distributor("web")

    report = run(engine, zoo.request_update_distributor("web", config, auto_publish=auto_publish))

    assert report.state == "error"
    assert report.error is not None
    assert report.error["code"] == code
    assert zoo.distributor("web") == before


def test_several_changes_are_one_task_each_and_an_unknown_id_fails_alone(engine: Engine, zoo: Repository) -> None:
    known, unknown = zoo.request_distributor_updates({"web": {"serve_http": False}, "nobody": {"serve_http": False}})

    drain(engine)

    assert known.report().tags[1] == "pulp:repository_distributor:web"
    assert (known.state, unknown.state) == ("finished", "error")
    assert zoo.distributor("web").config == {"serve_http": False}
    error = unknown.report().error
    assert error is not None
    assert (error["code"], error["data"]) == (
        "PLP0009",
        {"resources": {"repo_id": "zoo", "distributor_id": "nobody"}},
    )


@pytest.mark.parametrize("configs", [5, ["web"], {"web": 5}, {"web": {}, "other": None}, {"": {}}, {"x" * 256: {}}])
def test_several_changes_are_all_refused_or_none(engine: Engine, zoo: Repository, configs: Any) -> None:
    with pytest.raises(InvalidValue, match="distributor_configs"):
        zoo.request_distributor_updates(configs)

    assert engine.tasks.list() == []


def test_a_removed_distributor_publishes_nothing_any_more(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    assert published(engine) == feed.files
    handle = zoo.request_remove_distributor("web")

    report = run(engine, handle)

    assert report.task_type == "pulp.server.tasks.repository.distributor_delete"
    assert report.tags == ("pulp:repository:zoo", "pulp:repository_distributor:web", "pulp:action:remove_distributor")
    assert (report.state, report.result, zoo.distributors(), published(engine)) == ("finished", None, [], {})
    engine.database.execute("UPDATE task SET state = 'waiting', finished_at = NULL, owner = NULL")
    assert run(engine, handle).state == "finished"


def test_a_distributor_that_is_not_there_is_missing_by_both_ids(zoo: Repository) -> None:
    calls = [
        lambda: zoo.distributor("nobody"),
        lambda: zoo.request_update_distributor("nobody"),
        lambda: zoo.request_remove_distributor("nobody"),
        lambda: zoo.history("publish", distributor_id="nobody"),
    ]

    for call in calls:
        with pytest.raises(MissingResource) as caught:
            call()
        assert caught.value.data == {"resources": {"repo_id": "zoo", "distributor_id": "nobody"}}


def test_a_publish_that_is_not_checked_before_fails_in_its_task(engine: Engine, zoo: Repository) -> None:
    report = run(engine, zoo.request_publish_unchecked("nobody"))

    assert report.tags == ("pulp:repository:zoo", "pulp:action:publish")
    assert report.error is not None
    assert (report.error["code"], report.error["data"]) == (
        "PLP0009",
        {"resources": {"repo_id": "zoo", "distributor_id": "nobody"}},
    )
