"""Reads of a package file by whom it was signed; the rest of its header is createrepo_c's business."""

from __future__ import annotations

import struct
from pathlib import Path

from entrepot.plugin import PluginError

_LEAD = 96  # bytes before the signatures
_MAGIC = b"\x8e\xad\xe8\x01"
_LARGEST = 2**20  # bytes of signatures that are read; real ones have some thousand
_SIGNATURES = (268, 267, 1002, 1005)  # tags: RSA and DSA of the header, PGP and GPG of header and payload
_ISSUER, _ISSUER_FINGERPRINT = 16, 33  # subpackets. Source: RFC 9580, 5.2.3
_KEY_DIGITS = 8  # as Pulp's `allowed_keys` has them


def signing_key(path: Path) -> str | None:
    """Return the last 8 hex digits of the id of the key that a package file says it is signed by, None if it is not signed.

    Only what the file says: that the signature is good is for the client to see, who has the key.

    Raises:
        PluginError: the file is no package.

    """
    with path.open("rb") as stream:
        lead = stream.read(_LEAD)
        head = stream.read(16)
        if not lead.startswith(b"\xed\xab\xee\xdb") or not head.startswith(_MAGIC):
            raise PluginError(f"{path.name} is no rpm package.")
        count, size = struct.unpack(">II", head[8:])
        if count * 16 + size > _LARGEST:
            raise PluginError(f"{path.name} is no good rpm package: its signatures have more than {_LARGEST} bytes.")
        index, store = stream.read(count * 16), stream.read(size)
    found: dict[int, bytes] = {}
    for place in range(0, len(index) - 15, 16):
        tag, _, offset, length = struct.unpack(">IIII", index[place : place + 16])
        found[tag] = store[offset : offset + length]
    for tag in _SIGNATURES:
        key = _issuer(found[tag]) if tag in found else None
        if key is not None:
            return key
    return None


def _issuer(packet: bytes) -> str | None:
    """Return who made an OpenPGP signature, as 8 hex digits. Source: RFC 9580, 4.2 and 5.2."""
    try:
        body = _body(packet)
        if body[0] == 3:  # noqa: PLR2004 - version 3: the id stands at a fixed place
            return body[7:15].hex()[-_KEY_DIGITS:]
        if body[0] != 4:  # noqa: PLR2004 - version 4, which rpm writes
            return None
        start = 4
        for _ in range(2):  # the subpackets that are signed, and those that are not
            (length,) = struct.unpack(">H", body[start : start + 2])
            key = _key_in(body[start + 2 : start + 2 + length])
            if key is not None:
                return key
            start += 2 + length
    except (IndexError, struct.error):
        return None
    return None


def _body(packet: bytes) -> bytes:
    head = packet[0]
    if head & 0x40:  # the format of today
        return packet[1 + _length(packet[1:])[1] :]
    return packet[1 + (1, 2, 4, 0)[head & 3] :]


def _key_in(subpackets: bytes) -> str | None:
    place = 0
    while place < len(subpackets):
        length, width = _length(subpackets[place:])
        kind = subpackets[place + width] & 0x7F
        value = subpackets[place + width + 1 : place + width + length]
        if kind in (_ISSUER, _ISSUER_FINGERPRINT):
            return value.hex()[-_KEY_DIGITS:]
        place += width + length
    return None


def _length(data: bytes) -> tuple[int, int]:
    """Return a length, and how many bytes it is written with."""
    if data[0] < 192:  # noqa: PLR2004 - RFC 9580, 4.2.1
        return data[0], 1
    if data[0] < 255:  # noqa: PLR2004
        return ((data[0] - 192) << 8) + data[1] + 192, 2
    return int.from_bytes(data[1:5]), 5
