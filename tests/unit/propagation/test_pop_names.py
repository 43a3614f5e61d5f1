"""The names of POPs, read into their parts."""

from __future__ import annotations

import pytest

from entrepot.errors import InvalidValue
from entrepot.propagation.pop_names import read_pop_name


@pytest.mark.parametrize(
    ("name", "region", "location", "code"),
    [
        ("Europe : Berlin", "Europe", "Berlin", None),
        ("North America : Los Angeles (LAX)", "North America", "Los Angeles", "LAX"),
        ("Südamerika : São Paulo (GRU)", "Südamerika", "São Paulo", "GRU"),
        ("Asia : Tokyo (east)", "Asia", "Tokyo (east)", None),
    ],
)
def test_a_name_is_region_and_location_and_a_code_if_there_is_one(
    name: str, region: str, location: str, code: str | None
) -> None:
    read = read_pop_name(name)

    assert (read.text, read.region, read.location, read.code) == (name, region, location, code)


@pytest.mark.parametrize(
    "name",
    ["", "Europe", "Europe:Berlin", " : Berlin", "Europe : ", "Europe  : Berlin", "a : b : c", "a : b\n", f"a : {'b' * 200}"],
)
def test_whatever_else_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match="Region : Location"):
        read_pop_name(name)
