"""The conformance suite, run for plain files; and what it says of careless importers and distributors."""

from __future__ import annotations

import csv
import hashlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from entrepot.plugin import Importer, ImporterConfig, PublishConduit, SyncConduit
from entrepot.testing import Feed, PluginContract, UploadSample
from entrepot_file.distributor import IsoDistributor
from entrepot_file.importer import IsoImporter
from entrepot_file.unit import MANIFEST, Iso


def manifest(files: Mapping[str, bytes]) -> bytes:
    return "".join(f"{name},{hashlib.sha256(data).hexdigest()},{len(data)}\n" for name, data in files.items()).encode()


class IsoContract(PluginContract):
    importer = IsoImporter
    distributor = IsoDistributor

    def make_feed(self, feed: Feed, version: int) -> int:
        files = {"b.iso": b"bison " * 50, "folder/c d.iso": b"cat " * 70, "e.iso": b"eel"}
        if version > 1:
            files = {"a.iso": b"ape " * 60, **files}
        if version > 2:
            del files["b.iso"]
        for name, data in files.items():
            feed.put(name, data)
        feed.put(MANIFEST, manifest(files))
        return len(files)

    def make_large_feed(self, feed: Feed) -> int:
        units = 2000
        lines = (f"{number:06}.iso,{hashlib.sha256(b'%d' % number).hexdigest()},1\n" for number in range(units))
        feed.put(MANIFEST, "".join(lines).encode())
        return units

    def upload_sample(self) -> UploadSample:
        return UploadSample(b"eel", Iso, {"name": "e.iso"})

    def hostile_indices(self, index: bytes) -> Mapping[str, bytes]:
        return {
            **super().hostile_indices(index),
            "a path that leaves its folder": index.replace(b"b.iso", b"../b.iso"),
            "an absolute path": index.replace(b"b.iso", b"/etc/b.iso"),
            "another checksum": index.replace(b"b.iso,", b"b.iso,00"),
        }


class TestIsoPlugins(IsoContract):
    pass


def rows(ctx: SyncConduit) -> Iterator[tuple[str, str, int]]:
    with ctx.fetch(MANIFEST).path.open(newline="") as stream:
        for name, checksum, size in csv.reader(stream):
            yield name, checksum, int(size)


class PromisesNoChecksum(IsoImporter):
    def sync(self, ctx):
        for name, checksum, size in rows(ctx):
            yield Iso(name=name, checksum=checksum, size=size).file(name, path=name)


class YieldsTheFirstUnitOnly(IsoImporter):
    def sync(self, ctx):
        yield next(iter(super().sync(ctx)))


class DownloadsByItself(IsoImporter):
    def sync(self, ctx):
        for unit in super().sync(ctx):
            ctx.fetch(unit.name)
            yield unit


class ReadsAllBeforeItYields(IsoImporter):
    def sync(self, ctx):
        yield from list(super().sync(ctx))


class NamesNoUnitTypes(IsoImporter):
    unit_types = ()


class TakesAnyName(IsoImporter):
    def sync(self, ctx):
        for name, checksum, size in rows(ctx):
            yield Iso(name=name, checksum=checksum, size=size).file(name, path=name, size=size, sha256=checksum)


class HasAConstantToken(TakesAnyName):
    def sync(self, ctx):
        if not ctx.unchanged("always the same"):
            yield from super().sync(ctx)


class PassesOverWhatItCannotRead(IsoImporter):
    def sync(self, ctx):
        for line in ctx.fetch(MANIFEST).path.read_text(errors="replace").splitlines():
            if line.count(",") == 2:
                name, checksum, size = line.split(",")
                yield Iso(name=name, checksum=checksum, size=int(size)).file(name, path=name, size=int(size), sha256=checksum)


class TakesACancelForAnEnd(IsoImporter):
    def sync(self, ctx):
        units = super().sync(ctx)
        while True:
            try:
                yield next(units)
            except BaseException:  # noqa: BLE001 - the carelessness that is to be found
                return


class SaysAnotherSizeOfAnUpload(IsoImporter):
    def upload(self, ctx, unit_type, upload, key, metadata):
        for unit in super().upload(ctx, unit_type, upload, key, metadata):
            yield Iso(name=unit.name, checksum=unit.checksum, size=unit.size + 1).hold(upload, path=unit.name)


