"""Gzip files that are made of segments, and found again in the file itself."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.plugin.segments import LONGEST_KEY, begins_segment, members, pack, stretches


def test_any_reader_unpacks_the_whole_and_the_members_are_found_without_unpacking() -> None:
    parts = [pack(b"first" * 100), pack(b"", key=b"m"), pack(b"last\n", key=b"z" * LONGEST_KEY, units=7)]

    data = b"".join(part.data for part in parts)

    assert gzip.decompress(data) == b"first" * 100 + b"last\n"
    assert members(data) == parts
    assert [part.text() for part in members(data) or []] == [b"first" * 100, b"", b"last\n"]


@pytest.mark.parametrize(
    "data",
    [
        b"junk",
        gzip.compress(b"text", mtime=0),
        pack(b"text").data[:-1],
        pack(b"text").data + b"\0",
        bytes(40),
        pack(b"a").data[:20],
    ],
    ids=["no gzip", "plain gzip", "cut short", "with more behind", "zeros", "a head"],
)
def test_a_file_that_was_not_made_so_is_told_from_one_that_was(data: bytes) -> None:
    assert members(bytes(data)) is None


@given(st.binary(max_size=60))
def test_no_bytes_confuse_it(data: bytes) -> None:
    assert members(data) in (None, [])


def test_about_one_name_of_some_hundreds_begins_a_segment() -> None:
    borders = sum(begins_segment(f"name-{number}".encode()) for number in range(20_000))

    assert 10 <= borders <= 200


def test_each_changed_name_belongs_to_one_stretch_and_a_touched_border_takes_the_segment_before_it_along() -> None:
    keys = [b"", b"f", b"m", b"t"]

    assert stretches(keys, [b"n"]) == [(2, 3, {b"n"})]
    assert stretches(keys, [b"m"]) == [(1, 3, {b"m"})]
    assert stretches(keys, [b"z", b"a"]) == [(0, 1, {b"a"}), (3, 4, {b"z"})]
    assert stretches(keys, []) == []
