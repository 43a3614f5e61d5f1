"""Read the page of a project in a simple index: JSON (PEP 691) or HTML (PEP 503), whatever the server answered with.

Memory and time are bounded, whatever the page: its size, and how many things are in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import pydantic
from packaging.utils import canonicalize_name

from entrepot.plugin import FetchedFile, PluginError
from entrepot_python.anchors import LARGEST_TAG, Anchors
from entrepot_python.links import Links, filename_of
from entrepot_python.unit import UPLOAD_TIME

#: JSON is preferred: it has sizes and dates. Source: PEP 691, version and format selection.
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"

LARGEST_PAGE = 32 * 1024 * 1024  # bytes; the largest project known has a page of less than half of that
MOST_VALUES = 1_000_000  # of a JSON page, lists and objects included; a file has about twelve
LARGEST_SIZE = 2**53  # bytes of a file that a page may claim

_JSON = ("application/vnd.pypi.simple.v1+json", "application/json")
_HTML = ("application/vnd.pypi.simple.v1+html", "text/html")
_ANY = (None, "application/octet-stream", "text/plain")  # says nothing: the page itself tells
_CHECKED = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}  # algorithm -> hex digits
_HEX = re.compile(r"[0-9a-fA-F]+")
_MOMENT = re.compile(UPLOAD_TIME.replace(r"\z", ""))


@dataclass(frozen=True, slots=True)
class OfferedFile:
    """A file as a page offers it. `problem`, if any, says why it is refused, worded to follow its name."""

    filename: str
    url: str  # absolute, without a fragment
    digests: Mapping[str, str]  # algorithm -> lower-case hex: those that can be checked
    size: int | None = None  # bytes
    requires_python: str | None = None
    yanked: bool = False
    yanked_reason: str | None = None
    upload_time: str | None = None
    has_metadata: bool = False
    metadata_digests: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None


class _JsonFile(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)

    filename: Annotated[str, pydantic.Field(min_length=1)]
    url: str
    hashes: dict[str, str]
    size: Annotated[int, pydantic.Field(ge=0, le=LARGEST_SIZE)] | None = None
    requires_python: str | None = pydantic.Field(None, alias="requires-python")
    yanked: bool | str = False
    upload_time: str | None = pydantic.Field(None, alias="upload-time")
    core_metadata: bool | dict[str, str] | None = pydantic.Field(None, alias="core-metadata")
    dist_info_metadata: bool | dict[str, str] | None = pydantic.Field(None, alias="dist-info-metadata")


class _JsonMeta(pydantic.BaseModel):
    api_version: Annotated[str, pydantic.Field(alias="api-version", pattern=r"^1\.[0-9]+\z")]


class _JsonPage(pydantic.BaseModel):
    meta: _JsonMeta
    files: list[object]  # each is looked at when it is its turn: of many wrong ones only the first is told


def read_page(page: FetchedFile, project: str, url: str) -> Iterator[OfferedFile]:
    """Yield the files that the page of `project` offers; `url` is its absolute address, which its links are relative to.

    Raises:
        PluginError: the page is too large, of another kind, broken, or obviously not the page of that project.

    """
    if page.size > LARGEST_PAGE:
        raise _refused(project, f"it has {page.size} bytes, and {LARGEST_PAGE} are the most")
    data = page.path.read_bytes()
    kind = page.media_type
    if kind in _ANY:
        kind = _JSON[0] if data.lstrip()[:1] == b"{" else _HTML[0]
    if kind in _JSON:
        offered = _read_json(data, project, url)
    elif kind in _HTML:
        offered = _read_html(data, project, url)
    else:
        raise _refused(project, f"the server calls it {kind}, which is no kind of index page that is known here")
    count = strangers = 0
    for file in offered:
        if file.problem is None:
            count += 1
            strangers += not canonicalize_name(file.filename[:200]).startswith(project)
        yield file
    if count and count == strangers:
        raise _refused(project, "none of its links leads to a file of that project")


def _read_json(data: bytes, project: str, url: str) -> Iterator[OfferedFile]:
    if data.count(b",") + data.count(b"{") + data.count(b"[") > MOST_VALUES:
        raise _refused(project, f"it holds more than {MOST_VALUES} values")
    links = Links(url)
    try:
        page = _JsonPage.model_validate_json(data)
    except pydantic.ValidationError as error:
        raise _no_json_page(project, error) from None
    for number, item in enumerate(page.files):
        try:
            file = _JsonFile.model_validate(item)
        except pydantic.ValidationError as error:
            raise _no_json_page(project, error, "files", number) from None
        target = links.join(file.url)
        metadata = file.core_metadata if file.core_metadata is not None else file.dist_info_metadata
        yield _offered(
            file.filename,
            target[0] if target else None,
            file.hashes,
            size=file.size,
            requires_python=file.requires_python,
            yanked=file.yanked,
            upload_time=file.upload_time if file.upload_time and _MOMENT.fullmatch(file.upload_time) else None,
            metadata=metadata or False,
        )


def _read_html(data: bytes, project: str, url: str) -> Iterator[OfferedFile]:
    try:
        page = Anchors.of(data)
    except UnicodeDecodeError as error:
        raise _refused(project, "it is not UTF-8") from error
    except OverflowError as error:
        raise _refused(project, str(error)) from error
    if page.is_truncated:
        raise _refused(project, f"it ends in the middle, or has a tag of more than {LARGEST_TAG} characters")
    if not page.found and page.version is None:
        raise _refused(project, "it is a web page without links, and does not say that it is an index page")
    if page.version is not None and not page.version.startswith("1."):
        raise _refused(project, f"it is of version {page.version[:20]}, and only version 1 is known here")
    base = Links(url).join(page.base) if page.base else None
    links = Links(base[0] if base else url)
    for anchor in page.found:
        href = anchor["href"] or ""
        target = links.join(href)
        address, fragment = target or (None, "")
        filename = href if address is None else filename_of(address)
        algorithm, _, value = fragment.partition("=")
        metadata = anchor.get("data-core-metadata", anchor.get("data-dist-info-metadata"))
        kind, _, digest = (metadata or "").partition("=")
        if not filename:
            continue  # a link to a folder
        yield _offered(
            filename,
            address,
            {algorithm: value} if algorithm in hashlib.algorithms_guaranteed else {},
            requires_python=anchor.get("data-requires-python"),
            yanked=(anchor["data-yanked"] or True) if "data-yanked" in anchor else False,
            metadata=({kind: digest} if digest else kind.lower() == "true") if metadata else False,
        )


def _offered(
    filename: str,
    url: str | None,
    hashes: Mapping[str, str],
    *,
    metadata: bool | Mapping[str, str],
    yanked: bool | str,
    **more: Any,  # noqa: ANN401 - the other fields of OfferedFile
) -> OfferedFile:
    """Return the file with the digests that can be checked: the SHA-256 alone if there is one, else all that are known."""
    digests = {name: value.lower() for name, value in hashes.items() if name in _CHECKED}
    problem = None
    wrong = [name for name, value in digests.items() if len(value) != _CHECKED[name] or not _HEX.fullmatch(value)]
    if url is None:
        problem = "has a link that is no address"
    elif "/" in filename or "\x00" in filename:
        problem = "is no plain name: it has a slash or a NUL in it"
    elif wrong:
        problem = f"has a checksum that is none: its {wrong[0]} is not {_CHECKED[wrong[0]]} hex digits"
    elif hashes and not digests:
        problem = f"has no checksum that can be checked here, only {', '.join(sorted(hashes))[:80]}"
    own = {} if isinstance(metadata, bool) else metadata
    return OfferedFile(
        filename,
        url or "",
        {"sha256": digests["sha256"]} if "sha256" in digests else digests,
        yanked=yanked is not False,
        yanked_reason=yanked if isinstance(yanked, str) and yanked else None,
        has_metadata=bool(metadata),
        metadata_digests={name: value.lower() for name, value in own.items() if name in _CHECKED},
        problem=problem,
        **more,
    )


def _no_json_page(project: str, error: pydantic.ValidationError, *place: str | int) -> PluginError:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, (*place, *first["loc"])))
    return _refused(project, f"it is no JSON index page of version 1: {where + ': ' if where else ''}{first['msg']}")


def _refused(project: str, why: str) -> PluginError:
    return PluginError(
        f"The index page of {project} cannot be read: {why}. Nothing was changed; check the feed's address.",
        project=project,
    )
