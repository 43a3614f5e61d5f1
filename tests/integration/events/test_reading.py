"""Events and lines of a log as they are asked for on each database, and how long they are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from entrepot import clock
from entrepot.engine import Engine
from entrepot.events import ANY_DISTRIBUTOR, EventQuery, Events, Flip, UnitTypes, record_activity
from entrepot.models import Database
from entrepot.settings import Settings

FLIP = Flip(
    repository_id="zoo",
    distributor_id="web",
    distributor_row=1,
    distributor_type_id="iso_distributor",
    revision=1,
    previous=None,
    content_type="iso_importer",
    unit_types=("iso",),
    task_id="7",
    is_automatic=False,
    is_rollback=False,
)
ZOO = (("zoo", ANY_DISTRIBUTOR),)


def tell(database: Database, *flips: Flip) -> Events:
    events = Events(database, granularity="repository")
    for flip in flips:
        with database.transaction():
            events.flipped(flip)
    return events


def test_events_are_narrowed_ordered_and_limited_alike(database: Database) -> None:
    events = tell(
        database,
        FLIP,
        replace(FLIP, distributor_id="print", unit_types=("deb", "iso")),
        replace(FLIP, repository_id="farm", content_type=None, unit_types=()),
    )
    every = EventQuery((*ZOO, ("farm", "web")))

    def ids(query: EventQuery) -> list[int]:
        return [event.event_id for event in events.list_publications(query)]

    assert ids(every) == [1, 2, 3]
    assert ids(replace(every, newest_first=True, limit=2)) == [3, 2]
    assert ids(replace(every, first_id=2, last_id=2)) == [2]
    assert ids(EventQuery((("zoo", "web"),))) == [1]
    assert ids(EventQuery(())) == []
    assert ids(replace(every, content_types=("iso_importer",))) == [1, 2]
    assert ids(replace(every, content_types=())) == []
    assert ids(replace(every, unit_types=UnitTypes(("iso",)))) == [1]
    assert ids(replace(every, unit_types=UnitTypes(()))) == []
    assert ids(replace(every, unit_types=UnitTypes(("iso",), are_excluded=True))) == [2, 3]
    assert ids(replace(every, unit_types=UnitTypes((), are_excluded=True))) == [1, 2, 3]
    third = events.list_publications(replace(every, first_id=3))[0]
    assert ids(replace(every, since=third.created)) == [3]
    assert ids(replace(every, before=third.created)) == [1, 2]
    assert (third.document_id, third.publication_id, third.task_id) == (2, 3, "7")


def test_many_sources_and_many_types_are_more_than_one_statement_takes(database: Database) -> None:
    events = tell(database, FLIP)
    sources = tuple((f"zoo{number}", "web") for number in range(150))
    types = (*(f"type{number}" for number in range(3000)), "iso_importer")
    query = EventQuery((*sources, *ZOO), content_types=types, unit_types=UnitTypes((*types, "iso")))

    assert [event.event_id for event in events.list_publications(query)] == [1]


def test_events_are_kept_for_good_unless_the_settings_say_otherwise(settings: Settings) -> None:
    def prune(engine: Engine) -> int:
        return next(loop for loop in engine.loops() if loop.name == "event retention").round()

    with Engine(settings=settings) as engine:
        tell(engine.database, FLIP)
        with engine.database.transaction() as database:
            database.execute("UPDATE publication_event SET created_at = 0")
        tell(engine.database, replace(FLIP, revision=2, previous=1))

        assert prune(engine) == 0
        assert engine.events.publications_removed_up_to() == 0
        engine.settings = settings.model_copy(update={"event_retention_days": 1})
        assert prune(engine) == 1
        assert engine.events.publications_removed_up_to() == 1
        assert engine.events.last_publication_event_id() == 2


def test_the_log_is_paged_without_gap_or_repeat_while_lines_arrive(database: Database) -> None:
    events = Events(database, granularity="repository")
    for number in range(1, 6):
        with database.transaction():
            record_activity(database, "notice", "zoo", f"line {number}")

    newest = events.list_activity("zoo", limit=2)
    with database.transaction():
        record_activity(database, "warning", "zoo", "one more")
        record_activity(database, "warning", "farm", "of another")
    older = events.list_activity("zoo", before=newest[-1].activity_id, limit=2)

    assert [line.message for line in newest + older] == ["line 5", "line 4", "line 3", "line 2"]


def test_a_line_is_cut_to_two_kilobytes_and_holds_what_both_databases_can(database: Database) -> None:
    with database.transaction():
        record_activity(database, "error", "zoo", "\0\udc80" + "é" * 2000)

    (line,) = Events(database, granularity="repository").list_activity("zoo")

    assert line.message.startswith("\\x00\\udc80é")
    assert line.message.endswith("é…")
    assert 1995 <= len(line.message.encode()) <= 2000


def test_old_lines_and_those_beyond_the_newest_are_removed(database: Database) -> None:
    events = Events(database, granularity="repository")
    for number in range(1, 7):
        with database.transaction():
            record_activity(database, "notice", "zoo" if number % 2 else "farm", f"line {number}")
    with database.transaction():
        past = clock.now_us() - clock.us(timedelta(days=31))
        database.execute("UPDATE activity SET created_at = ? WHERE id = 1", (past,))

    assert events.prune_activity(older_than=timedelta(days=30), keep=2) == 2  # line 1; line 2, for the farm has two more

    kept = [[line.message for line in events.list_activity(name)] for name in ("zoo", "farm")]
    assert kept == [["line 5", "line 3"], ["line 6", "line 4"]]
