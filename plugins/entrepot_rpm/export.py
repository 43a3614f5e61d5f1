"""The export_distributor: a repository, or what came to it in some time, to be carried elsewhere.

The same tree as that of the yum_distributor. On request also as tar archives of a given size, below `images/`, and with a
`PULP_MANIFEST` of all files, so that an iso_importer can fetch them.
"""

from __future__ import annotations

import csv
import io
import json
import math
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from entrepot.plugin import Distributor, PublishConduit, RefusedConfiguration, Unit, WholeNumber, path_problem
from entrepot_rpm.other_files import delta_path
from entrepot_rpm.package_files import PACKAGE_TYPES
from entrepot_rpm.recorded import RecordedPublication, sha256_of
from entrepot_rpm.repodata import REPOMD, read_repomd
from entrepot_rpm.selection import Selection
from entrepot_rpm.snippets import location_of
from entrepot_rpm.tree import TreeConfig, publish_tree
from entrepot_rpm.units import UNIT_TYPES, Distribution, Drpm, Erratum, Package

if TYPE_CHECKING:
    from entrepot.plugin import Draft

MANIFEST = "PULP_MANIFEST"
IMAGES = "images"
_MEGABYTE = 2**20
_BLOCK = 512  # bytes of a tar archive: what a head takes, and what a file is filled up to
_ERRATA = "errata"


def _moment(text: str) -> str:
    """Check that a date is one; it stays as it was written."""
    read_moment(text)
    return text


class ExportDistributorConfig(TreeConfig):
    """The keys of the export_distributor."""

    start_date: Annotated[str, AfterValidator(_moment)] | None = Field(None, description="Leave out what is older: ISO 8601.")
    end_date: Annotated[str, AfterValidator(_moment)] | None = Field(None, description="Leave out what is newer: ISO 8601.")
    incremental_export_repomd: bool = Field(
        default=False, description="With dates: write repodata, rather than each unit as JSON beside its file."
    )
    manifest: bool = Field(default=False, description="Write a PULP_MANIFEST of all files.")
    image_format: Literal["none", "tar"] = Field("none", description="Pack the tree, too, as archives below images/.")
    iso_prefix: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]+\z", description="What the names of images begin with.")
    iso_size: WholeNumber = Field(4380, ge=1, description="Size of an image, in units of 2**20 bytes.")  # fits a DVD
    export_dir: str | None = Field(None, description="Not supported: what is exported is served, not put into a folder.")


class ExportDistributor(Distributor):
    """Publish a yum repository to be carried elsewhere."""

    display_name = "Export Distributor"  # as in Pulp 2
    unit_types = UNIT_TYPES
    Config = ExportDistributorConfig

    def check(self, config: ExportDistributorConfig) -> None:
        """Refuse a folder, and dates that no unit lies between."""
        problems = dict[str, str]()
        if config.export_dir is not None:
            problems["export_dir"] = "is not supported: what is exported is served below relative_url; fetch it from there"
        start, end = read_moment(config.start_date), read_moment(config.end_date)
        if start is not None and end is not None and start > end:
            problems["end_date"] = "lies before start_date"
        if problems:
            raise RefusedConfiguration(self.type_id or type(self).__name__, problems)

    def publish(self, pub: PublishConduit) -> None:
        """Lay out the tree, pack it and list it as the configuration asks.

        Raises:
            PluginError: bytes are needed, for an image or a checksum, and are not here.

        """
        config: ExportDistributorConfig = pub.config
        is_part = config.start_date is not None or config.end_date is not None
        has_documents = is_part and not config.incremental_export_repomd
        wanted = _within(config) if is_part else None
        if not (config.manifest or config.image_format != "none" or has_documents):
            publish_tree(Selection(pub, skip=config.skip, wanted=wanted), config)
            return
        _empty(pub)
        with RecordedPublication(pub) as recorded:
            selection = Selection(recorded, skip=config.skip, wanted=wanted)
            if has_documents:
                _publish_documents(selection)
            else:
                publish_tree(selection, config)
            images = dict[str, tuple[str, int]]()
            if config.image_format == "tar":
                images = _pack(recorded, pub, config)
            if config.manifest:
                pub.write(MANIFEST, _manifest({path: _described(recorded, path) for path in recorded.paths} | images))


