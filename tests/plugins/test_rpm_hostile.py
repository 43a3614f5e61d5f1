"""Feeds that are broken, or mean harm, against the yum_importer: clear words, and nothing else happens."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import zlib
from collections.abc import Callable

import pytest
import zstandard
from tests.builders.yum_feed import EVERYTHING, FISH, REPOMD, TREEINFO, WALRUS, WHALE, feed_files, part, with_part

from entrepot.plugin import PluginError
from entrepot_rpm import compressed
from entrepot_rpm.importer import YumImporter

Files = dict[str, bytes]

BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY e SYSTEM "file:///etc/passwd">]>
"""


@pytest.fixture(scope="module")
def zoo(tmp_path_factory) -> Files:
    folder = tmp_path_factory.mktemp("zoo")
    return feed_files(folder, [WALRUS, WHALE, FISH], {".treeinfo": TREEINFO}, metadata=EVERYTHING)


def text(files: Files, kind: str) -> bytes:
    return gzip.decompress(files[part(files, kind)])


def changed(kind: str, old: bytes, new: bytes) -> Callable[[Files], Files]:
    """Return what puts another text into one kind of metadata, and promises it."""

    def change(files: Files) -> Files:
        assert old in text(files, kind)
        return with_part(files, kind, text(files, kind).replace(old, new))

    return change


def sent(kind: str, change: Callable[[bytes], bytes]) -> Callable[[Files], Files]:
    """Return what sends another file than is promised."""
    return lambda files: files | {part(files, kind): change(files[part(files, kind)])}


def promised(old: str, new: str) -> Callable[[Files], Files]:
    """Return what changes the first place of a text in `repomd.xml`."""
    return lambda files: files | {REPOMD: files[REPOMD].replace(old.encode(), new.encode(), 1)}


def repomd(data: bytes) -> Callable[[Files], Files]:
    return lambda files: files | {REPOMD: data}


AS_A_WHOLE = {
    "H01 repomd is cut off": (lambda files: files | {REPOMD: files[REPOMD][:300]}, "repomd.xml is damaged"),
    "H01 primary is cut off": (lambda files: with_part(files, "primary", text(files, "primary")[:-300]), "primary"),
    "H01 updateinfo is cut off": (lambda files: with_part(files, "updateinfo", text(files, "updateinfo")[:-30]), "updateinfo"),
    "H01 gzip is cut off": (lambda files: cut_off(files, "primary"), "cannot be unpacked"),
    "H02 a page instead of repomd": (repomd(b"<html><body>Welcome</body></html>"), "lists no primary"),
    "H02 a page instead of primary": (lambda files: with_part(files, "primary", b"<html><p>hi</p></html>"), "primary"),
    "H03 more than promised": (promised("<open-size>", "<open-size>1"), "are promised"),
    "H03 an element without end": (changed("primary", b"</package>", b"</packages>" * 3), "primary"),
    "H04 another checksum": (sent("primary", lambda data: data[:-1] + b"x"), "sync again"),
    "H06 longer than promised": (sent("filelists", lambda data: data + b"x"), "sync again"),
    "H07 a file outside": (promised('href="repodata/', 'href="../../repodata/'), "leaves its folder"),
    "H07 a tree outside": (
        lambda files: files | {".treeinfo": TREEINFO.replace(b"images/boot", b"../../etc/boot")},
        "leaves its folder",
    ),
    "H09 filelists of another feed": (changed("filelists", b'pkgid="', b'pkgid="0'), "do not belong together"),
    "H10 no UTF-8": (changed("primary", b"A package of", b"A \xff\xfe of"), "damaged"),
    "H10 no UTF-8 in an advisory": (changed("updateinfo", b"It swims", b"\xff\xfe"), "updateinfo"),
    "H11 entities in repomd": (
        repomd(BOMB + b'<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>&c;&e;</revision></repomd>'),
        "repomd",
    ),
    "H11 entities in primary": (changed("primary", b"A package of", b"&e; of"), "primary"),
    "H11 entities in comps": (
        lambda files: with_part(files, "group", BOMB + b"<comps><group><id>&c;</id></group></comps>"),
        "damaged",
    ),
    "H11 aliases in modules": (lambda files: with_part(files, "modules", aliases()), "aliases"),
    "H11 deep nesting in modules": (lambda files: with_part(files, "modules", b"a: " + b"[" * 100_000), "damaged"),
    "H12 a negative size": (promised("<size>", "<size>-"), "negative size"),
    "H13 an unknown checksum": (promised('type="sha256"', 'type="crc32"'), "unknown here"),
    "H13 a weak checksum": (promised('type="sha256"', 'type="md5"'), "too weak"),
    "H13 a checksum that is none": (promised('<checksum type="sha256">', '<checksum type="sha256">zz'), "is no sha256"),
    "H15 a file is missing": (
        lambda files: {path: data for path, data in files.items() if path != part(files, "other")},
        "sync again",
    ),
}

ONE_BY_ONE = {
    "H07 a path outside": (changed("primary", b'href="fish', b'href="../../fish'), "leaves its folder"),
    "H07 an absolute path": (changed("primary", b'href="fish', b'href="/etc/fish'), "absolute"),
    "H07 a backslash": (changed("primary", b'href="fish', b'href="..\\fish'), "backslash"),
    "H07 a control character": (changed("primary", b'href="fish', b'href="&#10;fish'), "control character"),
    "H07 a file of this machine": (changed("primary", b'href="fish', b'href="file:///etc/fish'), "no http"),
    "H07 a delta outside": (changed("prestodelta", b"drpms/whale", b"../whale"), "leaves its folder"),
    "H08 one path, two contents": (changed("primary", b"whale-2.0-1.noarch.rpm", b"fish-1.0-1.noarch.rpm"), "twice"),
    "H12 a negative size": (changed("primary", b'<size package="', b'<size package="-'), "size"),
    "H12 an absurd size": (changed("primary", b'<size package="', b'<size package="9' + b"9" * 18), "size"),
    "H13 an unknown checksum": (changed("primary", b'type="sha256"', b'type="crc32"'), "crc32"),
    "H13 a checksum that is none": (changed("prestodelta", b"ab" * 32, b"xy"), "cannot be"),
}


