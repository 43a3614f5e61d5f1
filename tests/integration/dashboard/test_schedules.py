"""The pages of schedules: the list with its timeline, one schedule with its runs, and the forms that make and change one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from entrepot import clock
from entrepot.access import Operation
from entrepot.schedules.words import how_soon
from entrepot.tasking import task

from .conftest import HOSTILE, LARGEST_PAGE_BYTES, PASSWORD

FORM = {"kind": "sync", "repository": "zoo", "plugin": "iso_importer", "schedule": "02:00/P1D", "time_zone": "Europe/Zurich",
        "failure_threshold": "3", "overlap": "queue", "jitter_seconds": "60", "override_config": '{"max_downloads": 2}',
        "enabled": "true", "do": "save"}  # fmt: skip


@task(name="bakery.bake")
def bake(loaves, *, glaze=False):
    """Bake."""


@task(name=HOSTILE)
def odd(word):
    """Have an odd name."""


@pytest.fixture
def zoo(engine):
    """A repository that can be synced and published."""
    return create(engine, "zoo")


@pytest.fixture
def made(engine, zoo):
    """A schedule of its syncs."""
    return engine.schedules.create_sync("zoo", "iso_importer", "02:00/P1D", time_zone="Europe/Zurich")


@pytest.fixture
def clerk(engine, zoo, browser_of):
    """The browser of somebody who may do everything with the repository, and nothing else."""
    engine.access.create_user("carla", password=PASSWORD)
    engine.access.grant_to_user("carla", "/v2/repositories/zoo/", list(Operation))
    return browser_of("carla")


def create(engine, repository_id):
    return engine.repositories.create(
        repository_id,
        importer_type_id="iso_importer",
        importer_config={"feed": "file:///no/such/"},
        distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web"}],
    )


def only(engine):
    (report,) = engine.schedules.list()
    return report


def finish(engine, state):
    """Let all tasks have ended so, without running them."""
    with engine.database.transaction():
        now = clock.now_us()
        error = '{"description": "the tape is torn"}' if state == "error" else None
        engine.database.execute(
            "UPDATE task SET state = ?, started_at = ?, finished_at = ?, error = ?", (state, now, now, error)
        )


# -- the list


def test_the_list_says_what_runs_when_and_how_the_last_run_ended(engine, dashboard, made):
    engine.schedules.run_now(made.schedule_id)
    finish(engine, "error")
    engine.schedules.go_round()

    page = dashboard.page("/schedules")

    assert f'href="/schedules/{made.schedule_id}"' in page
    assert "sync zoo" in page
    assert "every day at 02:00 Europe/Zurich" in page
    assert 'class="state error">error' in page
    assert "1 run in the last 24 hours: 1 failed; runs are expected in 1 half-hour of the next 24 hours" in page


def test_the_timeline_draws_what_was_and_what_is_expected(engine, dashboard, zoo):
    engine.schedules.create_publish("zoo", "web", "PT6H", overlap="queue")
    engine.schedules.go_round()
    finish(engine, "finished")

    page = dashboard.page("/schedules")

    assert 'role="img" aria-label="1 run in the last 24 hours: 1 finished; runs are expected in 4 half-hours' in page
    assert '<path class="finished" d="M47.1 4h.8V12h-.8z"/>' in page
    assert page.count("V12h-.8z") == 1 + 4


def test_the_list_is_narrowed_and_comes_in_pages_that_are_small(engine, dashboard, zoo):
    for _ in range(21):
        engine.schedules.create_publish("zoo", "web", "PT30M")
    engine.schedules.create_sync("zoo", "iso_importer", "PT1M", enabled=False)

    first = dashboard.page("/schedules")
    second = dashboard.page("/schedules?page=2")

    assert "1 to 20 of 22 schedules" in first
    assert 'href="/schedules?page=2"' in first
    assert "21 to 22 of 22 schedules" in second
    assert "1 to 1 of 1 schedules" in dashboard.page("/schedules?kind=sync&enabled=no&repository=zoo")
    assert "No schedule matches" in dashboard.page("/schedules?repository=bar")
    assert len(first.encode()) < LARGEST_PAGE_BYTES


def test_a_page_of_schedules_takes_as_many_statements_as_one_schedule(engine, dashboard, zoo, monkeypatch):
    statements = []
    rows = type(engine.database).rows
    monkeypatch.setattr(type(engine.database), "rows", lambda *args: (statements.append(args[1]), rows(*args))[1])
    counts = []
    for number in (1, 10):
        for _ in range(number):
            engine.schedules.create_publish("zoo", "web", "PT30M")
        engine.schedules.go_round()
        statements.clear()
        dashboard.page("/schedules")
        counts.append(len(statements))

    assert counts[0] == counts[1]
    assert 0 < counts[0] < 10


def test_where_nothing_is_scheduled_that_is_said(dashboard):
    assert "Nothing is scheduled" in dashboard.page("/schedules")


# -- one schedule


def test_a_schedule_shows_its_next_runs_in_both_zones_and_its_past_ones(engine, dashboard, made):
    handle = engine.schedules.run_now(made.schedule_id)
    finish(engine, "error")
    preview = engine.schedules.preview_of(made.schedule_id)

    page = dashboard.page(f"/schedules/{made.schedule_id}")

    assert page.count(" 02:00:00 +0") == 5
    for run in preview.runs:
        assert f"{run:%a %Y-%m-%d %H:%M:%S}</td>" in page
    assert f'href="/tasks/{handle.task_id}"' in page
    assert "by hand" in page
    assert "the tape is torn" in page


def test_past_runs_come_in_pages(engine, dashboard, made):
    for _ in range(21):
        engine.schedules.run_now(made.schedule_id)
    oldest = engine.schedules.runs(made.schedule_id)[-1]

    page = dashboard.page(f"/schedules/{made.schedule_id}")

    assert oldest.task_id not in page
    older = page.partition('rel="next" href="')[2].partition('"')[0]
    assert oldest.task_id in dashboard.page(older)


def test_a_schedule_is_run_now_switched_and_deleted(engine, dashboard, made):
    page = f"/schedules/{made.schedule_id}"

    assert dashboard.post(f"{page}/run").status_code == 303
    assert [run.number for run in engine.schedules.runs(made.schedule_id)] == [None]
    dashboard.post(f"{page}/disable")
    assert not only(engine).enabled
    dashboard.post(f"{page}/enable")
    assert only(engine).enabled
    assert "the tasks that it has enqueued stay" in dashboard.page(f"{page}/delete")
    answer = dashboard.post(f"{page}/delete")
    assert (answer.status_code, answer.headers["location"]) == (303, "/schedules")
    assert engine.schedules.list() == []
    assert dashboard.get(page).status_code == 404


def test_who_may_only_read_sees_no_buttons_and_changes_nothing(engine, reader, made):
    page = reader.page(f"/schedules/{made.schedule_id}")
    assert "Run now" not in page
    assert "/edit" not in page
    assert "New schedule" not in reader.page("/schedules")

    for what in ("run", "disable", "enable", "delete", "edit"):
        assert reader.post(f"/schedules/{made.schedule_id}/{what}", FORM).status_code == 403
    assert reader.get("/schedules/new").status_code == 403
    assert reader.get("/schedules/new?kind=sync&repository=zoo").status_code == 403
    assert reader.get(f"/schedules/{made.schedule_id}/edit").status_code == 403
    assert reader.post("/schedules/new", FORM).status_code == 403
    assert [report.schedule_id for report in engine.schedules.list()] == [made.schedule_id]
    assert engine.schedules.runs(made.schedule_id) == []


def test_what_is_permitted_at_the_repository_is_permitted_here(engine, clerk, made):
    page = f"/schedules/{made.schedule_id}"

    assert clerk.get("/schedules").status_code == 403
    assert "Run now" in clerk.page(page)
    assert clerk.post(f"{page}/run").status_code == 303
    assert clerk.post(f"{page}/delete").status_code == 303
    assert clerk.post("/schedules/new", FORM).status_code == 303
    assert clerk.post("/schedules/new", {"kind": "task", "task": "bakery.bake", "schedule": "P1D"}).status_code == 403
    engine.access.revoke_from_user("carla", "/v2/repositories/zoo/", list(Operation))
    assert clerk.get(f"/schedules/{only(engine).schedule_id}").status_code == 200  # who made it may do everything with it
    assert clerk.get(page).status_code == 403


def test_the_audit_log_names_the_rest_path_of_a_schedule(engine, dashboard, clerk):
    dashboard.post("/schedules/new", FORM)
    path = f"/schedules/{only(engine).schedule_id}"
    for what in ("edit", "disable", "run", "delete"):
        dashboard.post(f"{path}/{what}", FORM | {"jitter_seconds": "0"})
    clerk.post(f"{path}/run")

    schedules = "/v2/repositories/zoo/importers/iso_importer/schedules/sync/"
    entries = engine.access.list_audit(resource="/v2/repositories/zoo/", door="dashboard")
    own = schedules + path.removeprefix("/schedules/") + "/"
    assert [(entry.action, entry.resource) for entry in entries] == [
        *((f"{what} schedule", own) for what in ("delete", "run", "disable", "update")),
        ("create schedule", schedules),
    ]
    (refused,) = engine.access.list_audit(login="carla", outcome="refused")
    assert refused.resource == f"/v2{path}/"


# -- the forms


def test_a_preview_shows_the_next_runs_and_keeps_what_was_typed(engine, dashboard, zoo):
    answer = dashboard.post("/schedules/new", {**FORM, "do": "preview"})

    expected = engine.schedules.preview("02:00/P1D", time_zone="Europe/Zurich").runs
    assert answer.status_code == 200
    assert "Every day at 02:00 Europe/Zurich." in answer.text
    assert how_soon(expected[0], clock.now()).split()[0] in answer.text
    assert answer.text.count(" 02:00:00 +0") == 5
    kept = ('value="02:00/P1D"', 'value="Europe/Zurich"', 'value="queue" selected', "{&#34;max_downloads&#34;: 2}")
    assert [text for text in kept if text not in answer.text] == []
    assert engine.schedules.list() == []


def test_a_form_makes_a_schedule(engine, dashboard, zoo):
    assert "by its importer iso_importer" in dashboard.page("/schedules/new?kind=sync&repository=zoo")

    answer = dashboard.post("/schedules/new", FORM)

    report = only(engine)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/schedules/{report.schedule_id}")
    assert (report.sentence, report.failure_threshold, report.overlap, report.jitter_seconds) == (
        "every day at 02:00 Europe/Zurich", 3, "queue", 60,
    )  # fmt: skip
    assert (report.enabled, report.override_config, report.plugin_id) == (True, {"max_downloads": 2}, "iso_importer")


def test_what_is_to_run_is_chosen_first(engine, dashboard, zoo):
    zoo.add_distributor("iso_distributor", distributor_id="other")

    assert 'name="repository"' in dashboard.page("/schedules/new")
    page = dashboard.page("/schedules/new?kind=publish&repository=zoo")
    assert "<option>web</option><option>other</option>" in page
    assert "by its distributor other" in dashboard.page("/schedules/new?kind=publish&repository=zoo&distributor=other")
    engine.repositories.create("empty")
    assert "has no importer" in dashboard.page("/schedules/new?kind=sync&repository=empty")
    assert dashboard.get("/schedules/new?kind=sync&repository=no-such").status_code == 404


WRONG = [
    ("schedule", HOSTILE, "holds characters that no schedule has"),
    ("schedule", "", "Say when it is to run."),
    ("schedule", "P1D" * 3334, "is longer than"),
    ("time_zone", "Europe/Nowhere", "&#39;Europe/Nowhere&#39;"),
    ("failure_threshold", "many", "This must be a whole number."),
    ("failure_threshold", "0", "an integer of at least 1"),
    ("jitter_seconds", "86401", "from 0 to 86400"),
    ("overlap", "stack", "is coalesce or queue"),
    ("override_config", "[1]", "This must be an object"),
    ("override_config", '{"a": NaN}', "This is no JSON"),
    ("override_config", '{"a": 1e999}', "This is no JSON"),
    ("override_config", '{"a": "\\ud800"}', "This is no JSON"),
    ("override_config", "[" * 30_000, "This is no JSON"),
    ("failure_threshold", "9" * 5_000, "This must be a whole number."),
    ("jitter_seconds", "\N{SUPERSCRIPT TWO}", "This must be a whole number."),
    ("time_zone", "\x00", "no IANA time zone"),
]


def test_what_is_wrong_is_said_at_its_field(engine, dashboard, zoo):
    for field, value, why in WRONG:  # not parameters: an engine for each would take longer than all of them
        answer = dashboard.post("/schedules/new", {**FORM, field: value})

        assert answer.status_code == 400, field
        assert why in answer.text.partition(f'id="{field}-wrong">')[2].partition("</p>")[0]
        assert "<script>alert" not in answer.text
        assert len(answer.text.encode()) < LARGEST_PAGE_BYTES
    assert engine.schedules.list() == []


def test_a_task_of_ones_own_is_scheduled_with_its_arguments(engine, dashboard):
    engine.registry.type_of(bake)
    form = {"kind": "task", "task": "bakery.bake", "args": "[12]", "kwargs": '{"glaze": true}', "schedule": "P1D"}

    assert dashboard.post("/schedules/new", {**form, "args": "[1, 2, 3]"}).status_code == 400
    assert dashboard.post("/schedules/new", {**form, "task": HOSTILE}).status_code == 400
    assert dashboard.post("/schedules/new", form).status_code == 303

    report = only(engine)
    assert (report.task_type, report.args, report.kwargs, report.enabled) == ("bakery.bake", (12,), {"glaze": True}, False)
    page = dashboard.page(f"/schedules/{report.schedule_id}")
    assert "bakery.bake" in page
    assert "&#34;glaze&#34;: true" in page


def test_a_change_writes_what_differs_and_keeps_secrets(engine, dashboard, zoo):
    made = engine.schedules.create_sync(
        "zoo", "iso_importer", "R5/PT6H", override_config={"query_auth_token": "geheim", "max_downloads": 3}
    )
    path = f"/schedules/{made.schedule_id}/edit"
    page = dashboard.page(path)
    assert "geheim" not in page
    assert "*****" in page

    form = {**FORM, "schedule": "R5/PT6H", "time_zone": "", "override_config": '{"query_auth_token": "*****"}'}
    assert dashboard.post(path, form).status_code == 303

    after = only(engine)
    assert (after.first_run, after.next_run - made.next_run < timedelta(seconds=60)) == (made.first_run, True)
    assert (after.failure_threshold, after.override_config) == (3, {"query_auth_token": "*****"})
    stored = engine.database.row("SELECT override_config FROM schedule")[0]
    assert '"geheim"' in stored
    assert "Every 2 hours" in dashboard.post(path, {**form, "schedule": "PT2H", "do": "preview"}).text
    assert dashboard.post(path, {**form, "schedule": "P"}).status_code == 400
    assert only(engine).schedule == "R5/PT6H"


def test_hostile_names_are_escaped(engine, dashboard):
    report = engine.schedules.create_task("PT1H", odd, ["<img src=x onerror=alert(2)>" + "x" * 10_000])
    engine.schedules.run_now(report.schedule_id)

    for path in ("/schedules", f"/schedules/{report.schedule_id}", f"/schedules/{report.schedule_id}/edit"):
        page = dashboard.page(path)
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page
        assert len(page.encode()) < LARGEST_PAGE_BYTES
