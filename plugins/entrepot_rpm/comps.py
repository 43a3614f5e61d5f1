"""Makes groups, categories, environments and language packs of comps.xml."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from defusedxml import DefusedXmlException, ElementTree
from pydantic import ValidationError

from entrepot.plugin import PluginError, Unit
from entrepot_rpm.units import PackageCategory, PackageEnvironment, PackageGroup, PackageLangpacks

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def read_comps(text: bytes, name: str, repository_id: str) -> Iterator[Unit]:
    """Yield what a comps.xml defines, as units of a repository; `name` is what errors call the file.

    Raises:
        PluginError: the file is damaged, or is none.

    """
    try:
        root: Element = ElementTree.fromstring(text, forbid_dtd=False)
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as error:
        raise PluginError(f"{name} is damaged: {error}. Nothing was changed.", file=name) from error
    if root.tag != "comps":
        raise PluginError(f"{name} is no comps file: it begins with <{root.tag[:80]}>. Nothing was changed.", file=name)
    for element in root:
        make = _MAKERS.get(element.tag)
        if make is None:
            continue
        try:
            yield make(element, repository_id)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
            msg = f"{name}: the {element.tag} {_text(element, 'id')!r} cannot be: {problems}. Nothing was changed."
            raise PluginError(msg, file=name) from error


def _group(element: Element, repository_id: str) -> PackageGroup:
    packages: dict[str, list[str]] = {"mandatory": [], "default": [], "optional": []}
    conditional, base_only = [], []
    for package in element.iterfind("packagelist/packagereq"):
        package_name = (package.text or "").strip()
        kind = package.get("type") or "mandatory"
        if kind == "conditional":
            conditional.append((package_name, package.get("requires") or ""))
        else:
            packages.setdefault(kind, []).append(package_name)
        if _is_true(package.get("basearchonly")):
            base_only.append(package_name)
    return PackageGroup(
        **_heading(element, repository_id),
        default=_is_true(_text(element, "default")),
        user_visible=_is_true(_text(element, "uservisible") or "true"),
        langonly=_text(element, "langonly") or None,
        mandatory_package_names=packages["mandatory"],
        default_package_names=packages["default"],
        optional_package_names=packages["optional"],
        conditional_package_names=conditional,
        base_arch_only=base_only,
    )


def _category(element: Element, repository_id: str) -> PackageCategory:
    return PackageCategory(**_heading(element, repository_id), packagegroupids=_ids(element, "grouplist/groupid"))


def _environment(element: Element, repository_id: str) -> PackageEnvironment:
    return PackageEnvironment(
        **_heading(element, repository_id),
        group_ids=_ids(element, "grouplist/groupid"),
        options=[
            {"group": (option.text or "").strip(), "default": _is_true(option.get("default"))}
            for option in element.iterfind("optionlist/groupid")
        ],
    )


def _langpacks(element: Element, repository_id: str) -> PackageLangpacks:
    matches = [{"name": match.get("name") or "", "install": match.get("install") or ""} for match in element.iterfind("match")]
    return PackageLangpacks(repo_id=repository_id, matches=matches)


_MAKERS: dict[str, Callable[[Element, str], Unit]] = {
    "group": _group,
    "category": _category,
    "environment": _environment,
    "langpacks": _langpacks,
}


def _heading(element: Element, repository_id: str) -> dict[str, Any]:
    order = _text(element, "display_order") or ""
    return {
        "id": _text(element, "id"),
        "repo_id": repository_id,
        "name": _text(element, "name"),
        "description": _text(element, "description"),
        "display_order": int(order) if order.isdecimal() else None,
        "translated_name": _translations(element, "name"),
        "translated_description": _translations(element, "description"),
    }


def _text(element: Element, name: str) -> str | None:
    """Return the text of a child that is in no particular language."""
    for child in element.iterfind(name):
        if _LANGUAGE not in child.attrib:
            return (child.text or "").strip()
    return None


def _translations(element: Element, name: str) -> dict[str, str]:
    return {
        child.attrib[_LANGUAGE]: (child.text or "").strip() for child in element.iterfind(name) if _LANGUAGE in child.attrib
    }


def _ids(element: Element, path: str) -> list[str]:
    return [(child.text or "").strip() for child in element.iterfind(path)]


def _is_true(text: str | None) -> bool:
    return (text or "").strip().lower() in ("true", "1", "yes")
