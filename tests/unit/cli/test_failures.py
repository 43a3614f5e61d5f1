"""What a failed command says, and its exit code."""

from __future__ import annotations

import json

import pytest

from entrepot import errors
from entrepot.cli.failures import Failure, describe


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.TaskFailed("x"), 1),
        (errors.SyncFailed("x"), 1),
        (errors.InvalidValue("x"), 2),
        (errors.DuplicateResource("x"), 2),
        (errors.RefusedConfiguration("iso_importer", {"feed": "is no address"}), 2),
        (errors.MissingResource(repository="zoo"), 3),
        (errors.TaskCanceled("x"), 4),
        (errors.WaitTimeout("x"), 5),
        (errors.DatabaseUnavailable("x"), 6),
        (errors.DatabaseTooNew("x"), 6),
        (errors.StorageUnwritable("x"), 6),
        (ValueError("x"), 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert describe(error).exit_code == code


def test_a_missing_repository_is_answered_with_where_to_look() -> None:
    assert describe(errors.MissingResource(repository="zoo")).hints == ["See what there is: entrepot repo list"]


def test_a_failure_is_one_line_on_standard_error_with_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    Failure("It broke.", 1, hints=["Mend it."], details=["a.iso: size differs"]).write(as_json=False)

    assert capsys.readouterr() == ("", "error: It broke.\n  a.iso: size differs\nhint: Mend it.\n")


def test_a_failure_can_be_json_with_code_description_and_data(capsys: pytest.CaptureFixture[str]) -> None:
    describe(errors.MissingResource(repository="zoo")).write(as_json=True)

    printed = capsys.readouterr()
    assert printed.out == ""
    assert json.loads(printed.err)["error"] == {
        "code": "PLP0009",
        "description": "Missing resource(s): repository=zoo",
        "data": {"resources": {"repository": "zoo"}},
        "hints": ["See what there is: entrepot repo list"],
    }
