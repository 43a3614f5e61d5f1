"""What may be changed of a repository at once, without a task. Source: the Pulp 2 REST contract, 2.4."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from entrepot.engine import Engine
from entrepot.errors import InvalidValue, MissingResource, RefusedConfiguration

WEB = {"distributor_type_id": "iso_distributor", "distributor_id": "web"}


def test_what_is_not_named_stays_and_null_is_a_value_of_names(engine: Engine) -> None:
    repository = engine.repositories.create("zoo", description="animals", notes={"a": 1})
    repository.update(scratchpad={"seen": [1]})

    report = repository.update(display_name=None)

    assert (report.display_name, report.description, report.notes) == (None, "animals", {"a": 1})
    assert report.scratchpad == {"seen": [1]}
    assert repository.update(description=None).description is None


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"display_name": 5}, ["display_name"]),
        ({"description": 7, "notes": None}, ["description", "notes"]),
        ({"notes": "text"}, ["notes"]),
        ({"notes": {"a.b": None}}, ["notes"]),
        ({"scratchpad": None}, ["scratchpad"]),
        ({"scratchpad": {"a": "\x00"}}, ["scratchpad"]),
        ({"importer_config": "feed"}, ["importer_config"]),
        ({"distributor_configs": {"web": 5}}, ["distributor_config"]),
    ],
)
def test_a_refused_change_names_its_properties_and_changes_nothing(
    engine: Engine, given: dict[str, Any], names: list[str]
) -> None:
    repository = engine.repositories.create("zoo", importer_type_id="iso_importer", distributors=[WEB])
    before = repository.report()

    with pytest.raises(InvalidValue) as caught:
        repository.update(**({"display_name": "Zoo"} | given))

    assert caught.value.data["property_names"] == names
    assert repository.report() == before


def test_an_importer_that_is_not_there_leaves_the_rest_unchanged(engine: Engine) -> None:
    repository = engine.repositories.create("zoo")

    with pytest.raises(MissingResource) as caught:
        repository.update(display_name="Zoo", importer_config={"feed": "http://x/"})

    assert caught.value.data == {"resources": {"repo_id": "zoo"}}
    assert repository.report().display_name == "zoo"


def test_the_merged_configuration_is_checked_and_not_only_what_is_given(engine: Engine) -> None:
    repository = engine.repositories.create(
        "zoo",
        importer_type_id="iso_importer",
        importer_config={"basic_auth_username": "u", "basic_auth_password": "s3cret"},
    )
    row_id = repository.importer().row_id

    with pytest.raises(RefusedConfiguration, match="basic_auth_username: is required"):
        repository.update(importer_config={"basic_auth_username": None})
    report = repository.update(importer_config={"basic_auth_username": None, "basic_auth_password": None, "max_speed": 9})

    assert report.importer is not None
    assert (report.importer.config, report.importer.row_id) == ({"max_speed": 9}, row_id)


def test_a_repository_that_is_not_there_cannot_be_changed(engine: Engine) -> None:
    repository = engine.repositories.create("zoo")
    engine.database.execute("DELETE FROM repository")

    for call in (repository.update, repository.report, repository.importers, repository.distributors, repository.history):
        with pytest.raises(MissingResource) as caught:
            call()
        assert caught.value.data == {"resources": {"repository": "zoo"}}


def test_notes_set_by_two_at_the_same_time_are_both_kept(engine: Engine) -> None:
    repository = engine.repositories.create("zoo")
    start = threading.Barrier(4)

    def set_notes(writer: int) -> None:
        with engine.visit():
            start.wait()
            for number in range(5):
                repository.update(notes={f"{writer}-{number}": True})

    writers = [threading.Thread(target=set_notes, args=(writer,)) for writer in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert len(repository.report().notes) == 20
