"""Makes advisories of updateinfo.xml, one at a time, and unites them with those that a repository holds already."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from defusedxml import DefusedXmlException, ElementTree
from pydantic import ValidationError

from entrepot.plugin import PluginError
from entrepot_rpm.compressed import Elements, unpacked
from entrepot_rpm.units import Erratum

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from entrepot.plugin import ImportConduit

ItemT = TypeVar("ItemT")

_ID = re.compile(rb"<id>([^<]*)</id>")
_BATCH = 200  # advisories that are looked up together
_TEXTS = ("title", "summary", "description", "severity", "rights", "release", "pushcount", "solution")
_TRUE = ("true", "1")
_PACKAGE = ("name", "version", "release", "epoch", "arch", "src")
_MODULE = ("name", "stream", "version", "context", "arch")
_SUGGESTIONS = ("reboot_suggested", "restart_suggested", "relogin_suggested")


def read_errata(path: Path, name: str, size: int | None) -> Iterator[Erratum]:
    """Yield each advisory of an updateinfo.xml, of whatever compression; `size` in bytes, unpacked, if it is known.

    What some feeds list twice is united, and comes last.

    Raises:
        PluginError: the file is damaged, or an advisory in it.

    """
    seen, repeated = set[bytes](), set[bytes]()
    for text in _texts(path, name, size):
        (repeated if _id_in(text) in seen else seen).add(_id_in(text))
    together: dict[bytes, Erratum] = {}
    for text in _texts(path, name, size):
        erratum, place = _erratum(element_of(text, name), name), _id_in(text)
        if place not in repeated:
            yield erratum
        else:
            together[place] = merged(together[place], erratum) if place in together else erratum
    yield from together.values()


def element_of(text: bytes, name: str) -> Element:
    """Return the element that was cut out of a file.

    Raises:
        PluginError: it is not well-formed.

    """
    try:
        element: Element = ElementTree.fromstring(text, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as error:
        raise PluginError(f"{name} is damaged: {error}. Nothing was changed.", file=name) from error
    return element


def check_frame(elements: Elements, name: str) -> None:
    """Check what stands around the elements: a root, and nothing else.

    Raises:
        PluginError: it is not well-formed, so the file is cut off, or no XML.

    """
    element_of(elements.head + elements.tail, name)


def united(ctx: ImportConduit, errata: Iterable[Erratum]) -> Iterator[Erratum]:
    """Yield advisories as they are to come into a repository: united with those of the same id that it holds, as Pulp does."""
    for batch in _batches(errata):
        held = {erratum.id: erratum for erratum in ctx.units(Erratum, names=[erratum.id for erratum in batch])}
        for erratum in batch:
            yield merged(held[erratum.id], erratum) if erratum.id in held else erratum


def merged(held: Erratum, offered: Erratum) -> Erratum:
    """Return one advisory of two with the same id.

    The one that was updated later has the say in all fields (if none was, the held one); the packages of both are listed, by
    collection. Source: Pulp 2, pulp_rpm, `Errata.merge_errata`.
    """
    if held == offered:
        return held
    is_newer = _moment(offered) > _moment(held)
    first, second = (offered, held) if is_newer else (held, offered)
    collections = [dict(collection) for collection in first.pkglist]
    for collection in second.pkglist:
        same = next((known for known in collections if _same_collection(known, collection)), None)
        if same is None:
            collections.append(collection)
        else:
            same["packages"] = _together(same.get("packages") or [], collection.get("packages") or [])
    return first if collections == first.pkglist else first.model_copy(update={"pkglist": collections})


def _texts(path: Path, name: str, size: int | None) -> Iterator[bytes]:
    elements = Elements(unpacked(path, name, size=size), name, b"update")
    for batch in elements.batches():
        yield from batch
    check_frame(elements, name)


def _id_in(text: bytes) -> bytes:
    """Return the id of an advisory without parsing it; only the advisory itself has an element of that name."""
    found = _ID.search(text)
    return found.group(1).strip() if found else b""


def _batches(items: Iterable[ItemT]) -> Iterator[list[ItemT]]:
    iterator = iter(items)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def _moment(erratum: Erratum) -> str:
    return erratum.updated or erratum.issued or ""


def _same_collection(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (one.get("name"), one.get("short"), one.get("module")) == (
        other.get("name"),
        other.get("short"),
        other.get("module"),
    )


def _together(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the packages of both, each once."""
    known = {_nevra(package) for package in first}
    return [*first, *(package for package in second if _nevra(package) not in known)]


def _nevra(package: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*(package.get(key) for key in _PACKAGE[:5]), package.get("filename"))


def _erratum(update: Element, name: str) -> Erratum:
    fields: dict[str, Any] = {
        "id": _text(update, "id"),
        "errata_from": update.get("from"),
        "status": update.get("status"),
        "type": update.get("type"),
        "version": update.get("version"),
        "issued": _date(update, "issued"),
        "updated": _date(update, "updated"),
        "reboot_suggested": _is_said(update, "reboot_suggested"),
        "references": [
            {key: reference.get(key) for key in ("href", "id", "title", "type")}
            for reference in update.iterfind("references/reference")
        ],
        "pkglist": [_collection(collection) for collection in update.iterfind("pkglist/collection")],
    }
    fields |= {field: _text(update, field) for field in _TEXTS}
    try:
        return Erratum(**fields)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        msg = f"{name}: the advisory {str(fields['id'])[:255]!r} cannot be: {problems}. Nothing was changed."
        raise PluginError(msg, file=name) from error


def _collection(collection: Element) -> dict[str, Any]:
    module = collection.find("module")
    return {
        "name": _text(collection, "name"),
        "short": collection.get("short"),
        "module": {key: module.get(key) for key in _MODULE} if module is not None else None,
        "packages": [_package(package) for package in collection.iterfind("package")],
    }


def _package(package: Element) -> dict[str, Any]:
    total = package.find("sum")
    return {
        **{key: package.get(key) for key in _PACKAGE},
        "filename": _text(package, "filename"),
        "sum": [total.get("type"), (total.text or "").strip()] if total is not None else None,
        **{key: _is_said(package, key) for key in _SUGGESTIONS},
    }


def _text(element: Element, name: str) -> str | None:
    found = element.find(name)
    return (found.text or "") if found is not None else None


def _date(element: Element, name: str) -> str | None:
    found = element.find(name)
    return found.get("date") if found is not None else None


def _is_said(element: Element, name: str) -> bool:
    """Say whether a suggestion is made: by the element alone, or by what it says."""
    found = element.find(name)
    return found is not None and (found.text or "true").strip().lower() in _TRUE


def packages_of(errata: Iterable[Erratum]) -> Collection[tuple[str, str, str, str, str]]:
    """Return name, epoch, version, release and architecture of all packages that advisories list."""
    return {
        (
            package["name"],
            package.get("epoch") or "0",
            package.get("version") or "",
            package.get("release") or "",
            package["arch"],
        )
        for erratum in errata
        for collection in erratum.pkglist
        for package in collection.get("packages") or []
        if package.get("name") and package.get("arch")
    }
