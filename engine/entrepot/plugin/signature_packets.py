"""Cuts a detached OpenPGP signature into its packets, and refuses everything else unread; see `openpgp`."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from itertools import takewhile

_ARMOR_HEAD = b"-----BEGIN PGP SIGNATURE-----"
_SIGNATURE, _MARKER, _PADDING = 2, 10, 21  # types of packets; the latter two mean nothing. Source: RFC 9580, 5
_LONGEST_HEAD = 6  # bytes


def signature_packets(signature: bytes) -> Iterator[bytes]:
    """Yield the packets of a detached signature, armored or binary.

    Cut here, for the library unpacks whatever is compressed in what it is given: 400 kB of that can take gigabytes.
    Source: RFC 9580, 4.2 (packet headers) and 10.4 (detached signatures).

    Raises:
        ValueError: it holds anything but signatures.

    """
    data = signature if signature[:1] >= b"\x80" else _without_armor(signature)
    start = 0
    while start < len(data):
        tag, body, length = _packet_head(data[start : start + _LONGEST_HEAD])
        end = start + body + length
        if end > len(data):
            raise ValueError("it is cut short")
        if tag not in (_SIGNATURE, _MARKER, _PADDING):
            raise ValueError(f"it holds a packet of type {tag}, which is none of a signature")
        if tag == _SIGNATURE:
            yield data[start:end]
        start = end


def _packet_head(head: bytes) -> tuple[int, int, int]:
    """Return the type of a packet, how many bytes its head has, and how many its body."""
    first, size = head[0], head[1] if len(head) > 1 else 0
    if first < 0x80:  # noqa: PLR2004 - the bit that every packet begins with
        raise ValueError("it is none")
    if first & 0x40:  # the format of today: the second byte says how the length is written
        tag, place, width = first & 0x3F, 2, {255: 4}.get(size, 0)
        if 192 <= size < 224:  # noqa: PLR2004 - two bytes of length
            return tag, 3, ((size - 192) << 8) + 192 + int.from_bytes(head[2:3])
        if size >= 224 and not width:  # noqa: PLR2004
            raise ValueError("it has a length that is told in parts, as no signature has")
        return tag, place + width, int.from_bytes(head[2:6]) if width else size
    tag, kind = first >> 2 & 0xF, first & 3
    if kind == 3:  # noqa: PLR2004
        raise ValueError("it does not tell its length")
    return tag, 1 + (1 << kind), int.from_bytes(head[1 : 1 + (1 << kind)])


def _without_armor(text: bytes) -> bytes:
    """Return what an armored signature holds; its checksum says nothing that the signature does not."""
    lines = [line.strip() for line in text.splitlines()]
    if _ARMOR_HEAD not in lines:
        raise ValueError("it is neither armored nor binary")
    lines = lines[lines.index(_ARMOR_HEAD) + 1 :]
    lines = lines[lines.index(b"") + 1 if b"" in lines else 0 :]
    body = list(takewhile(lambda line: line[:1] not in (b"=", b"-"), lines))
    return b64decode(b"".join(body), validate=True)
