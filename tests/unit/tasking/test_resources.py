"""Which reservations conflict."""

from __future__ import annotations

from entrepot.tasking import Resource, Shared
from entrepot.tasking.resources import reserved


def test_a_plain_name_is_exclusive_and_a_shared_one_is_not() -> None:
    assert reserved(["a", Shared("b")]) == (Resource("a", exclusive=True), Resource("b", exclusive=False))


def test_a_resource_named_twice_is_exclusive_if_either_naming_is() -> None:
    assert reserved([Shared("a"), "a", Shared("a")]) == (Resource("a", exclusive=True),)


def test_resources_are_sorted_by_name() -> None:
    assert [resource.name for resource in reserved(["c", "a", "b"])] == ["a", "b", "c"]


def test_only_two_readers_of_one_resource_do_not_conflict() -> None:
    reader, writer = Resource("a", exclusive=False), Resource("a", exclusive=True)

    assert not reader.conflicts_with(reader)
    assert writer.conflicts_with(reader)
    assert reader.conflicts_with(writer)
    assert writer.conflicts_with(writer)
    assert not writer.conflicts_with(Resource("b", exclusive=True))
