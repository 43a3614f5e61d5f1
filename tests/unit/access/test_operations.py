"""The five operations, as the tables keep them and as people write them."""

from __future__ import annotations

import pytest

from entrepot.access import Operation, operations_named
from entrepot.access.operations import names_of
from entrepot.errors import InvalidValue, MissingValue


def test_the_operations_have_the_numbers_of_the_contract() -> None:
    assert {operation.name: int(operation) for operation in Operation} == {
        "CREATE": 0,
        "READ": 1,
        "UPDATE": 2,
        "DELETE": 3,
        "EXECUTE": 4,
    }


def test_names_are_read_in_any_case_and_each_once() -> None:
    assert operations_named(["execute", "READ", "Read"]) == (Operation.READ, Operation.EXECUTE)
    assert names_of([4, 1]) == ("READ", "EXECUTE")


def test_one_name_is_a_list_of_one() -> None:
    assert operations_named("READ") == (Operation.READ,)


@pytest.mark.parametrize("names", [["WRITE"], ["READ", ""], [1], [None], [["READ"]], "WRITE", 3, None])
def test_what_is_no_operation_is_refused(names: object) -> None:
    with pytest.raises(InvalidValue) as refused:
        operations_named(names)

    assert refused.value.data == {"property_names": ["operation_name"]}


def test_no_operation_at_all_is_a_missing_value() -> None:
    with pytest.raises(MissingValue) as refused:
        operations_named([])

    assert refused.value.data == {"missing_property_names": ["operation_names"]}
