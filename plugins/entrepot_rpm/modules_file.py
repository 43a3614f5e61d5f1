"""modules.yaml: the modules, as their feed wrote them, with the defaults and what became obsolete."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from entrepot.plugin import PluginError, Unit
from entrepot_rpm.package_files import PACKAGE_TYPES
from entrepot_rpm.units import Modulemd, ModulemdDefaults, ModulemdObsoletes

if TYPE_CHECKING:
    from entrepot_rpm.repodata import Repodata
    from entrepot_rpm.selection import Selection

KIND = "modules"
_SOURCES = (".src", ".nosrc")  # modules list their sources, which most repositories leave to another one


def publish_modules(selection: Selection, repodata: Repodata, touched: frozenset[str] | None) -> None:
    """Publish the modules; one that lists packages, of which the repository holds none, is left out.

    `touched`: the packages that came or left, as modules list them; None: all of them.
    """
    modules = list(selection.units(Modulemd))
    if touched is not None and not selection.is_touched(Modulemd, ModulemdDefaults, ModulemdObsoletes):
        listed = {artifact for module in modules for artifact in module.artifacts} if touched else set[str]()
        if touched.isdisjoint(map(_normal, listed)):
            repodata.keep_if_there(KIND)
            return
    held = _held(selection, modules)
    offered = {module.uid for module in modules if _is_offered(module, held)}
    texts = [_text(module) for module in sorted(selection.units(Modulemd, documents=True), key=_place) if module.uid in offered]
    defaults = sorted(selection.units(ModulemdDefaults, documents=True), key=lambda unit: (unit.name, unit.repo_id))
    obsoletes = sorted(selection.units(ModulemdObsoletes, documents=True), key=lambda unit: unit.key_values)
    texts += map(_text, (*defaults, *obsoletes))
    if texts:
        repodata.write(KIND, "modules.yaml", b"".join(texts))


def _held(selection: Selection, modules: Iterable[Modulemd]) -> frozenset[str]:
    """Return which packages the repository holds, of those with the names that modules list."""
    names = sorted({artifact.rsplit("-", 2)[0] for module in modules for artifact in module.artifacts})
    if not names:
        return frozenset()
    return frozenset(unit.nevra for each in PACKAGE_TYPES for unit in selection.units(each, names=names))


def _is_offered(module: Modulemd, held: frozenset[str]) -> bool:
    packages = [artifact for artifact in module.artifacts if not artifact.endswith(_SOURCES)]
    return not packages or not held.isdisjoint(map(_normal, packages))


def _normal(artifact: str) -> str:
    """Return a package as modules list it, with the epoch that some leave out."""
    name, _, rest = artifact.rpartition("-")
    name, _, version = name.rpartition("-")
    return artifact if ":" in version else f"{name}-0:{version}-{rest}"


def _place(module: Modulemd) -> tuple[str, str, int, str, str]:
    return module.name, module.stream, module.version, module.context, module.arch


def _text(unit: Unit) -> bytes:
    """Return a document of YAML, with the line before it that tells it from the one above."""
    if unit.document is None:
        msg = f"the module document of {unit.name_value!r} is missing; sync its repository again with force_full"
        raise PluginError(msg, unit=unit.name_value or "")
    text = unit.document if unit.document.startswith(b"---") else b"---\n" + unit.document
    return text if text.endswith(b"\n") else text + b"\n"
