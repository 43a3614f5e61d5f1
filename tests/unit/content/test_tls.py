"""Feeds over TLS: whom the feed's server is believed to be, and whom this side is."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Callable
from pathlib import Path

import pycurl
import pytest

from entrepot.content import connections
from entrepot.content.fetch import FetchRequest
from entrepot.content.store import BlobStore
from entrepot.errors import FetchError, FetchRefused

from .conftest import Feed, MakeFetcher, temporary_files

#: Of the server, of its authority and of the client alike, for 127.0.0.1, until 2120; made for these tests only.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBZTCCAQygAwIBAgIBATAKBggqhkjOPQQDAjAZMRcwFQYDVQQDDA5lbnRyZXBv
dCB0ZXN0czAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowGTEXMBUG
A1UEAwwOZW50cmVwb3QgdGVzdHMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARG
yeEpg3VXGuqRdsAkPWsQMffnVV0iCX6b81GR6kclmKvZaySOEwosd706+EJtSwIN
ab7Niz1we7bIK/nnW2CUo0MwQTAPBgNVHREECDAGhwR/AAABMA8GA1UdEwEB/wQF
MAMBAf8wHQYDVR0OBBYEFEBK7unhRWJSo6aI+Pc9h28rTRJUMAoGCCqGSM49BAMC
A0cAMEQCIBcym5cOLASt9Fgbkr4G2eGUCLcL0hTIAA5/0pnrvdW8AiA7dF7jjDJP
i428USPC+KEld9MJuXRaT6k5E3WLgCBulQ==
-----END CERTIFICATE-----
"""
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWb0Qc5I/ddVdiH5e
xzj7/0CI+8u2dSDw3xZj3WROYIWhRANCAARGyeEpg3VXGuqRdsAkPWsQMffnVV0i
CX6b81GR6kclmKvZaySOEwosd706+EJtSwINab7Niz1we7bIK/nnW2CU
-----END PRIVATE KEY-----
"""


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    path = tmp_path / "pair.pem"
    path.write_text(CERTIFICATE + KEY)
    return path


@pytest.fixture
def secure_feed(start_feed: Callable[..., Feed], pair: Path) -> Feed:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair)
    feed = start_feed(tls=context)
    feed.answers["/a"] = b"content"
    return feed


@pytest.fixture
def strict_feed(start_feed: Callable[..., Feed], pair: Path) -> Feed:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pair))
    context.load_cert_chain(pair)
    context.verify_mode = ssl.CERT_REQUIRED
    feed = start_feed(tls=context)
    feed.answers["/a"] = b"content"
    return feed


def test_a_server_that_nobody_vouches_for_is_refused(make_fetcher: MakeFetcher, secure_feed: Feed) -> None:
    with pytest.raises(FetchError, match=r"the server's certificate was not accepted .* Check ssl_ca_cert") as caught:
        make_fetcher(secure_feed.url).fetch(FetchRequest("a"))

    assert "attempts" not in caught.value.data
    assert secure_feed.requests == []


def test_a_server_that_the_given_authority_vouches_for_is_accepted(make_fetcher: MakeFetcher, secure_feed: Feed) -> None:
    assert make_fetcher(secure_feed.url, ssl_ca_cert=CERTIFICATE).fetch(FetchRequest("a")).size == 7


def test_validation_can_be_switched_off(make_fetcher: MakeFetcher, secure_feed: Feed) -> None:
    assert make_fetcher(secure_feed.url, ssl_validation=False).fetch(FetchRequest("a")).size == 7


def test_a_redirect_from_https_to_http_is_refused(make_fetcher: MakeFetcher, secure_feed: Feed, feed: Feed) -> None:
    secure_feed.answers["/b"] = lambda handler: handler.answer(302, Location=feed.url + "/a")

    with pytest.raises(FetchRefused, match="leave https for http"):
        make_fetcher(secure_feed.url, ssl_validation=False).fetch(FetchRequest("b"))

    assert feed.requests == []


@pytest.mark.parametrize(
    "pem", [{"ssl_client_cert": CERTIFICATE, "ssl_client_key": KEY}, {"ssl_client_cert": CERTIFICATE + KEY}], ids=["two", "one"]
)
def test_the_client_certificate_goes_to_the_feed(make_fetcher: MakeFetcher, strict_feed: Feed, pem: dict[str, str]) -> None:
    assert make_fetcher(strict_feed.url, ssl_ca_cert=CERTIFICATE, **pem).fetch(FetchRequest("a")).size == 7


def test_the_client_certificate_never_goes_anywhere_else(
    make_fetcher: MakeFetcher, secure_feed: Feed, strict_feed: Feed
) -> None:
    secure_feed.answers["/b"] = lambda handler: handler.answer(302, Location=strict_feed.url + "/a")
    pem = {"ssl_ca_cert": CERTIFICATE, "ssl_client_cert": CERTIFICATE, "ssl_client_key": KEY}

    with pytest.raises(FetchError):
        make_fetcher(secure_feed.url, retries=0, **pem).fetch(FetchRequest("b"))

    assert strict_feed.requests == []


def test_a_client_certificate_that_is_none_is_said_so(make_fetcher: MakeFetcher, secure_feed: Feed) -> None:
    with pytest.raises(FetchError, match="ssl_client_cert or ssl_client_key cannot be used"):
        make_fetcher(secure_feed.url, ssl_validation=False, ssl_client_cert="nonsense").fetch(FetchRequest("a"))


def test_where_libcurl_reads_certificates_from_files_only_it_gets_files_that_are_gone_afterwards(
    make_fetcher: MakeFetcher, strict_feed: Feed, store: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []

    class OldCurl(pycurl.Curl):
        def setopt(self, option: int, value: object) -> None:
            if option in (pycurl.CAINFO_BLOB, pycurl.SSLCERT_BLOB, pycurl.SSLKEY_BLOB):
                raise pycurl.error(pycurl.E_NOT_BUILT_IN, "not built in")
            if option in (pycurl.SSLCERT, pycurl.SSLKEY):
                modes.append(stat.S_IMODE(Path(str(value)).stat().st_mode))
            super().setopt(option, value)

    monkeypatch.setattr(connections.pycurl, "Curl", OldCurl)
    fetcher = make_fetcher(strict_feed.url, ssl_ca_cert=CERTIFICATE, ssl_client_cert=CERTIFICATE, ssl_client_key=KEY)

    store.discard(fetcher.fetch(FetchRequest("a")))
    fetcher.close()

    assert modes == [0o600, 0o600]
    assert temporary_files(store) == []
