"""The deb_importer against feeds that are broken, or mean harm: refused in one line, in bounded memory, with nothing kept."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import tracemalloc
from functools import partial
from pathlib import Path

import pytest
from tests.builders.deb import PACKERS, DebFeed, build_deb

from entrepot.plugin import ChecksumDiffers, PluginError, SizeDiffers
from entrepot_deb import indexes
from entrepot_deb.importer import DebImporter
from entrepot_deb.units import Deb

ZOO = build_deb("zoo")
INDEX = "dists/stable/main/binary-amd64/Packages"


def feed_with(
    index: bytes, packing: str = ".gz", *, text: bytes | None = None, plain_size: int | None = None
) -> dict[str, bytes]:
    """Return a feed whose Release file promises exactly `index`, packed as the ending says, whatever it is."""
    lines = [f" {hashlib.sha256(index).hexdigest()} {len(index)} main/binary-amd64/Packages{packing}"]
    if text is not None or plain_size is not None:
        size = plain_size if plain_size is not None else len(text or b"")
        lines.append(f" {hashlib.sha256(text or b'').hexdigest()} {size} main/binary-amd64/Packages")
    release = "Suite: stable\nComponents: main\nSHA256:\n" + "\n".join(lines) + "\n"
    return {"dists/stable/Release": release.encode(), INDEX + packing: index}


def feed_of_stanza(stanza: str, **changes: str | None) -> dict[str, bytes]:
    text = (stanza or ZOO.stanza("pool/zoo.deb", **changes)).encode(errors="surrogateescape")
    return feed_with(gzip.compress(text))


@pytest.mark.parametrize("packing", [".gz", ".xz", ".zst"])
def test_h01_an_index_that_is_cut_short_is_refused(imported, packing: str) -> None:
    whole = PACKERS[packing](("\n".join(build_deb(f"zoo{n}").stanza(f"pool/{n}.deb") for n in range(200))).encode())

    for length in (len(whole) // 2, len(whole) - 1, 3, 0):
        with pytest.raises(PluginError, match=rf"Packages{packing} (cannot be unpacked|unpacks to)"):
            imported(DebImporter, feed_with(whole[:length], packing, plain_size=200_000))


def test_h01_a_plain_index_that_ends_too_early_is_refused(imported) -> None:
    with pytest.raises(PluginError, match="unpacks to 10 bytes, but 99 were promised"):
        imported(DebImporter, feed_with(gzip.compress(b"Package: z"), plain_size=99))


@pytest.mark.parametrize("packing", [".gz", ".xz", ".zst"])
def test_h02_a_page_in_place_of_an_index_is_refused(imported, packing: str) -> None:
    with pytest.raises(PluginError, match=r"cannot be unpacked: .*Is it what its name says\?"):
        imported(DebImporter, feed_with(b"<html>sign in first</html>", packing))


@pytest.mark.parametrize("name", ["InRelease", "Release"])
def test_h02_a_page_in_place_of_a_release_is_refused(imported, name: str) -> None:
    with pytest.raises(PluginError, match=r"no Release file|is not framed by an OpenPGP signature"):
        imported(DebImporter, {f"dists/stable/{name}": b"<html><body>sign in first</body></html>"})


FAST = PACKERS | {".gz": partial(gzip.compress, compresslevel=1), ".xz": partial(lzma.compress, preset=0)}


@pytest.mark.parametrize("packing", [".gz", ".xz", ".zst"])
def test_h03_an_index_that_swells_is_not_unpacked_any_further(imported, packing: str) -> None:
    bomb = FAST[packing](b"Package: zoo\n\n" + b"\0" * (64 << 20))
    tracemalloc.start()

    with pytest.raises(PluginError, match="unpacks to more than 1000 bytes"):
        imported(DebImporter, feed_with(bomb, packing, plain_size=1000))

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 48 << 20


def test_h03_without_a_promise_the_limit_of_our_own_holds(imported, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "LARGEST_INDEX", 4096)

    with pytest.raises(PluginError, match="unpacks to more than 4096 bytes"):
        imported(DebImporter, feed_with(gzip.compress(ZOO.stanza("a.deb").encode() * 100)))


def test_h03_a_paragraph_without_end_is_refused(imported) -> None:
    with pytest.raises(PluginError, match="holds a paragraph of more than 1048576 bytes"):
        imported(DebImporter, feed_with(gzip.compress(b"Package: " + b"z" * (3 << 20))))


def test_h04_an_index_with_another_checksum_is_refused(imported) -> None:
    files = feed_with(gzip.compress(b"Package: zoo\n"))
    files[INDEX + ".gz"] = bytes(len(files[INDEX + ".gz"]))

    with pytest.raises(ChecksumDiffers):
        imported(DebImporter, files)


def test_h04_an_index_of_another_size_is_refused(imported) -> None:
    files = feed_with(gzip.compress(b"Package: zoo\n"))
    files[INDEX + ".gz"] += b"x"

    with pytest.raises(SizeDiffers):
        imported(DebImporter, files)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("Filename", "../../etc/passwd", "leaves its folder"),
        ("Filename", "/etc/passwd", "absolute path"),
        ("Filename", "pool/a\\b.deb", "backslash"),
        ("Filename", "pool/a\x00b.deb", "control character"),
        ("Filename", "pool/a\x1b[31m.deb", "control character"),
        ("Filename", None, "is empty"),
        ("Filename", "http://elsewhere.test/zoo.deb", "empty or '.' segment"),
        ("Package", "../zoo", "its name is wrong"),
        ("Package", "zoo\x00", "its name is wrong"),
        ("Package", None, "its name is wrong"),
        ("Version", "1/../../0", "its version is wrong"),
        ("Version", "1" * 101, "its version is wrong"),
        ("Version", None, "its version is wrong"),
        ("Architecture", "am d64", "its architecture is wrong"),
        ("Size", "-1", "is not a whole number of bytes"),
        ("Size", "1e9", "is not a whole number of bytes"),
        ("Size", "9" * 40, "is not a whole number of bytes"),
        ("Size", "٣", "is not a whole number of bytes"),
        ("Size", None, "it has no size"),
        ("SHA256", "ab", "is not a digest"),
        ("SHA256", "z" * 64, "its checksum is wrong"),
    ],
)
def test_h07_h12_h13_a_package_that_is_described_wrongly_is_refused_alone(imported, field: str, value: str, why: str) -> None:
    bad = ZOO.stanza("pool/zoo.deb", **{field: value})
    good = build_deb("fine").stanza("pool/fine.deb")
    _, refused = imported(DebImporter, feed_with(gzip.compress(f"{bad}\n{good}".encode())))

    assert len(refused) == 1
    assert why in next(iter(refused.values()))
    assert all(text.isprintable() for pair in refused.items() for text in pair)


def test_h13_a_package_without_a_checksum_that_is_known_is_refused(imported) -> None:
    _, refused = imported(DebImporter, feed_of_stanza("", SHA256=None, MD5sum=None, BLAKE3="ab" * 32))

    assert refused == {"zoo": "it has no checksum; known are the fields sha256, sha512, sha1, md5sum"}


def test_h08_one_path_with_two_contents_is_refused(imported) -> None:
    twins = [build_deb("zoo", "1").stanza("pool/z.deb"), build_deb("zoo", "2").stanza("pool/z.deb")]
    units, refused = imported(DebImporter, feed_with(gzip.compress("\n".join(twins).encode())))

    assert [deb.version for deb in units if isinstance(deb, Deb)] == ["1"]
    assert refused == {"zoo": "the feed has 'pool/z.deb' with two different checksums"}


def test_h09_the_same_entry_twice_is_one_package(imported) -> None:
    entries = [ZOO.stanza("pool/zoo.deb"), ZOO.stanza("pool/zoo.deb"), ZOO.stanza("pool/again/zoo.deb")]
    units, refused = imported(DebImporter, feed_with(gzip.compress("\n".join(entries).encode())))

    assert ([unit.name for unit in units if isinstance(unit, Deb)], refused) == (["zoo"], {})


def test_h10_bytes_that_are_no_utf_8_are_kept_and_shown_as_far_as_they_can_be(imported) -> None:
    text = ZOO.stanza("pool/zoo.deb", Maintainer="J\udcf6rg", Filename="pool/zoo.deb").encode(errors="surrogateescape")
    units, refused = imported(DebImporter, feed_with(gzip.compress(text)))

    (deb,) = (unit for unit in units if isinstance(unit, Deb))
    assert refused == {}
    assert deb.maintainer == "J\ufffdrg"
    assert deb.document is not None
    assert b"Maintainer: J\xf6rg\n" in deb.document


def test_h11_an_index_full_of_nonsense_ends_the_sync_early(imported) -> None:
    with pytest.raises(PluginError, match="more than 1000 paragraphs are wrong; it is no index of packages"):
        imported(DebImporter, feed_with(gzip.compress(b"a: b\n\n" * 5000)))


@pytest.mark.parametrize("line", ["no field at all", " the rest of nothing"])
def test_h11_a_paragraph_that_is_none_is_refused(imported, line: str) -> None:
    _, refused = imported(DebImporter, feed_with(gzip.compress(f"{line}\n".encode())))

    assert list(refused) == [f"{INDEX}.gz, paragraph 1"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f" {'a' * 64} -1 main/binary-amd64/Packages", "which is no number of bytes"),
        (f" {'a' * 64} {'9' * 30} main/binary-amd64/Packages", "which is no number of bytes"),
        (" abc 1 main/binary-amd64/Packages", "has the sha256 'abc', which is none"),
        (f" {'a' * 64} 1 ../../binary-amd64/Packages", "leaves its folder"),
        (f" {'a' * 64} 1", "expected: digest size path"),
        (f" {'a' * 64} 1 ma<i>n/binary-amd64/Packages", "names a component or architecture 'ma<i>n', which is no name"),
        (f" {'a' * 64} 1 main/binary-a md64/Packages", "expected: digest size path"),
        (f" {'a' * 64} 1 main/binary-a;md64/Packages", "'a;md64', which is no name"),
        ("Package zoo", "is no Release file"),
    ],
)
def test_h12_a_release_that_lists_nonsense_is_refused(imported, line: str, why: str) -> None:
    with pytest.raises(PluginError, match=why):
        imported(DebImporter, {"dists/stable/Release": f"Suite: stable\nSHA256:\n{line}\n".encode()})


def test_h13_a_release_without_checksums_that_are_known_is_refused(imported) -> None:
    text = f"Suite: stable\nComponents: main\nSHA3-256:\n {'a' * 64} 1 main/binary-amd64/Packages\n"

    with pytest.raises(PluginError, match="lists no index of packages by a checksum that is known here"):
        imported(DebImporter, {"dists/stable/Release": text.encode()})


def test_an_empty_release_is_refused(imported) -> None:
    with pytest.raises(PluginError, match="dists/stable/Release is empty"):
        imported(DebImporter, {"dists/stable/Release": b"\n\n"})


def test_what_the_release_says_of_itself_cannot_break_a_line(imported, tmp_path: Path) -> None:
    feed = DebFeed(tmp_path / "feed")
    feed.put(ZOO)
    feed.release_fields["Label"] = "Zoo\n Evil: yes\x1b[31m"
    root = feed.write()

    units, _ = imported(
        DebImporter, {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    )

    assert units[-1].label == "Zoo"
