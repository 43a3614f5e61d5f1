"""Units: identity, files, JSON, and which paths are plain."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.plugin import FetchedFile, PluginError, Unit, path_problem

SHA = "ab" * 32


class Disc(Unit, type_id="disc", key=("name", "tracks")):
    name: str
    tracks: int
    label: str | None = None


class Label(Unit, type_id="label", key=("name",)):
    name: str


def test_the_uid_is_the_digest_of_type_and_key_and_never_changes():
    disc = Disc(name='Ä "1"/\\\n', tracks=12)

    assert disc.uid == hashlib.sha256('["disc","Ä \\"1\\"/\\\\\\n",12]'.encode()).hexdigest()
    assert Label(name="x").uid == hashlib.sha256(b'["label","x"]').hexdigest()


def test_only_the_key_counts_for_the_uid_and_all_fields_for_equality():
    plain, labelled = Disc(name="a", tracks=1), Disc(name="a", tracks=1, label="L")

    assert plain.uid == labelled.uid
    assert plain != labelled
    assert plain == Disc(name="a", tracks=1).file("a.iso")


def test_two_unit_types_with_the_same_key_values_differ():
    class Tape(Unit, type_id="tape", key=("name", "tracks")):
        name: str
        tracks: int

    assert Tape(name="a", tracks=1).uid != Disc(name="a", tracks=1).uid
    assert Tape(name="a", tracks=1) != Disc(name="a", tracks=1)


def test_a_unit_cannot_be_changed():
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        Disc(name="a", tracks=1).name = "b"


def test_a_unit_comes_back_from_its_json():
    disc = Disc(name="ä\u2028", tracks=12, label=None)

    assert disc.fields_json() == '{"name":"ä\u2028","tracks":12,"label":null}'
    assert Disc.from_json(disc.fields_json()) == disc


def test_json_of_another_plugin_version_is_read_as_far_as_it_fits():
    assert Disc.from_json('{"name":"a","tracks":1,"colour":"red"}') == Disc(name="a", tracks=1)


def test_json_that_lacks_a_needed_field_is_refused_with_the_field_named():
    with pytest.raises(PluginError, match=r"'disc' does not fit its plugin any more \(fields: tracks\)"):
        Disc.from_json('{"name":"a"}')


@pytest.mark.parametrize(
    ("type_id", "key", "why"),
    [
        ("x", (), "needs both"),
        ("", ("name",), "needs both"),
        ("x", "name", "needs both"),
        ("x", ("name", "colour"), "the key names colour, but there is no such field"),
    ],
)
def test_a_unit_type_without_a_usable_key_cannot_be_defined(type_id: str, key: tuple[str, ...], why: str):
    with pytest.raises(TypeError, match=why):

        class Broken(Unit, type_id=type_id, key=key):
            name: str


@pytest.mark.parametrize("repository_key", ["name", ("colour",)])
def test_a_repository_key_must_name_fields(repository_key: tuple[str, ...]):
    with pytest.raises(TypeError):

        class Broken(Unit, type_id="x", key=("name",), repository_key=repository_key):
            name: str


def test_a_subclass_keeps_type_and_key_of_its_parent():
    class Remix(Disc):
        remixer: str = ""

    assert (Remix.type_id, Remix.unit_key) == ("disc", ("name", "tracks"))


def test_a_file_is_named_by_the_last_segment_of_its_url():
    disc = Disc(name="a", tracks=1).file("http://x.test/f/a%20b.iso?v=1#top", size=5, sha256=SHA.upper())

    assert disc.remote_files == (("http://x.test/f/a%20b.iso?v=1#top", "a b.iso", 5, {"sha256": SHA}),)


def test_a_path_below_the_feed_is_taken_as_it_is():
    disc = Disc(name="a", tracks=1).file("f/a%20b?.iso")

    assert disc.remote_files == (("f/a%20b?.iso", "a%20b?.iso", None, {}),)


def test_the_repository_key_is_json_or_none():
    class Track(Unit, type_id="track", key=("name", "take"), repository_key=("name",)):
        name: str
        take: int

    assert Track(name="ä", take=1).repository_key_json == '["ä"]' == Track(name="ä", take=2).repository_key_json
    assert Disc(name="a", tracks=1).repository_key_json is None


def test_where_the_files_are_stored_is_no_part_of_the_unit():
    disc = Disc(name="a", tracks=1)

    assert disc.stored_files == {}
    assert (disc.stored_row, disc.document) == (None, None)
    disc.keep_stored(3, {"a.iso": 7}, b"more")
    assert (disc.stored_row, disc.stored_files, disc.document) == (3, {"a.iso": 7}, b"more")
    assert disc == Disc(name="a", tracks=1)


def test_a_unit_may_have_several_files_and_starts_with_none():
    disc = Disc(name="a", tracks=1)

    assert disc.remote_files == ()
    assert disc.file("a.iso").file("a.iso.asc") is disc
    assert [file.path for file in disc.remote_files] == ["a.iso", "a.iso.asc"]


@pytest.mark.parametrize(
    ("url", "promises", "why"),
    [
        ("../..", {}, "'..' segment"),
        ("a/", {}, "is empty"),
        ("http://x.test/%2e%2e", {}, "'..' segment"),
        ("a", {"path": "/etc/passwd"}, "absolute path"),
        ("a", {"size": -1}, "is negative"),
        ("a", {"sha256": "ab"}, "is not a digest"),
        ("a", {"sha256": "g" * 64}, "is not a digest"),
        ("a", {"crc32": "abcdef12"}, "is not a digest; known are md5, sha1"),
    ],
)
def test_a_file_that_cannot_be_is_refused_when_it_is_declared(url: str, promises: dict, why: str):
    with pytest.raises(ValueError, match=why):
        Disc(name="a", tracks=1).file(url, **promises)


def test_the_same_file_is_not_declared_twice():
    with pytest.raises(ValueError, match="declared twice"):
        Disc(name="a", tracks=1).file("1/a.iso").file("2/a.iso")


def test_a_file_that_is_here_already_is_held_under_the_name_it_was_fetched_by_or_another():
    fetched = FetchedFile(Path("somewhere"), SHA, 3, "repodata/groups%20.xml")

    disc = Disc(name="a", tracks=1).hold(fetched).hold(fetched, path="again.xml")

    assert disc.held_files == (("groups%20.xml", fetched), ("again.xml", fetched))
    assert disc.remote_files == ()
    assert disc == Disc(name="a", tracks=1)


@pytest.mark.parametrize("path", ["/etc/passwd", "../a", "a.iso", "b.iso"])
def test_a_held_file_needs_a_plain_path_of_its_own(path: str):
    fetched = FetchedFile(Path("somewhere"), SHA, 3)

    with pytest.raises(ValueError, match=r"declared twice|absolute|'\.\.'"):
        Disc(name="a", tracks=1).file("a.iso").hold(fetched, path="b.iso").hold(fetched, path=path)


def test_a_file_that_is_held_is_not_declared_again():
    with pytest.raises(ValueError, match="declared twice"):
        Disc(name="a", tracks=1).hold(FetchedFile(Path("a.iso"), SHA, 3)).file("f/a.iso")


class Notice(Unit, type_id="notice", key=("id",), revised=True, name="title"):
    id: str
    title: str | None = None


def test_each_revision_of_a_revised_unit_is_its_own_and_takes_the_place_of_the_other():
    first, second = Notice(id="N1", title="one"), Notice(id="N1", title="two")

    assert first.uid != second.uid
    assert first.repository_key_json == second.repository_key_json == '["N1"]'
    assert Notice(id="N1", title="one").uid == first.uid


def test_a_unit_is_looked_up_by_its_name_or_by_the_field_that_its_type_names():
    class Numbered(Unit, type_id="numbered", key=("number",)):
        number: int

    assert Disc(name="a", tracks=1).name_value == "a"
    assert (Notice(id="N1", title="t").name_value, Notice(id="N1").name_value) == ("t", None)
    assert Numbered(number=1).name_value is None


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"revised": True, "repository_key": ("name",)}, "leave it out"),
        ({"name": "colour"}, "no such field"),
        ({"lineage": ("colour",)}, "no such field"),
        ({"lineage": ("name",)}, "must say by version_order"),
    ],
)
def test_a_unit_type_that_contradicts_itself_cannot_be_defined(arguments: dict[str, Any], why: str):
    with pytest.raises(TypeError, match=why):

        class Broken(Unit, type_id="x", key=("name",), **arguments):
            name: str


def test_fields_that_a_client_gives_are_refused_with_each_wrong_one_named():
    assert Disc.from_fields({"name": "a", "tracks": 1}) == Disc(name="a", tracks=1)
    with pytest.raises(PluginError, match=r"'disc': name: .*required; tracks: .*integer"):
        Disc.from_fields({"tracks": "many"})


@pytest.mark.parametrize("path", ["a", "a/b", "...", "..a", ".hidden", "a b", "ä/日本", "a:b", "~", "C:", "%2e%2e", "x" * 255])
def test_a_plain_path_is_accepted(path: str):
    assert path_problem(path) is None


@given(st.text(st.sampled_from("a./\\\x00\x1f\x7f\x9f\ufeff é"), max_size=10))
def test_a_path_is_plain_just_when_it_means_the_same_everywhere(path: str):
    segments = path.split("/")
    plain = all(segment not in ("", ".", "..") for segment in segments) and not set(path) & set("\\\x00\x1f\x7f\x9f\ufeff")

    assert (path_problem(path) is None) == plain
    if plain:
        assert str(PurePosixPath(path)) == path
