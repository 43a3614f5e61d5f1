"""Which endpoint a path leads to."""

from __future__ import annotations

import pytest

from entrepot.rest.endpoint import Answer, Asked, Endpoint
from entrepot.rest.routing import Routing, segments_of


def view(asked: Asked) -> Answer:
    """Answer nothing."""
    return Answer(None)


def endpoint(path: str, method: str = "GET") -> Endpoint:
    return Endpoint(method, path, None, view, {200: None})


ROUTING = Routing(
    [
        endpoint("/v2/repositories/"),
        endpoint("/v2/repositories/", "POST"),
        endpoint("/v2/repositories/search/", "POST"),
        endpoint("/v2/repositories/{r}/"),
        endpoint("/v2/repositories/{r}/importers/{i}/"),
    ]
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (b"/v2/repositories/", "/v2/repositories/"),
        (b"/v2/repositories", "/v2/repositories/"),
        (b"//v2///repositories//", "/v2/repositories/"),
        (b"/v2/repositories/search/", "/v2/repositories/search/"),
        (b"/v2/repositories/zoo/", "/v2/repositories/{r}/"),
        (b"/v2/repositories/search/importers/i/", "/v2/repositories/{r}/importers/{i}/"),
        (b"/v2/repositories/zoo/importers/", None),
        (b"/v2/", None),
        (b"/", None),
    ],
)
def test_a_path_leads_to_its_endpoint(path: bytes, found: str | None) -> None:
    segments = segments_of(path)
    assert segments is not None

    place = ROUTING.find(segments)

    assert (next(iter(place[0].values())).path if place else None) == found


def test_variable_segments_are_decoded_and_stay_one_segment() -> None:
    place = ROUTING.find(segments_of(b"/v2/repositories/a%2Fb/importers/%C3%A4/") or [])

    assert place is not None
    assert place[1] == ["a/b", "ä"]


def test_a_path_that_is_no_utf_8_has_no_segments() -> None:
    assert segments_of(b"/v2/repositories/%FF/") is None


def test_one_path_has_one_endpoint_for_each_method() -> None:
    place = ROUTING.find(["v2", "repositories"])

    assert place is not None
    assert sorted(place[0]) == ["GET", "POST"]
    with pytest.raises(ValueError, match="two endpoints for GET /v2/"):
        Routing([endpoint("/v2/"), endpoint("/v2/")])
