"""The iso_importer against feeds in memory."""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.plugin import FetchAnswered, FetchedFile, PluginError, path_problem
from entrepot_file.importer import LONGEST_LINE, IsoImporter, read_manifest
from entrepot_file.unit import Iso

SHA = "ab" * 32
OTHER_SHA = "cd" * 32

plain_names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda name: not path_problem(name)
)


def manifest(*rows: tuple[str, str, int]) -> dict[str, bytes]:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return {"PULP_MANIFEST": text.getvalue().encode()}


def entries(data: bytes) -> list[tuple[str, str, int]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "PULP_MANIFEST")
        path.write_bytes(data)
        return list(read_manifest(path))


def test_each_line_becomes_a_unit_with_its_file_declared(imported):
    units, refused = imported(IsoImporter, manifest(("a.iso", SHA, 5), ("b/c.iso", OTHER_SHA, 0)))

    assert units == [Iso(name="a.iso", checksum=SHA, size=5), Iso(name="b/c.iso", checksum=OTHER_SHA, size=0)]
    assert [unit.remote_files for unit in units] == [
        (("a.iso", "a.iso", 5, {"sha256": SHA}),),
        (("b/c.iso", "b/c.iso", 0, {"sha256": OTHER_SHA}),),
    ]
    assert refused == {}


def test_a_name_is_handed_on_as_it_is_for_the_engine_encodes_it(imported):
    units, _ = imported(IsoImporter, manifest(("http:/ä b?#%.iso", SHA, 5)))

    (file,) = units[0].remote_files
    assert (file.url, file.path) == ("http:/ä b?#%.iso", "http:/ä b?#%.iso")


def test_a_name_cannot_be_an_absolute_address(imported):
    _, refused = imported(IsoImporter, manifest(("http://elsewhere.test/a", SHA, 5), ("file:///etc/passwd", SHA, 5)))

    assert len(refused) == 2


def test_an_upper_case_checksum_is_the_same_unit(imported):
    units, _ = imported(IsoImporter, manifest(("a", SHA.upper(), 5)))

    assert units == [Iso(name="a", checksum=SHA, size=5)]


def test_an_unchanged_manifest_ends_the_sync_before_a_line_is_read(feed_of):
    data = b"not a manifest at all"
    feed = feed_of({"PULP_MANIFEST": data}, token=hashlib.sha256(data).hexdigest())

    assert list(IsoImporter().sync(feed)) == []
    assert feed.fetched == ["PULP_MANIFEST"]


def test_a_feed_without_a_manifest_is_the_fetch_error(imported):
    with pytest.raises(FetchAnswered, match="PULP_MANIFEST answered 404"):
        imported(IsoImporter, {})


def test_units_are_yielded_before_the_whole_manifest_is_read(feed_of):
    feed = feed_of({"PULP_MANIFEST": f"a,{SHA},1\nbroken\n".encode()})

    assert next(iter(IsoImporter().sync(feed))).name == "a"


def test_an_empty_manifest_offers_nothing(imported):
    assert imported(IsoImporter, {"PULP_MANIFEST": b""}) == ([], {})


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_line_endings_blank_lines_and_a_byte_order_mark_do_not_matter(ending: str):
    data = f"\ufeff\n\na,{SHA},1\r\n  \n\nb,{SHA},2{ending}".encode()

    assert entries(data) == [("a", SHA, 1), ("b", SHA, 2)]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("a", "it has 1 column;"),
        (f"a,{SHA}", "it has 2 columns;"),
        (f"a,{SHA},1,x", "it has 4 columns;"),
        (f"a,{SHA},one", "the size of a is not a whole number of bytes"),
        (f"a,{SHA},-1", "the size of a is not a whole number of bytes"),
        (f"a,{SHA},1.5", "the size of a is not a whole number of bytes"),
        (f"a,{SHA}, 1", "the size of a is not a whole number of bytes"),
        (f"a,{SHA},1_0", "the size of a is not a whole number of bytes"),
        (f"a,{SHA},٣", "the size of a is not a whole number of bytes"),
        (f"a,{SHA},{10**30}", "the size of a is not a whole number of bytes"),
        ("a,,1", "the checksum of a is not a SHA-256"),
        (f"a,{SHA[:-1]},1", "the checksum of a is not a SHA-256"),
        (f"a,{SHA[:-1]}g,1", "the checksum of a is not a SHA-256"),
        (f'"a"b,{SHA},1', "it is no CSV"),
        (f'"a,{SHA},1', "it is no CSV"),
        (f"{'a' * LONGEST_LINE},{SHA},1", f"it is longer than {LONGEST_LINE} bytes"),
    ],
)
def test_a_malformed_line_fails_the_sync_and_is_named(line: str, why: str):
    with pytest.raises(PluginError, match=rf"PULP_MANIFEST, line 3: {why}.*expected: name,sha256,size") as caught:
        entries(f"fine,{SHA},1\n\n{line}".encode())

    assert caught.value.data == {"line": 3}


