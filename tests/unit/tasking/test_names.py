"""What the names of a task may be."""

from __future__ import annotations

import pytest

from entrepot.errors import InvalidValue
from entrepot.tasking.names import LONGEST_NAME_BYTES, MOST_NAMES, require_name, require_names
from entrepot.tasking.resources import reserved


def test_a_name_of_any_script_is_taken_up_to_the_longest() -> None:
    longest = "é" * (LONGEST_NAME_BYTES // 2)

    assert require_names("tags", ["order:1", "動物園", longest]) == ("order:1", "動物園", longest)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (7, "type int"),
        (b"zoo", "type bytes"),
        ("", "empty"),
        ("a\x00b", "NUL"),
        ("a\udcffb", "surrogate"),
        ("a" * (LONGEST_NAME_BYTES + 1), "1,001 bytes"),
        ("é" * (LONGEST_NAME_BYTES // 2) + "e", "1,001 bytes"),
    ],
)
def test_what_a_database_could_not_keep_is_no_name_and_the_refusal_says_why(name: object, why: str) -> None:
    with pytest.raises(InvalidValue, match=why) as refused:
        require_name("idempotency_key", name)

    assert refused.value.data == {"property_names": ["idempotency_key"]}
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 200


def test_a_task_has_no_more_names_than_so_many() -> None:
    names = [str(number) for number in range(MOST_NAMES)]

    assert require_names("tags", names) == tuple(names)
    with pytest.raises(InvalidValue, match="1,001 names are too many"):
        require_names("tags", [*names, "one more"])


def test_no_resource_has_the_name_of_a_limit() -> None:
    with pytest.raises(InvalidValue, match="is the name of a limit"):
        reserved(["limit:mail"])
