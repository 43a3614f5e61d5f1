"""Write the pages of a simple index, as JSON and as HTML; the same packages give the same bytes, in any order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from packaging.version import Version

from entrepot.plugin import JSON
from entrepot_python.unit import METADATA_SUFFIX, PythonPackage

FOLDER = "simple"
HTML, JSON_PAGE = "index.html", "index.v1_json"
ROOT = f"{FOLDER}/{JSON_PAGE}"

_HTML_VERSION = "1.0"  # PEP 503 with PEP 629; the later fields that HTML has come without a version of their own
_JSON_VERSION, _SIZED_VERSION = "1.0", "1.1"  # PEP 691; PEP 700, which demands the size of every file
_STRONGEST = ("sha512", "sha384", "sha256", "sha224", "sha1", "md5")  # HTML has room for one digest


def path_of(package: PythonPackage) -> str:
    """Return where the file of a package is published; its metadata file stands beside it. Pages lead there."""
    return f"packages/{package.name}/{package.filename}"


def page_paths(project: str) -> tuple[str, str]:
    """Return where the HTML page and the JSON page of a project are published."""
    return f"{FOLDER}/{project}/{HTML}", f"{FOLDER}/{project}/{JSON_PAGE}"


def project_pages(project: str, packages: Iterable[PythonPackage]) -> dict[str, bytes]:
    """Return the two pages of a project, by path, with its files from the oldest version to the newest."""
    ordered = sorted(packages, key=lambda package: (Version(package.version), package.filename))
    title = f"Links for {escape(project)}"
    links = [_anchor(package) for package in ordered]
    document = {
        "meta": {"api-version": _SIZED_VERSION if all(package.size is not None for package in ordered) else _JSON_VERSION},
        "name": project,
        "versions": list(dict.fromkeys(package.version for package in ordered)),
        "files": [_file(package) for package in ordered],
    }
    html, as_json = page_paths(project)
    return {html: _html(title, links), as_json: _json(document)}


def root_pages(projects: Iterable[str]) -> dict[str, bytes]:
    """Return the two pages that list all projects, by path."""
    names = sorted(projects)
    links = [f'<a href="{quote(name)}/">{escape(name)}</a><br>' for name in names]
    document = {"meta": {"api-version": _SIZED_VERSION}, "projects": [{"name": name} for name in names]}
    return {f"{FOLDER}/{HTML}": _html("Simple index", links), ROOT: _json(document)}


def projects_in(root_page: bytes) -> set[str]:
    """Return the projects that a JSON page of `root_pages` lists."""
    return {item["name"] for item in json.loads(root_page)["projects"]}


def _file(package: PythonPackage) -> dict[str, JSON]:
    metadata: JSON = {"sha256": package.metadata_sha256} if package.metadata_sha256 else False
    shown: dict[str, JSON] = {
        "filename": package.filename,
        "url": _link(package),
        "hashes": {"sha256": package.sha256} if package.sha256 else dict[str, JSON](sorted(package.digests.items())),
        "requires-python": package.requires_python,
        "size": package.size,
        "upload-time": package.upload_time,
        "yanked": (package.yanked_reason or True) if package.yanked else False,
        "core-metadata": metadata,
        "dist-info-metadata": metadata,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _anchor(package: PythonPackage) -> str:
    digests = {"sha256": package.sha256} if package.sha256 else package.digests
    best = next((name for name in _STRONGEST if name in digests), None)
    attributes = [("href", _link(package) + (f"#{best}={digests[best]}" if best else ""))]
    if package.requires_python is not None:
        attributes.append(("data-requires-python", package.requires_python))
    if package.metadata_sha256 is not None:
        attributes.append(("data-dist-info-metadata", f"sha256={package.metadata_sha256}"))  # PEP 658, as pip reads it
        attributes.append(("data-core-metadata", f"sha256={package.metadata_sha256}"))  # PEP 714, which renamed it
    if package.yanked:
        attributes.append(("data-yanked", package.yanked_reason or ""))
    text = " ".join(f'{name}="{escape(value)}"' for name, value in attributes)
    return f"<a {text}>{escape(package.filename)}</a><br>"


def _link(package: PythonPackage) -> str:
    """Return the address of a file, relative to a project's page."""
    return "../../" + quote(path_of(package))


def _html(title: str, links: list[str]) -> bytes:
    lines = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta name="pypi:repository-version" content="{_HTML_VERSION}">',
        f"<title>{title}</title>\n</head>\n<body>\n<h1>{title}</h1>",
        *links,
        "</body>\n</html>\n",
    ]
    return "\n".join(lines).encode()


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


__all__ = ["METADATA_SUFFIX", "ROOT", "page_paths", "path_of", "project_pages", "projects_in", "root_pages"]
