"""Fetching from a real server on loopback, with every fault that a feed may have."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from itertools import pairwise
from threading import Event

import pytest

from entrepot.content.fetch import Fetcher, FetchOutcome, FetchRequest
from entrepot.content.store import BlobStore, BlobWriter
from entrepot.errors import (
    Canceled,
    ChecksumDiffers,
    FetchAnswered,
    FetchError,
    FetchRefused,
    FetchTimedOut,
    SizeDiffers,
    StorageFull,
)

from .conftest import Answer, Feed, Handler, MakeFetcher, sha256, temporary_files
from .test_store import LARGE, full_disk


def request(path: str, data: bytes, **more: object) -> FetchRequest:
    return FetchRequest(path, size=len(data), digests={"sha256": sha256(data)}, **more)  # type: ignore[arg-type]


def in_turn(*answers: Answer) -> Callable[[Handler], None]:
    """Answer the first time with the first of `answers`, and so on; the last one again and again."""
    left = list(answers)

    def answer(handler: Handler) -> None:
        now = left.pop(0) if len(left) > 1 else left[0]
        if callable(now):
            now(handler)
        else:
            handler.answer(200, now)

    return answer


def status(code: int, **headers: str) -> Callable[[Handler], None]:
    return lambda handler: handler.answer(code, b"a page for people", **headers)


def redirect(location: str, code: int = 302) -> Callable[[Handler], None]:
    return status(code, Location=location)


def truncated(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b"x" * 40)
    handler.close_connection = True


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    while True:
        handler.wfile.write(LARGE)


# -- what comes well -----------------------------------------------------------------------------------------------


def test_a_file_is_fetched_checked_and_ready_to_be_kept(make_fetcher: MakeFetcher, feed: Feed, store: BlobStore) -> None:
    feed.answers["/zoo/a%20b.iso"] = b"content"

    blob = make_fetcher(feed.url + "/zoo").fetch(request("a b.iso", b"content"))
    store.keep([blob])

    assert store.read(sha256(b"content")) == b"content"
    assert temporary_files(store) == []


def test_nothing_promised_is_fine(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = b"content"

    assert make_fetcher().fetch(FetchRequest("a")).sha256 == sha256(b"content")


def test_a_large_file_is_streamed_and_its_bytes_are_counted(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = LARGE
    fetcher = make_fetcher()

    blob = fetcher.fetch(request("a", LARGE))

    assert blob.size == fetcher.bytes_received == len(LARGE)


def test_every_request_has_one_outcome_with_its_key(make_fetcher: MakeFetcher, feed: Feed, store: BlobStore) -> None:
    for number in range(200):
        feed.answers[f"/{number}"] = b"%d" % number
    requests = [request(f"{number}", b"%d" % number, key=number) for number in range(250)]

    outcomes = {outcome.request.key: outcome for outcome in make_fetcher(retries=0).fetch_all(requests)}

    assert len(outcomes) == 250
    assert {key for key, outcome in outcomes.items() if outcome.error is None} == set(range(200))
    store.keep([outcome.blob for outcome in outcomes.values() if outcome.blob])
    assert temporary_files(store) == []


def test_connections_are_used_again(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = b"content"
    fetcher = make_fetcher(max_downloads=2)

    for _ in range(3):
        list(fetcher.fetch_all(FetchRequest("a") for _ in range(20)))

    assert len({seen.port for seen in feed.requests}) <= 2


@pytest.mark.parametrize("most", [1, 3])
def test_never_more_downloads_than_allowed_and_never_fewer_than_possible(
    make_fetcher: MakeFetcher, feed: Feed, most: int
) -> None:
    all_there = Event()

    def answer(handler: Handler) -> None:
        if feed.present == most:
            all_there.set()
        assert all_there.wait(10)
        handler.answer(200, b"content")

    feed.answers["/a"] = answer

    outcomes = list(make_fetcher(max_downloads=most).fetch_all([FetchRequest("a")] * 10))

    assert all(outcome.error is None for outcome in outcomes)
    assert feed.most_present == most


def test_requests_are_asked_for_only_when_a_transfer_can_start(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = b"content"
    asked = 0

    def requests() -> Iterator[FetchRequest]:
        nonlocal asked
        for _ in range(100):
            asked += 1
            yield FetchRequest("a")

    for number, _ in enumerate(make_fetcher(max_downloads=2).fetch_all(requests()), 1):
        assert asked <= number + 2 * 2  # two under way, two whose outcomes wait here


def test_a_file_may_be_fetched_while_requests_are_asked_for(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/list"], feed.answers["/a"] = b"a", b"content"
    fetcher = make_fetcher(max_downloads=1)

    def requests() -> Iterator[FetchRequest]:
        for _ in range(5):
            yield FetchRequest(fetcher.fetch(FetchRequest("list")).temporary.read_text())

    outcomes = list(fetcher.fetch_all(requests()))

    assert [outcome.blob.size if outcome.blob else outcome.error for outcome in outcomes] == [7] * 5
    assert feed.most_present == 1


def test_the_server_is_told_who_asks_and_to_send_the_bytes_as_they_are(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = b"content"

    make_fetcher(headers={"X-Site": "zoo"}).fetch(FetchRequest("a"))

    headers = feed.requests[0].headers
    assert headers["User-Agent"].startswith("entrepot/")
    assert headers["Accept-Encoding"] == "identity"
    assert headers["X-Site"] == "zoo"


def test_a_header_with_a_line_break_is_refused(make_fetcher: MakeFetcher) -> None:
    with pytest.raises(FetchRefused, match="X-Site"):
        make_fetcher(headers={"X-Site": "zoo\r\nX-Other: 1"})


# -- answers that are errors ---------------------------------------------------------------------------------------


def test_a_missing_file_is_said_so_at_once(make_fetcher: MakeFetcher, feed: Feed) -> None:
    with pytest.raises(FetchAnswered, match=f"^{feed.url}/x answered 404 Not Found; check the feed's address.$") as caught:
        make_fetcher().fetch(FetchRequest("x"))

    assert caught.value.data["status"] == 404
    assert feed.paths == ["/x"]


def test_a_missing_optional_file_is_no_error(make_fetcher: MakeFetcher) -> None:
    wanted = FetchRequest("x", optional=True)

    assert list(make_fetcher().fetch_all([wanted])) == [FetchOutcome(wanted)]


def test_a_missing_optional_file_that_is_fetched_alone_raises(make_fetcher: MakeFetcher) -> None:
    with pytest.raises(FetchAnswered):
        make_fetcher().fetch(FetchRequest("x", optional=True))


@pytest.mark.parametrize("code", [500, 503, 408, 429])
def test_an_error_that_passes_is_tried_again(make_fetcher: MakeFetcher, feed: Feed, code: int) -> None:
    feed.answers["/a"] = in_turn(status(code), status(code), b"content")

    assert make_fetcher(retries=2).fetch(FetchRequest("a")).size == 7
    assert len(feed.requests) == 3


def test_an_error_that_does_not_pass_is_reported_with_the_number_of_attempts(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = status(500)

    with pytest.raises(FetchAnswered, match=r"answered 500 Internal Server Error; try again later. \(3 attempts\)"):
        make_fetcher(retries=2).fetch(FetchRequest("a"))

    assert len(feed.requests) == 3


@pytest.mark.parametrize("asked", ["1", None], ids=["seconds", "date"])
def test_a_server_is_asked_again_no_sooner_than_it_wishes(make_fetcher: MakeFetcher, feed: Feed, asked: str | None) -> None:
    wish = asked or formatdate(int(time.time()) + 2, usegmt=True)
    moments: list[float] = []

    def busy(handler: Handler) -> None:
        moments.append(time.monotonic())
        handler.answer(429, Retry_After=wish)

    def ready(handler: Handler) -> None:
        moments.append(time.monotonic())
        handler.answer(200, b"content")

    feed.answers["/a"] = in_turn(busy, ready)

    make_fetcher().fetch(FetchRequest("a"))

    assert 0.9 <= moments[1] - moments[0] < 5


def test_a_wait_for_one_file_holds_up_no_other(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/busy"] = in_turn(status(429, Retry_After="1"), b"busy")
    feed.answers["/a"] = b"content"
    wanted = [FetchRequest("busy"), *[FetchRequest("a")] * 20]

    outcomes = list(make_fetcher(max_downloads=1).fetch_all(wanted))

    assert [outcome.request.url for outcome in outcomes] == ["a"] * 20 + ["busy"]
    assert all(outcome.error is None for outcome in outcomes)


def test_an_answer_without_content_is_no_file(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = status(204)

    with pytest.raises(FetchAnswered, match="204 No Content"):
        make_fetcher().fetch(FetchRequest("a"))


def test_a_server_that_is_not_there_is_said_so(make_fetcher: MakeFetcher) -> None:
    with pytest.raises(FetchError, match=r"http://127.0.0.1:1/a could not be fetched: .*onnect.*\(2 attempts\)"):
        make_fetcher("http://127.0.0.1:1", retries=1).fetch(FetchRequest("a"))


# -- bytes that are not those promised -----------------------------------------------------------------------------


def test_a_truncated_file_is_refused_and_leaves_no_temporary_file(
    make_fetcher: MakeFetcher, feed: Feed, store: BlobStore
) -> None:
    feed.answers["/a"] = truncated

    with pytest.raises(SizeDiffers, match="/a was cut off after 40 of 100 bytes"):
        make_fetcher(retries=1).fetch(FetchRequest("a"))

    assert len(feed.requests) == 2
    assert temporary_files(store) == []


def test_a_truncated_file_is_fetched_again(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = in_turn(truncated, b"x" * 100)

    assert make_fetcher().fetch(request("a", b"x" * 100)).size == 100


@pytest.mark.parametrize("wrong", [b"c0ntent", b"con", b"content and more"], ids=["other", "shorter", "longer"])
def test_damaged_bytes_are_fetched_once_more_past_all_caches(make_fetcher: MakeFetcher, feed: Feed, wrong: bytes) -> None:
    feed.answers["/a"] = in_turn(wrong, b"content")
    fetcher = make_fetcher(retries=0)

    assert fetcher.fetch(request("a", b"content")).size == 7
    assert [seen.headers.get("Cache-Control") for seen in feed.requests] == [None, "no-cache"]

    fetcher.fetch(request("a", b"content"))
    assert feed.requests[-1].headers.get("Cache-Control") is None


@pytest.mark.parametrize(
    ("wrong", "error"),
    [(b"c0ntent", ChecksumDiffers), (b"con", SizeDiffers), (b"content and more", SizeDiffers)],
    ids=["other", "shorter", "longer"],
)
def test_bytes_that_stay_damaged_are_refused_and_leave_no_temporary_file(
    make_fetcher: MakeFetcher, feed: Feed, store: BlobStore, wrong: bytes, error: type[FetchError]
) -> None:
    feed.answers["/a"] = wrong

    with pytest.raises(error, match=rf"^{feed.url}/a .*\(2 attempts\)"):
        make_fetcher().fetch(request("a", b"content"))

    assert len(feed.requests) == 2
    assert temporary_files(store) == []


def test_a_body_without_end_is_stopped_at_the_promised_size(make_fetcher: MakeFetcher, feed: Feed, store: BlobStore) -> None:
    feed.answers["/a"] = endless
    fetcher = make_fetcher()

    with pytest.raises(SizeDiffers, match="longer than the promised"):
        fetcher.fetch(request("a", LARGE))

    assert fetcher.bytes_received <= 2 * len(LARGE)
    assert temporary_files(store) == []


# -- limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits", [{"low_speed_bytes": 1000, "low_speed_seconds": 1}, {"total_timeout_seconds": 0.5}], ids=["slow", "long"]
)
def test_a_transfer_that_takes_too_long_is_given_up(
    make_fetcher: MakeFetcher, feed: Feed, store: BlobStore, limits: dict[str, float]
) -> None:
    over = Event()

    def slow(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"x")
        handler.wfile.flush()
        over.wait(30)

    feed.answers["/a"] = slow

    with pytest.raises(FetchTimedOut, match="/a did not come in time"):
        make_fetcher(retries=0, **limits).fetch(FetchRequest("a"))

    over.set()
    assert temporary_files(store) == []


def test_all_transfers_together_keep_to_the_highest_speed(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = b"x" * 10_000
    began = time.monotonic()

    outcomes = list(make_fetcher(max_speed=100_000, max_downloads=4).fetch_all([FetchRequest("a")] * 30))

    assert all(outcome.error is None for outcome in outcomes)
    assert time.monotonic() - began > 1.5  # 300,000 bytes, of which one second's worth may come at once


def test_one_large_file_keeps_to_the_highest_speed(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = LARGE
    began = time.monotonic()

    make_fetcher(max_speed=len(LARGE), max_downloads=1).fetch(FetchRequest("a"))

    assert time.monotonic() - began > 0.5


# -- redirects and origins -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(make_fetcher: MakeFetcher, feed: Feed, code: int) -> None:
    feed.answers["/zoo/a"], feed.answers["/zoo/b"] = redirect("b", code), b"content"

    assert make_fetcher(feed.url + "/zoo").fetch(request("a", b"content")).size == 7


def test_redirects_in_a_circle_end(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = redirect("/a")

    with pytest.raises(FetchRefused, match="redirects more than 5 times"):
        make_fetcher().fetch(FetchRequest("a"))

    assert len(feed.requests) == 6


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a", "http://me:secret@/"])
def test_a_redirect_to_what_may_not_be_fetched_is_refused(make_fetcher: MakeFetcher, feed: Feed, target: str) -> None:
    feed.answers["/a"] = redirect(target)

    with pytest.raises((FetchRefused, FetchAnswered)) as caught:
        make_fetcher(allowed_file_roots=("/",)).fetch(FetchRequest("a"))

    assert "secret" not in caught.value.message


def test_a_redirect_that_names_no_place_is_an_error(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = status(302)

    with pytest.raises(FetchAnswered, match="302 Found"):
        make_fetcher().fetch(FetchRequest("a"))


def test_credentials_go_to_the_feed(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = b"content"

    make_fetcher(basic_auth_username="me", basic_auth_password="secret").fetch(FetchRequest("a"))
    make_fetcher(feed.url.replace("//", "//me:secret@")).fetch(FetchRequest("a"))

    assert [seen.headers.get("Authorization") for seen in feed.requests] == ["Basic bWU6c2VjcmV0"] * 2


def test_credentials_never_go_anywhere_else(make_fetcher: MakeFetcher, feed: Feed, start_feed: Callable[..., Feed]) -> None:
    other = start_feed()
    feed.answers["/a"] = redirect(other.url + "/b")
    feed.answers["/back"] = b"content"
    other.answers["/b"], other.answers["/c"] = redirect(feed.url + "/back"), b"content"
    fetcher = make_fetcher(basic_auth_username="me", basic_auth_password="secret", headers={"X-Token": "secret"})

    outcomes = list(fetcher.fetch_all([FetchRequest("a"), FetchRequest(other.url + "/c"), FetchRequest("a")]))

    assert all(outcome.error is None for outcome in outcomes)
    assert sorted(other.paths) == ["/b", "/b", "/c"]
    assert not any("secret" in str(seen.headers) or "Authorization" in seen.headers for seen in other.requests)
    assert all(seen.headers["X-Token"] == "secret" and "Authorization" in seen.headers for seen in feed.requests)


def test_no_message_repeats_the_feeds_password(make_fetcher: MakeFetcher, feed: Feed) -> None:
    with pytest.raises(FetchAnswered) as caught:
        make_fetcher(feed.url.replace("//", "//me:secret@") + "?token=secret").fetch(FetchRequest("x"))

    assert "secret" not in f"{caught.value.message} {caught.value.data}"
    assert feed.paths == ["/x?token=secret"]


def test_an_address_in_a_blocked_network_is_refused_before_anything_is_sent(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = b"content"

    with pytest.raises(FetchRefused, match=r"leads to 127.0.0.1, in the network 127.0.0.0/8 of ENTREPOT_BLOCKED_NETWORKS"):
        make_fetcher(blocked_networks=("127.0.0.0/8",)).fetch(FetchRequest("a"))

    assert feed.requests == []


def test_a_redirect_into_a_blocked_network_is_refused(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = redirect("http://169.254.169.254/latest/meta-data")

    with pytest.raises(FetchRefused, match=r"169.254.0.0/16"):
        make_fetcher().fetch(FetchRequest("a"))


def test_a_proxy_is_asked_with_its_own_credentials(
    make_fetcher: MakeFetcher, feed: Feed, start_feed: Callable[..., Feed]
) -> None:
    proxy = start_feed()
    proxy.answers["http://feed.example/a"] = b"content"
    host, _, port = proxy.url.rpartition(":")

    blob = make_fetcher(
        "http://feed.example", proxy_host=host, proxy_port=int(port), proxy_username="me", proxy_password="secret"
    ).fetch(FetchRequest("a"))

    assert blob.size == 7
    assert proxy.requests[0].headers["Proxy-Authorization"] == "Basic bWU6c2VjcmV0"
    assert "Authorization" not in proxy.requests[0].headers


def test_no_proxy_is_taken_from_the_environment(make_fetcher: MakeFetcher, feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    feed.answers["/a"] = b"content"

    assert make_fetcher().fetch(FetchRequest("a")).size == 7


# -- stopping and failing on this side -----------------------------------------------------------------------------


def test_a_checkpoint_that_raises_stops_all_transfers_and_leaves_no_temporary_file(
    make_fetcher: MakeFetcher, feed: Feed, store: BlobStore
) -> None:
    over = Event()

    def half(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(2 * len(LARGE)))
        handler.end_headers()
        handler.wfile.write(LARGE)
        handler.wfile.flush()
        over.wait(30)

    def checkpoint() -> None:
        if fetcher.bytes_received >= 3 * len(LARGE):
            raise Canceled

    for path in ("/1", "/2", "/3"):
        feed.answers[path] = half
    fetcher = make_fetcher(checkpoint=checkpoint)
    taken = []

    with pytest.raises(Canceled):
        taken.extend(fetcher.fetch_all(FetchRequest(path) for path in "123"))

    over.set()
    assert taken == []
    assert temporary_files(store) == []


def test_the_checkpoint_is_called_while_nothing_comes(make_fetcher: MakeFetcher, feed: Feed) -> None:
    calls: list[float] = []

    def checkpoint() -> None:
        calls.append(time.monotonic())
        if len(calls) == 10:
            raise Canceled

    feed.answers["/a"] = status(503, Retry_After="60")

    with pytest.raises(Canceled):
        make_fetcher(checkpoint=checkpoint).fetch(FetchRequest("a"))

    gaps = sorted(after - before for before, after in pairwise(calls))
    assert gaps[len(gaps) // 2] < 0.2


def test_outcomes_nobody_took_leave_no_temporary_file(make_fetcher: MakeFetcher, feed: Feed, store: BlobStore) -> None:
    feed.answers["/a"] = LARGE
    outcomes = make_fetcher().fetch_all([FetchRequest("a")] * 20)

    first = next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]  # a generator

    assert first.blob is not None
    assert temporary_files(store) == [first.blob.temporary.name]


def test_closing_the_fetcher_stops_what_is_under_way(make_fetcher: MakeFetcher, feed: Feed, store: BlobStore) -> None:
    feed.answers["/a"] = LARGE
    fetcher = make_fetcher()
    outcomes = fetcher.fetch_all([FetchRequest("a")] * 20)
    first = next(outcomes)

    fetcher.close()

    assert first.blob is not None
    assert temporary_files(store) == [first.blob.temporary.name]


def test_an_error_of_the_requests_stops_all_transfers(make_fetcher: MakeFetcher, feed: Feed, store: BlobStore) -> None:
    feed.answers["/a"] = LARGE

    def requests() -> Iterator[FetchRequest]:
        yield FetchRequest("a")
        yield FetchRequest("a")
        raise KeyError

    with pytest.raises(KeyError):
        list(make_fetcher().fetch_all(requests()))

    assert temporary_files(store) == []


def test_a_full_disk_is_an_outcome_that_is_not_tried_again(
    make_fetcher: MakeFetcher, feed: Feed, store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.answers["/a"] = LARGE
    monkeypatch.setattr("os.write", full_disk)

    (outcome,) = make_fetcher().fetch_all([request("a", LARGE)])

    monkeypatch.undo()
    assert isinstance(outcome.error, StorageFull)
    assert len(feed.requests) == 1
    assert temporary_files(store) == []


def test_a_small_file_meets_the_full_disk_when_it_is_kept(
    make_fetcher: MakeFetcher, feed: Feed, store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.answers["/a"] = b"content"
    (outcome,) = make_fetcher().fetch_all([request("a", b"content")])
    assert outcome.blob is not None
    monkeypatch.setattr("os.write", full_disk)

    with pytest.raises(StorageFull):
        store.keep([outcome.blob])

    monkeypatch.undo()
    assert temporary_files(store) == []
    assert not store.has(outcome.blob.sha256)


def test_what_a_callback_of_the_library_meets_is_not_swallowed(
    make_fetcher: MakeFetcher, feed: Feed, store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_self: object, _data: bytes) -> None:
        raise Canceled

    monkeypatch.setattr(BlobWriter, "write", stop)
    feed.answers["/a"] = LARGE

    with pytest.raises(Canceled):
        make_fetcher().fetch(FetchRequest("a"))

    assert temporary_files(store) == []


def test_a_feed_that_is_no_address_is_refused(make_fetcher: MakeFetcher) -> None:
    with pytest.raises(FetchRefused):
        make_fetcher("zoo")


def test_a_fetcher_is_closed_as_a_context_manager(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = b"content"
    with make_fetcher() as fetcher:
        assert isinstance(fetcher, Fetcher)
        fetcher.fetch(FetchRequest("a"))

    assert fetcher.bytes_received == 7


# -- what is asked for, and what it is called ----------------------------------------------------------------------


def test_what_is_accepted_is_said_for_one_file_only_and_the_answer_names_its_media_type(
    make_fetcher: MakeFetcher, feed: Feed
) -> None:
    feed.answers["/a"] = lambda handler: handler.answer(200, b"{}", Content_Type="Application/JSON; charset=utf-8")
    feed.answers["/b"] = b"plain"
    fetcher = make_fetcher()

    first = fetcher.fetch(FetchRequest("a", accept="application/json"))
    second = fetcher.fetch(FetchRequest("b"))

    assert [seen.headers.get("Accept") for seen in feed.requests] == ["application/json", "*/*"]
    assert (first.media_type, second.media_type) == ("application/json", None)


def test_many_files_may_be_asked_to_lie_in_files(make_fetcher: MakeFetcher, feed: Feed) -> None:
    feed.answers["/a"] = b"content"

    (outcome,) = make_fetcher().fetch_all([FetchRequest("a")], may_hold=False)

    assert outcome.blob is not None
    assert outcome.blob.temporary.read_bytes() == b"content"


def test_an_accept_header_with_a_line_break_is_refused(make_fetcher: MakeFetcher, feed: Feed) -> None:
    with pytest.raises(FetchRefused, match="'Accept' is refused"):
        make_fetcher().fetch(FetchRequest("a", accept="a\r\nX-More: b"))

    assert feed.requests == []


def test_a_file_that_is_longer_than_allowed_is_given_up(make_fetcher: MakeFetcher, feed: Feed, store: BlobStore) -> None:
    feed.answers["/a"] = endless

    with pytest.raises(SizeDiffers, match="is longer than 2000000 bytes, and no more are taken"):
        make_fetcher(retries=0).fetch(FetchRequest("a", at_most=2_000_000))

    assert temporary_files(store) == []