class ShowsItsToken(IsoImporter):
    class Config(ImporterConfig):
        api_token: str | None = None


class AsksTheEngineBehindItsConduit(IsoImporter):
    def sync(self, ctx):
        ctx._database.rows("SELECT 1")
        yield from super().sync(ctx)


class WritesTheTime(IsoDistributor):
    def publish(self, pub: PublishConduit) -> None:
        super().publish(pub)
        pub.write("made-at", time.strftime("%Y-%m-%d").encode())


class WritesAsUnitsCame(IsoDistributor):
    def publish(self, pub: PublishConduit) -> None:
        super().publish(pub)
        pub.write("names", "".join(f"{iso.name}\n" for iso in pub.units(Iso)).encode())


class AddsNoFile(IsoDistributor):
    def publish(self, pub: PublishConduit) -> None:
        lines = sorted(f"{iso.name},{iso.checksum},{iso.size}\n" for iso in pub.units(Iso))
        pub.write(MANIFEST, "".join(lines).encode())


class KeepsWhatLeft(IsoDistributor):
    def publish(self, pub: PublishConduit) -> None:
        for iso in pub.added(Iso):
            pub.add(iso.name, iso)
        lines = sorted(f"{iso.name},{iso.checksum},{iso.size}\n" for iso in pub.units(Iso))
        pub.write(MANIFEST, "".join(lines).encode())


CARELESS: dict[type, tuple[str, str]] = {
    PromisesNoChecksum: ("test_a_corrupt_file_is_an_error_and_the_next_sync_repairs", "promise its size and digest"),
    YieldsTheFirstUnitOnly: ("test_a_sync_holds_every_unit_of_the_feed_with_its_bytes", "offers more units"),
    HasAConstantToken: ("test_a_change_of_the_feed_adds_what_is_new_and_keeps_the_rest", "has to offer one more unit"),
    DownloadsByItself: ("test_on_demand_downloads_no_content", "fetched files of units"),
    ReadsAllBeforeItYields: ("test_many_units_need_little_memory", "yield each when it is read"),
    NamesNoUnitTypes: ("test_the_plugins_load_and_declare_their_unit_types", "must be a tuple that names its unit types"),
    TakesAnyName: ("test_a_hostile_index_ends_in_a_clear_error", "raise PluginError in clear words"),
    PassesOverWhatItCannotRead: ("test_a_login_page_removes_nothing", "a login page was taken"),
    TakesACancelForAnEnd: ("test_a_cancel_at_any_moment_leaves_the_repository_as_it_was", "was swallowed"),
    SaysAnotherSizeOfAnUpload: ("test_an_upload_makes_the_unit_that_a_sync_makes", "size"),
    ShowsItsToken: ("test_secrets_are_never_shown", "api_token"),
    AsksTheEngineBehindItsConduit: ("test_a_sync_holds_every_unit_of_the_feed_with_its_bytes", "may ask only for what"),
    WritesTheTime: ("test_publishing_again_in_full_gives_the_same_bytes", "made-at"),
    WritesAsUnitsCame: ("test_the_order_in_which_units_came_does_not_matter", "names"),
    AddsNoFile: ("test_a_mirror_of_the_publication_has_the_same_units", "404"),
    KeepsWhatLeft: ("test_an_incremental_publish_equals_a_full_one", "version 3"),
}


class TestCarelessPlugins(IsoContract):
    """Each is caught by the test of the suite that is named beside it."""

    locals().update({name: None for name in dir(PluginContract) if name.startswith("test_")})

    @pytest.mark.parametrize("careless", CARELESS, ids=lambda careless: careless.__name__)
    def test_a_careless_plugin_is_caught(self, careless: type, request: pytest.FixtureRequest) -> None:
        name, words = CARELESS[careless]
        kind = "importer" if issubclass(careless, Importer) else "distributor"
        setattr(self, kind, careless)
        test: Any = getattr(PluginContract, name)
        fixtures = test.__code__.co_varnames[1 : test.__code__.co_argcount]

        with pytest.raises(AssertionError, match=words):
            test(self, **{fixture: request.getfixturevalue(fixture) for fixture in fixtures})
