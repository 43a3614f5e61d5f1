"""The servers that targets are tested with, by clients that know nothing of targets."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import obstore
import pytest
from obstore.exceptions import GenericError, PermissionDeniedError
from obstore.store import S3Store

from tests.integration.propagation.targets.loopback import LoopbackServer, asks
from tests.integration.propagation.targets.put_server import PutSite
from tests.integration.propagation.targets.s3_server import Bucket

KEYS = {"access_key_id": "zookeeper", "secret_access_key": "open-sesame-open"}


@pytest.fixture
def bucket() -> Bucket:
    return Bucket("zoo", **KEYS)


@pytest.fixture
def server(bucket: Bucket) -> Iterator[LoopbackServer]:
    with LoopbackServer(bucket) as opened:
        yield opened


def store_at(server: LoopbackServer, **changed: str) -> S3Store:
    return S3Store(
        changed.pop("bucket", "zoo"),
        endpoint=server.url,
        region="us-east-1",
        **{**KEYS, **changed},
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )


def test_an_object_is_put_read_and_removed(server: LoopbackServer, bucket: Bucket) -> None:
    store = store_at(server)
    obstore.put(store, "a b/ü?#%20", b"bytes", use_multipart=False)
    held = dict(bucket.objects)
    read = bytes(obstore.get(store, "a b/ü?#%20").bytes()), obstore.head(store, "a b/ü?#%20")["size"]
    obstore.delete(store, ["a b/ü?#%20", "never there"])

    assert held == {"a b/ü?#%20": b"bytes"}
    assert read == (b"bytes", 5)
    assert bucket.objects == {}


def test_an_object_in_parts_is_there_when_all_are_and_not_before(server: LoopbackServer, bucket: Bucket) -> None:
    seen = []

    def source() -> Iterator[bytes]:
        for letter in b"abc":
            seen.append(dict(bucket.objects))
            yield bytes([letter]) * (5 << 20)

    obstore.put(store_at(server), "large", source(), chunk_size=5 << 20)

    assert seen == [{}, {}, {}]
    assert bucket.objects == {"large": b"a" * (5 << 20) + b"b" * (5 << 20) + b"c" * (5 << 20)}
    assert bucket.uploads == {}


def test_who_does_not_know_the_secret_gets_nothing(server: LoopbackServer, bucket: Bucket) -> None:
    bucket.objects["a"] = b"bytes"

    with pytest.raises(PermissionDeniedError, match="SignatureDoesNotMatch"):
        obstore.get(store_at(server, secret_access_key="guessed"), "a")
    with pytest.raises(PermissionDeniedError, match="InvalidAccessKeyId"):
        obstore.get(store_at(server, access_key_id="other"), "a")
    assert httpx.get(f"{server.url}/zoo/a").status_code == 403


def test_what_was_changed_on_its_way_is_not_taken(server: LoopbackServer, bucket: Bucket) -> None:
    server.alter(bytes.upper, asks("PUT"))

    with pytest.raises(GenericError, match="XAmzContentSHA256Mismatch"):
        obstore.put(store_at(server), "a", b"bytes")
    assert bucket.objects == {}


def test_a_bucket_or_object_that_is_not_there_is_said_not_to_be(server: LoopbackServer) -> None:
    with pytest.raises(FileNotFoundError, match="NoSuchKey"):
        obstore.get(store_at(server), "a")
    with pytest.raises(FileNotFoundError, match="NoSuchBucket"):
        obstore.get(store_at(server, bucket="other"), "a")


def test_a_plain_site_takes_gives_and_drops_files() -> None:
    site = PutSite(authorization="Bearer x")
    with LoopbackServer(site) as server, httpx.Client(base_url=server.url, headers={"authorization": "Bearer x"}) as client:
        statuses = [client.put("/a%20b", content=b"1").status_code, client.put("/a%20b", content=b"2").status_code]
        read = client.get("/a%20b")
        statuses += [client.delete("/a%20b").status_code, client.get("/a%20b").status_code]
        statuses += [client.request("MKCOL", "/c/").status_code, httpx.put(f"{server.url}/x", content=b"").status_code]

    assert statuses == [201, 204, 204, 404, 405, 401]
    assert read.content == b"2"
    assert server.asked[0] == ("PUT", "/a b")


def test_faults_last_until_they_are_mended() -> None:
    with LoopbackServer(PutSite()) as server:
        server.refuse("507 Insufficient Storage", asks("PUT"))
        refused = httpx.put(f"{server.url}/a", content=b"1").status_code
        server.mend()
        server.break_off(asks("GET"))
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{server.url}/a")
        server.mend()

        assert refused == 507
        assert httpx.put(f"{server.url}/a", content=b"1").status_code == 201
