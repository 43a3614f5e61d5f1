"""A bucket as a target."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from entrepot.errors import InvalidValue, PushFailed
from entrepot.propagation import targets
from entrepot.propagation.targets.tree import Pushed
from tests.integration.propagation.targets import contract
from tests.integration.propagation.targets.certificates import issue_certificate
from tests.integration.propagation.targets.contract import FIRST, SECOND, SECRET, SITE, Edge, Publish, TargetContract
from tests.integration.propagation.targets.loopback import LoopbackServer, asks
from tests.integration.propagation.targets.s3_server import Bucket

KEYS = {"access_key_id": "zookeeper", "secret_access_key": "open-sesame-open"}


class BucketEdge(Edge):
    """A part of a bucket, on a server of the test's own."""

    def __init__(self, server: LoopbackServer, bucket: Bucket) -> None:
        self.server, self.bucket = server, bucket
        self.url = f"s3://{bucket.name}/my%20sites"
        self.options = {"endpoint": server.url, **KEYS}
        self.options_refused = {**self.options, "secret_access_key": SECRET}

    def read(self, site: str = SITE) -> dict[str, bytes]:
        prefix = f"my sites/{site}/"
        return {key.removeprefix(prefix): data for key, data in self.bucket.objects.items() if key.startswith(prefix)}

    def plant(self, name: str, data: bytes) -> None:
        self.bucket.objects[f"my sites/{name}"] = data

    def find(self, name: str) -> bytes | None:
        return self.bucket.objects.get(f"my sites/{name}")

    @contextmanager
    def down(self) -> Iterator[None]:
        with LoopbackServer(self.bucket) as gone:
            address = gone.url
        self.options = {**self.options, "endpoint": address}
        yield

    @contextmanager
    def full(self) -> Iterator[None]:
        self.server.refuse("507 Insufficient Storage", lambda method, path: method == "PUT" and SITE in path)
        yield
        self.server.mend()

    @contextmanager
    def corrupting(self) -> Iterator[None]:
        self.server.alter(lambda data: data[:-1] + b"?", lambda method, path: method == "PUT" and path.endswith("/a"))
        yield
        self.server.mend()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[LoopbackServer, Bucket]]:
    bucket = Bucket("zoo-bucket", **KEYS)
    with LoopbackServer(bucket) as opened:
        yield opened, bucket


@pytest.fixture
def edge(server: tuple[LoopbackServer, Bucket]) -> BucketEdge:
    """The bucket, empty again."""
    opened, bucket = server
    opened.mend()
    bucket.objects.clear()
    return BucketEdge(opened, bucket)


