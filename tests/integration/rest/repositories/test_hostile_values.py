"""Whatever stands in a field, a repository's endpoints answer with a refusal or do as they are told, and never fail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from entrepot.testing import drain
from tests.integration.rest.conftest import Api


@pytest.fixture
def database_kind() -> str:
    """PostgreSQL has `test_edges.py`, with any value in any field."""
    return "sqlite"


NASTY: list[Any] = [
    None,
    True,
    -1,
    10**40,
    1e308,
    "",
    "a\0b",
    "../..",
    "é\u202e" * 1_000,
    [None],
    {},
    {"\0": "\0"},
    {"a.b": {"$c": None}},
    {str(number): number for number in range(1_000)},
]
IMPORTER = {"importer_type_id": "harness_importer", "importer_config": {"feed": "http://feed.test/"}}
DISTRIBUTOR = {"distributor_type_id": "harness_distributor", "distributor_id": "new", "distributor_config": {}}
CRITERIA = {"filters": {"id": "zoo"}, "sort": [["id", 1]], "limit": 1, "skip": 0, "fields": ["id"]}
HALVES = {"filters": {"unit": {}}, "sort": {"unit": []}, "fields": {"unit": []}, "type_ids": [], "limit": 1, "skip": 0}
#: Method, path, and a body that is right; each field of it, at any depth, is replaced by each of `NASTY`.
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "POST",
        "repositories/",
        {"id": "new", "display_name": "x", "description": "x", "notes": {"a": 1}, "distributors": [DISTRIBUTOR]} | IMPORTER,
    ),
    (
        "PUT",
        "repositories/zoo/",
        {
            "delta": {"display_name": "x", "description": "x", "notes": {"a": 1}, "scratchpad": {"b": 1}},
            "importer_config": {"num_units": 1},
            "distributor_configs": {"d1": {"a": 1}},
        },
    ),
    ("POST", "repositories/zoo/importers/", IMPORTER),
    ("PUT", "repositories/zoo/importers/harness_importer/", {"importer_config": {"num_units": 1}}),
    ("POST", "repositories/zoo/distributors/", DISTRIBUTOR | {"auto_publish": True}),
    ("PUT", "repositories/zoo/distributors/d1/", {"distributor_config": {"a": 1}, "delta": {"auto_publish": True}}),
    ("POST", "repositories/zoo/actions/sync/", {"override_config": {"num_units": 1}}),
    ("POST", "repositories/zoo/actions/publish/", {"id": "d1", "override_config": {"a": 1}}),
    ("POST", "repositories/zoo/actions/download/", {"verify_all_units": True}),
    ("POST", "repositories/zoo/actions/roll_back/", {"distributor_id": "d1", "revision": 1}),
    ("POST", "repositories/search/", {"criteria": CRITERIA, "details": True}),
    ("POST", "distributors/search/", {"criteria": CRITERIA}),
    ("POST", "repositories/zoo/search/units/", {"criteria": HALVES}),
]


def spoiled(document: Any) -> list[Any]:
    """Return copies of `document` with one value each replaced by one of `NASTY`."""
    found: list[Any] = list(NASTY)
    if isinstance(document, dict):
        for name, value in document.items():
            found += [document | {name: other} for other in spoiled(value)]
    elif isinstance(document, list):
        for index, value in enumerate(document):
            found += [[*document[:index], other, *document[index + 1 :]] for other in spoiled(value)]
    return found


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(("method", "path", "right"), CALLS, ids=[f"{method} {path}" for method, path, _ in CALLS])
def test_no_value_of_any_field_makes_an_endpoint_fail(
    api: Api, engine: Any, method: str, path: str, right: dict[str, Any]
) -> None:
    for given in spoiled(right):
        if not isinstance(given, dict):
            continue
        response = api.ask(method, path, content=json.dumps(given).encode())
        assert response.status_code < 500, f"{json.dumps(given)[:500]}: {response.text[:500]}"
        if response.status_code >= 400:
            assert response.json()["error"]["code"].startswith("PLP")
    api.delete("repositories/zoo/")
    drain(engine)
    assert all(task["error"] is None or task["error"]["code"] != "PLP0001" for task in api.get("tasks/").json())
