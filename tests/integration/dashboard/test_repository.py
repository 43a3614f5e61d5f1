"""The pages of one repository: what it is and what can be done with it, and its settings."""

from __future__ import annotations

import json
import re

import pytest

from entrepot.access import Operation
from entrepot.testing import drain

from .conftest import HOSTILE, LARGEST_PAGE_BYTES
from .sample_repositories import SECRET, make_zoo, open_feed, synced

PAGES = ("", "/content", "/publications", "/schedules", "/history", "/events")
ACTIONS = ("sync", "publish", "download", "delete", "settings", "settings/importer", "settings/distributors/web")


@pytest.fixture
def feed():
    with open_feed() as feed:
        yield feed


@pytest.fixture
def zoo(engine, feed):
    return make_zoo(engine, feed)


def task_states(engine):
    return [(report.title, report.state) for report in engine.tasks.list()]


def test_a_repository_is_shown_with_what_it_serves_and_without_its_secrets(dashboard, engine, feed, zoo):
    synced(engine, zoo, feed)

    html = dashboard.page("/repositories/zoo")

    assert '<a href="/repositories/zoo/content">3 iso</a>' in re.sub(r"\s*(3 iso)\s*", r"\1", html)
    assert '<a href="/content/zoo/">/content/zoo/</a>' in html
    assert "3 added, 0 replaced, 0 removed" in html
    assert "*****" in html
    assert feed.url in html
    for page in (*PAGES, "/settings", "/settings/importer", "/settings/distributors/web"):
        assert SECRET not in dashboard.page(f"/repositories/zoo{page}")


def test_buttons_enqueue_what_they_say(dashboard, engine, feed, zoo):
    answer = dashboard.post("/repositories/zoo/sync")
    assert (answer.status_code, answer.headers["location"]) == (303, "/repositories/zoo")
    html = dashboard.page("/repositories/zoo")
    assert "The sync was accepted as task" in html
    assert ">waiting</span>" in html
    drain(engine)
    dashboard.post("/repositories/zoo/publish", {"distributor_id": "web"})
    dashboard.post("/repositories/zoo/download", {"verify_all_units": "true"})
    drain(engine)

    assert task_states(engine) == [
        ("download zoo", "finished"), ("publish zoo", "finished"), ("publish zoo", "finished"), ("sync zoo", "finished")
    ]  # fmt: skip
    html = dashboard.page("/repositories/zoo")
    assert html.count('class="state finished"') == 3
    assert "100 %" in html
    with engine.transaction():
        engine.database.execute("UPDATE task SET finished_at = finished_at - 61000000")
    assert 'class="state finished"' not in dashboard.page("/repositories/zoo")
    assert dashboard.post("/repositories/zoo/publish", {"distributor_id": "none"}).status_code == 404
    assert dashboard.get("/repositories/none").status_code == 404


def test_a_running_sync_shows_how_far_it_is(dashboard, engine, zoo, monkeypatch):
    handle = zoo.sync()
    steps = [
        {"description": "Reading", "state": "FINISHED", "items_total": 1, "num_processed": 1},
        {"description": HOSTILE, "state": "IN_PROGRESS", "items_total": 8, "num_processed": 2, "num_failures": 1},
        {"state": "NOT_STARTED"},
        "nonsense",
    ]
    document = {"iso_importer": steps}
    with engine.transaction():
        query = "UPDATE task SET state = 'running', started_at = created_at, progress = ? WHERE task_id = ?"
        engine.database.execute(query, (json.dumps(document), handle.task_id))

    html = dashboard.page("/repositories/zoo")

    assert '<progress value="25" max="100"' in html
    assert "25 %" in html
    assert "2 of 8, 1 failed" in html
    assert f'href="/tasks/{handle.task_id}"' in html
    assert "<script>alert" not in html


def test_a_reader_sees_all_pages_and_can_do_nothing(reader, engine, feed, zoo):
    synced(engine, zoo, feed)

    for page in PAGES:
        html = reader.page(f"/repositories/zoo{page}")
        posts = re.findall(r'<form method="post" action="([^"]+)"', html) + re.findall(r'formaction="([^"]+)"', html)
        assert set(posts) <= {"/logout"}
        assert "Settings" not in html
    for action in ACTIONS:
        assert reader.post(f"/repositories/zoo/{action}", {"distributor_id": "web"}).status_code == 403
    for page in ("/delete", "/settings", "/settings/importer", "/publications/roll_back?distributor=web&revision=1"):
        assert reader.get(f"/repositories/zoo{page}").status_code == 403
    assert task_states(engine) == [("publish zoo", "finished"), ("sync zoo", "finished")]


def test_rights_on_another_repository_count_nothing_here(engine, browser_of, reader, zoo):
    engine.access.grant_to_user("rita", "/v2/repositories/zoo-2/", list(Operation))

    assert reader.post("/repositories/zoo/sync").status_code == 403


def test_a_repository_is_deleted_after_it_was_said_what_goes(dashboard, engine, feed, zoo):
    synced(engine, zoo, feed)
    zoo.schedule_sync("R5/2999-01-01T00:00:00Z/P1D")

    html = re.sub(r"\s+", " ", dashboard.page("/repositories/zoo/delete"))
    assert "the distributor web with 1 publication; <strong>/content/zoo/ is served no more" in html
    assert "1 schedule, and" in html
    assert "3 units" in html
    answer = dashboard.post("/repositories/zoo/delete")
    drain(engine)

    assert answer.headers["location"] == "/repositories"
    assert engine.repositories.list() == []


