"""The yum_importer: what a yum repository offers, read piece by piece.

The walk of a sync: `feed` -> treeinfo -> unchanged? -> the files of one generation -> modules, packages, advisories, groups,
deltas, the tree, and what nobody knows. Copies: `copying`. Uploads: `uploads`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from entrepot.plugin import Importer, ImporterConfig, PluginError, RefusedConfiguration, TextList, Unit
from entrepot.plugin.openpgp import Keyring
from entrepot_rpm import copying, uploads
from entrepot_rpm.compressed import whole
from entrepot_rpm.comps import read_comps
from entrepot_rpm.deltas import read_deltas
from entrepot_rpm.feed import fetch_generation, find_source
from entrepot_rpm.modules import nevra_of, read_modules
from entrepot_rpm.package_texts import KINDS, PackageFiles
from entrepot_rpm.packages import read_packages
from entrepot_rpm.signatures import Rules, signed
from entrepot_rpm.treeinfo import find_treeinfo, read_treeinfo
from entrepot_rpm.units import UNIT_TYPES, Distribution, Drpm, Erratum, Modulemd, PackageGroup, Rpm, Srpm, YumMetadataFile
from entrepot_rpm.updateinfo import read_errata, united

if TYPE_CHECKING:
    from entrepot.plugin import JSON, CopyConduit, FetchedFile, ImportConduit, SyncConduit
    from entrepot_rpm.feed import Generation, Record, Source

#: What is made of the files of `repomd.xml`, and the unit type whose skipping makes them unnecessary.
_KNOWN = {
    "modules": Modulemd.type_id,
    "updateinfo": Erratum.type_id,
    "group": PackageGroup.type_id,
    "prestodelta": Drpm.type_id,
}
#: The same again in another form (databases, other compressions, zchunk): not needed, and made anew when published.
_REPEATED = re.compile(
    r"(primary|filelists|filelists[-_]ext|other|updateinfo|group|modules|prestodelta|deltainfo)_?(db|zck|gz|xz|zst|bz2)?"
)


def _key_ids(keys: list[str]) -> list[str]:
    wrong = [key for key in keys if not re.fullmatch(r"[0-9a-fA-F]{8}", key)]
    if wrong:
        raise ValueError(f"must be the last 8 hex digits of key ids, which {wrong[0]!r} is not")
    return [key.lower() for key in keys]


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class YumConfig(ImporterConfig):
    """The keys of a yum repository, beside those of all importers. Source: Pulp 2, pulp_rpm, yum importer."""

    checksum_type: Literal["sha", "sha1", "sha224", "sha256", "sha384", "sha512"] | None = Field(
        None, description="Checksum that uploaded packages are told by; SHA-256 by default. Feeds have their own."
    )
    require_signature: bool = Field(default=False, description="Let signed packages in only.")
    allowed_keys: Annotated[TextList, AfterValidator(_key_ids)] = Field(
        [], description="Keys that packages may be signed by: the last 8 hex digits of each id; any by default."
    )
    gpg_keys: Annotated[list[str], BeforeValidator(_as_list)] = Field(
        [], description="Public keys, armored; with one, repomd.xml must be signed by it."
    )
    copy_children: bool = Field(default=True, description="Copies: bring what groups, advisories and modules list.")
    recursive: bool = Field(default=False, description="Copies: bring what packages require, too.")
    recursive_conservative: bool = Field(default=False, description="The same, but only what the repository does not have.")
    additional_repos: dict[str, Any] = Field({}, description="Not supported: leave it empty.")

    @model_validator(mode="before")
    @classmethod
    def _skip_is_an_alias(cls, values: Any) -> Any:  # noqa: ANN401 - as pydantic gives it
        """Take `skip`, as Pulp's documentation calls it, for `type_skip_list`."""
        if isinstance(values, Mapping) and "skip" in values:
            return {"type_skip_list": values["skip"], **{key: value for key, value in values.items() if key != "skip"}}
        return values


