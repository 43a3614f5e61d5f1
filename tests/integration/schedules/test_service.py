"""Schedules as clients make, read, change and delete them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource, UnsupportedValue
from entrepot.repositories import Repository
from tests.integration.schedules.conftest import Clock, create_repository, go_round, schedule_sync

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def test_a_schedule_is_shown_as_it_was_given(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "R5/PT1H", override_config={"max_speed": 1}, failure_threshold=3)

    found = engine.schedules.get(made.schedule_id, repository_id="zoo", importer_id="iso_importer")

    assert found == made
    assert len(made.schedule_id) == 24
    assert int(made.schedule_id, 16) >= 0
    assert (made.kind, made.repository_id, made.plugin_id) == ("sync", "zoo", "iso_importer")
    assert made.resource == "pulp:importer:zoo:iso_importer"
    assert (made.schedule, made.time_zone, made.override_config) == ("R5/PT1H", None, {"max_speed": 1})
    assert (made.enabled, made.failure_threshold, made.consecutive_failures) == (True, 3, 0)
    assert (made.first_run, made.next_run, made.last_run_at) == (NOW, NOW, None)
    assert (made.remaining_runs, made.total_run_count) == (5, 0)
    assert (made.overlap, made.jitter_seconds) == ("coalesce", 0)
    assert (made.created, made.last_updated) == (NOW, NOW)
    assert made.sentence == "every hour, 5 times"


def test_a_publish_is_scheduled_for_its_distributor(engine: Engine, zoo: Repository) -> None:
    made = engine.schedules.create_publish("zoo", "web", "P1D", override_config={"force_full": True})

    assert (made.kind, made.plugin_id, made.resource) == ("publish", "web", "pulp:distributor:zoo:web")
    assert engine.schedules.list_publish("zoo", "web") == [made]
    assert engine.schedules.list_sync("zoo", "iso_importer") == []


@pytest.mark.parametrize(
    ("text", "first", "following"),
    [
        ("PT1H", "2026-11-22T10:00:00Z", NOW),
        ("2014-01-01T00:30:00Z/PT1H", "2014-01-01T00:30:00Z", NOW),
        ("2014-01-01T00:30:00+02:00/PT1H", "2014-01-01T00:30:00+02:00", NOW),
        ("2026-11-23T10:00:00Z/PT1H", "2026-11-23T10:00:00Z", NOW + DAY),
        ("11:00Z/P1D", "2026-11-22T11:00:00Z", NOW + HOUR),
        ("0 11 * * *", "2026-11-22T11:00:00Z", NOW + HOUR),
    ],
)
def test_the_first_run_is_the_start_and_the_next_is_not_in_the_past(
    text: str, first: str, following: datetime, *, engine: Engine, zoo: Repository, time: Clock
) -> None:
    made = schedule_sync(engine, text)

    assert (made.first_run_text, made.next_run) == (first, following)


def test_all_schedules_are_listed_in_the_order_they_were_made(engine: Engine, zoo: Repository, feed) -> None:
    create_repository(engine, "ark", feed)
    made = [schedule_sync(engine, "PT1H"), schedule_sync(engine, "PT2H", "ark"), schedule_sync(engine, "PT3H")]

    assert engine.schedules.list() == made
    assert engine.schedules.list_sync("zoo", "iso_importer") == [made[0], made[2]]
    assert engine.schedules.list_sync("ark", "iso_importer") == [made[1]]


REFUSALS = [
    ({"schedule": "nonsense", "failure_threshold": 0, "enabled": "x"}, ["schedule", "failure_threshold", "enabled"]),
    ({"schedule": None}, ["schedule"]),
    ({"schedule": 7}, ["schedule"]),
    ({"schedule": "P1M"}, ["schedule"]),
    ({"schedule": "PT0S", "enabled": None}, ["schedule", "enabled"]),
    ({"failure_threshold": True}, ["failure_threshold"]),
    ({"failure_threshold": -1}, ["failure_threshold"]),
    ({"failure_threshold": 1.5}, ["failure_threshold"]),
    ({"failure_threshold": "3"}, ["failure_threshold"]),
    ({"failure_threshold": 10**30}, ["failure_threshold"]),
    ({"enabled": 1}, ["enabled"]),
    ({"enabled": None}, ["enabled"]),
    ({"override_config": []}, ["override_config"]),
    ({"override_config": {"a": float("nan")}}, ["override_config"]),
    ({"override_config": {"a": object()}}, ["override_config"]),
    ({"time_zone": "Mars/Olympus"}, ["time_zone"]),
    ({"time_zone": 1}, ["time_zone"]),
    ({"overlap": "never"}, ["overlap"]),
    ({"overlap": []}, ["overlap"]),
    ({"jitter_seconds": -1}, ["jitter_seconds"]),
    ({"jitter_seconds": 86_401}, ["jitter_seconds"]),
    ({"jitter_seconds": False}, ["jitter_seconds"]),
]


@pytest.mark.parametrize(("given", "names"), REFUSALS)
def test_every_bad_name_is_reported_in_one_refusal(given: dict, names: list[str], engine: Engine, zoo: Repository) -> None:
    text, *options = ({"schedule": "PT1H"} | given).items()

    with pytest.raises(InvalidValue) as refused:
        schedule_sync(engine, text[1], **dict(options))

    assert refused.value.data == {"property_names": names}
    assert engine.schedules.list() == []


@pytest.mark.parametrize(("given", "names"), REFUSALS)
def test_a_refused_change_changes_nothing(given: dict, names: list[str], engine: Engine, zoo: Repository) -> None:
    made = schedule_sync(engine, "PT1H")

    with pytest.raises(InvalidValue) as refused:
        engine.schedules.update(made.schedule_id, given)

    assert refused.value.data == {"property_names": ["iso_schedule" if name == "schedule" else name for name in names]}
    assert engine.schedules.list() == [made]


@pytest.mark.parametrize("name", ["foo", "args", "kwargs", "remaining_runs", "next_run", "schedule_id"])
def test_what_cannot_be_changed_is_refused(name: str, engine: Engine, zoo: Repository) -> None:
    made = schedule_sync(engine, "PT1H")

    with pytest.raises(UnsupportedValue) as refused:
        engine.schedules.update(made.schedule_id, {"schedule": "PT2H", name: 1})

    assert refused.value.data == {"unsupported_property_names": [name]}
    assert engine.schedules.list() == [made]


def test_a_null_override_is_an_empty_one_and_a_null_threshold_is_none(engine: Engine, zoo: Repository) -> None:
    made = schedule_sync(engine, "PT1H", override_config={"max_speed": 1}, failure_threshold=1)

    changed = engine.schedules.update(made.schedule_id, {"override_config": None, "failure_threshold": None})

    assert (changed.override_config, changed.failure_threshold) == ({}, None)


def test_a_change_touches_what_it_names_and_when_it_was_made(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "R5/PT1H")
    go_round(engine)
    before = engine.schedules.get(made.schedule_id)
    time.move(minutes=10)

    after = engine.schedules.update(made.schedule_id, {"enabled": False})

    assert (after.enabled, after.last_updated) == (False, time.now)
    assert (after.remaining_runs, after.total_run_count) == (4, 1)
    assert (after.first_run, after.next_run, after.last_run_at) == (before.first_run, before.next_run, before.last_run_at)


def test_a_new_schedule_begins_anew_and_keeps_what_has_been_counted(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "R1/PT1H")
    go_round(engine)
    assert engine.schedules.get(made.schedule_id).remaining_runs == 0
    time.move(minutes=10)

    after = engine.schedules.update(made.schedule_id, {"schedule": "R5/PT2H", "enabled": True})

    assert (after.schedule, after.remaining_runs, after.total_run_count) == ("R5/PT2H", 5, 1)
    assert (after.first_run, after.next_run, after.last_run_at) == (time.now, time.now, NOW)
    assert go_round(engine) == 1


def test_a_grid_that_has_run_already_does_not_run_again_because_it_was_sent_again(
    engine: Engine, zoo: Repository, time: Clock
) -> None:
    text = "2014-01-01T00:00:00Z/P1D"
    made = schedule_sync(engine, text)
    go_round(engine)
    time.move(hours=1)

    after = engine.schedules.update(made.schedule_id, {"schedule": text})

    assert after.next_run == datetime(2026, 11, 23, tzinfo=UTC)


def test_a_time_zone_moves_the_runs(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "02:00/P1D")

    moved = engine.schedules.update(made.schedule_id, {"time_zone": "Europe/Zurich"})
    back = engine.schedules.update(made.schedule_id, {"time_zone": None})

    assert made.next_run == back.next_run == datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    assert moved.next_run == datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    assert moved.sentence == "every day at 02:00 Europe/Zurich"


def test_jitter_moves_all_runs_of_a_schedule_by_the_same(engine: Engine, zoo: Repository, time: Clock) -> None:
    made = schedule_sync(engine, "PT1H", jitter_seconds=600)

    splay = made.next_run - NOW
    time.now = made.next_run
    assert go_round(engine) == 1
    again = engine.schedules.get(made.schedule_id)
    without = engine.schedules.update(made.schedule_id, {"jitter_seconds": 0})

    assert timedelta() <= splay < timedelta(seconds=600)
    assert again.next_run == NOW + HOUR + splay
    assert without.next_run == NOW + HOUR


def test_jitter_spreads_schedules(engine: Engine, zoo: Repository, time: Clock) -> None:
    runs = {schedule_sync(engine, "PT1H", jitter_seconds=3600).next_run for _ in range(20)}

    assert len(runs) > 10


def test_secrets_are_never_shown_and_a_mask_sent_back_changes_nothing(engine: Engine, zoo: Repository) -> None:
    made = schedule_sync(engine, "PT1H", override_config={"proxy_password": "hush", "max_speed": 1})

    same = engine.schedules.update(made.schedule_id, {"override_config": made.override_config | {"max_speed": 2}})

    assert made.override_config == {"proxy_password": "*****", "max_speed": 1}
    assert same.override_config == {"proxy_password": "*****", "max_speed": 2}
    assert "hush" not in repr(same)
    assert engine.database.row("SELECT override_config FROM schedule") == ('{"proxy_password":"hush","max_speed":2}',)


def test_without_its_plugin_a_schedule_shows_only_what_all_plugins_have(engine: Engine, zoo: Repository) -> None:
    made = schedule_sync(engine, "PT1H", override_config={"query_auth_token": "hush", "max_speed": 1})
    engine.database.execute("UPDATE importer SET importer_type_id = 'gone'")

    assert engine.schedules.get(made.schedule_id).override_config == {"query_auth_token": "*****", "max_speed": 1}


def test_a_schedule_is_found_below_its_own_path_only(engine: Engine, zoo: Repository, feed) -> None:
    create_repository(engine, "ark", feed)
    sync = schedule_sync(engine, "PT1H").schedule_id
    publish = engine.schedules.create_publish("zoo", "web", "PT1H").schedule_id
    importer = {"repository_id": "zoo", "importer_id": "iso_importer"}
    distributor = {"repository_id": "zoo", "distributor_id": "web"}
    strange = [
        (sync, importer | {"repository_id": "ark"}),
        (sync, distributor),
        (publish, importer),
        ("0" * 24, importer),
        ("nonsense", importer),
        ("", importer),
        ("nul \0", importer),
    ]

    for schedule_id, owner in strange:
        for attempt in (
            lambda schedule_id=schedule_id, owner=owner: engine.schedules.get(schedule_id, **owner),
            lambda schedule_id=schedule_id, owner=owner: engine.schedules.update(schedule_id, {"enabled": False}, **owner),
            lambda schedule_id=schedule_id, owner=owner: engine.schedules.delete(schedule_id, **owner),
        ):
            with pytest.raises(MissingResource) as missing:
                attempt()
            assert missing.value.data == {"resources": {"schedule_id": schedule_id}}
    assert engine.schedules.get(sync, **importer).enabled
    assert engine.schedules.get(publish, **distributor).enabled


def test_a_missing_owner_is_named(engine: Engine, zoo: Repository) -> None:
    made = schedule_sync(engine, "PT1H").schedule_id
    calls = [
        (lambda: schedule_sync(engine, "PT1H", "ark"), {"repository": "ark"}),
        (lambda: engine.schedules.create_sync("zoo", "other", "nonsense"), {"importer_id": "other"}),
        (lambda: engine.schedules.create_publish("zoo", "other", "PT1H"), {"repo_id": "zoo", "distributor_id": "other"}),
        (lambda: engine.schedules.list_sync("ark", "iso_importer"), {"repository": "ark"}),
        (lambda: engine.schedules.list_publish("zoo", "other"), {"repo_id": "zoo", "distributor_id": "other"}),
        (lambda: engine.schedules.get(made, repository_id="ark", importer_id="iso_importer"), {"repository": "ark"}),
    ]

    for call, resources in calls:
        with pytest.raises(MissingResource) as missing:
            call()
        assert missing.value.data == {"resources": resources}


def test_a_schedule_that_was_deleted_is_missing(engine: Engine, zoo: Repository) -> None:
    made = schedule_sync(engine, "PT1H").schedule_id

    engine.schedules.delete(made)

    with pytest.raises(MissingResource):
        engine.schedules.delete(made)
    assert engine.schedules.list() == []


def test_schedules_go_with_their_repository(engine: Engine, zoo: Repository, feed) -> None:
    create_repository(engine, "ark", feed)
    schedule_sync(engine, "PT1H")
    engine.schedules.create_publish("zoo", "web", "PT1H")
    stays = schedule_sync(engine, "PT1H", "ark")
    go_round(engine, run=False)

    handle = engine.repositories.delete("zoo")
    go_round(engine)

    assert handle.state == "finished"
    assert [schedule.schedule_id for schedule in engine.schedules.list()] == [stays.schedule_id]
    assert engine.database.row("SELECT COUNT(*) FROM scheduled_run") == (0,)
