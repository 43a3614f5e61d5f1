"""What the python_importer makes of uploads."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.builders.wheel import Package, build_sdist, build_wheel

from entrepot.plugin import FetchedFile, PluginError
from entrepot_python import core_metadata
from entrepot_python.importer import PythonImporter
from entrepot_python.unit import PythonPackage

WHEEL = build_wheel("My.Lib", "1.0", requires_python=">=3.9")


@pytest.fixture
def uploaded(tmp_path: Path, feed_of):
    """Upload bytes with a key and metadata, and return what is yielded with the bytes of its files, read in time."""

    def upload(data: bytes, key, metadata=None):
        path = tmp_path / "upload"
        path.write_bytes(data)
        file = FetchedFile(path, Package("", "", data, b"").sha256, len(data))
        units = PythonImporter().upload(feed_of({}), PythonPackage, file, key, metadata or {})
        return [(unit, {held.path: held.fetched.path.read_bytes() for held in unit.held_files}) for unit in units]

    return upload


def tar_of(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(stream.getvalue(), mtime=0)


def zip_of(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def test_a_wheel_says_itself_what_it_is(uploaded):
    ((unit, files),) = uploaded(WHEEL.data, {"filename": WHEEL.filename})

    assert (unit.name, unit.version, unit.packagetype, unit.requires_python) == ("my-lib", "1.0", "bdist_wheel", ">=3.9")
    assert (unit.summary, unit.sha256, unit.size) == ("The My.Lib library", WHEEL.sha256, len(WHEEL.data))
    assert unit.metadata_sha256 == WHEEL.metadata_sha256
    assert files == {WHEEL.filename: WHEEL.data, f"{WHEEL.filename}.metadata": WHEEL.metadata}


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_a_source_distribution_too_but_its_metadata_file_is_not_offered(uploaded, suffix: str):
    package = build_sdist("six", "1.0", suffix=suffix)

    ((unit, files),) = uploaded(package.data, {"filename": package.filename})

    assert (unit.name, unit.packagetype, unit.author, unit.metadata_sha256) == ("six", "sdist", "An Author", None)
    assert list(files) == [package.filename]


def test_the_client_may_yank_it_at_once_and_say_what_is_true(uploaded):
    said = {"yanked": True, "yanked_reason": "too early", "version": "1.0", "name": "my-lib"}

    ((unit, _),) = uploaded(WHEEL.data, {"filename": WHEEL.filename}, said)

    assert (unit.yanked, unit.yanked_reason) == (True, "too early")


INFO = b"Metadata-Version: 2.1\nName: six\nVersion: 1.0\n\n"


@pytest.mark.parametrize(
    ("data", "key", "metadata", "why"),
    [
        (WHEEL.data, {}, {}, "give the unit key's filename"),
        (WHEEL.data, {"filename": 7}, {}, "give the unit key's filename"),
        (WHEEL.data, {"filename": "../My_Lib-1.0.tar.gz"}, {}, "give the unit key's filename"),
        (WHEEL.data, {"filename": "lib.exe"}, {}, "give the unit key's filename"),
        (WHEEL.data, {"filename": WHEEL.filename}, {"version": "2.0"}, "the version that was given is not what"),
        (WHEEL.data, {"filename": WHEEL.filename}, {"colour": "red"}, "the colour that was given is not what"),
        (WHEEL.data, {"filename": WHEEL.filename}, {"yanked": "perhaps"}, "yanked"),
        (WHEEL.data, {"filename": WHEEL.filename}, {"upload_time": "yesterday"}, "upload_time"),
        (WHEEL.data, {"filename": "My_Lib-2.0-py3-none-any.whl"}, {}, "is My.Lib 1.0 by what is in it"),
        (WHEEL.data, {"filename": "six-1.0-py3-none-any.whl"}, {}, "has no METADATA"),
        (WHEEL.data[:-30], {"filename": WHEEL.filename}, {}, "is damaged"),
        (b"", {"filename": WHEEL.filename}, {}, "is damaged"),
        (b"no gzip", {"filename": "six-1.0.tar.gz"}, {}, "is damaged"),
        (build_sdist("six").data[:200], {"filename": "six-1.0.tar.gz"}, {}, "is damaged"),
        (tar_of({"six-1.0/setup.py": b""}), {"filename": "six-1.0.tar.gz"}, {}, "has no PKG-INFO"),
        (tar_of({"six-1.0/other/PKG-INFO": INFO}), {"filename": "six-1.0.tar.gz"}, {}, "has no PKG-INFO"),
        (tar_of({"../six-1.0/PKG-INFO": INFO}), {"filename": "six-1.0.tar.gz"}, {}, "has no PKG-INFO"),
        (tar_of({"six-1.0/PKG-INFO": b"junk"}), {"filename": "six-1.0.tar.gz"}, {}, "is None None by what is in it"),
    ],
)
def test_what_is_no_package_or_another_one_is_refused(uploaded, data: bytes, key, metadata, why: str):
    with pytest.raises(PluginError) as refusal:
        uploaded(data, key, metadata)

    assert why in refusal.value.message


@pytest.mark.parametrize("pack", [tar_of, zip_of])
def test_a_bomb_is_not_unpacked(uploaded, monkeypatch, pack):
    monkeypatch.setattr(core_metadata, "LARGEST", 1000)
    data = pack({"six-1.0/PKG-INFO": INFO + b"0" * 100_000})

    with pytest.raises(PluginError, match="more than 1000 bytes"):
        uploaded(data, {"filename": "six-1.0.tar.gz" if pack is tar_of else "six-1.0.zip"})


@pytest.mark.parametrize("limit", ["MOST_MEMBERS", "LARGEST_UNPACKED"])
def test_a_source_distribution_is_not_looked_through_for_ever(uploaded, monkeypatch, limit: str):
    monkeypatch.setattr(core_metadata, limit, 2)
    data = tar_of({"six-1.0/a": b"1", "six-1.0/b": b"2", "six-1.0/c": b"3", "six-1.0/PKG-INFO": INFO})

    with pytest.raises(PluginError, match="more than a source distribution may"):
        uploaded(data, {"filename": "six-1.0.tar.gz"})