def test_name_description_and_notes_are_changed_at_once(dashboard, engine, zoo):
    zoo.update(notes={"team": "old", "tier": 1})

    fields = {"display_name": " The zoo ", "description": "two\r\nlines", "notes": '{"tier": 2, "new": [1]}'}
    answer = dashboard.post("/repositories/zoo/settings", fields)

    assert answer.headers["location"] == "/repositories/zoo"
    report = zoo.report()
    assert (report.display_name, report.description) == ("The zoo", "two\nlines")
    assert report.notes == {"tier": 2, "new": [1]}


@pytest.mark.parametrize("notes", ["[1]", "{", '{"a.b": 1}', '{"a": NaN}', "[" * 5000])
def test_notes_that_cannot_be_kept_are_refused_with_what_was_typed(dashboard, zoo, notes):
    answer = dashboard.post("/repositories/zoo/settings", {"display_name": HOSTILE, "notes": notes})

    assert answer.status_code == 400
    assert (
        'id="notes" name="notes" rows="6" spellcheck="false" aria-describedby="notes-hint refusal" aria-invalid="true"'
        in answer.text
    )
    assert "&lt;script&gt;" in answer.text
    assert zoo.report().notes == {}


def test_the_importer_keeps_a_secret_that_comes_back_masked(dashboard, engine, feed, zoo):
    html = dashboard.page("/repositories/zoo/settings/importer")
    assert 'value="*****"' in html
    fields = {"importer.feed": feed.url, "importer.basic_auth_username": "bob", "importer.basic_auth_password": "*****"}

    answer = dashboard.post("/repositories/zoo/settings/importer", {**fields, "importer.max_downloads": "3"})

    assert answer.headers["location"] == "/repositories/zoo"
    [(config,)] = engine.database.rows("SELECT config FROM importer")
    assert SECRET in config
    assert '"bob"' in config
    assert zoo.importer().config["max_downloads"] == 3
    assert task_states(engine) == []


def test_a_configuration_that_the_importer_refuses_is_shown_again(dashboard, zoo):
    fields = {"importer.feed": HOSTILE, "importer.basic_auth_password": "a new secret"}

    answer = dashboard.post("/repositories/zoo/settings/importer", fields)

    assert answer.status_code == 400
    assert 'aria-invalid="true"' in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "a new secret" not in answer.text


def test_an_importer_is_removed_and_another_one_set(dashboard, engine, zoo):
    assert "The repository keeps its units" in dashboard.page("/repositories/zoo/settings/importers/iso_importer/remove")
    dashboard.post("/repositories/zoo/settings/importers/iso_importer/remove")
    drain(engine)
    assert zoo.importers() == []
    assert dashboard.get("/repositories/zoo/settings/importer").status_code == 404

    assert 'name="importer.feed"' in dashboard.page("/repositories/zoo/settings/importers?type=iso_importer")
    fields = {"type": "iso_importer", "importer.feed": "no address"}
    assert dashboard.post("/repositories/zoo/settings/importers", fields).status_code == 400
    dashboard.post("/repositories/zoo/settings/importers", fields | {"importer.feed": "http://feed.test/"})
    drain(engine)

    assert zoo.importer().config == {"feed": "http://feed.test/"}


def test_a_distributor_is_added_changed_and_removed(dashboard, engine, zoo):
    place = "/repositories/zoo/settings/distributors"
    fields = {"type": "iso_distributor", "distributor_id": "web", "auto_publish": "false", "distributor.relative_url": "b"}
    assert dashboard.post(place, fields).status_code == 400
    assert dashboard.post(place, fields | {"distributor_id": "other"}).status_code == 303
    changed = dashboard.post(f"{place}/other", {"auto_publish": ["false", "true"], "distributor.relative_url": "c"})
    drain(engine)

    assert "Task" in dashboard.page(changed.headers["location"])
    other = zoo.distributor("other")
    assert (other.base_path, other.auto_publish) == ("c", True)
    taken = dashboard.post(f"{place}/other", {"distributor.relative_url": "zoo"})
    assert taken.status_code == 409
    assert zoo.distributor("other").base_path == "c"
    assert "/content/c/ is served no more" in dashboard.page(f"{place}/other/remove")
    dashboard.post(f"{place}/other/remove")
    drain(engine)
    assert [one.distributor_id for one in zoo.distributors()] == ["web"]


@pytest.mark.parametrize("repository_id", ["...a", "a..", "-", "A_" + "z" * 250, "new", "sync"])
def test_odd_ids_and_hostile_texts_stay_what_they_are(dashboard, engine, feed, repository_id):
    repository = make_zoo(engine, feed, repository_id)
    text = HOSTILE + "y" * 10_000
    repository.update(display_name=text, description=text, notes={HOSTILE.replace(".", ""): text})
    synced(engine, repository, feed, **{f"{'n' * 200}__iso": "n"})

    for page in PAGES:
        html = dashboard.page(f"/repositories/{repository_id}{page}")
        assert f"<h1>{repository_id}</h1>" in html
        assert "<script>alert" not in html
        assert len(html.encode()) <= LARGEST_PAGE_BYTES
    assert "&lt;script&gt;" in dashboard.page(f"/repositories/{repository_id}/settings")
    assert dashboard.post(f"/repositories/{repository_id}/sync").status_code == 303