@pytest.mark.parametrize("case", AS_A_WHOLE)
def test_a_feed_that_is_broken_as_a_whole_is_refused(imported, zoo, case):
    change, words = AS_A_WHOLE[case]

    with pytest.raises(PluginError) as refusal:
        imported(YumImporter, change(zoo))

    assert words in refusal.value.message
    assert len(refusal.value.message) < 1500


@pytest.mark.parametrize("case", ONE_BY_ONE)
def test_what_is_wrong_with_one_item_is_said_and_the_rest_is_read(imported, zoo, case):
    change, words = ONE_BY_ONE[case]

    units, refused = imported(YumImporter, change(zoo))

    assert any(words in why for why in refused.values()), refused
    assert any(unit.type_id == "erratum" for unit in units)


def test_what_is_listed_twice_comes_once(imported, zoo):
    doubled = zoo
    for kind in ("primary", "filelists", "other"):
        whole = text(zoo, kind)
        start, end = whole.index(b"<package "), whole.rindex(b"</package>") + len(b"</package>")
        doubled = with_part(doubled, kind, whole[:end] + b"\n" + whole[start:end] + whole[end:])

    units, refused = imported(YumImporter, doubled)

    assert refused == {}
    assert sorted(unit.name for unit in units if unit.type_id == "rpm") == ["fish", "walrus", "whale"]


def test_a_file_that_promises_nothing_may_unpack_to_so_much_and_no_more(imported, zoo, monkeypatch):
    monkeypatch.setattr(compressed, "LARGEST_FILE", 2**20)
    path = part(zoo, "primary")
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join(bomb.compress(b"\0" * 2**20) for _ in range(4)) + bomb.flush()
    files = with_part(zoo, "primary", b"")
    record = files[REPOMD].decode().replace("<open-size>0</open-size>", "")

    with pytest.raises(PluginError, match="unpacks to more than"):
        imported(YumImporter, with_data(files | {REPOMD: record.encode()}, path, data))


def test_an_element_without_end_is_not_gathered_without_limit(imported, zoo, monkeypatch):
    monkeypatch.setattr(compressed, "LONGEST_ELEMENT", 2**16)

    with pytest.raises(PluginError, match="an element of more than"):
        imported(YumImporter, with_part(zoo, "updateinfo", b"<updates><update>" + b"x" * 2**20))


@pytest.mark.parametrize(
    "pack", [gzip.compress, lzma.compress, bz2.compress, zstandard.ZstdCompressor().compress], ids=["gz", "xz", "bz2", "zst"]
)
def test_h01_a_file_that_is_cut_short_is_not_taken_for_a_whole_one(tmp_path, pack):
    packed = pack(bytes(range(256)) * 4096)
    for length in (len(packed) - 1, len(packed) // 2, 10):
        (tmp_path / "cut").write_bytes(packed[:length])
        with pytest.raises(PluginError, match="is damaged"):
            compressed.whole(tmp_path / "cut", "modules.yaml")
    (tmp_path / "two").write_bytes(packed + packed)
    assert compressed.whole(tmp_path / "two", "modules.yaml") == bytes(range(256)) * 8192


def test_h11_many_tiny_parts_come_in_few_pieces(tmp_path):
    (tmp_path / "parts").write_bytes(gzip.compress(b"x") * 20_000)

    assert [len(piece) for piece in compressed.unpacked(tmp_path / "parts", "primary")] == [20_000]


def test_h11_a_module_of_very_many_packages_is_refused_before_it_is_parsed(imported, zoo):
    document = b"---\ndocument: modulemd\ndata:\n  name: a\n  stream: b\n  artifacts:\n    rpms:\n" + b"    - a\n" * 800_000

    with pytest.raises(PluginError, match="has more than 4194304 bytes"):
        imported(YumImporter, with_part(zoo, "modules", document))


def test_a_tree_of_very_many_files_is_refused_before_they_are_declared(imported, zoo):
    files = b"".join(b"images/%d = sha256:%s\n" % (number, b"cd" * 32) for number in range(2001))
    treeinfo = b"[general]\nfamily = Zoo\nversion = 9\narch = x86_64\n[checksums]\n" + files

    with pytest.raises(PluginError, match="names 2001 files"):
        imported(YumImporter, zoo | {".treeinfo": treeinfo})


def cut_off(files: Files, kind: str) -> Files:
    path = part(files, kind)
    return with_data(files, path, files[path][:-20])


def with_data(files: Files, path: str, data: bytes) -> Files:
    """Return a feed with other bytes of a file, and a `repomd.xml` that promises those."""
    old = files[path]
    listed = files[REPOMD].replace(
        hashlib.sha256(old).hexdigest().encode() + b"</checksum>", hashlib.sha256(data).hexdigest().encode() + b"</checksum>"
    )
    return files | {path: data, REPOMD: listed.replace(b"<size>%d<" % len(old), b"<size>%d<" % len(data))}


def aliases() -> bytes:
    lines = ["document: modulemd", "data:", "  a0: &a0 [x]"]
    lines += [f"  a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]" for number in range(1, 30)]
    return "\n".join(["---", *lines]).encode()
