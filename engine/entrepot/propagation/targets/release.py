"""The layout of a server that is flipped by one rename.

    <root>/<repository>/<distributor>/
        current -> releases/7-0123456789abcdef      what readers follow
        releases/7-0123456789abcdef/...             the files of publication 7
        releases/7-0123456789abcdef.manifest        which ones, written before them
        releases/6-...                              the one before, for those who are reading it

A release is named after its publication and the digest of its manifest: what was begun is found again and finished, and files
that stay are hard links to those of the release before. Readers see a whole release, whenever they follow `current`.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from entrepot.propagation.targets.manifest import Marker

CURRENT = "current"
RELEASES = "releases"
MANIFEST = ".manifest"
#: Hexadecimals of the digest in a release's name.
_DIGEST_LENGTH = 16
#: Bytes of a manifest at most: enough for some millions of files.
_MOST_MANIFEST_BYTES = 1 << 30
_NAME = re.compile(rf"(\d+-[0-9a-f]{{{_DIGEST_LENGTH}}})(?:{re.escape(MANIFEST)})?")
_LINK = re.compile(rf"{RELEASES}/(\d+-[0-9a-f]{{{_DIGEST_LENGTH}}})")


def release_name(marker: Marker) -> str:
    """Return the name of a publication's release."""
    return f"{marker.revision}-{marker.digest[:_DIGEST_LENGTH]}"


def release_of_link(link: str) -> str | None:
    """Return the release that `current` leads to, or None if that is none of ours."""
    found = _LINK.fullmatch(link)
    return found and found[1]


def release_of_entry(name: str) -> str | None:
    """Return the release that an entry of the folder `releases` belongs to, or None if it is none of ours."""
    found = _NAME.fullmatch(name)
    return found and found[1]


def open_manifest(path: Path) -> BinaryIO:
    """Open a manifest that others can write to; raises `FileNotFoundError` for a link, a device, and what has no end."""
    try:
        reading = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as error:
        raise FileNotFoundError(*error.args) from error
    status = os.fstat(reading.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size <= _MOST_MANIFEST_BYTES:
        return reading
    reading.close()
    msg = f"{path} is no manifest"
    raise FileNotFoundError(msg)
