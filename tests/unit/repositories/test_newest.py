"""Which versions stay when only some old ones are retained."""

from __future__ import annotations

import pytest

from entrepot.plugin import Unit
from entrepot.repositories.newest import Newest


class Wheel(Unit, type_id="wheel", key=("name", "version", "platform"), lineage=("name",)):
    name: str
    version: int
    platform: str = "any"

    def version_order(self) -> int:
        return self.version


def wheel(version: int, platform: str = "any", *, row: int | None = None, name: str = "six") -> Wheel:
    unit = Wheel(name=name, version=version, platform=platform)
    if row is not None:
        unit.keep_stored(row, {})
    return unit


def offered(newest: Newest, *units: Wheel) -> None:
    for unit in units:
        newest.offer(unit)


@pytest.mark.parametrize(("retained", "kept"), [(0, [9]), (1, [5, 9]), (5, [1, 3, 5, 9])])
def test_the_newest_and_so_many_older_ones_are_kept_in_whatever_order_they_come(retained: int, kept: list[int]) -> None:
    newest = Newest(retained)

    offered(newest, wheel(3), wheel(9), wheel(1), wheel(5))

    assert sorted(unit.version for unit in newest.kept()) == kept


def test_units_of_one_version_count_once_and_stay_together() -> None:
    newest = Newest(0)

    offered(newest, wheel(2, "linux"), wheel(1), wheel(2, "macos"), wheel(2, "windows"))

    assert sorted(unit.platform for unit in newest.kept()) == ["linux", "macos", "windows"]


def test_each_lineage_is_by_itself() -> None:
    newest = Newest(0)

    offered(newest, wheel(1, name="six"), wheel(2, name="seven"))

    assert {(unit.name, unit.version) for unit in newest.kept()} == {("six", 1), ("seven", 2)}


def test_what_is_held_and_too_old_leaves_with_all_of_its_version() -> None:
    newest = Newest(1)
    offered(newest, wheel(4), wheel(3), wheel(2))
    for row, unit in enumerate([wheel(1), wheel(2, "linux"), wheel(2, "macos"), wheel(3, "linux"), wheel(4)]):
        newest.hold(wheel(unit.version, unit.platform, row=row))

    kept = [unit.version for unit in newest.kept()]

    assert kept == [4, 3]
    assert newest.leaving == {0: "wheel", 1: "wheel", 2: "wheel"}


def test_what_is_held_and_newer_pushes_out_what_is_offered() -> None:
    newest = Newest(0)
    offered(newest, wheel(1))
    newest.hold(wheel(2, row=7))

    assert list(newest.kept()) == []
    assert newest.leaving == {}
