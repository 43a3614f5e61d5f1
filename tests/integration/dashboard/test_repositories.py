"""The list of repositories, and the form that makes one."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from entrepot import clock
from entrepot.access import Operation
from entrepot.repositories import RepositoryQuery

from .conftest import HOSTILE, LARGEST_PAGE_BYTES, PASSWORD

NEW = "/repositories/+new"
LONG = "x" * 10_000


def ids(html):
    return re.findall(r'<th scope="row" class="long"><a href="/repositories/([^"]+)"', html)


def add_run(engine, table, repository_id, result, *, minutes_ago=0):
    """Write an entry of a history, as a run that ended."""
    plugin = "importer_type_id" if table == "sync_result" else "distributor_type_id, distributor_id"
    values = "'iso_importer'" if table == "sync_result" else "'iso_distributor', 'web'"
    moment = clock.to_us(clock.now() - timedelta(minutes=minutes_ago))
    with engine.transaction():
        engine.database.execute(
            f"INSERT INTO {table} (repository, started_at, completed_at, result, {plugin}) "
            f"SELECT id, ?, ?, ?, {values} FROM repository WHERE repository_id = ?",
            (moment, moment, result, repository_id),
        )


def test_the_list_shows_what_each_repository_is_and_how_it_does(dashboard, engine):
    web = {"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}
    zoo = engine.repositories.create("zoo", importer_type_id="iso_importer", distributors=[web], display_name="The zoo")
    zoo.schedule_sync("R5/2999-01-01T00:00:00Z/P1D")
    add_run(engine, "sync_result", "zoo", "success", minutes_ago=3)
    add_run(engine, "publish_result", "zoo", "error", minutes_ago=2)
    engine.repositories.create("uploads")

    html = re.sub(r"\s+", " ", dashboard.page("/repositories"))

    assert ids(html) == ["uploads", "zoo"]
    row = html.partition("/repositories/zoo")[2].partition("</tr>")[0]
    assert "The zoo" in row
    assert "iso_importer" in row
    assert re.search(r'success">success</span> <time [^>]*>3 min ago', row)
    assert re.search(r'error">error</span> <time [^>]*>2 min ago', row)
    assert 'datetime="2999-01-01T00:00:00Z"' in row
    assert "<td>yes</td>" in row
    assert 'formaction="/repositories/zoo/sync"' in row
    assert "1 to 2 of 2 repositories" in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?q=BEAR", ["bear-1", "lion"]),
        ("?q=100%25_", ["goat"]),
        ("?q=savanna", ["goat"]),
        ("?type=iso_importer", ["goat"]),
        ("?type=iso_importer&q=bear", []),
        ("?order=failing", ["lion", "bear-1", "goat"]),
        ("?page=2", []),
        ("?page=nonsense", ["bear-1", "goat", "lion"]),
    ],
)
def test_the_list_is_filtered_and_ordered_by_its_address(dashboard, engine, query, found):
    engine.repositories.create("bear-1")
    config = {"importer_type_id": "iso_importer", "notes": {"home": "the Savanna"}}
    engine.repositories.create("goat", display_name="100%_goat", **config)
    engine.repositories.create("lion", display_name="No Bear")
    add_run(engine, "sync_result", "lion", "failed")
    add_run(engine, "sync_result", "goat", "error", minutes_ago=5)
    add_run(engine, "sync_result", "goat", "success")

    assert ids(dashboard.page(f"/repositories{query}")) == found


def test_a_full_page_of_the_list_is_small_and_made_in_few_statements(dashboard, engine, monkeypatch):
    with engine.transaction():
        for index in range(70):
            config = {"importer_type_id": "iso_importer", "display_name": HOSTILE + LONG, "description": LONG}
            web = {"distributor_type_id": "iso_distributor", "distributor_id": "web"}
            engine.repositories.create(f"{index:02}" + "r" * 200, **config, distributors=[web])
    statements = []
    rows = engine.database.rows
    monkeypatch.setattr(engine.database, "rows", lambda *given: statements.append(given) or rows(*given))

    html = dashboard.page("/repositories?page=2")

    assert len(ids(html)) == 30
    assert len(html.encode()) <= LARGEST_PAGE_BYTES
    assert len(statements) < 15
    assert "<script>alert" not in html
    assert "page=3" in html


def test_who_may_sync_one_repository_gets_its_button_only(engine, browser_of, reader):
    for name in ("goat", "zoo"):
        engine.repositories.create(name, importer_type_id="iso_importer")
    engine.access.grant_to_user("rita", "/v2/repositories/zoo/", [Operation.EXECUTE])

    html = reader.page("/repositories")

    assert re.findall(r'formaction="([^"]+)"', html) == ["/repositories/zoo/sync"]
    assert NEW not in html
    assert reader.post(NEW, {"id": "new-one"}).status_code == 403
    engine.access.create_user("nora", password=PASSWORD)
    assert browser_of("nora").get("/repositories").status_code == 403


def test_a_repository_is_made_with_its_importer_and_distributor(dashboard, engine):
    html = dashboard.page("/repositories/+new?importer=iso_importer&distributor=iso_distributor")
    assert 'name="importer.feed"' in html
    assert html.count("<option>none</option>") == 2
    fields = {"id": "zoo", "display_name": "", "description": "Animals", "importer": "iso_importer"}
    fields |= {"distributor": "iso_distributor", "distributor_id": "web", "auto_publish": ["false", "true"]}
    fields |= {"importer.feed": "http://feed.test/", "importer.max_downloads": "7", "distributor.serve_http": ["false"]}

    made = dashboard.post(NEW, fields)

    assert (made.status_code, made.headers["location"]) == (303, "/repositories/zoo")
    report = engine.repositories.get("zoo").report()
    assert (report.display_name, report.description) == ("zoo", "Animals")
    assert report.importer.config == {"feed": "http://feed.test/", "max_downloads": 7}
    [web] = report.distributors
    assert (web.distributor_id, web.auto_publish, web.config) == ("web", True, {"serve_http": False})
    assert "zoo is made. Sync it next." in dashboard.page("/repositories/zoo")


def test_other_plugins_than_those_shown_are_shown_before_anything_is_made(dashboard, engine):
    html = dashboard.page(NEW)
    assert html.count("<form") - html.count('action="/logout"') == 1
    shown = dict(re.findall(r'name="shown_(\w+)" value="(\w+)"', html))
    assert shown == {"importer": "iso_importer", "distributor": "iso_distributor"}
    fields = {f"shown_{part}": type_id for part, type_id in shown.items()} | {"importer": "yum_importer", "distributor": "none"}
    fields |= {"id": "zoo", "description": "Animals", "importer.feed": "http://feed.test/"}

    answer = dashboard.post(NEW, fields)

    assert answer.status_code == 400
    assert "another importer and distributor was chosen" in answer.text
    assert dashboard.post(NEW, {**fields, "id": "", "do": "show"}).status_code == 200
    assert engine.repositories.list() == []
    assert "<legend>Importer yum_importer</legend>" in answer.text
    assert "<legend>Distributor" not in answer.text
    kept = ('value="zoo"', 'value="Animals"', 'value="http://feed.test/"')
    assert [text for text in kept if text not in answer.text] == []
    shown = dict(re.findall(r'name="(shown_\w+)" value="(\w+)"', answer.text))
    assert dashboard.post(NEW, {**fields, **shown}).status_code == 303
    assert engine.repositories.get("zoo").report().importer.importer_type_id == "yum_importer"


def test_who_makes_a_repository_may_do_everything_with_it(engine, browser_of):
    engine.access.create_user("olga", password=PASSWORD)
    engine.access.grant_to_user("olga", "/v2/repositories/", [Operation.CREATE])

    browser_of("olga").post(NEW, {"id": "mine", "importer": "none", "distributor": "none"})

    assert "Delete" in browser_of("olga").page("/repositories/mine")


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"id": "no/slash"}, 400, "repo_id may hold letters"),
        ({"id": ".."}, 400, "repo_id may hold letters"),
        ({"id": "taken"}, 409, "taken"),
        ({"id": "zoo", "importer.feed": "ftp://" + HOSTILE}, 400, "contains a space"),
        ({"id": "zoo", "importer.max_downloads": "many"}, 400, "must be a whole number"),
        ({"id": "zoo", "description": "a\0b"}, 400, "without NUL"),
        ({"id": "zoo", "distributor_id": "no dots."}, 400, "distributor"),
    ],
)
def test_what_is_refused_is_said_beside_what_was_typed(dashboard, engine, fields, status, said):
    engine.repositories.create("taken")
    password = {"importer.basic_auth_username": "ann", "importer.basic_auth_password": "typed secret"}
    given = {"importer": "iso_importer", "distributor": "iso_distributor", "display_name": HOSTILE, **password, **fields}

    answer = dashboard.post(NEW, given)

    assert answer.status_code == status
    assert said in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "<script>alert" not in answer.text
    assert "typed secret" not in answer.text
    assert [one.repository_id for one in engine.repositories.list()] == ["taken"]


def test_the_address_new_leads_to_the_form_unless_a_repository_is_called_so(dashboard, engine):
    assert dashboard.get("/repositories/new").headers["location"] == NEW

    engine.repositories.create("new")

    assert "<h1>new</h1>" in dashboard.page("/repositories/new")


def test_the_newest_result_counts_whatever_was_written_last(engine):
    web = {"distributor_type_id": "iso_distributor", "distributor_id": "web"}
    engine.repositories.create("zoo", distributors=[web])
    add_run(engine, "publish_result", "zoo", "success")
    add_run(engine, "publish_result", "zoo", "failed", minutes_ago=9)

    [item] = engine.repositories.overview(RepositoryQuery(failing_first=True)).items

    assert (item.is_failing, item.last_publish.result, item.last_sync) == (False, "success", None)
