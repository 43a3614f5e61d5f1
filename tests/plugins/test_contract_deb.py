"""The conformance suite, run for Debian packages."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.builders.deb import DebFeed, build_deb

from entrepot.testing import Feed, PluginContract, UploadSample
from entrepot_deb.distributor import DebDistributor
from entrepot_deb.importer import DebImporter
from entrepot_deb.units import Deb

APE, BEAR, CAT, EEL = (build_deb(name) for name in ("ape", "bear", "cat", "eel"))


def offer(feed: Feed, made: DebFeed) -> None:
    root = made.write()
    for path in sorted(root.rglob("*")):
        if path.is_file():
            feed.put(path.relative_to(root).as_posix(), path.read_bytes())


class TestDebPlugins(PluginContract):
    importer = DebImporter
    distributor = DebDistributor
    content_path = f"pool/main/{EEL.filename}"

    def make_feed(self, feed: Feed, version: int) -> None:
        packages = [BEAR, CAT, EEL]
        if version >= 2:
            packages = [APE, *packages]
        if version >= 3:
            packages.remove(CAT)
        with TemporaryDirectory() as folder:
            made = DebFeed(Path(folder))
            for package in packages:
                made.put(package)
            offer(feed, made)

    def make_large_feed(self, feed: Feed) -> int:
        units = 2000
        with TemporaryDirectory() as folder:
            made = DebFeed(Path(folder))
            for number in range(units):
                made.add_stanza(EEL.stanza(f"pool/eel{number}.deb", Package=f"eel{number}"))
            offer(feed, made)
        return units

    def upload_sample(self) -> UploadSample:
        return UploadSample(EEL.data, Deb, {})

    def timeless(self, path: str, data: bytes) -> bytes:
        return b"" if path.endswith("/Release") else data  # it tells when the repository changed