def test_text_that_is_not_utf_8_is_named_by_its_line():
    with pytest.raises(PluginError, match="line 2: it is not UTF-8"):
        entries(f"a,{SHA},1\n".encode() + b"\xff" + f",{SHA},1\n".encode())


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../a", "leaves its folder"),
        ("a/../../b", "leaves its folder"),
        ("..", "leaves its folder"),
        ("/etc/passwd", "absolute path"),
        ("//host/a", "absolute path"),
        ("", "is empty"),
        (".", "empty or '.' segment"),
        ("a/./b", "empty or '.' segment"),
        ("a//b", "empty or '.' segment"),
        ("a/", "empty or '.' segment"),
        ("a\\..\\b", "backslash"),
        ("a\x00b", "control character"),
        ("a\nb", "control character"),
        ("a\x1b[31m", "control character"),
        ("a\x85", "control character"),
        ("x" * 1025, "longer than 1024 characters"),
        ("x" * 256, "segment of more than 255 bytes"),
        ("é" * 128, "segment of more than 255 bytes"),
        ("PULP_MANIFEST", "reserved"),
        ("PULP_MANIFEST/a", "also the name of a file"),
    ],
)
def test_a_hostile_name_is_refused_alone_and_the_others_go_on(imported, name: str, why: str):
    units, refused = imported(IsoImporter, manifest(("first", SHA, 1), (name, SHA, 2), ("last", SHA, 3)))

    assert [unit.name for unit in units] == ["first", "last"]
    assert len(refused) == 1
    assert why in next(iter(refused.values()))


def test_a_refused_name_is_shown_without_what_a_terminal_would_obey(imported):
    _, refused = imported(IsoImporter, manifest(("a\x1b[31m", SHA, 1), ("", SHA, 1), ("x" * 2000, SHA, 1)))

    assert list(refused) == ["'a\\x1b[31m'", "''", repr("x" * 255)]


@pytest.mark.parametrize("twin", [("a", OTHER_SHA, 1), ("a", SHA, 2)])
def test_a_name_given_twice_with_different_content_is_refused(imported, twin: tuple[str, str, int]):
    units, refused = imported(IsoImporter, manifest(("a", SHA, 1), twin, ("b", SHA, 1)))

    assert [unit.name for unit in units] == ["a", "b"]
    assert refused == {"a": "the manifest names it twice, with different content"}


def test_the_same_line_twice_is_one_unit(imported):
    units, refused = imported(IsoImporter, manifest(("a", SHA, 1), ("b", SHA, 1), ("a", SHA, 1)))

    assert [unit.name for unit in units] == ["a", "b"]
    assert refused == {}


def test_a_file_below_another_file_is_refused_in_either_order(imported):
    names = ["a", "a/b", "a/b/c", "d/e/f", "d/e", "d/x", "d", "dd"]

    units, refused = imported(IsoImporter, manifest(*((name, SHA, 1) for name in names)))

    assert [unit.name for unit in units] == ["a", "d/e/f", "d/x", "dd"]
    assert refused == {
        "a/b": "its folder 'a' is also the name of a file",
        "a/b/c": "its folder 'a' is also the name of a file",
        "d/e": "the name is also the folder of another file",
        "d": "the name is also the folder of another file",
    }


