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
    UnsupportedValue,
)


def test_a_document_has_code_description_data_and_sub_errors() -> None:
    error = SyncFailed("Two files were refused.", refused=2)
    error.sub_errors.append(FetchAnswered("The feed answered 404.", url="http://feed/a", status=404))

    assert error.document() == {
        "code": "PLP2005",
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
                "validation_errors": {"feed": "is no address", "max_speed": "is negative"},
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


@pytest.mark.parametrize("interruption", [Canceled, LeaseLost, TimeLimitReached])
def test_an_interruption_is_not_caught_by_a_plugin_that_catches_every_exception(interruption: type[BaseException]) -> None:
    assert not issubclass(interruption, Exception)
