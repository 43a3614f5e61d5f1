"""Which addresses may be fetched, and how they are shown."""

from __future__ import annotations

import pytest

from entrepot.content.addresses import Feed, parse, redirected
from entrepot.errors import FetchRefused


@pytest.mark.parametrize(
    ("feed", "path", "url"),
    [
        ("http://h/zoo", "a.iso", "http://h/zoo/a.iso"),
        ("http://h/zoo/", "a.iso", "http://h/zoo/a.iso"),
        ("http://h", "a.iso", "http://h/a.iso"),
        ("http://h:80/zoo", "d/a.iso", "http://h/zoo/d/a.iso"),
        ("https://H:8443/zoo", "a.iso", "https://h:8443/zoo/a.iso"),
        ("http://[::1]:8080/zoo", "a.iso", "http://[::1]:8080/zoo/a.iso"),
        ("http://h/zoo", "/elsewhere/a.iso", "http://h/elsewhere/a.iso"),
        ("http://h/zoo", "a b#1?.iso", "http://h/zoo/a%20b%231%3F.iso"),
        ("http://h/zoo", "100%.iso", "http://h/zoo/100%25.iso"),
        ("http://h/zoo", "ä.iso", "http://h/zoo/%C3%A4.iso"),
        ("http://h/zoo", "c:d.iso", "http://h/zoo/c:d.iso"),
        ("http://h/zoo", "a\r\nHost: evil.iso", "http://h/zoo/a%0D%0AHost:%20evil.iso"),
        ("http://h/zoo?token=1", "a.iso", "http://h/zoo/a.iso?token=1"),
        ("http://bücher.example/zoo", "a", "http://xn--bcher-kva.example/zoo/a"),
        ("http://h/zoo", "https://other/a b.iso", "https://other/a%20b.iso"),
        ("file:///srv/my zoo", "a b.iso", "file:///srv/my%20zoo/a%20b.iso"),
    ],
)
def test_a_path_is_joined_to_the_feed_and_encoded(feed: str, path: str, url: str) -> None:
    assert Feed(feed).address(path).url == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://h/zoo", "only http://, https:// and file:// can be fetched"),
        ("h/zoo", "only http://, https:// and file:// can be fetched"),
        ("http:///zoo", "names no host"),
        ("http://h:port/zoo", "no address"),
        ("http://h:99999/zoo", "no address"),
        ("http://a b/zoo", "no address"),
        ("http://[::1/zoo", "no address"),
        ("http://[fe80::1%25eth0]/zoo", "no address"),
        ("file://host/zoo", "names a host"),
    ],
)
def test_a_feed_that_is_no_address_is_refused_with_the_reason(url: str, why: str) -> None:
    with pytest.raises(FetchRefused, match=why):
        Feed(url)


@pytest.mark.parametrize("path", ["//evil/a.iso", "\\\\evil\\a.iso"])
def test_a_path_of_a_feed_never_names_another_server(path: str) -> None:
    with pytest.raises(FetchRefused, match="may not name another server"):
        Feed("http://h/zoo").address(path)


def test_a_feed_on_the_network_never_names_files_of_this_machine() -> None:
    with pytest.raises(FetchRefused, match="may not point to files of this machine"):
        Feed("http://h/zoo").address("file:///etc/passwd")


def test_the_user_in_a_feeds_address_is_decoded_and_leaves_the_address() -> None:
    feed = Feed("http://me%40home:p%2Fw@h/zoo")

    assert feed.user == ("me@home", "p/w")
    assert feed.address("a").url == "http://h/zoo/a"


@pytest.mark.parametrize(
    "url",
    ["ftp://me:secret@h/zoo?token=secret", "http://me:secret/word@h/zoo", "http://me:secret@:x/", "http://me:se cret@h h/"],
)
def test_no_message_repeats_a_password_or_a_token(url: str) -> None:
    with pytest.raises(FetchRefused) as caught:
        Feed(url)

    assert "secret" not in caught.value.message
    assert "cret" not in str(caught.value.data)


def test_an_address_is_shown_without_its_query() -> None:
    assert Feed("http://h/zoo?token=secret").address("a").shown == "http://h/zoo/a?…"


@pytest.mark.parametrize(
    ("location", "url"),
    [("b", "http://h/zoo/b"), ("/b", "http://h/b"), ("?q=1", "http://h/zoo/a?q=1"), ("//other/b", "http://other/b")],
)
def test_a_relative_redirect_is_read_from_where_it_was_given(location: str, url: str) -> None:
    assert redirected(parse("http://h/zoo/a"), location).url == url


def test_a_redirect_to_another_host_is_followed_without_the_user_in_it() -> None:
    assert redirected(parse("http://h/a"), "http://me:pw@other/b").url == "http://other/b"


@pytest.mark.parametrize(
    ("source", "location", "why"),
    [
        ("http://h/a", "file:///etc/passwd", "only http:// and https://"),
        ("https://h/a", "http://h/a", "leave https for http"),
        ("http://h/a", "gopher://h/a", "only http://, https:// and file://"),
        ("http://h/a", "http://[h/a", "no address"),
    ],
)
def test_a_redirect_that_is_not_allowed_is_refused(source: str, location: str, why: str) -> None:
    with pytest.raises(FetchRefused, match=why):
        redirected(parse(source), location)
