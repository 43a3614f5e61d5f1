"""What people leaf through: the list of repositories, the units of one by name, the files of a unit."""

from __future__ import annotations

import pytest

from entrepot.engine import Engine
from entrepot.errors import MissingResource
from entrepot.repositories import Repository, RepositoryQuery, browsing
from tests.integration.repositories.conftest import Feed, run


@pytest.mark.parametrize("most_sorted", [0, 1000], ids=["by-the-index", "sorted"])
def test_units_come_by_name_page_by_page(
    engine: Engine, feed: Feed, zoo: Repository, most_sorted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "_MOST_SORTED", most_sorted)
    feed.put(Z__txt="z", a_1__txt="1")
    run(engine, zoo.sync())
    other = engine.repositories.create("other", importer_type_id="iso_importer", importer_config={"feed": feed.url})
    feed.put(only_there__txt="o")
    run(engine, other.sync())

    def names(**options: object) -> list[object]:
        return [unit.data["name"] for unit in zoo.browse_units("iso", **options)]  # type: ignore[arg-type]

    assert sorted(names()) == ["Z.txt", "a.txt", "a_1.txt", "b.txt", "c.txt"]  # type: ignore[type-var]
    assert names(limit=2, skip=2) == names()[2:4]
    assert names(text="A_") == ["a_1.txt"]
    assert names(text="there") == []
    assert names(text="%") == []
    assert zoo.browse_units("rpm") == []


def test_the_list_tells_how_the_last_runs_ended(engine: Engine, feed: Feed, zoo: Repository) -> None:
    engine.repositories.create("quiet", notes={"team": "Öl under"})
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    zoo.schedule_sync("R5/2999-01-01T00:00:00Z/P1D")
    zoo.schedule_sync("R5/2998-01-01T00:00:00Z/P1D", enabled=False)
    feed.manifest = b"broken"
    run(engine, zoo.sync())

    page = engine.repositories.overview(RepositoryQuery(failing_first=True))

    assert page.total == 2
    assert [(item.report.repository_id, item.is_failing) for item in page.items] == [("zoo", True), ("quiet", False)]
    summary = page.items[0]
    assert summary.last_sync is not None
    assert summary.last_publish is not None
    assert (summary.last_sync.result, summary.last_publish.result) == ("error", "success")
    assert summary.last_sync.error_message
    assert engine.schedules.next_runs(["zoo", "quiet", "none"]).keys() == {"zoo"}
    assert engine.schedules.next_runs(["zoo"])["zoo"].year == 2999
    for text, found in (("Öl", 1), ("UNDER", 1), ("zO", 1), ("o_", 0), ("", 2)):
        asked = RepositoryQuery(text, limit=1)
        assert engine.repositories.overview(asked).total == found, text


def test_a_unit_tells_of_its_files_whether_they_are_here_or_not(engine: Engine, feed: Feed, zoo: Repository) -> None:
    zoo.update(importer_config={"download_policy": "on_demand"})
    run(engine, zoo.sync())
    unit_id = zoo.browse_units("iso", text="a.txt")[0].unit_id

    [deferred] = engine.content.unit_files("iso", unit_id)
    run(engine, zoo.request_download())
    [stored] = engine.content.unit_files("iso", unit_id)

    assert (deferred.path, deferred.size, deferred.downloaded, deferred.sources) == ("a.txt", 1, False, 1)
    assert (stored.path, stored.size, stored.downloaded) == ("a.txt", 1, True)
    assert deferred.digests["sha256"] == stored.digests["sha256"]
    with pytest.raises(MissingResource):
        engine.content.unit_files("iso", "nonsense")
