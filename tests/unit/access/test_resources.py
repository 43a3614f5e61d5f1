"""Resource paths have one form, and a check looks at all of them on the way up."""

from __future__ import annotations

import pytest

from entrepot.access.resources import DEEPEST, ancestors, normalised
from entrepot.errors import InvalidValue


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("/", "/"),
        ("//", "/"),
        ("/v2/repositories/zoo/", "/v2/repositories/zoo/"),
        ("/v2/repositories/zoo", "/v2/repositories/zoo/"),
        ("/v2//repositories///zoo//", "/v2/repositories/zoo/"),
        ("/v2/repositories/Zoo ö/", "/v2/repositories/Zoo ö/"),
    ],
)
def test_a_path_has_one_form(given: str, path: str) -> None:
    assert normalised(given) == path


@pytest.mark.parametrize("given", ["", "v2/", None, 3, "/nul\0/", "/lone\ud800/", "/a" * (DEEPEST + 1), "/" + "a" * 1000])
def test_what_is_no_path_is_refused(given: object) -> None:
    with pytest.raises(InvalidValue) as refused:
        normalised(given)

    assert refused.value.data == {"property_names": ["resource"]}


@pytest.mark.parametrize("resource", ["/v2/repositories/zoo/", "/v2/repositories/zoo", "//v2/repositories//zoo/"])
def test_a_check_looks_at_the_resource_and_all_above_it(resource: str) -> None:
    assert ancestors(resource) == ["/", "/v2/", "/v2/repositories/", "/v2/repositories/zoo/"]


def test_the_deepest_path_of_a_grant_is_looked_at_whatever_lies_below() -> None:
    deepest = normalised("/a" * DEEPEST)

    assert deepest in ancestors("/a" * 100_000)
    assert len(ancestors("/a" * 100_000)) == DEEPEST + 1


def test_a_path_that_no_database_can_keep_is_covered_from_above() -> None:
    assert ancestors("/v2/nul\0/x/") == ["/", "/v2/"]
