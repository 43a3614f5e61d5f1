"""Makes units of uploads: packages by their headers, and by what the client says advisories, groups, modules and metadata."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import createrepo_c

from entrepot.plugin import JSON, FetchedFile, PluginError, Unit
from entrepot_rpm.compressed import whole
from entrepot_rpm.comps import read_comps
from entrepot_rpm.feed import digest_type
from entrepot_rpm.headers import signing_key
from entrepot_rpm.modules import module_unit, read_modules, written
from entrepot_rpm.packages import package_fields
from entrepot_rpm.signatures import Rules, check
from entrepot_rpm.snippets import location_of, pack
from entrepot_rpm.units import (
    Erratum,
    Modulemd,
    ModulemdDefaults,
    ModulemdObsoletes,
    PackageCategory,
    PackageEnvironment,
    PackageGroup,
    PackageLangpacks,
    Rpm,
    Srpm,
    YumMetadataFile,
)
from entrepot_rpm.updateinfo import read_errata, united

if TYPE_CHECKING:
    from entrepot.plugin import ImportConduit

Fields = Mapping[str, JSON]

_COMPS = (PackageGroup, PackageCategory, PackageEnvironment, PackageLangpacks)
_MODULES = {Modulemd: "modulemd", ModulemdDefaults: "modulemd-defaults", ModulemdObsoletes: "modulemd-obsoletes"}


def uploaded(ctx: ImportConduit, unit_type: type[Unit], upload: FetchedFile, key: Fields, metadata: Fields) -> Iterator[Unit]:
    """Yield the units that an upload makes in a repository.

    A package is what its header says; what the client says of it must agree. The others are made of what the client says,
    or of a file: updateinfo.xml, comps.xml, modules.yaml. Metadata of an unknown kind is the file itself.

    Raises:
        PluginError: it is not what it should be, or may not come in.

    """
    if unit_type in (Rpm, Srpm):
        yield _package(ctx, upload, key, metadata)
    elif unit_type is YumMetadataFile:
        yield _metadata_file(ctx, upload, key, metadata)
    elif unit_type is Erratum:
        yield from united(ctx, _errata(upload, {**metadata, **key}))
    elif unit_type in _COMPS:
        yield from _comps(ctx, unit_type, upload, {**metadata, **key})
    elif unit_type in _MODULES:
        yield from _modules(ctx, unit_type, upload, {**metadata, **key})
    else:
        raise PluginError(f"units of type {unit_type.type_id!r} come by a sync only; they cannot be uploaded.")


def _package(ctx: ImportConduit, upload: FetchedFile, key: Fields, metadata: Fields) -> Unit:
    if not upload.size:
        raise PluginError("the upload is empty; write the package to it first.")
    signed_by = signing_key(upload.path)
    wanted = metadata.get("checksum_type") or metadata.get("checksumtype") or key.get("checksumtype")
    kind = digest_type(str(wanted or ctx.config.checksum_type or "sha256"), "the upload")
    # createrepo_c wants the name that packages have, and reads no other checksum than what it was built with.
    with tempfile.TemporaryDirectory(dir=upload.path.parent) as folder:
        path = Path(folder, "upload.rpm")
        path.hardlink_to(upload.path)
        try:
            package = createrepo_c.package_from_rpm(str(path))
        except (OSError, createrepo_c.CreaterepoCError) as error:
            raise PluginError("the upload is no rpm package, or a damaged one.") from error
    checksum = upload.sha256 if kind == "sha256" else _digest(upload, kind)
    filename = str(metadata.get("filename") or f"{package.name}-{package.version}-{package.release}.{package.arch}.rpm")
    package.location_href, package.location_base = location_of(filename), None
    package.checksum_type, package.pkgId = kind, checksum
    fields = package_fields(package) | {"checksumtype": kind, "checksum": checksum, "filename": filename}
    unit_type = Srpm if package.arch == "src" else Rpm
    unit = unit_type.from_fields({**fields, "relativepath": filename, "signing_key": signed_by})
    _agree(unit, key)
    check(Rules.of(ctx.config), unit, signed_by)
    try:
        snippets = [text.encode() for text in createrepo_c.xml_dump(package)]
        return unit.with_document(pack(*snippets)).hold(upload, path=filename)
    except ValueError as error:
        raise PluginError(f"{error}.") from error


def _agree(unit: Rpm | Srpm, key: Fields) -> None:
    """Refuse a package that is not what the client says it is."""
    for name in unit.unit_key:
        said = key.get(name)
        is_same = name == "checksumtype" or said is None or str(said) == str(getattr(unit, name))
        if not is_same:
            raise PluginError(f"the package has the {name} {getattr(unit, name)!r}, and not {said!r} as its unit key says.")


def _metadata_file(ctx: ImportConduit, upload: FetchedFile, key: Fields, metadata: Fields) -> Unit:
    if not upload.size:
        raise PluginError("the upload is empty; write the file to it first.")
    _own(ctx, key)
    data_type = str(key.get("data_type") or metadata.get("data_type") or "")
    filename = str(metadata.get("filename") or data_type).rpartition("/")[2]
    unit = YumMetadataFile.from_fields(
        {
            "data_type": data_type,
            "repo_id": ctx.repository_id,
            "filename": filename,
            "checksumtype": "sha256",
            "checksum": upload.sha256,
            "size": upload.size,
        }
    )
    try:
        return unit.hold(upload, path=filename)
    except ValueError as error:
        raise PluginError(f"{error}.") from error


def _errata(upload: FetchedFile, fields: dict[str, JSON]) -> Iterator[Erratum]:
    if upload.size:
        yield from read_errata(upload.path, "the upload", None)
        return
    if "from" in fields or "from_str" in fields:
        fields["errata_from"] = fields.pop("from", None) or fields.pop("from_str", None)
    yield Erratum.from_fields(fields)


def _comps(ctx: ImportConduit, unit_type: type[Unit], upload: FetchedFile, fields: dict[str, JSON]) -> Iterator[Unit]:
    if upload.size:
        yield from read_comps(whole(upload.path, "the upload"), "the upload", ctx.repository_id)
        return
    _own(ctx, fields)
    yield unit_type.from_fields({**fields, "repo_id": ctx.repository_id})


def _modules(ctx: ImportConduit, unit_type: type[Unit], upload: FetchedFile, fields: dict[str, JSON]) -> Iterator[Unit]:
    if upload.size:
        yield from read_modules(whole(upload.path, "the upload"), "the upload", ctx.repository_id)
        return
    _own(ctx, fields)
    data: dict[str, Any] = {name: value for name, value in fields.items() if name not in ("repo_id", "checksum")}
    if unit_type is Modulemd:
        data = _module_data(data)
    else:
        data["module"] = data.pop("name", None)
    version = 2 if unit_type is Modulemd else 1
    document = written({"document": _MODULES[unit_type], "version": version, "data": data})
    unit = module_unit(document, "the module", ctx.repository_id)
    if unit is not None:
        yield unit


def _module_data(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the data of a module's document, of the fields that its unit has."""
    data = {name: fields.get(name) for name in ("name", "stream", "version", "context", "arch", "summary", "description")}
    data["license"] = {"module": ["Unspecified"]}
    data["dependencies"] = [{"requires": choice} for choice in fields.get("dependencies") or []]
    data["profiles"] = {name: {"rpms": packages} for name, packages in (fields.get("profiles") or {}).items()}
    data["artifacts"] = {"rpms": fields.get("artifacts") or []}
    return {name: value for name, value in data.items() if value}


def _own(ctx: ImportConduit, fields: Fields) -> None:
    """Refuse what is said to belong to another repository."""
    said = fields.get("repo_id")
    if said is not None and said != ctx.repository_id:
        raise PluginError(f"the unit key names the repository {said!r}, and the upload comes into {ctx.repository_id!r}.")


def _digest(upload: FetchedFile, kind: str) -> str:
    with upload.path.open("rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest()
