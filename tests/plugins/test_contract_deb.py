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
            for path in sorted(made.write().rglob("*")):
                if path.is_file():
                    feed.put(path.relative_to(folder).as_posix(), path.read_bytes())

    def upload_sample(self) -> UploadSample:
        return UploadSample(EEL.data, Deb, {})

    def timeless(self, path: str, data: bytes) -> bytes:
        return b"" if path.endswith("/Release") else data  # it tells when the repository changed
