"""The Content-Type of a published file, by its name; the same on every machine."""

from __future__ import annotations

import mimetypes

OCTET_STREAM = "application/octet-stream"

#: Python's built-in table only: the machine's own /etc/mime.types would make answers differ between hosts.
_BUILT_IN = mimetypes.MimeTypes(filenames=())

#: Suffixes that repositories are made of, and that the built-in table lacks or calls otherwise.
_SUFFIXES = {
    ".deb": "application/vnd.debian.binary-package",
    ".ddeb": "application/vnd.debian.binary-package",
    ".drpm": "application/x-rpm",
    ".img": OCTET_STREAM,
    ".iso": "application/x-iso9660-image",
    ".rpm": "application/x-rpm",
    ".udeb": "application/vnd.debian.binary-package",
    ".whl": "application/zip",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}

#: A compressed file is served as what it is: no Content-Encoding, so that no client unpacks it and finds the digest wrong.
_COMPRESSED = {
    ".br": OCTET_STREAM,
    ".bz2": "application/x-bzip2",
    ".gz": "application/gzip",
    ".lz4": "application/x-lz4",
    ".lzma": "application/x-lzma",
    ".tbz2": "application/x-bzip2",
    ".tgz": "application/gzip",
    ".txz": "application/x-xz",
    ".xz": "application/x-xz",
    ".z": "application/x-compress",
    ".zck": "application/x-zchunk",
    ".zst": "application/zstd",
}

#: Metadata that is text and has no telling suffix.
_NAMES = frozenset(
    {
        ".treeinfo",
        "CHECKSUM",
        "InRelease",
        "MD5SUMS",
        "Packages",
        "PULP_MANIFEST",
        "Release",
        "SHA256SUMS",
        "SHA512SUMS",
        "Sources",
        "treeinfo",
    }
)


def media_type(name: str) -> str:
    """Return the media type of the file called `name`, without parameters."""
    if name in _NAMES:
        return "text/plain"
    dot = name.rfind(".")
    suffix = name[dot:].lower() if dot > 0 else ""
    special = _COMPRESSED.get(suffix) or _SUFFIXES.get(suffix)
    if special is not None:
        return special
    guessed, encoding = _BUILT_IN.guess_type("x" + suffix)
    return guessed if guessed and not encoding else OCTET_STREAM
