"""What is told of changes of what is served, and what the log of a repository says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from entrepot.engine import Engine
from entrepot.errors import MissingResource
from entrepot.events import ANY_DISTRIBUTOR, EventQuery
from entrepot.repositories import Repository
from entrepot.settings import Settings
from entrepot.testing import drain

from .conftest import Feed, run


def told(engine: Engine, repository_id: str = "zoo") -> list[str]:
    """Return what happened, oldest first."""
    query = EventQuery(((repository_id, ANY_DISTRIBUTOR),))
    return [event.event_type for event in engine.events.list_publications(query)]


def log(engine: Engine, repository_id: str = "zoo") -> list[tuple[str, str]]:
    """Return the level and the text of each line, oldest first."""
    return [(line.level, line.message) for line in reversed(engine.events.list_activity(repository_id))]


def test_each_change_of_what_is_served_is_told_once(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    assert told(engine) == []

    published = run(engine, zoo.publish("web"))  # publish: nothing was served
    run(engine, zoo.publish("web"))  # unchanged
    feed.put(a__txt="changed")
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))  # publish, by hand
    zoo.roll_back("web", 1)  # update
    zoo.roll_back("web", 1)  # it is served already
    run(engine, zoo.publish("web"))  # publish: the latest is served again
    run(engine, zoo.request_remove_distributor("web"))  # unpublish

    assert told(engine) == ["publish", "publish", "update", "publish", "unpublish"]
    events = engine.events.list_publications(EventQuery((("zoo", "web"),)))
    assert events[0].task_id == published.task_id
    assert {(event.repository_id, event.distributor_id, event.unit_type, event.content_type) for event in events} == {
        ("zoo", "web", "iso", "iso_importer")
    }
    assert len({event.document_id for event in events}) == 1


def test_a_publish_that_a_sync_asked_for_updates(engine: Engine, feed: Feed) -> None:
    mirror = engine.repositories.create(
        "zoo",
        importer_type_id="iso_importer",
        importer_config={"feed": feed.url},
        distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}],
    )
    run(engine, mirror.sync())
    feed.put(d__txt="new")
    run(engine, mirror.sync())
    run(engine, mirror.sync())

    assert told(engine) == ["publish", "update"]


def test_deleting_a_repository_unpublishes_each_distributor_that_served_something(engine: Engine, zoo: Repository) -> None:
    zoo.add_distributor("iso_distributor", distributor_id="idle")
    zoo.add_distributor("iso_distributor", distributor_id="print")
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    run(engine, zoo.publish("print"))

    run(engine, engine.repositories.delete("zoo"))

    query = EventQuery((("zoo", ANY_DISTRIBUTOR),), first_id=3)
    events = [(event.distributor_id, event.event_type) for event in engine.events.list_publications(query)]
    assert events == [("web", "unpublish"), ("print", "unpublish")]
    assert log(engine)[-1] == ("notice", "The repository was removed, and what it published is no longer served.")


def test_a_distributor_that_is_replaced_serves_nothing_any_more(engine: Engine, zoo: Repository) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))

    zoo.add_distributor("iso_distributor", distributor_id="web")

    assert told(engine) == ["publish", "unpublish"]


def test_a_failed_flip_tells_nothing(engine: Engine, zoo: Repository) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))

    with pytest.raises(MissingResource):
        zoo.roll_back("web", 7)

    assert told(engine) == ["publish"]
    assert engine.events.last_publication_event_id() == 1


@pytest.fixture
def by_unit(settings: Settings) -> Iterator[Engine]:
    """An engine whose documents are units."""
    chosen = settings.model_copy(update={"livingdocs_document_granularity": "unit"})
    with Engine(settings=chosen) as made:
        made.initialise()
        yield made


def test_each_unit_is_a_document_where_that_is_asked_for(by_unit: Engine, feed: Feed) -> None:
    zoo = by_unit.repositories.create(
        "zoo",
        importer_type_id="iso_importer",
        importer_config={"feed": feed.url, "remove_missing": True},
        distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web"}],
    )
    run(by_unit, zoo.sync())
    run(by_unit, zoo.publish("web"))  # a, b, c come
    feed.put(a__txt="changed", d__txt="new")
    del feed.files["b.txt"]
    run(by_unit, zoo.sync())
    run(by_unit, zoo.publish("web"))  # b leaves, a is replaced, d comes
    zoo.roll_back("web", 1)  # d leaves, a is replaced, b comes
    run(by_unit, zoo.request_remove_distributor("web"))  # a, b, c leave

    events = by_unit.events.list_publications(EventQuery((("zoo", "web"),)))
    steps = [sorted(event.event_type for event in events[start:end]) for start, end in ((0, 3), (3, 6), (6, 9), (9, 12))]
    assert steps == [
        ["publish"] * 3,
        ["publish", "publish", "unpublish"],
        ["publish", "unpublish", "update"],
        ["unpublish"] * 3,
    ]
    assert len(events) == 12
    assert len({event.document_id for event in events}) == 4  # a, whichever its version, b, c and d
    assert len({event.publication_id for event in events}) == 12


def test_the_log_says_how_each_run_ended(engine: Engine, zoo: Repository, feed: Feed) -> None:
    synced = run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    run(engine, zoo.publish("web"))
    feed.statuses["PULP_MANIFEST"] = 500
    failed = run(engine, zoo.sync())

    lines = log(engine)

    assert lines[:3] == [
        ("notice", "The sync brought in 3 units, replaced 0 and removed 0."),
        ("notice", "The publish made publication 1 of 4 files: 4 added, 0 replaced, 0 removed."),
        ("notice", "The publish found nothing new: publication 1 is the latest."),
    ]
    assert (lines[3][0], lines[3][1][:16]) == ("error", "The sync failed:")
    by_task = {line.task_id: line for line in engine.events.list_activity("zoo")}
    assert by_task[synced.task_id].distributor_id is None
    assert by_task[failed.task_id].level == "error"
    assert [line.distributor_id for line in engine.events.list_activity("zoo", "web")] == [None, "web", "web", None]
    assert [line.distributor_id for line in engine.events.list_activity("zoo", "print")] == [None, None]


def test_an_error_that_nobody_foresaw_is_logged_without_what_it_says(
    engine: Engine, zoo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("the password is swordfish")

    monkeypatch.setattr("entrepot.repositories.associations.apply", fail)

    run(engine, zoo.sync())

    assert log(engine) == [("error", "The sync failed: an error that was not foreseen, ValueError.")]


def test_a_roll_back_is_logged(engine: Engine, zoo: Repository, feed: Feed) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    feed.put(d__txt="new")
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))

    zoo.roll_back("web", 1)
    zoo.roll_back("web", 1)  # which changes nothing, so that nothing is told

    drain(engine)
    assert log(engine)[-1] == ("notice", "Publication 1 is served again, in place of 2.")


def test_a_scheduled_publish_updates_and_one_that_is_asked_for_out_of_turn_publishes(
    engine: Engine, zoo: Repository, feed: Feed
) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    feed.put(d__txt="new")
    run(engine, zoo.sync())
    schedule = engine.schedules.create_publish("zoo", "web", "PT1H")
    engine.schedules.go_round()
    drain(engine)
    feed.put(e__txt="newer")
    run(engine, zoo.sync())
    run(engine, engine.schedules.run_now(schedule.schedule_id))

    assert told(engine) == ["publish", "update", "publish"]
