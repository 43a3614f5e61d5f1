"""Create, update and delete: each all or nothing, and every refusal names what is wrong."""

from __future__ import annotations

import pytest

from entrepot.engine import Engine
from entrepot.errors import (
    DuplicateResource,
    InvalidValue,
    MissingResource,
    OperationConflict,
    RefusedConfiguration,
    UnknownDistributorType,
    UnknownImporterType,
)
from entrepot.repositories import Repository

from .conftest import Feed, published, run

WEB = {"distributor_type_id": "iso_distributor", "distributor_id": "web"}


def test_a_repository_is_reported_as_it_was_created(engine: Engine) -> None:
    engine.repositories.create("zoo", description="animals", notes={"a": 1}, distributors=[WEB])

    report = engine.repositories.get("zoo").report()

    assert (report.repository_id, report.display_name, report.description, report.notes) == ("zoo", "zoo", "animals", {"a": 1})
    assert (report.importer, report.revision, report.content_unit_counts) == (None, 0, {})
    assert [(d.distributor_id, d.base_path, d.auto_publish) for d in report.distributors] == [("web", "zoo", False)]


@pytest.mark.parametrize("repository_id", ["", "a b", "ä", "..", "a/b", 5])
def test_a_bad_id_is_refused(engine: Engine, repository_id: str) -> None:
    with pytest.raises(InvalidValue, match="repo_id"):
        engine.repositories.create(repository_id)


def test_an_id_that_is_taken_is_refused(engine: Engine) -> None:
    engine.repositories.create("zoo")

    with pytest.raises(DuplicateResource, match="zoo"):
        engine.repositories.create("zoo")


def test_an_unknown_importer_type_is_refused_and_the_known_ones_are_listed(engine: Engine) -> None:
    with pytest.raises(UnknownImporterType, match="iso_importer"):
        engine.repositories.create("zoo", importer_type_id="nope")


def test_a_refused_configuration_names_each_field_and_nothing_is_kept(engine: Engine) -> None:
    with pytest.raises(RefusedConfiguration) as caught:
        engine.repositories.create(
            "zoo", importer_type_id="iso_importer", importer_config={"feed": "gopher://x", "max_downloads": 0}
        )

    assert set(caught.value.data["property_names"]) == {"feed", "max_downloads"}  # type: ignore[arg-type]
    assert engine.repositories.list() == []


def test_a_failing_distributor_takes_the_repository_with_it(engine: Engine) -> None:
    with pytest.raises(UnknownDistributorType):
        engine.repositories.create("zoo", importer_type_id="iso_importer", distributors=[WEB, {"distributor_type_id": "nope"}])

    assert engine.repositories.list() == []
    assert engine.database.row("SELECT count(*) FROM importer") == (0,)


@pytest.mark.parametrize(("taken", "wanted"), [("a/b", "a/b"), ("a/b", "a"), ("a", "a/b")])
def test_a_path_equal_to_or_inside_anothers_is_refused(engine: Engine, taken: str, wanted: str) -> None:
    engine.repositories.create("one", distributors=[WEB | {"distributor_config": {"relative_url": taken}}])

    with pytest.raises(OperationConflict, match="relative_url"):
        engine.repositories.create("two", distributors=[WEB | {"distributor_config": {"relative_url": wanted}}])


def test_secrets_are_masked_and_the_mask_sent_back_means_unchanged(engine: Engine) -> None:
    repository = engine.repositories.create(
        "zoo",
        importer_type_id="iso_importer",
        importer_config={"feed": "http://x/", "basic_auth_username": "u", "basic_auth_password": "s3cret"},
    )

    importer = repository.report().importer
    assert importer is not None
    assert importer.config["basic_auth_password"] == "*****"
    repository.update(importer_config=importer.config | {"max_downloads": 7})

    stored = engine.database.row("SELECT config FROM importer")
    assert stored is not None
    assert "s3cret" in stored[0]
    assert '"max_downloads":7' in stored[0]


def test_an_update_merges_notes_and_null_takes_one_away(engine: Engine) -> None:
    repository = engine.repositories.create("zoo", notes={"a": 1, "b": 2})

    report = repository.update(display_name="Zoo", notes={"a": None, "c": 3, "never": None})

    assert (report.display_name, report.notes) == ("Zoo", {"b": 2, "c": 3})


def test_an_update_that_is_refused_changes_nothing(engine: Engine) -> None:
    repository = engine.repositories.create("zoo", importer_type_id="iso_importer", importer_config={"feed": "http://x/"})

    with pytest.raises(RefusedConfiguration):
        repository.update(display_name="Zoo", importer_config={"max_downloads": "many"})

    assert repository.report().display_name == "zoo"


@pytest.mark.parametrize("notes", [{"a.b": 1}, {"$x": 1}, {"a": {"b.c": 1}}, "text"])
def test_notes_that_clients_could_not_search_are_refused(engine: Engine, notes: object) -> None:
    with pytest.raises(InvalidValue, match="notes"):
        engine.repositories.create("zoo", notes=notes)  # type: ignore[arg-type]


def test_a_deleted_repository_is_gone_with_its_publications_and_its_units_stay(
    engine: Engine, zoo: Repository, feed: Feed
) -> None:
    run(engine, zoo.sync())
    run(engine, zoo.publish("web"))
    assert published(engine) == feed.files

    report = run(engine, engine.repositories.delete("zoo"))

    assert report.state == "finished", report.error
    assert engine.repositories.published("zoo/a.txt") is None
    assert engine.database.row("SELECT count(*) FROM unit") == (3,)
    with pytest.raises(MissingResource, match="repository=zoo"):
        engine.repositories.get("zoo")


def test_what_was_accepted_before_a_delete_runs_first_and_what_comes_later_fails(engine: Engine, zoo: Repository) -> None:
    sync, delete, late = zoo.sync(), engine.repositories.delete("zoo"), zoo.sync()

    run(engine, delete)

    assert (sync.state, delete.state, late.state) == ("finished", "finished", "error")
    assert late.report().error["code"] == "PLP0009"  # type: ignore[index]


def test_an_unknown_distributor_is_refused_when_a_publish_is_requested(engine: Engine, zoo: Repository) -> None:
    with pytest.raises(MissingResource, match="distributor_id=nope"):
        zoo.publish("nope")


def test_a_delete_that_runs_again_after_its_commit_is_finished(engine: Engine, zoo: Repository) -> None:
    handle = engine.repositories.delete(zoo.repository_id)
    run(engine, handle)
    engine.database.execute("UPDATE task SET state = 'waiting', finished_at = NULL, owner = NULL")

    assert run(engine, handle).state == "finished"
