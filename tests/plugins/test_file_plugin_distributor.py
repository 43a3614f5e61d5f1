"""The iso_distributor against publications in memory."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.plugin import RefusedConfiguration, path_problem
from entrepot_file.distributor import IsoDistributor, _line, _name
from entrepot_file.importer import IsoImporter, read_manifest
from entrepot_file.unit import Iso

names = st.text(st.sampled_from('a",\u2028é\x85 /;')).filter(lambda name: not path_problem(name))


def iso(name: str, digit: str = "a", size: int = 1) -> Iso:
    return Iso(name=name, checksum=digit * 64, size=size)


def test_files_stand_under_their_names_next_to_a_sorted_manifest(published):
    units = [iso("é"), iso("b/c", "b", 22), iso("a b"), iso("a")]

    publication = published(IsoDistributor, units)

    assert {path: unit for path, unit in publication.files.items() if path != "PULP_MANIFEST"} == {
        unit.name: unit for unit in units
    }
    lines = publication.files["PULP_MANIFEST"].decode().splitlines()
    assert [line.split(",")[0] for line in lines] == ["a", "a b", "b/c", "é"]
    assert lines[2] == f"b/c,{'b' * 64},22"


def test_an_empty_repository_publishes_an_empty_manifest(published):
    assert published(IsoDistributor, []).files == {"PULP_MANIFEST": b""}


def test_names_with_commas_quotes_and_line_separators_can_be_read_back(published):
    names = ['a,b"c', '"', "x\u2028y", " leading", "ü,"]

    publication = published(IsoDistributor, [iso(name) for name in names])

    rows = list(csv.reader(io.StringIO(publication.files["PULP_MANIFEST"].decode(), newline="")))
    assert [row[0] for row in rows] == sorted(names)


def test_what_is_published_is_imported_as_the_same_units(published, imported):
    units = [iso("a,b/c d"), iso("z", "c", 10**12), iso("ünï", "b")]

    publication = published(IsoDistributor, units)

    again, refused = imported(IsoImporter, {"PULP_MANIFEST": publication.files["PULP_MANIFEST"]})
    assert (again, refused) == (units, {})


@given(st.lists(names, unique=True, max_size=8))
def test_any_name_that_is_imported_can_be_read_back_from_the_manifest(names: list[str]):
    lines = [_line(iso(name)) for name in names]
    manifest = b"".join(line + b"\n" for line in lines)

    assert [_name(line).decode() for line in lines] == names
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "PULP_MANIFEST")
        path.write_bytes(manifest)
        assert [entry[0] for entry in read_manifest(path)] == names


@pytest.mark.parametrize("name", ["", "a\nb", "a\rb", "a\x00", "a\x7f"])
def test_a_name_that_would_break_a_line_of_the_manifest_is_no_unit(name: str):
    with pytest.raises(ValueError, match="name"):
        iso(name)


def test_only_what_changed_is_touched_the_next_time(published):
    kept, gone, before, after, new = iso("kept"), iso("gone"), iso("changed"), iso("changed", "b", 2), iso("new,")
    first = published(IsoDistributor, [kept, gone, before])

    second = published(IsoDistributor, [kept, after, new], first)

    assert sorted(second.calls) == [("add", "changed"), ("add", "new,"), ("remove", "changed"), ("remove", "gone")]
    assert second.files == published(IsoDistributor, [new, kept, after]).files


def test_a_publication_without_change_is_the_same_bytes(published):
    first = published(IsoDistributor, [iso("a"), iso("b,")])

    second = published(IsoDistributor, [iso("b,"), iso("a")], first)

    assert second.calls == []
    assert second.files == first.files


def test_the_keys_of_pulp_are_accepted():
    config = IsoDistributor.configure(
        {"relative_url": "zoo/iso/", "serve_http": "true", "serve_https": "false", "ssl_auth_ca_cert": "PEM"}
    )

    assert (config.relative_url, config.serve_http, config.serve_https) == ("zoo/iso", True, False)


def test_an_unknown_key_is_refused_and_the_likely_one_is_named():
    with pytest.raises(RefusedConfiguration) as caught:
        IsoDistributor.configure({"serve_htttp": True})

    assert caught.value.data["problems"] == {"serve_htttp": "is not a key of this plugin; did you mean serve_http?"}
