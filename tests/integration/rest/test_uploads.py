"""Uploads over REST: bytes of any number, at any offset, piece by piece to the disk. Source: the Pulp 2 REST contract, 5.1."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from entrepot.access import Operation
from entrepot.engine import Engine
from entrepot.rest import intake
from entrepot.rest.endpoint import Answer, Intake


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


@pytest.fixture
def upload(api) -> str:
    upload_id: str = api.post("content/uploads/").json()["upload_id"]
    return upload_id


def bytes_of(engine: Engine, upload_id: str) -> bytes:
    return (Path(engine.settings.store_dir) / "uploads" / upload_id).read_bytes()


def test_an_upload_is_begun_listed_and_removed_as_pulp_does(api) -> None:
    made = api.post("content/uploads/")
    upload_id = made.json()["upload_id"]

    assert (made.status_code, made.json()) == (
        201,
        {"_href": f"/pulp/api/v2/content/uploads/{upload_id}/", "upload_id": upload_id},
    )
    assert made.headers["location"] == f"http://server.test{made.json()['_href']}"
    assert api.get("content/uploads/").json() == {"upload_ids": [upload_id]}
    for _ in range(2):
        gone = api.delete(f"content/uploads/{upload_id}/")
        assert (gone.status_code, gone.json()) == (200, None)
    assert api.get("content/uploads/").json() == {"upload_ids": []}


def test_chunks_may_come_in_any_order_and_again(api, engine: Engine, upload: str) -> None:
    for offset, piece in ((6, b"world"), (0, b"hello "), (6, b"World")):
        response = api.put(f"content/uploads/{upload}/{offset}/", content=piece)
        assert (response.status_code, response.json()) == (200, None)

    assert bytes_of(engine, upload) == b"hello World"
    details = api.get(f"content/uploads/{upload}/").json()
    assert (details["size"], details["upload_id"]) == (11, upload)
    assert details["create_time"] <= details["change_time"] < details["expires"]
    assert api.get("content/uploads/?details=true").json()["uploads"] == [details]
    assert api.put(f"content/uploads/{upload}/11/?details=true", content=b"!").json()["size"] == 12


def test_a_chunk_is_larger_than_any_document_may_be_and_is_not_gathered(
    api, engine: Engine, upload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces: list[tuple[int, int]] = []
    write = engine.content.write_upload

    def note(upload_id: str, offset: int, data: bytes) -> Any:
        pieces.append((offset, len(data)))
        return write(upload_id, offset, data)

    monkeypatch.setattr(engine.content, "write_upload", note)
    content = bytes(range(256)) * 40_000  # 10.24 MB, and a document has 8 MB at most

    async def sent() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 1 << 20):
            yield content[start : start + (1 << 20)]

    assert api.put(f"content/uploads/{upload}/5/", content=sent()).status_code == 200

    assert bytes_of(engine, upload) == bytes(5) + content
    assert [offset for offset, _ in pieces] == [5, 5 + (4 << 20), 5 + (8 << 20)]
    assert max(size for _, size in pieces) <= intake.PIECE_BYTES + (1 << 20)


@pytest.mark.parametrize("offset", ["x", "-1", "1.5", "9" * 30, "%00", "1e3"])
def test_an_offset_that_is_no_number_is_refused(api, upload: str, offset: str) -> None:
    response = api.put(f"content/uploads/{upload}/{offset}/", content=b"x")

    assert (response.status_code, response.json()["property_names"]) == (400, ["offset"])


@pytest.mark.parametrize("upload_id", ["nothing", "%2e%2e%2fx", "a%00b", "0" * 8 + "-0000" * 3 + "-" + "0" * 12])
def test_an_upload_that_is_not_there_is_not_found_before_anything_is_read(api, upload_id: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    response = api.put(f"content/uploads/{upload_id}/0/", content=endless())

    assert response.status_code == 404
    assert response.json()["resources"].keys() == {"upload_request"}
    assert api.get(f"content/uploads/{upload_id}/").status_code == 404


def test_an_empty_chunk_changes_nothing(api, upload: str) -> None:
    assert api.put(f"content/uploads/{upload}/3/", content=b"").status_code == 200
    assert api.get(f"content/uploads/{upload}/").json()["size"] == 0


def test_who_begins_an_upload_may_write_and_remove_it_and_nobody_else(api, engine: Engine) -> None:
    for login in ("jim", "joe"):
        engine.access.create_user(login, password=login)
        engine.access.grant_to_user(login, "/v2/content/uploads/", [Operation.CREATE])
    jim, joe = api.as_("jim", "jim"), api.as_("joe", "joe")
    place = f"content/uploads/{jim.post('content/uploads/').json()['upload_id']}/"

    assert joe.put(f"{place}0/", content=b"x").status_code == 401
    assert joe.delete(place).status_code == 401
    assert jim.put(f"{place}0/", content=b"x").status_code == 200
    assert jim.delete(place).status_code == 200
    assert [found.resource for found in engine.access.permissions() if found.resource.startswith(f"/v2/{place}")] == []


def test_what_came_before_a_client_went_is_kept() -> None:
    taken: list[tuple[int, bytes]] = []
    messages = [
        {"type": "http.request", "body": b"a" * 10, "more_body": True},
        {"type": "http.request", "body": b"b", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def run(work: Any) -> object:
        return work()

    wanted = Intake(lambda before, piece: taken.append((before, piece)), lambda: Answer(None))

    assert asyncio.run(intake.take_in(wanted, receive, run)) is None  # type: ignore[arg-type]  # messages as servers send them
    assert taken == [(0, b"a" * 10 + b"b")]