class YumImporter(Importer):
    """Import a yum repository."""

    display_name = "Yum Importer"  # as in Pulp 2
    unit_types = UNIT_TYPES
    can_defer = True
    Config = YumConfig

    def check(self, config: YumConfig) -> None:
        """Refuse rules about signatures where packages are not looked into, and keys that are none."""
        problems = {}
        if Rules.of(config) and config.download_policy != "immediate":
            name = "require_signature" if config.require_signature else "allowed_keys"
            problems[name] = "needs the download policy immediate, for only a package that is here shows who signed it"
        if config.additional_repos:
            problems["additional_repos"] = "is not supported; copy from each repository by itself"
        try:
            _keyring(config)
        except PluginError as error:
            problems["gpg_keys"] = error.message
        if problems:
            raise RefusedConfiguration(self.type_id, problems)

    def sync(self, ctx: SyncConduit) -> Iterator[Unit]:
        """Yield what the feed offers.

        Raises:
            PluginError: the feed is no yum repository, is damaged, or is not signed as it should be.

        """
        config: YumConfig = ctx.config
        keyring = _keyring(config)
        token = config.query_auth_token.get_secret_value() if config.query_auth_token is not None else None
        skipped = frozenset(config.type_skip_list)
        source, generation = find_source(ctx, keyring, token)
        treeinfo = find_treeinfo(ctx, source) if Distribution.type_id not in skipped else None
        if ctx.unchanged(":".join((generation.sha256, treeinfo.fetched.sha256 if treeinfo else ""))):
            return
        generation, files = fetch_generation(ctx, source, generation, lambda kind: _is_wanted(kind, skipped), keyring)
        yield from _read(ctx, source, generation, files)
        tree = read_treeinfo(treeinfo, source) if treeinfo is not None else None
        if tree is not None:
            yield tree

    def copies_as_they_are(self, config: YumConfig) -> tuple[type[Unit], ...]:
        """Return what needs no look: all but what names its repository, and what may bring other units."""
        return copying.copied_as_they_are(config)

    def copy(self, ctx: CopyConduit, units: Iterable[Unit]) -> Iterable[Unit]:
        """Yield the units, with what they list and require if that is asked for; see `copying`."""
        return copying.copied(ctx, units)

    def upload(
        self,
        ctx: ImportConduit,
        unit_type: type[Unit],
        upload: FetchedFile,
        key: Mapping[str, JSON],
        metadata: Mapping[str, JSON],
    ) -> Iterable[Unit]:
        """Yield what an upload makes; see `uploads`."""
        return uploads.uploaded(ctx, unit_type, upload, key, metadata)


def _keyring(config: YumConfig) -> Keyring | None:
    return Keyring.load(*config.gpg_keys) if config.gpg_keys else None


def _is_wanted(kind: str, skipped: frozenset[str]) -> bool:
    if kind in KINDS:
        return not {Rpm.type_id, Srpm.type_id} <= skipped
    if kind in _KNOWN:
        return _KNOWN[kind] not in skipped
    return YumMetadataFile.type_id not in skipped and not _REPEATED.fullmatch(kind)


def _read(ctx: SyncConduit, source: Source, generation: Generation, files: dict[str, FetchedFile]) -> Iterator[Unit]:
    """Yield what the files of a generation say; those of packages are the last, for modules say which are modular."""
    modular = set[tuple[str, ...]]()
    for kind, fetched in files.items():
        if kind in KINDS:
            continue
        for unit in _READERS.get(kind, _unknown)(ctx, source, generation.records[kind], fetched):
            if isinstance(unit, Modulemd):
                modular.update(map(nevra_of, unit.artifacts))
            yield unit
    if "primary" in files:
        packages = read_packages(ctx, PackageFiles(files, generation.records, source, frozenset(modular)))
        rules = Rules.of(ctx.config)
        yield from signed(ctx, packages, rules) if rules else packages


def _modules(ctx: SyncConduit, _source: Source, record: Record, fetched: FetchedFile) -> Iterable[Unit]:
    text = whole(fetched.path, record.filename, size=record.open_size)
    return _last_of_each(read_modules(text, record.filename, ctx.repository_id))


def _comps(ctx: SyncConduit, _source: Source, record: Record, fetched: FetchedFile) -> Iterable[Unit]:
    text = whole(fetched.path, record.filename, size=record.open_size)
    return _last_of_each(read_comps(text, record.filename, ctx.repository_id))


def _errata(ctx: SyncConduit, _source: Source, record: Record, fetched: FetchedFile) -> Iterable[Unit]:
    return united(ctx, read_errata(fetched.path, record.filename, record.open_size))


def _deltas(ctx: SyncConduit, source: Source, record: Record, fetched: FetchedFile) -> Iterable[Unit]:
    if Rules.of(ctx.config).is_required:
        return ()  # nobody looks into a delta to see who signed it
    return read_deltas(ctx, fetched.path, record.filename, record.open_size, source)


def _unknown(ctx: SyncConduit, _source: Source, record: Record, fetched: FetchedFile) -> Iterable[Unit]:
    unit = YumMetadataFile(
        data_type=record.kind,
        repo_id=ctx.repository_id,
        filename=record.filename,
        checksumtype=record.checksum_type,
        checksum=record.checksum,
        size=fetched.size,
        open_checksum=record.open_checksum,
        open_size=record.open_size,
    )
    return (unit.hold(fetched, path=record.filename),)


_READERS = {"modules": _modules, "group": _comps, "updateinfo": _errata, "prestodelta": _deltas}


def _last_of_each(units: Iterable[Unit]) -> Iterable[Unit]:
    """Return the units, of those that are defined twice the last."""
    return {(unit.type_id, unit.key_values): unit for unit in units}.values()
