"""What a repository may be created with, and what is said of everything else. Source: the Pulp 2 REST contract, 2.2."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from entrepot.engine import Engine
from entrepot.errors import EntrepotError, InvalidValue, OperationConflict, RefusedConfiguration

WEB = {"distributor_type_id": "iso_distributor", "distributor_id": "web"}
NUL = "a\x00b"
HALF = "\ud800"

REFUSED: list[tuple[str, dict[str, Any], list[str]]] = [
    ("no id", {"repository_id": None}, ["repo_id"]),
    ("an empty id", {"repository_id": ""}, ["repo_id"]),
    ("a slash in the id", {"repository_id": "a/b"}, ["repo_id"]),
    ("a line end behind the id", {"repository_id": "zoo\n"}, ["repo_id"]),
    ("an id that no index holds", {"repository_id": "z" * 256}, ["repo_id"]),
    ("an id that is no text", {"repository_id": 5}, ["repo_id", "display_name"]),
    ("an id that is no text, with a name", {"repository_id": 5, "display_name": "five"}, ["repo_id"]),
    ("a name that is no text", {"display_name": 5}, ["display_name"]),
    ("a name with NUL", {"display_name": NUL}, ["display_name"]),
    ("a description that is no text", {"description": ["x"]}, ["description"]),
    ("a description with half a character", {"description": HALF}, ["description"]),
    ("a note with a dot", {"notes": {"a": {"b.c": 1}}}, ["notes"]),
    ("a note with a dollar sign", {"notes": {"$a": 1}}, ["notes"]),
    ("notes that are no object", {"notes": ["a"]}, ["notes"]),
    ("a note that is no JSON", {"notes": {"a": float("nan")}}, ["notes"]),
    ("a note with NUL", {"notes": {"a": [NUL]}}, ["notes"]),
    ("a note with half a character", {"notes": {HALF: 1}}, ["notes"]),
    ("a note whose key is no text", {"notes": {"a": [{1: 1}]}}, ["notes"]),
    ("all of them at once", {"repository_id": "", "display_name": 1, "description": 2, "notes": 3}, [
        "repo_id", "display_name", "description", "notes",
    ]),
    ("distributors that are no list", {"distributors": "web"}, ["distributor_list"]),
    ("distributors that are an object", {"distributors": {"web": {}}}, ["distributor_list"]),
    ("a distributor that is no object", {"distributors": [WEB, 5]}, ["distributor_list"]),
    ("a distributor without a type", {"distributors": [{}]}, ["distributor_type_id"]),
    ("a distributor of no type", {"distributors": [{"distributor_type_id": None}]}, ["distributor_type_id"]),
    ("an unknown type", {"distributors": [{"distributor_type_id": "nope"}]}, ["distributor_type_id"]),
    ("a dot in a distributor's id", {"distributors": [WEB | {"distributor_id": "a.b"}]}, ["distributor_id"]),
    ("an empty distributor's id", {"distributors": [WEB | {"distributor_id": ""}]}, ["distributor_id"]),
    ("a distributor's id that is no text", {"distributors": [WEB | {"distributor_id": 5}]}, ["distributor_id"]),
    ("a distributor's config", {"distributors": [WEB | {"distributor_config": [1]}]}, ["distributor_config"]),
    ("an importer's config", {"importer_type_id": "iso_importer", "importer_config": "feed"}, ["importer_config"]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "names"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_is_wrong_is_named_and_nothing_is_kept(engine: Engine, given: dict[str, Any], names: list[str]) -> None:
    with pytest.raises(InvalidValue) as caught:
        engine.repositories.create(**({"repository_id": "zoo"} | given))

    assert caught.value.document()["code"] == "PLP0015"
    assert caught.value.data["property_names"] == names
    assert engine.repositories.reports() == []


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"importer_type_id": "nope"}, "PLP1008"),
        ({"importer_type_id": 5}, "PLP1008"),
        ({"importer_type_id": "iso_importer", "importer_config": {"feed": "gopher://x"}}, "PLP1000"),
        ({"distributors": [WEB | {"distributor_config": {"serve_http": "perhaps"}}]}, "PLP0000"),
        ({"distributors": [WEB, WEB | {"distributor_config": {"relative_url": "x"}}]}, "PLP0018"),
    ],
)
def test_what_plugins_refuse_has_the_code_that_clients_know(engine: Engine, given: dict[str, Any], code: str) -> None:
    with pytest.raises(EntrepotError) as caught:
        engine.repositories.create("zoo", **given)

    assert caught.value.document()["code"] == code
    assert engine.repositories.reports() == []
    assert engine.database.row("SELECT (SELECT COUNT(*) FROM importer) + (SELECT COUNT(*) FROM distributor)") == (0,)


def test_a_refused_configuration_is_told_as_one_text_and_field_by_field(engine: Engine) -> None:
    with pytest.raises(RefusedConfiguration) as caught:
        engine.repositories.create("zoo", distributors=[WEB | {"distributor_config": {"serve_http": "perhaps", "x": 1}}])

    data = caught.value.data
    assert data["args"] == [caught.value.message]
    assert list(data["problems"]) == data["property_names"] == ["serve_http", "x"]  # type: ignore[arg-type]
    assert str(data["validation_errors"]).startswith("serve_http: must be true or false")


@pytest.mark.parametrize(("given", "shown"), [({}, "zoo"), ({"display_name": None}, None), ({"display_name": ""}, "")])
def test_the_display_name_is_the_id_only_if_none_is_given(engine: Engine, given: dict[str, Any], shown: str | None) -> None:
    assert engine.repositories.create("zoo", **given).report().display_name == shown


def test_what_is_new_has_no_history_and_the_memory_that_clients_expect(engine: Engine) -> None:
    repository = engine.repositories.create("zoo", importer_type_id="iso_importer", distributors=[WEB], notes=None)

    report = repository.report()

    assert (report.notes, report.scratchpad, report.content_unit_counts, report.total_units) == ({}, {}, {}, 0)
    assert repository.locally_stored_units() == 0
    importer, [distributor] = repository.importer(), repository.distributors()
    assert (importer.repository_id, importer.scratchpad, importer.last_sync) == ("zoo", None, None)
    assert (distributor.repository_id, distributor.scratchpad, distributor.last_publish) == ("zoo", {}, None)
    assert report.importer == importer
    assert report.distributors == (distributor,)


def test_nulls_and_masks_are_no_configuration(engine: Engine) -> None:
    repository = engine.repositories.create(
        "zoo",
        importer_type_id="iso_importer",
        importer_config={"feed": "http://x/", "max_speed": None, "query_auth_token": "*****"},
        distributors=[WEB | {"distributor_config": {"relative_url": None, "serve_https": False}}],
    )

    assert repository.importer().config == {"feed": "http://x/"}
    assert repository.distributor("web").config == {"serve_https": False}


def test_a_distributor_without_an_id_gets_one_and_any_truth_is_auto_publish(engine: Engine) -> None:
    given = {"distributor_type_id": "iso_distributor", "auto_publish": "yes", "an unknown key": 1}

    [distributor] = engine.repositories.create("zoo", distributors=[given]).distributors()

    assert str(uuid.UUID(distributor.distributor_id)) == distributor.distributor_id
    assert distributor.auto_publish is True


def test_distributors_of_one_repository_do_not_stand_in_each_others_way(engine: Engine) -> None:
    third = WEB | {"distributor_id": "third", "distributor_config": {"relative_url": "zoo"}}

    report = engine.repositories.create("zoo", distributors=[WEB, WEB | {"distributor_id": "second"}, third]).report()

    found = {one.distributor_id: one.base_path for one in report.distributors}
    assert found == {"web": "zoo~web", "second": "zoo~second", "third": "zoo"}


def test_the_path_of_another_repository_is_not_taken_over(engine: Engine) -> None:
    engine.repositories.create("one", distributors=[WEB | {"distributor_config": {"relative_url": "zoo"}}])

    with pytest.raises(OperationConflict, match="relative_url"):
        engine.repositories.create("zoo", distributors=[WEB])

    assert [report.repository_id for report in engine.repositories.reports()] == ["one"]
