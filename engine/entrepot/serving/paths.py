"""Decide whether a requested path can name published content at all; no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONTROL = re.compile("[\x00-\x1f\x7f]")
#: Longest path that is looked up, characters; PATH_MAX on Linux.
MAX_PATH_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class RequestedPath:
    """A path below `/content/`, without slashes at its ends; `is_folder` says that it was asked for with one at its end."""

    path: str
    is_folder: bool


def requested_path(decoded: str, raw: bytes = b"") -> RequestedPath | None:
    """Return the path to look up, or None if nothing can be published there.

    Repeated slashes count as one, and `.` as nothing: apt asks for `./Release`. `..`, control characters and too long paths
    are refused, and so is an encoded slash (`%2F`, seen in `raw`, the path as it was sent): no published name has any of them.
    """
    if len(decoded) > MAX_PATH_CHARACTERS or b"%2f" in raw.lower():
        return None
    if _CONTROL.search(decoded):
        return None
    segments = [segment for segment in decoded.split("/") if segment not in ("", ".")]
    if ".." in segments:
        return None
    return RequestedPath("/".join(segments), not segments or decoded.endswith("/"))
