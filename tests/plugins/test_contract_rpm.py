"""The conformance suite, run for RPM packages."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.builders.repodata import generate
from tests.builders.rpm import RpmPackage, build_rpm
from tests.builders.yum_feed import FISH, REPOMD, UPDATEINFO, WALRUS, WHALE, feed_files

from entrepot.testing import Feed, PluginContract, UploadSample
from entrepot_rpm.distributor import YumDistributor
from entrepot_rpm.importer import YumImporter
from entrepot_rpm.units import Rpm

APE = RpmPackage(name="ape")


class TestRpmPlugins(PluginContract):
    importer = YumImporter
    distributor = YumDistributor
    fields_of_the_feed = frozenset({"relativepath", "time"})
    content_path = "fish-1.0-1.noarch.rpm"

    def make_feed(self, feed: Feed, version: int) -> int:
        packages = [FISH, WALRUS, WHALE]
        if version >= 2:
            packages = [APE, *packages]
        if version >= 3:
            packages.remove(WALRUS)
        with TemporaryDirectory() as folder:
            for path, data in feed_files(Path(folder), packages, metadata={"updateinfo": UPDATEINFO}).items():
                feed.put(path, data)
        return len(packages) + 1

    def make_large_feed(self, feed: Feed) -> int:
        units = 2000
        with TemporaryDirectory() as folder:
            root = generate(Path(folder), units, level=1)
            for path in root.rglob("*.*"):
                feed.put(path.relative_to(root).as_posix(), path.read_bytes())
        return units

    def upload_sample(self) -> UploadSample:
        return UploadSample(build_rpm(FISH), Rpm, {})

    def timeless(self, path: str, data: bytes) -> bytes:
        return b"" if path == REPOMD else data  # it tells when the repository changed
