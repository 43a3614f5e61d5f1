"""Metadata of packages in segments: cut by what is in it, and made anew only where it changed."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from entrepot.plugin import PluginError, segments
from entrepot.plugin.segments import Stretch, members, pack, stretches
from entrepot_rpm import segmented
from entrepot_rpm.distributor import YumDistributor
from entrepot_rpm.snippets import pack as pack_snippets
from entrepot_rpm.units import Rpm

KINDS = ("primary", "filelists", "other")
Publish = Callable[..., Any]


def package(name: str, version: str = "1.0", arch: str = "noarch") -> Rpm:
    checksum = f"{zlib.crc32(f'{name} {version} {arch}'.encode()):08x}" * 8
    head = f'<package pkgid="{checksum}" name="{name}" arch="{arch}">\n  <version epoch="0" ver="{version}" rel="1"/>\n'
    primary = f'<package type="rpm">\n  <name>{name}</name>\n  <checksum type="sha256" pkgid="YES">{checksum}</checksum>\n'
    texts = (f"{primary}</package>\n", f"{head}  <file>/usr/bin/{name}</file>\n</package>\n", f"{head}</package>\n")
    return Rpm(
        name=name,
        epoch="0",
        version=version,
        release="1",
        arch=arch,
        checksumtype="sha256",
        checksum=checksum,
        filename=f"{name}-{version}-1.{arch}.rpm",
        relativepath=f"{name}.rpm",
    ).with_document(pack_snippets(*(text.encode() for text in texts)))


def repodata(publication: Any) -> dict[str, bytes]:
    """The files of metadata, by kind; the digest in their names stays."""
    return {path: data for path, data in publication.files.items() if path.startswith("repodata/")}


def packed(publication: Any, kind: str) -> bytes:
    (data,) = [data for path, data in publication.files.items() if path.endswith(f"-{kind}.xml.gz")]
    assert isinstance(data, bytes)
    return data


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "MEAN_NAMES", 4)


@pytest.fixture
def publish(published: Publish) -> Publish:
    """Publish packages, on top of `previous` or anew, at the date of the revision `at`."""

    def run(units: Iterable[Rpm], previous: Any = None, **config: Any) -> Any:
        return published(YumDistributor, units, previous, **config)

    return run


def test_the_members_of_a_file_are_found_without_unpacking_it_and_any_reader_unpacks_it() -> None:
    parts = [pack(b"head"), pack(b"first" * 100, key=b"alpha", units=3), pack(b"", key=b"z" * 4096), pack(b"tail")]

    data = b"".join(part.data for part in parts)

    assert members(data) == parts
    assert gzip.decompress(data) == b"head" + b"first" * 100 + b"tail"
    assert parts[1].text() == b"first" * 100


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[1:], gzip.compress, lambda data: data + b"\0"])
def test_a_file_that_was_not_made_of_such_members_is_not_built_upon(damage: Callable[[bytes], bytes]) -> None:
    assert members(damage(pack(b"head").data + pack(b"x", key=b"k", units=1).data)) is None


def test_a_change_touches_its_segment_and_the_one_before_a_name_that_a_segment_begins_with() -> None:
    keys = [b"", b"d", b"m", b"t"]

    assert stretches(keys, [b"e"]) == [Stretch(1, 2, frozenset({b"e"}))]
    assert stretches(keys, [b"m"]) == [Stretch(1, 3, frozenset({b"m"}))]
    assert stretches(keys, [b"z", b"a"]) == [Stretch(0, 1, frozenset({b"a"})), Stretch(3, 4, frozenset({b"z"}))]
    assert stretches(keys, [b"a", b"f"]) == [Stretch(0, 2, frozenset({b"a", b"f"}))]


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("seed", range(8))
def test_publishing_on_top_of_what_was_gives_the_bytes_of_publishing_anew(publish: Publish, seed: int) -> None:
    chance = random.Random(seed)
    pool = [package(f"{chance.choice('abcxyz')}{number}", f"{number % 3}") for number in range(120)]
    held = chance.sample(pool, chance.choice([0, 1, 30, 90]))
    before = publish(held)
    for _ in range(8):
        gone = set(chance.sample([unit.filename for unit in held], min(len(held), chance.choice([0, 1, 2, 20]))))
        came = chance.sample(pool, chance.choice([0, 1, 2, 20]))
        kept = [unit for unit in held if unit.filename not in gone]
        held = list({unit.filename: unit for unit in (*kept, *came)}.values())
        chance.shuffle(held)

        after = publish(held, before)

        anew = publish(held)
        anew_in_time = {path: data for path, data in repodata(anew).items() if path != "repodata/repomd.xml"}
        assert {path: data for path, data in repodata(after).items() if path != "repodata/repomd.xml"} == anew_in_time
        assert after.files.keys() == anew.files.keys()
        before = after


@pytest.mark.usefixtures("short_segments")
def test_only_the_segments_of_changed_names_are_packed_anew(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    held = [package(f"p{number:03}") for number in range(200)]
    before = publish(held)
    made = list[bytes]()
    monkeypatch.setattr(segmented, "pack", lambda text, **more: made.append(text) or pack(text, **more))

    after = publish([*held, package("p101", "2.0")], before)

    old, new = (set(members(packed(each, "primary")) or ()) for each in (before, after))
    assert len(new - old) == 2  # the segment, and the head, which says how many there are
    assert len(made) == 3 * 3  # head, segment and tail of three files
    assert gzip.decompress(packed(after, "primary")).count(b"<name>p101</name>") == 2


@pytest.mark.usefixtures("short_segments")
def test_a_damaged_file_of_the_previous_publication_is_not_taken_over(publish: Publish) -> None:
    held = [package(f"p{number}") for number in range(40)]
    before = publish(held)
    (path,) = [path for path in before.files if path.endswith("-other.xml.gz")]
    good = before.files[path]
    before.files[path] = good[:-40] + bytes(40)

    after = publish([*held, package("new")], before)

    assert b'name="new"' in gzip.decompress(packed(after, "other"))


@pytest.mark.usefixtures("short_segments")
def test_a_publication_that_does_not_fit_what_is_said_to_have_changed_is_made_anew(publish: Publish) -> None:
    held = [package(f"p{number}") for number in range(40)]
    before = publish(held)
    before.all.append(package("p7", "9.9"))  # said to have left, and never was there

    after = publish(held, before)

    assert packed(after, "primary") == packed(publish(held), "primary")


def test_without_a_change_of_packages_their_files_are_kept(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    held = [package("lion"), package("bear")]
    before = publish(held)
    monkeypatch.setattr(segmented, "pack", lambda *_, **__: pytest.fail("nothing is to be packed"))

    after = publish(held, before)

    assert [packed(after, kind) for kind in KINDS] == [packed(before, kind) for kind in KINDS]


def test_packages_stand_in_the_order_of_their_names_however_they_came(publish: Publish) -> None:
    held = [package("b"), package("a", "2"), package("B"), package("a", "1"), package("a", "1", "x86_64"), package("é")]

    text = gzip.decompress(packed(publish(held), "filelists")).decode()

    assert text == gzip.decompress(packed(publish(held[::-1]), "filelists")).decode()
    assert [line.split('name="')[1][0] for line in text.splitlines() if "pkgid" in line] == ["B", "a", "a", "a", "b", "é"]
    assert 'packages="6"' in text


def test_the_checksum_of_the_text_is_told_unless_it_is_long(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    held = [package("lion")]

    short = publish(held).files["repodata/repomd.xml"]
    monkeypatch.setattr(segmented, "LONGEST_CHECKED_TEXT", 10)
    long = publish(held).files["repodata/repomd.xml"]

    assert (short.count(b"<open-checksum"), long.count(b"<open-checksum")) == (3, 0)
    assert short.count(b"<open-size") == long.count(b"<open-size") == 3


def test_a_package_without_its_metadata_is_told(publish: Publish) -> None:
    bare = Rpm.from_fields(package("lion").model_dump(mode="json"))

    with pytest.raises(PluginError, match=r"lion-0:1\.0-1\.noarch lacks the metadata"):
        publish([bare])


def test_two_packages_of_one_file_name_are_refused_whether_they_come_at_once_or_one_after_the_other(publish: Publish) -> None:
    first = package("lion")
    second = Rpm.from_fields(first.model_dump(mode="json") | {"checksum": "ab" * 32}).with_document(first.document or b"")
    why = r"two packages want to be published as Packages/l/lion-1\.0-1\.noarch\.rpm: one with sha256 abab.* Remove one"

    with pytest.raises(PluginError, match=why):
        publish([first, second])
    with pytest.raises(PluginError, match=why):
        publish([first, second], publish([first]))
