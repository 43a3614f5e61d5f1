"""`entrepot api METHOD PATH`: one request of the REST API, of this machine's engine or of a server."""

from __future__ import annotations

import io
import json
import secrets
import sys
from pathlib import Path

import pytest


@pytest.fixture
def made(run) -> None:
    """A data folder with one repository."""
    assert run("init").code == 0
    assert run("repo", "create", "zoo").code == 0


@pytest.mark.usefixtures("made")
def test_a_request_is_answered_without_a_server_by_any_form_of_its_path(run) -> None:
    answers = [run("api", "GET", f"{prefix}repositories/zoo/") for prefix in ("/pulp/api/v2/", "/v2/", "v2/", "", "/")]

    assert {(ran.code, ran.document["id"]) for ran in answers} == {(0, "zoo")}


@pytest.mark.usefixtures("made")
def test_fields_make_the_body_or_the_query(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "body.json").write_text('{"id": "c"}')
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"id": "d"}')))

    assert run("api", "post", "/v2/repositories/", "-f", "id=a", "-f", 'notes={"n": 1}').document["notes"] == {"n": 1}
    assert run("api", "POST", "/v2/repositories/", "-d", '{"id": "b"}').code == 0
    assert run("api", "POST", "/v2/repositories/", "-d", f"@{tmp_path}/body.json").code == 0
    assert run("api", "POST", "/v2/repositories/", "-d", "@-").code == 0
    found = run("api", "GET", "/v2/repositories/search/?limit=4", "-f", "skip=1", "-f", "field=id").document

    assert [one["id"] for one in found] == ["a", "b", "c", "d"]


@pytest.mark.usefixtures("made")
def test_a_refusal_is_printed_as_it_came_and_ends_the_command_as_any_other_would(run) -> None:
    missing = run("api", "GET", "/v2/repositories/ark/")
    twice = run("api", "POST", "/v2/repositories/", "-f", "id=zoo")

    assert (missing.code, missing.document["http_status"]) == (3, 404)
    assert missing.err.startswith("error: HTTP 404: Missing resource(s)")
    assert (twice.code, twice.document["http_status"]) == (2, 409)


@pytest.mark.usefixtures("made")
def test_status_and_headers_are_printed_on_request(run) -> None:
    ran = run("api", "GET", "/v2/status/", "-i")

    head, _, body = ran.out.partition("\n\n")
    assert head.startswith("HTTP 200\n")
    assert "content-type: application/json" in head
    assert json.loads(body)["api_version"] == "2"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("FETCH", "/v2/tasks/"), "METHOD"),
        (("GET",), "PATH"),
        (("GET", "http://a.test/v2/tasks/"), "PATH"),
        (("POST", "/v2/tasks/", "-f", "a=1", "-d", "{}"), "--data"),
        (("POST", "/v2/tasks/", "-f", "a"), "--field"),
        (("POST", "/v2/tasks/", "-d", "@/no/such/file"), "--data"),
        (("GET", "/v2/tasks/", "-H", "colourless"), "--header"),
        (("GET", "/v2/tasks/", "--access-log"), "METHOD"),
        (("-f", "a=1"), "-f"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_name(run, arguments: tuple[str, ...], named: str) -> None:
    ran = run("api", *arguments)

    assert (ran.code, ran.out) == (2, "")
    assert f"'{named}'" in ran.err


def test_a_server_is_asked_with_the_rights_of_its_token(run, served) -> None:
    login = f"asker-{secrets.token_hex(4)}"
    run("user", "add", login, "--no-password")
    token = run("token", "create", login, "t", "-o", "json").document["token"]
    server = ("--url", served.url, "--token", token)

    refused, allowed = run(*server, "api", "GET", "/v2/tasks/"), run(*server, "api", "GET", f"/v2/users/{login}/")
    nobody = run("--url", "http://127.0.0.1:9", "--token", "t", "api", "GET", "/v2/tasks/")

    assert (refused.code, refused.document["error"]["code"]) == (2, "PLP0026")
    assert (allowed.code, allowed.document["login"]) == (0, login)
    assert (nobody.code, nobody.out) == (6, "")