def read_moment(text: str | None) -> datetime | None:
    """Return an aware date; without a zone it is UTC. None for None.

    Raises:
        ValueError: the text is no date of ISO 8601.

    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("is no date of ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00Z") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _within(config: ExportDistributorConfig) -> Callable[[Unit], bool]:
    """Return what says whether a unit is of the time that is exported; one that has no date always is."""
    start, end = read_moment(config.start_date), read_moment(config.end_date)
    first = start.timestamp() if start is not None else -math.inf
    last = end.timestamp() if end is not None else math.inf

    def wanted(unit: Unit) -> bool:
        moment = _moment_of(unit)
        return moment is None or first <= moment <= last

    return wanted


def _moment_of(unit: Unit) -> float | None:
    """Return when a unit was made, in seconds since 1970; None if it does not say."""
    if isinstance(unit, Package):
        return unit.time
    if isinstance(unit, Erratum):
        for text in (unit.updated, unit.issued):
            try:
                moment = read_moment(text.removesuffix(" UTC") if text else None)
            except ValueError:
                continue  # feeds write dates in many ways
            if moment is not None:
                return moment.timestamp()
    return None


def _empty(pub: PublishConduit) -> None:
    """Take out what the previous publication had, for all of it is published anew."""
    if not pub.incremental:
        return
    for each in PACKAGE_TYPES:
        for package in pub.removed(each):
            pub.remove(location_of(package.filename))
            pub.remove(f"{location_of(package.filename)}.json")
    for drpm in pub.removed(Drpm):
        pub.remove(delta_path(drpm))
    for distribution in pub.removed(Distribution):
        for path in distribution.stored_files:
            pub.remove(path)
    for erratum in pub.removed(Erratum):
        pub.remove(_document_path(erratum))
    for record in read_repomd(pub.read(REPOMD) or b"").values():
        pub.remove(record.href)
    for name, *_ in csv.reader((pub.read(f"{IMAGES}/{MANIFEST}") or b"").decode().splitlines()):
        pub.remove(f"{IMAGES}/{name}")


def _publish_documents(selection: Selection) -> None:
    """Publish packages with what is known of each as JSON beside it, and advisories as JSON."""
    pub = selection.pub
    for each in PACKAGE_TYPES:
        for package in selection.units(each):
            path = location_of(package.filename)
            pub.add(path, package, package.filename)
            pub.write(f"{path}.json", _document(package))
    for drpm in selection.units(Drpm):
        pub.add(delta_path(drpm), drpm)
    for erratum in selection.units(Erratum):
        pub.write(_document_path(erratum), _document(erratum))


def _document(unit: Unit) -> bytes:
    """Return a unit as Pulp 2 exports it: its key, and all the rest."""
    fields: dict[str, Any] = unit.model_dump(mode="json")
    key = {name: fields.pop(name) for name in unit.unit_key}
    return json.dumps({"unit_key": key, "unit_metadata": fields}, sort_keys=True, indent=1).encode() + b"\n"


def _document_path(erratum: Erratum) -> str:
    path = f"{_ERRATA}/{erratum.id}.json"
    return f"{_ERRATA}/{erratum.uid}.json" if "/" in erratum.id or path_problem(path) else path


def _pack(recorded: RecordedPublication, pub: PublishConduit, config: ExportDistributorConfig) -> dict[str, tuple[str, int]]:
    """Publish the tree as archives, and a manifest of these; return path -> SHA-256 and size."""
    limit = config.iso_size * _MEGABYTE
    prefix = f"{config.iso_prefix or pub.repository_id}-{pub.date:%Y-%m-%dT%H.%M}"
    image: _Image | None = None
    images = list[_Image]()
    for path in recorded.paths:
        data = recorded.content(path)
        if image is None or not image.has_room(len(data), limit):
            if image is not None:
                image.close()
            image = _Image(pub.draft(), f"{IMAGES}/{prefix}-{len(images) + 1:02}.tar")
            images.append(image)
        image.add(path, data, int(pub.date.timestamp()))
        pub.checkpoint()
    if image is not None:
        image.close()
    described = dict[str, tuple[str, int]]()
    for each in images:
        described[each.path] = each.draft.finish()
        pub.put(each.path, each.draft)
    names = {path.rpartition("/")[2]: value for path, value in described.items()}
    pub.write(f"{IMAGES}/{MANIFEST}", _manifest(names))
    return described


class _Image:
    """One archive under way; no owner and no time of today is in it."""

    def __init__(self, draft: Draft, path: str) -> None:
        self.draft = draft
        self.path = path
        self._size = tarfile.RECORDSIZE
        self._tar = tarfile.open(mode="w|", fileobj=_Stream(draft), format=tarfile.PAX_FORMAT)  # type: ignore[call-overload]  # noqa: SIM115 - `close` closes it; a stream is only written to

    def has_room(self, size: int, limit: int) -> bool:
        """Say whether a file fits; the first one always does."""
        return self._size == tarfile.RECORDSIZE or self._size + _space(size) <= limit

    def add(self, path: str, data: bytes, moment: int) -> None:
        """Append a file."""
        entry = tarfile.TarInfo(path)
        entry.size, entry.mtime, entry.mode = len(data), moment, 0o644
        self._tar.addfile(entry, io.BytesIO(data))
        self._size += _space(len(data))

    def close(self) -> None:
        """Write the end."""
        self._tar.close()


class _Stream:
    """What tarfile writes to."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def write(self, data: bytes) -> int:
        self._draft.write(data)
        return len(data)


def _space(size: int) -> int:
    """Return what a file takes in an archive: a head of two or three blocks if its name is long, and whole blocks."""
    return 4 * _BLOCK + -(-size // _BLOCK) * _BLOCK


def _described(recorded: RecordedPublication, path: str) -> tuple[str, int]:
    """Return SHA-256 and size; of packages that were told by it without reading them."""
    unit = recorded.unit_of(path)
    if isinstance(unit, Package | Drpm) and unit.checksumtype == "sha256":
        return unit.checksum, unit.size
    data = recorded.content(path)
    return sha256_of(data), len(data)


def _manifest(files: dict[str, tuple[str, int]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows((path, sha256, size) for path, (sha256, size) in sorted(files.items()))
    return text.getvalue().encode()
