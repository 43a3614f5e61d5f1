"""The files of units: declared with an address and what is promised, or here already; and which paths are plain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

DIGESTS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}  # algorithm -> hex digits
LONGEST_PATH = 1024  # characters; the shortest limit of the places that a path is pushed to (S3 object keys)
LONGEST_SEGMENT = 255  # bytes of UTF-8; NAME_MAX of the usual file systems

_FORBIDDEN = r"\\\x00-\x1f\x7f-\x9f\ufeff"  # backslash, control characters, byte order mark
_SEGMENT = rf"(?!\.{{1,2}}(?:/|\Z))[^/{_FORBIDDEN}]+"
_PLAIN = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
_HEX = re.compile(r"[0-9a-fA-F]+")


class RemoteFile(NamedTuple):
    """A file of a unit, where it can be fetched and what is promised about it."""

    url: str  # an absolute address, or a path below the feed, not percent-encoded
    path: str  # its name within the unit
    size: int | None  # bytes; None when the feed does not say
    digests: Mapping[str, str]  # algorithm -> lower-case hex


class FetchedFile(NamedTuple):
    """A file that is here whole, fetched from the feed or uploaded; it may be read until the run ends, and not changed."""

    path: Path
    sha256: str  # of what was received, whatever was promised
    size: int  # bytes
    url: str | None = None  # where it came from, as it was asked for; None if it was uploaded
    media_type: str | None = None  # what the server called it, without parameters; None if it said nothing


class HeldFile(NamedTuple):
    """A file of a unit whose bytes are here already."""

    path: str  # its name within the unit
    fetched: FetchedFile


def is_hex(text: str) -> bool:
    """Say whether `text` is one or more hexadecimal digits."""
    return _HEX.fullmatch(text) is not None


def last_segment(url: str) -> str:
    """Return the last segment of an address, decoded, or of a path."""
    return unquote(urlsplit(url).path.rpartition("/")[2]) if "://" in url else url.rpartition("/")[2]


def path_problem(path: str) -> str | None:
    """Return what is wrong with `path` as a plain relative path, worded to follow its name, or None when it is plain.

    Plain: segments joined by `/`, none of them empty, `.` or `..`; no backslash, control character or byte order mark;
    at most 1024 characters, and 255 bytes a segment. Such a path means the same on every file system and in every URL.
    """
    if len(path) > LONGEST_PATH:
        return f"is longer than {LONGEST_PATH} characters"
    if not _PLAIN.fullmatch(path):
        return _why_not_plain(path)
    if len(path) * 4 > LONGEST_SEGMENT and max(len(segment.encode()) for segment in path.split("/")) > LONGEST_SEGMENT:
        return f"has a segment of more than {LONGEST_SEGMENT} bytes"
    return None


def _why_not_plain(path: str) -> str:
    segments = path.split("/")
    if not path:
        return "is empty"
    if path.startswith("/"):
        return "is an absolute path; it must be relative"
    if ".." in segments:
        return "leaves its folder by a '..' segment"
    if "." in segments or "" in segments:
        return "has an empty or '.' segment"
    if "\\" in path:
        return "contains a backslash"
    return "contains a control character"
