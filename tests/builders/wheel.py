"""Real wheels and source distributions, and simple indices of them, made by the standard library alone.

pip takes what is made here, and builds the source distributions without fetching anything. The same arguments give the
same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from html import escape
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import quote

#: Builds a wheel of the folder that it lies in, so that pip needs no build tool.
_BACKEND = """
import base64, hashlib, pathlib, zipfile
NAME, VERSION = {name!r}, {version!r}
def get_requires_for_build_wheel(config_settings=None):
    return []
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    info = pathlib.Path(folder, f"{{NAME}}-{{VERSION}}.dist-info")
    info.mkdir()
    (info / "METADATA").write_bytes(pathlib.Path("PKG-INFO").read_bytes())
    (info / "WHEEL").write_text("Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    return info.name
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = f"{{NAME}}-{{VERSION}}-py3-none-any.whl"
    info = f"{{NAME}}-{{VERSION}}.dist-info"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        wheel.write(f"{{NAME}}.py")
        wheel.write("PKG-INFO", f"{{info}}/METADATA")
        wheel.writestr(f"{{info}}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{{info}}/RECORD", f"{{NAME}}.py,,\\n{{info}}/METADATA,,\\n{{info}}/WHEEL,,\\n{{info}}/RECORD,,\\n")
    return name
"""
_PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


class Package(NamedTuple):
    """A wheel or a source distribution, and what an index says of it."""

    name: str  # as the project writes it
    filename: str
    data: bytes
    metadata: bytes
    requires_python: str | None = None
    yanked: bool | str = False
    upload_time: str | None = "2024-05-06T07:08:09.123456Z"
    hashes: tuple[str, ...] = ("sha256",)
    says_size: bool = True
    says_metadata: bool = True  # a wheel's metadata file is offered

    @property
    def project(self) -> str:
        return self.name.lower().replace("_", "-").replace(".", "-")

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def metadata_sha256(self) -> str:
        return hashlib.sha256(self.metadata).hexdigest()

    @property
    def has_metadata_file(self) -> bool:
        return self.says_metadata and self.filename.endswith(".whl")


def build_wheel(
    name: str,
    version: str = "1.0",
    *,
    tag: str = "py3-none-any",
    requires: Iterable[str] = (),
    requires_python: str | None = None,
    content: str = "",
    **says: Any,
) -> Package:
    """Return a wheel of one module that knows its version, with `content`; `says` is what the index says, see `Package`."""
    module, metadata = _module(name), _metadata(name, version, requires, requires_python)
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}.py": f"VERSION = {version!r}\n{content}".encode(),
        f"{info}/METADATA": metadata,
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    record = [f"{path},sha256={_record_digest(data)},{len(data)}" for path, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    return Package(name, f"{module}-{version}-{tag}.whl", _zip(files), metadata, requires_python, **says)


def build_sdist(
    name: str,
    version: str = "1.0",
    *,
    suffix: str = ".tar.gz",
    requires: Iterable[str] = (),
    requires_python: str | None = None,
    **says: Any,
) -> Package:
    """Return a source distribution of one module; pip builds it by what it carries."""
    module, metadata = _module(name), _metadata(name, version, requires, requires_python)
    folder = f"{module}-{version}"
    files = {
        f"{folder}/PKG-INFO": metadata,
        f"{folder}/pyproject.toml": _PYPROJECT.encode(),
        f"{folder}/backend.py": _BACKEND.format(name=module, version=version).encode(),
        f"{folder}/{module}.py": f"VERSION = {version!r}\n".encode(),
    }
    return Package(name, folder + suffix, _zip(files) if suffix == ".zip" else _tar(files), metadata, requires_python, **says)


def json_page(packages: Iterable[Package], *, folder: str = "../../packages/", **changes: Any) -> bytes:
    """Return the JSON page of one project; `changes` replace keys of the page."""
    listed = list(packages)
    files = [
        {
            "filename": package.filename,
            "url": folder + quote(package.filename),
            "hashes": {algorithm: hashlib.new(algorithm, package.data).hexdigest() for algorithm in package.hashes},
            "yanked": package.yanked,
            "core-metadata": {"sha256": package.metadata_sha256} if package.has_metadata_file else False,
            **({"requires-python": package.requires_python} if package.requires_python else {}),
            **({"size": len(package.data)} if package.says_size else {}),
            **({"upload-time": package.upload_time} if package.upload_time else {}),
        }
        for package in listed
    ]
    page = {"meta": {"api-version": "1.1"}, "name": listed[0].project if listed else "", "files": files, **changes}
    return json.dumps(page).encode()


def html_page(packages: Iterable[Package], *, folder: str = "../../packages/") -> bytes:
    """Return the HTML page of one project."""
    links = []
    for package in packages:
        fragment = [f"#{algorithm}={hashlib.new(algorithm, package.data).hexdigest()}" for algorithm in package.hashes[:1]]
        attributes = {"href": folder + quote(package.filename) + "".join(fragment)}
        if package.requires_python:
            attributes["data-requires-python"] = package.requires_python
        if package.has_metadata_file:
            attributes["data-dist-info-metadata"] = f"sha256={package.metadata_sha256}"
        if package.yanked is not False:
            attributes["data-yanked"] = package.yanked if isinstance(package.yanked, str) else ""
        text = " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items())
        links.append(f"<a {text}>{package.filename}</a><br/>\n")
    return f"<!DOCTYPE html>\n<html><head><title>Links</title></head><body>\n{''.join(links)}</body></html>\n".encode()


def simple_index(packages: Iterable[Package], *, simple: str = "simple/", as_json: bool = True) -> dict[str, bytes]:
    """Return an index as a server answers, by path: pages below `simple`, the packages beside it in `packages/`."""
    page = json_page if as_json else html_page
    by_project = groupby(sorted(packages, key=lambda package: package.project), key=lambda package: package.project)
    files: dict[str, bytes] = {}
    for project, group in by_project:
        own = list(group)
        files[f"{simple}{project}/"] = page(own)
        files |= package_files(own)
    return files


def package_files(packages: Iterable[Package]) -> dict[str, bytes]:
    """Return the packages and their metadata files, by path."""
    files: dict[str, bytes] = {}
    for package in packages:
        files[f"packages/{package.filename}"] = package.data
        if package.has_metadata_file:
            files[f"packages/{package.filename}.metadata"] = package.metadata
    return files


def _metadata(name: str, version: str, requires: Iterable[str], requires_python: str | None) -> bytes:
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        f"Summary: The {name} library",
        "Author: An Author",
        "License: MIT",
        *([f"Requires-Python: {requires_python}"] if requires_python else []),
        *(f"Requires-Dist: {requirement}" for requirement in requires),
    ]
    return "\n".join([*lines, "", f"{name} does what {name} does.", ""]).encode()


def _module(name: str) -> str:
    return name.replace("-", "_").replace(".", "_")


def _record_digest(data: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def _zip(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0)), data)
    return stream.getvalue()


def _tar(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.mtime = 1_700_000_000  # a zip file has no dates before 1980
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(stream.getvalue(), mtime=0)