def test_validate_false_changes_nothing_for_the_digest_is_the_identity(imported):
    units, _ = imported(IsoImporter, manifest(("a", SHA, 1)), {"validate": False})

    assert units[0].remote_files[0].digests == {"sha256": SHA}
    assert units[0].remote_files[0].size == 1


@given(st.lists(st.tuples(plain_names, st.binary(max_size=8)), max_size=8, unique_by=lambda pair: pair[0]))
def test_a_manifest_gives_back_the_names_that_were_written(files):
    rows = [(name, hashlib.sha256(data).hexdigest(), len(data)) for name, data in files]

    assert entries(manifest(*rows)["PULP_MANIFEST"]) == rows


@given(st.lists(st.text(st.sampled_from('ab./\\\x00\n é,"'), max_size=8), max_size=12))
def test_no_two_accepted_names_claim_one_path_and_none_leaves_the_folder(names):
    feed_rows = manifest(*((name, SHA, 1) for name in names))
    with tempfile.TemporaryDirectory() as folder:
        from_feed = _Feed(Path(folder), feed_rows["PULP_MANIFEST"])

        accepted = [unit.name for unit in IsoImporter().sync(from_feed)]

        for name in accepted:  # the file system is the judge: each can be created, below the root, as a new file
            target = Path(folder, "root", name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.open("x").close()
            assert target.resolve().is_relative_to(Path(folder, "root").resolve())
        assert len(from_feed.refused) >= len(set(names) - set(accepted))


class _Feed:
    """The least that the importer asks for; hypothesis runs many examples in one test, so no fixture serves."""

    repository_id = "zoo"
    config = None
    feed = "http://feed.test/"

    def __init__(self, folder: Path, data: bytes) -> None:
        self.folder = folder
        self.data = data
        self.refused: list[str] = []

    def fetch(self, url: str, **promised: object):
        path = self.folder / "manifest"
        path.write_bytes(self.data)
        return FetchedFile(path, hashlib.sha256(self.data).hexdigest(), len(self.data))

    def unchanged(self, token: str) -> bool:
        return False

    def error(self, item: str, why: str) -> None:
        self.refused.append(item)

    def checkpoint(self) -> None:
        """Nobody cancels here."""


def uploaded(tmp_path: Path, key: dict[str, object], metadata: dict[str, object] | None = None) -> Iso:
    path = tmp_path / "upload"
    path.write_bytes(b"bear")
    upload = FetchedFile(path, hashlib.sha256(b"bear").hexdigest(), 4)
    (unit,) = IsoImporter().upload(None, Iso, upload, key, metadata or {})  # type: ignore[arg-type]  # it asks nothing of it
    return unit


def test_an_uploaded_file_needs_a_name_and_nothing_else(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"bear").hexdigest()
    bear = Iso(name="a/bear.iso", checksum=digest, size=4)

    for said in ({}, {"size": 4}, {"size": "4"}, {"checksum": digest.upper()}, {"checksum": None, "size": None}):
        unit = uploaded(tmp_path, {"name": "a/bear.iso"}, said)
        assert unit == bear
        assert [(file.path, file.fetched.size) for file in unit.held_files] == [("a/bear.iso", 4)]


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ({}, "needs a name"),
        ({"name": 5}, "needs a name"),
        ({"name": "../bear"}, "leaves its folder"),
        ({"name": "PULP_MANIFEST"}, "reserved"),
        ({"name": "bear", "checksum": "0" * 64}, "The checksum of bear is"),
        ({"name": "bear", "checksum": ["x"]}, "The checksum of bear is"),
        ({"name": "bear", "size": 5}, "is 4 bytes, and not 5"),
        ({"name": "bear", "size": True}, "is 4 bytes, and not True"),
    ],
)
def test_what_is_said_of_an_uploaded_file_must_be_true(tmp_path: Path, key: dict[str, object], why: str) -> None:
    with pytest.raises(PluginError, match=why):
        uploaded(tmp_path, key)
