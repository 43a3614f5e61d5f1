"""An importer is set, changed and removed by tasks of its repository. Source: the Pulp 2 REST contract, 2.6."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.errors import (
    EntrepotError,
    InvalidValue,
    MissingResource,
    MissingValue,
    RefusedConfiguration,
    UnknownImporterType,
)
from entrepot.repositories import Repository
from entrepot.testing import drain

from .conftest import Feed, run

SECRET = {"basic_auth_username": "u", "basic_auth_password": "s3cret"}


@pytest.fixture
def bare(engine: Engine) -> Repository:
    """A repository without any plugin."""
    return engine.repositories.create("bare")


def run_again(engine: Engine, task_id: str) -> None:
    """Let a task that has ended run once more, as if its worker had been lost after the commit."""
    engine.database.execute(
        "UPDATE task SET state = 'waiting', finished_at = NULL, owner = NULL, result = NULL WHERE task_id = ?", (task_id,)
    )
    drain(engine)


def test_an_importer_is_set_by_a_task_with_the_tags_that_code_and_documentation_promise(
    engine: Engine, bare: Repository
) -> None:
    handle = bare.request_set_importer("iso_importer", {"feed": "http://x/", "max_speed": None, **SECRET})
    waiting = handle.report()

    report = run(engine, handle)

    assert waiting.task_type == "pulp.server.managers.repo.importer.set_importer"
    assert waiting.tags == (
        "pulp:repository:bare",
        "pulp:repository_importer:iso_importer",
        "pulp:action:add_importer",
        "pulp:action:update_importer",
    )
    assert report.result == {
        "_id": {"$oid": f"{bare.importer().row_id:024x}"},
        "_ns": "repo_importers",
        "id": "iso_importer",
        "importer_type_id": "iso_importer",
        "repo_id": "bare",
        "config": {"feed": "http://x/", "basic_auth_username": "u", "basic_auth_password": "*****"},
        "last_sync": None,
        "scratchpad": None,
    }
    assert bare.importers() == [bare.importer("iso_importer")]


def test_a_new_importer_takes_nothing_over_from_the_old_one(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    old = zoo.importer()

    run(engine, zoo.request_set_importer("iso_importer", {"feed": feed.url}))

    new = zoo.importer()
    assert old.last_sync is not None
    assert (new.last_sync, new.config) == (None, {"feed": feed.url})
    assert engine.database.row("SELECT sync_state FROM importer") == (None,)


def test_schedules_stay_with_a_changed_importer_and_go_with_a_replaced_one(engine: Engine, zoo: Repository, feed: Feed) -> None:
    engine.schedules.create_sync("zoo", "iso_importer", "PT1H")

    run(engine, zoo.request_update_importer("iso_importer", {"max_speed": 9}))
    kept = engine.schedules.list_sync("zoo", "iso_importer")
    run(engine, zoo.request_set_importer("iso_importer", {"feed": feed.url}))

    assert len(kept) == 1
    assert engine.schedules.list_sync("zoo", "iso_importer") == []


def test_a_mask_that_is_set_again_means_the_secret_that_is_kept(engine: Engine, bare: Repository) -> None:
    run(engine, bare.request_set_importer("iso_importer", {"feed": "http://x/", **SECRET}))

    run(engine, bare.request_set_importer("iso_importer", bare.importer().config | {"feed": "http://y/"}))

    stored = engine.database.row("SELECT config FROM importer")
    assert stored is not None
    assert "s3cret" in stored[0]
    assert "http://y/" in stored[0]


@pytest.mark.parametrize(
    ("type_id", "config", "error", "code"),
    [
        ("nope", None, UnknownImporterType, "PLP1008"),
        (None, None, UnknownImporterType, "PLP1008"),
        ("iso_importer", {"feed": "gopher://x"}, RefusedConfiguration, "PLP1000"),
        ("iso_importer", {"basic_auth_password": "*****", "basic_auth_username": "u"}, RefusedConfiguration, "PLP1000"),
        ("iso_importer", "feed", InvalidValue, "PLP0015"),
        ("iso_importer", [], InvalidValue, "PLP0015"),
    ],
)
def test_what_is_refused_is_refused_before_there_is_a_task(  # noqa: PLR0917 - two fixtures, four columns
    engine: Engine, bare: Repository, type_id: Any, config: Any, error: type[EntrepotError], code: str
) -> None:
    with pytest.raises(error) as caught:
        bare.request_set_importer(type_id, config)

    assert caught.value.document()["code"] == code
    assert engine.tasks.list() == []


def test_a_task_that_set_an_importer_and_runs_again_leaves_it(engine: Engine, bare: Repository) -> None:
    handle = bare.request_set_importer("iso_importer", {"feed": "http://x/"})
    first = run(engine, handle)

    run_again(engine, handle.task_id)

    assert handle.report().result == first.result


def test_a_change_merges_and_null_takes_away_and_the_importer_stays_the_same(
    engine: Engine, zoo: Repository, feed: Feed
) -> None:
    row_id = zoo.importer().row_id

    report = run(engine, zoo.request_update_importer("iso_importer", {"remove_missing": None, "absent": None, "max_speed": 9}))

    assert report.task_type == "pulp.server.managers.repo.importer.update_importer_config"
    assert report.tags == ("pulp:repository:zoo", "pulp:repository_importer:iso_importer", "pulp:action:update_importer")
    assert report.result["config"] == zoo.importer().config == {"feed": feed.url, "max_speed": 9}  # type: ignore[call-overload, index]
    assert zoo.importer().row_id == row_id


def test_a_change_that_the_plugin_refuses_fails_in_its_task_with_its_text(engine: Engine, zoo: Repository) -> None:
    before = zoo.importer()

    report = run(engine, zoo.request_update_importer("iso_importer", {"max_downloads": 0}))

    text = "iso_importer refused its configuration: max_downloads: must be 1 or more, not 0"
    assert report.state == "error"
    assert report.error is not None
    assert (report.error["code"], report.error["description"]) == ("PLP0000", text)
    assert report.error["data"]["problems"] == {"max_downloads": "must be 1 or more, not 0"}  # type: ignore[call-overload, index]
    assert zoo.importer() == before


def test_a_removed_importer_is_gone_and_its_units_stay(engine: Engine, zoo: Repository) -> None:
    run(engine, zoo.sync())

    handle = zoo.request_remove_importer("iso_importer")
    report = run(engine, handle)

    assert report.task_type == "pulp.server.managers.repo.importer.remove_importer"
    assert report.tags == ("pulp:repository:zoo", "pulp:repository_importer:iso_importer", "pulp:action:delete_importer")
    assert (report.state, report.result, zoo.importers()) == ("finished", None, [])
    assert zoo.report().content_unit_counts == {"iso": 3}
    run_again(engine, handle.task_id)
    assert handle.state == "finished"


def test_an_importer_that_is_not_there_is_missing_by_its_id(engine: Engine, bare: Repository, zoo: Repository) -> None:
    calls = [
        lambda: bare.importer("iso_importer"),
        lambda: zoo.importer("other"),
        lambda: zoo.request_update_importer("other", {}),
        lambda: zoo.request_remove_importer("other"),
    ]

    for call, importer_id in zip(calls, ("iso_importer", "other", "other", "other"), strict=True):
        with pytest.raises(MissingResource) as caught:
            call()
        assert caught.value.data == {"resources": {"importer_id": importer_id}}
    with pytest.raises(MissingResource) as caught:
        bare.importer()
    assert caught.value.data == {"resources": {"repo_id": "bare"}}


def test_of_two_removals_the_second_fails_in_its_task(engine: Engine, zoo: Repository) -> None:
    first, second = zoo.request_remove_importer("iso_importer"), zoo.request_remove_importer("iso_importer")

    drain(engine)

    assert (first.state, second.state) == ("finished", "error")
    assert second.report().error["data"] == {"resources": {"importer_id": "iso_importer"}}  # type: ignore[index]


def test_a_change_without_a_configuration_is_refused(zoo: Repository) -> None:
    with pytest.raises(MissingValue, match="importer_config"):
        zoo.request_update_importer("iso_importer", None)
    with pytest.raises(InvalidValue, match="importer_config"):
        zoo.request_update_importer("iso_importer", 5)  # type: ignore[arg-type]


def test_a_set_importer_waits_for_the_sync_before_it(engine: Engine, zoo: Repository, feed: Feed) -> None:
    begun = clock.now()
    sync, change = zoo.sync(), zoo.request_set_importer("iso_importer", {"feed": feed.url})

    drain(engine)

    assert (sync.state, change.state) == ("finished", "finished")
    assert change.report().started >= sync.report().finished >= begun  # type: ignore[operator]
