"""Published files, looked up many at once: what `published` finds one by one."""

from __future__ import annotations

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.repositories.reports import PublishedFile

from .conftest import Feed, run

_NAMES = ("a.txt", "deep/er/b.txt", "c.txt")


@pytest.fixture
def engine_with_sites(engine: Engine, feed: Feed) -> Engine:
    """Some sites: one at a path of two segments, one over https only, one that has not published."""
    feed.files = {name: name.encode() for name in _NAMES}
    for repository_id, config, publishes in (
        ("zoo", {}, True),
        ("park", {"relative_url": "parks/park"}, True),
        ("safe", {"serve_http": False, "serve_https": True}, True),
        ("idle", {}, False),
    ):
        repository = engine.repositories.create(
            repository_id,
            importer_type_id="iso_importer",
            importer_config={"feed": feed.url, "remove_missing": True},
            distributors=[
                {"distributor_type_id": "iso_distributor", "distributor_config": config, "auto_publish": publishes},
            ],
        )
        run(engine, repository.sync())
    return engine


def test_many_are_found_in_one_statement_as_each_of_them_alone(
    engine_with_sites: Engine, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    repositories, database = engine_with_sites.repositories, engine_with_sites.database
    del feed.files["c.txt"]
    run(engine_with_sites, repositories.get("zoo").sync())  # it left: only `published` finds it, for a while
    sites = ("zoo", "parks/park", "safe", "idle", "parks", "nowhere")
    paths = [f"{site}/{name}" for site in sites for name in (*_NAMES, "deep", "a.txt/more", "PULP_MANIFEST")]
    asked = [(path, scheme) for path in ("", *sites, *paths) for scheme in ("http", "https")]
    statements = []
    rows = database.rows
    monkeypatch.setattr(database, "rows", lambda *arguments: statements.append(arguments[0]) or rows(*arguments))

    found = repositories.find_published_files(asked)

    assert len(statements) == 1
    alone = {(path, scheme): repositories.published(path, scheme=scheme) for path, scheme in asked}
    assert found == {key: file for key, file in alone.items() if isinstance(file, PublishedFile) and file.is_live}
    assert {path for path, scheme in found if scheme == "https"} >= {"zoo/a.txt", "parks/park/deep/er/b.txt", "safe/c.txt"}
    assert not [path for path, scheme in found if path.startswith("safe") and scheme == "http"]


def test_publications_of_one_second_have_dates_a_second_apart(
    engine_with_sites: Engine, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP's dates know whole seconds: whoever has seen the first would be told for good that the second is the same."""
    now = clock.now_us()
    monkeypatch.setattr(clock, "now_us", lambda: now)
    repositories, dates = engine_with_sites.repositories, []
    for content in (b"one", b"two", b"three"):
        feed.files["a.txt"] = content
        run(engine_with_sites, repositories.get("zoo").sync())
        found = repositories.published("zoo/a.txt", scheme="http")
        assert isinstance(found, PublishedFile)
        dates.append(found.modified.replace(microsecond=0))

    assert len(set(dates)) == 3
    assert dates == sorted(dates)
