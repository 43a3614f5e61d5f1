"""Files that are fetched when they are first asked for: once, checked, and read along by all who wait."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from entrepot.content import catalog
from entrepot.repositories.reports import PublishedFile
from tests.upstreams import PATIENCE, SIZE, Upstream, Upstreams

from .conftest import Mirror

BEAR = random.Random(1).randbytes(SIZE)
CUB = b"small enough to be held back as a whole"


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _lasting(answer: httpx.Response) -> list[tuple[str, str]]:
    """Return the headers that do not depend on the moment."""
    return sorted((name, value) for name, value in answer.headers.items() if name != "date")


class Clients:
    """Some clients of one file, which say when all have got its first bytes."""

    def __init__(self, mirror: Mirror, path: str, count: int) -> None:
        self._mirror, self._path = mirror, f"/content/{path}"
        self.begun = threading.Semaphore(0)
        self._count = count
        self._threads = ThreadPoolExecutor(count)
        self._results = [self._threads.submit(self._get) for _ in range(count)]

    def await_first_bytes(self) -> None:
        for _ in range(self._count):
            assert self.begun.acquire(timeout=PATIENCE)

    def results(self) -> list[bytes]:
        """Return what each got; what was cut off is short."""
        found = [result.result(PATIENCE) for result in self._results]
        self._threads.shutdown()
        return found

    def _get(self) -> bytes:
        got = bytearray()
        with self._mirror.client.stream("GET", self._path) as answer:
            assert answer.status_code == 200, answer.read()
            try:
                for piece in answer.iter_raw():
                    if not got:
                        self.begun.release()
                    got += piece
            except httpx.RemoteProtocolError:
                pass
        return bytes(got)


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"])
def test_twenty_clients_at_once_cause_one_request_and_read_along(mirror: Mirror, upstream: Upstream) -> None:
    upstream.offer(bear=BEAR)
    upstream.held.add("bear.iso")
    mirror.follow("zoo", upstream)

    clients = Clients(mirror, "zoo/bear.iso", 20)
    clients.await_first_bytes()  # while the upstream waits
    assert not mirror.is_here("zoo/bear.iso")
    upstream.go_on.set()

    assert clients.results() == [BEAR] * 20
    assert upstream.requests == ["bear.iso"]
    assert mirror.is_here("zoo/bear.iso")
    assert mirror.get("zoo/bear.iso").content == BEAR
    assert upstream.requests == ["bear.iso"]
    assert mirror.temporary() == []


def test_a_small_file_is_sent_when_all_of_it_is_right(mirror: Mirror, upstream: Upstream) -> None:
    upstream.offer(cub=CUB)
    mirror.follow("zoo", upstream)

    first, second = mirror.get("zoo/cub.iso"), mirror.get("zoo/cub.iso")

    assert first.content == second.content == CUB
    assert _lasting(first) == _lasting(second)
    assert upstream.requests == ["cub.iso"]


def test_while_it_comes_a_file_has_the_headers_that_it_will_have(mirror: Mirror, upstream: Upstream) -> None:
    upstream.offer(bear=BEAR)
    mirror.follow("zoo", upstream)

    coming, here = mirror.get("zoo/bear.iso"), mirror.get("zoo/bear.iso")

    assert _lasting(coming) == _lasting(here)
    assert coming.headers["etag"] == f'"{mirror.blob(BEAR).name}"'


@pytest.mark.parametrize("wrong", [_flipped(BEAR, SIZE - 1), _flipped(BEAR, 0), BEAR[:-1], BEAR + b"x", b"<html>"])
def test_wrong_bytes_never_reach_a_client_whole_and_are_repaired_later(
    mirror: Mirror, upstream: Upstream, wrong: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.offer(bear=BEAR)
    upstream.sent["bear.iso"] = wrong
    mirror.follow("zoo", upstream)

    with mirror.client.stream("GET", "/content/zoo/bear.iso") as answer:
        if answer.status_code == 200:  # it was cut off
            with pytest.raises(httpx.RemoteProtocolError):
                answer.read()
        else:
            assert answer.status_code == 502
    assert mirror.temporary() == []
    assert not mirror.is_here("zoo/bear.iso")

    asked = len(upstream.requests)
    again = mirror.get("zoo/bear.iso")  # it cools down
    assert (again.status_code, len(upstream.requests)) == (502, asked)
    assert "other bytes than it promised" in again.text
    assert upstream.url not in again.text

    upstream.sent.clear()
    monkeypatch.setattr(catalog, "COOL_DOWN_US", 0)
    assert mirror.get("zoo/bear.iso").content == BEAR


def test_after_a_source_with_wrong_bytes_the_next_one_is_asked(mirror: Mirror, upstreams: Upstreams) -> None:
    wrong, right = upstreams.open(), upstreams.open()
    for each in (wrong, right):
        each.offer(bear=BEAR)
    wrong.sent["bear.iso"] = _flipped(BEAR, SIZE - 1)
    wrong.held.add("bear.iso")
    mirror.follow("first", wrong)
    mirror.follow("second", right)

    clients = Clients(mirror, "first/bear.iso", 2)
    clients.await_first_bytes()  # those of the wrong file, which are right so far
    wrong.go_on.set()

    assert clients.results() == [BEAR] * 2
    assert right.requests == ["bear.iso"]


def test_who_was_sent_wrong_bytes_is_cut_off_even_if_the_next_source_is_right(mirror: Mirror, upstreams: Upstreams) -> None:
    wrong, right = upstreams.open(), upstreams.open()
    for each in (wrong, right):
        each.offer(bear=BEAR)
    wrong.sent["bear.iso"] = _flipped(BEAR, 0)
    wrong.held.add("bear.iso")
    mirror.follow("first", wrong)
    mirror.follow("second", right)

    clients = Clients(mirror, "first/bear.iso", 1)
    clients.await_first_bytes()
    wrong.go_on.set()

    assert len(clients.results()[0]) < SIZE
    assert mirror.get("first/bear.iso").content == BEAR


def test_a_part_is_sent_when_the_whole_is_here(mirror: Mirror, upstream: Upstream) -> None:
    upstream.offer(bear=BEAR)
    mirror.follow("zoo", upstream)

    answer = mirror.get("zoo/bear.iso", range="bytes=100000-299999")

    assert (answer.status_code, answer.content) == (206, BEAR[100_000:300_000])
    assert upstream.requests == ["bear.iso"]


def test_head_downloads_nothing(mirror: Mirror, upstream: Upstream) -> None:
    upstream.offer(bear=BEAR)
    mirror.follow("zoo", upstream)

    answer = mirror.client.head("/content/zoo/bear.iso")

    assert (answer.status_code, answer.headers["content-length"]) == (200, str(SIZE))
    assert upstream.requests == []


def test_what_a_client_has_already_is_not_sent_again(mirror: Mirror, upstream: Upstream) -> None:
    upstream.offer(bear=BEAR)
    mirror.follow("zoo", upstream)
    tag = f'"{mirror.blob(BEAR).name}"'

    assert mirror.get("zoo/bear.iso", if_none_match=tag).status_code == 304


@pytest.mark.parametrize("at", [0, SIZE - 1])
def test_a_flipped_byte_in_the_store_is_never_served_and_repaired_from_upstream(
    mirror: Mirror, upstream: Upstream, at: int
) -> None:
    upstream.offer(bear=BEAR)
    mirror.follow("zoo", upstream)
    mirror.get("zoo/bear.iso")
    blob = mirror.blob(BEAR)
    blob.chmod(0o644)
    blob.write_bytes(_flipped(BEAR, at))

    answers = [mirror.get("zoo/bear.iso").content for _ in range(2)]

    assert answers == [BEAR, BEAR]
    assert upstream.requests == ["bear.iso"] * 2
    assert [file.read_bytes() for file in (mirror.store / "quarantine").iterdir()] == [_flipped(BEAR, at)]


def test_a_small_file_with_a_flipped_byte_is_repaired_too(mirror: Mirror, upstream: Upstream) -> None:
    upstream.offer(cub=CUB)
    mirror.follow("zoo", upstream)
    mirror.get("zoo/cub.iso")
    mirror.blob(CUB).unlink()
    mirror.blob(CUB).write_bytes(_flipped(CUB, 3))

    assert mirror.get("zoo/cub.iso").content == CUB


def test_lost_bytes_that_no_feed_offers_are_said_to_be_lost(mirror: Mirror, upstream: Upstream) -> None:
    upstream.offer(bear=BEAR)
    mirror.follow("zoo", upstream)
    manifest = mirror.engine.repositories.published("zoo/PULP_MANIFEST")
    assert isinstance(manifest, PublishedFile)
    assert manifest.file is not None
    manifest.file.unlink()

    answer = mirror.get("zoo/PULP_MANIFEST")

    assert answer.status_code == 500
    assert "no feed is known to offer them" in answer.text


def test_an_upstream_that_is_away_is_said_and_asked_again_by_the_next_client(
    mirror: Mirror, upstreams: Upstreams, upstream: Upstream
) -> None:
    upstream.offer(bear=BEAR)
    mirror.follow("zoo", upstream)
    upstreams.close(upstream)

    answer = mirror.get("zoo/bear.iso")

    assert (answer.status_code, answer.headers["retry-after"]) == (502, "5")
    assert "its feed cannot be reached" in answer.text
    assert "127.0.0.1" not in answer.text


def test_an_upstream_that_does_not_answer_in_time_is_a_504(mirror: Mirror, upstream: Upstream) -> None:
    upstream.offer(bear=BEAR)
    upstream.held.add("bear.iso")
    upstream.first = 0
    mirror.follow("zoo", upstream, read_timeout=1)

    answer = mirror.get("zoo/bear.iso")

    assert answer.status_code == 504
    assert "did not answer in time" in answer.text


def test_who_waits_for_first_bytes_is_let_go_when_the_server_stops(mirror: Mirror, upstream: Upstream) -> None:
    upstream.offer(bear=BEAR)
    upstream.held.add("bear.iso")
    upstream.first = 0
    mirror.follow("zoo", upstream)

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(mirror.get, "zoo/bear.iso")
        assert upstream.asked.wait(PATIENCE)
        mirror.engine.repositories.fetching.let_go()
        answer = waiting.result(PATIENCE)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_the_fetch_goes_on_for_others_when_a_client_leaves(mirror: Mirror, upstream: Upstream) -> None:
    upstream.offer(bear=BEAR)
    upstream.held.add("bear.iso")
    mirror.follow("zoo", upstream)

    with mirror.client.stream("GET", "/content/zoo/bear.iso") as leaving:
        next(leaving.iter_raw())
    clients = Clients(mirror, "zoo/bear.iso", 1)
    clients.await_first_bytes()
    upstream.go_on.set()

    assert clients.results() == [BEAR]
    assert upstream.requests == ["bear.iso"]


def test_files_that_are_fetched_one_after_the_other_share_a_connection(mirror: Mirror, upstream: Upstream) -> None:
    upstream.offer(bear=BEAR, cub=CUB, lion=CUB + b"!")
    mirror.follow("zoo", upstream)

    for name in ("bear", "cub", "lion"):
        mirror.get(f"zoo/{name}.iso")

    assert len(upstream.ports) == 3
    assert len(set(upstream.ports)) == 1


def test_a_file_of_an_unknown_size_is_sent_when_it_is_here(mirror: Mirror, upstream: Upstream) -> None:
    upstream.offer(bear=BEAR)
    mirror.follow("zoo", upstream)
    mirror.engine.database.execute("UPDATE unit_file SET size = NULL")

    head, whole = mirror.client.head("/content/zoo/bear.iso"), mirror.get("zoo/bear.iso")

    assert "content-length" not in head.headers
    assert (whole.content, whole.headers["content-length"]) == (BEAR, str(SIZE))


def test_bytes_that_another_unit_has_already_are_not_fetched_again(mirror: Mirror, upstreams: Upstreams) -> None:
    here, there = upstreams.open(), upstreams.open()
    here.offer(bear=BEAR)
    there.offer(ursa=BEAR)
    mirror.follow("there", there)
    mirror.follow("here", here, download_policy="immediate")

    assert mirror.get("there/ursa.iso").content == BEAR
    assert there.requests == []
