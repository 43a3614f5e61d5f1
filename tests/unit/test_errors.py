"""An error carries a message for people, and data for programs that every answer shows alike."""

from __future__ import annotations

import pytest

from entrepot.errors import (
    Canceled,
    DuplicateResource,
    EntrepotError,
    FetchAnswered,
    InvalidSettings,
    InvalidValue,
    LeaseLost,
    MissingResource,
    MissingValue,
    RefusedConfiguration,
    SyncFailed,
    TimeLimitReached,
    UnknownDistributorType,
    UnsupportedValue,
)


def test_a_document_has_code_description_data_and_sub_errors() -> None:
    error = SyncFailed("Two files were refused.", refused=2)
    error.sub_errors.append(FetchAnswered("The feed answered 404.", url="http://feed/a", status=404))

    assert error.document() == {
        "code": "PLP0000",
        "description": "Two files were refused.",
        "data": {"refused": 2},
        "sub_errors": [
            {
                "code": "PLP2022",
                "description": "The feed answered 404.",
                "data": {"url": "http://feed/a", "status": 404},
                "sub_errors": [],
            }
        ],
    }


@pytest.mark.parametrize(
    ("error", "message", "data"),
    [
        (MissingResource(repository="zoo"), "Missing resource(s): repository=zoo", {"resources": {"repository": "zoo"}}),
        (InvalidValue("id", why="letters only"), "Invalid properties: ['id']: letters only", {"property_names": ["id"]}),
        (MissingValue("id"), "Missing values for: ['id']", {"missing_property_names": ["id"]}),
        (UnsupportedValue("colour"), "Unsupported properties: ['colour']", {"unsupported_property_names": ["colour"]}),
        (DuplicateResource("zoo"), "Duplicate resource: zoo", {"resource_id": "zoo"}),
        (
            RefusedConfiguration("iso_importer", {"feed": "is no address", "max_speed": "is negative"}),
            "iso_importer refused its configuration: feed: is no address; max_speed: is negative",
            {
                "args": ["iso_importer refused its configuration: feed: is no address; max_speed: is negative"],
                "validation_errors": "feed: is no address; max_speed: is negative",
                "problems": {"feed": "is no address", "max_speed": "is negative"},
                "property_names": ["feed", "max_speed"],
            },
        ),
        (
            InvalidSettings({"worker_threads": "is no number"}),
            "Invalid properties: ['worker_threads']: ENTREPOT_WORKER_THREADS: is no number",
            {"property_names": ["worker_threads"]},
        ),
    ],
)
def test_a_message_names_what_was_refused_and_the_data_repeat_it(
    error: EntrepotError, message: str, data: dict[str, object]
) -> None:
    assert str(error) == message
    assert error.data == data


@pytest.mark.parametrize(("kind", "code"), [("importer", "PLP1000"), ("distributor", "PLP0000"), (None, "PLP1000")])
def test_a_refused_configuration_has_the_code_that_clients_know_for_its_kind_of_plugin(kind: str | None, code: str) -> None:
    error = RefusedConfiguration("iso", {"feed": "is no address"})
    error.plugin_kind = kind

    assert error.document()["code"] == code


def test_an_unknown_distributor_type_is_shown_as_an_invalid_value() -> None:
    error = UnknownDistributorType("there is none", installed=[])

    assert (error.code, error.document()["code"]) == ("PLP2002", "PLP0015")
    assert error.data == {"property_names": ["distributor_type_id"], "installed": []}


@pytest.mark.parametrize("interruption", [Canceled, LeaseLost, TimeLimitReached])
def test_an_interruption_is_not_caught_by_a_plugin_that_catches_every_exception(interruption: type[BaseException]) -> None:
    assert not issubclass(interruption, Exception)
