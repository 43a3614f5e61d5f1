"""comps.xml: the groups, categories, environments and language packs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from entrepot_rpm.units import PackageCategory, PackageEnvironment, PackageGroup, PackageLangpacks
from entrepot_rpm.xml_text import add, add_translated, document

if TYPE_CHECKING:
    from entrepot_rpm.repodata import Repodata
    from entrepot_rpm.selection import Selection

KIND = "group"


def publish_comps(selection: Selection, repodata: Repodata) -> None:
    """Publish what people install by; no file if there is nothing."""
    if not selection.is_touched(PackageGroup, PackageCategory, PackageEnvironment, PackageLangpacks):
        repodata.keep_if_there(KIND)
        return
    comps = Element("comps")
    for group in sorted(selection.units(PackageGroup), key=_place):
        _add_group(comps, group)
    for category in sorted(selection.units(PackageCategory), key=_place):
        element = _add_heading(comps, "category", category)
        _add_ids(element, "grouplist", category.packagegroupids)
    for environment in sorted(selection.units(PackageEnvironment), key=_place):
        element = _add_heading(comps, "environment", environment)
        _add_ids(element, "grouplist", environment.group_ids)
        options = add(element, "optionlist")
        for option in environment.options:
            add(options, "groupid", option.get("group"), default=option.get("default") or None)
    matches = {
        match.get("name", ""): match.get("install", "")
        for packs in sorted(selection.units(PackageLangpacks), key=lambda packs: packs.repo_id)
        for match in packs.matches
    }
    if matches:
        element = add(comps, "langpacks")
        for name, install in matches.items():
            add(element, "match", name=name, install=install)
    if len(comps):
        repodata.write_plain(KIND, "comps.xml", document(comps))


def _add_group(comps: Element, group: PackageGroup) -> None:
    element = add(comps, "group")
    add(element, "id", group.id)
    add_translated(element, "name", group.name, group.translated_name)
    add_translated(element, "description", group.description, group.translated_description)
    add(element, "default", group.default)
    add(element, "uservisible", group.user_visible)
    if group.display_order is not None:
        add(element, "display_order", group.display_order)
    if group.langonly is not None:
        add(element, "langonly", group.langonly)
    packages = add(element, "packagelist")
    base_only = frozenset(group.base_arch_only)
    plain = (
        ("mandatory", group.mandatory_package_names),
        ("default", group.default_package_names),
        ("optional", group.optional_package_names),
    )
    for kind, names in plain:
        for name in names:
            add(packages, "packagereq", name, type=kind, basearchonly=name in base_only or None)
    for name, required in group.conditional_package_names:
        add(packages, "packagereq", name, type="conditional", requires=required, basearchonly=name in base_only or None)


def _add_heading(comps: Element, kind: str, unit: PackageCategory | PackageEnvironment) -> Element:
    element = add(comps, kind)
    add(element, "id", unit.id)
    add_translated(element, "name", unit.name, unit.translated_name)
    add_translated(element, "description", unit.description, unit.translated_description)
    if unit.display_order is not None:
        add(element, "display_order", unit.display_order)
    return element


def _add_ids(parent: Element, kind: str, group_ids: list[str]) -> None:
    listed = add(parent, kind)
    for group_id in group_ids:
        add(listed, "groupid", group_id)


def _place(unit: PackageGroup | PackageCategory | PackageEnvironment) -> tuple[str, str]:
    return unit.id, unit.repo_id