class TestS3(TargetContract):
    """A bucket does what every target does."""

    def test_hostile_names_arrive_as_they_are(self, edge: Edge, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
        """All but control characters: those have no place in an object's key, and no publication has them."""
        monkeypatch.setattr(contract, "HOSTILE", [name for name in contract.HOSTILE if name.isprintable()])

        super().test_hostile_names_arrive_as_they_are(edge, publish)


def test_a_name_with_a_control_character_is_refused_with_words(edge: BucketEdge, publish: Publish) -> None:
    with pytest.raises(PushFailed, match=r"two\\nlines|two\nlines"):
        edge.push(publish({"two\nlines": "x"}))


def test_index_files_are_replaced_after_additions_and_before_removals(edge: BucketEdge, publish: Publish) -> None:
    edge.push(publish(FIRST))
    edge.server.asked.clear()
    edge.push(publish(SECOND, revision=2))
    bucket, state = "/zoo-bucket/my sites", f"/zoo-bucket/my sites/.entrepot/{SITE}"
    steps = [(method, path) for method, path in edge.server.asked if method in ("PUT", "DELETE") and "journal" not in path]

    assert steps[0] == ("PUT", f"{bucket}/{SITE}/deep/c")
    assert {*steps[1:3]} == {("PUT", f"{bucket}/{SITE}/PULP_MANIFEST"), ("PUT", f"{bucket}/{SITE}/a")}
    assert steps[3:] == [
        ("PUT", f"{state}/manifest"),
        ("PUT", f"{state}/marker"),
        ("DELETE", f"{bucket}/{SITE}/deep/er/gone"),
    ]


def test_a_large_file_is_sent_in_parts(edge: BucketEdge, publish: Publish) -> None:
    text = "0123456789abcdef" * (9 << 16)
    pushed = edge.push(publish({"large": text}))

    assert pushed == Pushed(1, 9 << 20, was_current=False)
    assert edge.read() == {"large": text.encode()}
    assert edge.server.asked.count(("PUT", f"/zoo-bucket/my sites/{SITE}/large")) == 2


def test_a_large_file_whose_stored_bytes_are_damaged_is_never_completed(edge: BucketEdge, publish: Publish) -> None:
    tree = publish({"large": "x" * (9 << 20)})
    blob = tree.blob(next(tree.files()).sha256)
    blob.chmod(0o644)
    blob.write_text("y" * (9 << 20))

    with pytest.raises(PushFailed, match="stored bytes of 'large' are damaged"):
        edge.push(tree)

    assert edge.read() == {}
    assert edge.bucket.uploads == {}


def test_an_upload_that_broke_off_leaves_the_old_object_and_says_so(edge: BucketEdge, publish: Publish) -> None:
    edge.push(publish({"a": "old"}))
    edge.server.break_off(lambda method, path: method == "PUT" and path.endswith("/a"))

    with pytest.raises(PushFailed, match=r"The connection broke off.*writing zoo/edge/a"):
        edge.push(publish({"a": "new" * 1_000_000}, revision=2))

    assert edge.read() == {"a": b"old"}


def test_a_bucket_that_is_silent_is_given_up_in_time(edge: BucketEdge, publish: Publish) -> None:
    edge.server.hang(asks("GET"))

    target = targets.open_target(edge.url, edge.options, timeout_seconds=0.2)
    with target, pytest.raises(PushFailed, match=r"did not answer within 0\.2 seconds"):
        target.push(publish(FIRST))


def test_reading_back_finds_what_the_size_does_not_show(edge: BucketEdge, publish: Publish) -> None:
    edge.options["verify"] = "get"
    edge.server.answer_instead(lambda method, path: method == "GET" and path.endswith("/b"), b"sane")

    with pytest.raises(PushFailed, match="'b' arrived damaged"):
        edge.push(publish(FIRST))
    edge.server.mend()

    assert edge.push(publish(FIRST)).files == 2  # `b`, and the one that came after it


def test_a_size_that_differs_is_found(edge: BucketEdge, publish: Publish) -> None:
    edge.server.answer_instead(lambda method, path: method == "HEAD" and path.endswith("/b"), b"sam")

    with pytest.raises(PushFailed, match="'b' arrived damaged"):
        edge.push(publish(FIRST))


def test_a_refusal_is_told_with_its_code(edge: BucketEdge, publish: Publish) -> None:
    edge.options = edge.options_refused

    with pytest.raises(PushFailed, match=r"403 Forbidden \(SignatureDoesNotMatch.*Check `access_key_id`"):
        edge.push(publish(FIRST))


def test_a_bucket_that_is_not_there_is_told_as_such(edge: BucketEdge, publish: Publish) -> None:
    edge.url = "s3://other-bucket"

    with pytest.raises(PushFailed, match="There is no bucket other-bucket"):
        edge.push(publish(FIRST))


@pytest.mark.parametrize("given", ["nothing", "the authority", "no verification"])
def test_a_certificate_is_trusted_only_if_its_authority_is(
    edge: BucketEdge, publish: Publish, tmp_path: Path, given: str
) -> None:
    authority, certificate = issue_certificate(tmp_path)
    trust = {"nothing": {}, "the authority": {"ca_certificate": authority}, "no verification": {"verify_tls": False}}
    edge.options |= trust[given]
    with LoopbackServer(edge.bucket, certificate=certificate) as secure:
        edge.options["endpoint"] = secure.url
        if given == "nothing":
            with pytest.raises(PushFailed, match="certificate is not trusted"):
                edge.push(publish(FIRST))
            return

        assert edge.push(publish(FIRST)).files == 4


@pytest.mark.parametrize(
    ("url", "options", "why"),
    [
        ("s3:///prefix", {}, "s3://bucket"),
        ("s3://user@bucket", {}, "s3://bucket"),
        ("s3://bucket:90/x", {}, "s3://bucket"),
        ("s3://bucket", {"access_key_id": "a"}, "both or neither"),
        ("s3://bucket", {"endpoint": "minio:9000"}, "endpoint"),
        ("s3://bucket", {"endpoint": "https://me:secret@minio"}, "endpoint"),
        ("s3://bucket", {"ca_certificate": "rubbish"}, "no certificates in PEM"),
        ("s3://bucket", {"verify": "maybe"}, "verify"),
        ("s3://bucket", {"bucket": "other"}, "bucket"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_sent(url: str, options: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidValue, match=why):
        targets.check(url, options)


def test_the_keys_are_masked() -> None:
    assert targets.masked({**KEYS, "region": "eu"}) == {"access_key_id": "*****", "secret_access_key": "*****", "region": "eu"}


def test_a_missing_library_is_told_with_how_to_install_it(
    edge: BucketEdge, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)

    with pytest.raises(PushFailed, match=r"pip install 'entrepot\[edge\]'"):
        edge.push(publish(FIRST))
