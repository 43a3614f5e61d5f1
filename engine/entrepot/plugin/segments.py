"""The members of a metadata file: gzip pieces that are found, and taken over, without being unpacked.

A gzip file may be made of many members, one behind the other; whoever unpacks it sees one text (RFC 1952, 2.2). Here the
text is cut into segments: what it says of packages, in the order of their names, and a new segment before each name whose
CRC-32 is a multiple of 512. So a change cuts no other segment anew, and the same packages are always cut the same way.
Each member says in its head, in a field of its own, how long it is (as BGZF does), how many packages it has and where it
begins. dnf and apt read such files; of xz files with several streams apt reads only the first.
"""

from __future__ import annotations

import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MEAN_NAMES = 512  #: names in a segment, on the average: a smaller one is cheaper to make anew, a larger one packs better
LEVEL = 6  #: of compression, as zlib and createrepo_c have it by default
LONGEST_KEY = 4096  #: bytes; the field in the head of a member holds 65,535

_FIXED = b"\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff"  # deflate, with an extra field, no time, any system
_FIELD = struct.Struct("<2sH")  # its name and length
_NAME = b"EP"
_PLACE = struct.Struct("<II")  # length of the member in bytes, number of packages; the key follows
_END = struct.Struct("<II")  # CRC-32 and size of what was packed
_SHORTEST = len(_FIXED) + 2 + _FIELD.size + _PLACE.size + _END.size


class Member(NamedTuple):
    """One member, whole, as it stands in the file."""

    data: bytes | memoryview
    key: bytes  # the name that its segment begins with; empty if nothing can come before it
    units: int  # packages that it tells of
    size: int  # bytes of its text

    def text(self) -> bytes:
        """Return what was packed.

        Raises:
            zlib.error: it is damaged.

        """
        return zlib.decompress(self.data, 31)


def pack(text: bytes, *, key: bytes = b"", units: int = 0) -> Member:
    """Return `text` as a member; the same text gives the same bytes."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
    packed = packer.compress(text) + packer.flush()
    place = _FIELD.size + _PLACE.size + len(key)
    length = len(_FIXED) + 2 + place + len(packed) + _END.size
    data = b"".join(
        (
            _FIXED,
            place.to_bytes(2, "little"),
            _FIELD.pack(_NAME, place - _FIELD.size),
            _PLACE.pack(length, units),
            key,
            packed,
            _END.pack(zlib.crc32(text), len(text) & 0xFFFFFFFF),
        )
    )
    return Member(data, key, units, len(text))


def members(data: bytes) -> list[Member] | None:
    """Return the members of a file, or None if they were not all made by `pack`."""
    found, start, view = list[Member](), 0, memoryview(data)
    try:
        while start < len(data):
            place_end = start + len(_FIXED) + 2
            place = int.from_bytes(data[place_end - 2 : place_end], "little")
            name, field = _FIELD.unpack_from(data, place_end)
            length, units = _PLACE.unpack_from(data, place_end + _FIELD.size)
            if data[start : start + len(_FIXED)] != _FIXED or name != _NAME or field != place - _FIELD.size:
                return None
            end = start + length
            if length < _SHORTEST or end > len(data):
                return None
            _, size = _END.unpack_from(data, end - _END.size)
            key = data[place_end + _FIELD.size + _PLACE.size : place_end + place]
            found.append(Member(view[start:end], key, units, size))
            start = end
    except struct.error:
        return None
    return found


def begins_segment(name: bytes) -> bool:
    """Say whether a segment begins before the packages of this name."""
    return zlib.crc32(name) % MEAN_NAMES == 0 and len(name) <= LONGEST_KEY


class Stretch(NamedTuple):
    """Segments, one behind the other, that are made anew: from `first` up to, and without, `end`."""

    first: int
    end: int
    names: frozenset[bytes]  # those of the changed packages that belong here


def stretches(keys: Sequence[bytes], changed: Iterable[bytes]) -> list[Stretch]:
    """Return which of the segments that begin with `keys` are made anew when packages of the names `changed` come or go.

    The first key is empty, so that each name belongs to a segment. Where a name that begins a segment is touched, the
    segment before it is made anew, too: without that name, the two are one.
    """
    found = list[Stretch]()
    for name in sorted(set(changed)):
        place = bisect_right(keys, name) - 1
        first = place - 1 if place and keys[place] == name else place
        last = found[-1] if found else None
        if last is not None and first <= last.end:
            found[-1] = Stretch(min(first, last.first), place + 1, last.names | {name})
        else:
            found.append(Stretch(first, place + 1, frozenset((name,))))
    return found
