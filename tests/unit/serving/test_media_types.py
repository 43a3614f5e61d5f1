"""The Content-Type of published files."""

from __future__ import annotations

import pytest

from entrepot.serving.media_types import media_type


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bash-5.2-1.x86_64.rpm", "application/x-rpm"),
        ("bash_5.2_amd64.deb", "application/vnd.debian.binary-package"),
        ("Fedora-40.ISO", "application/x-iso9660-image"),
        ("primary.xml.gz", "application/gzip"),
        ("source.tar.gz", "application/gzip"),
        ("source.tgz", "application/gzip"),
        ("Packages.xz", "application/x-xz"),
        ("repomd.xml", "text/xml"),
        ("data.json", "application/json"),
        ("tool-1.0-py3-none-any.whl", "application/zip"),
        ("PULP_MANIFEST", "text/plain"),
        ("notes.txt", "text/plain"),
        ("no-suffix", "application/octet-stream"),
        (".hidden", "application/octet-stream"),
        ("trailing.", "application/octet-stream"),
        ("strange.q9z", "application/octet-stream"),
    ],
)
def test_the_type_follows_from_the_name(name: str, expected: str) -> None:
    assert media_type(name) == expected
