"""Real .deb packages and feeds of them, made by the standard library alone.

`dpkg-deb` and apt take what is made here. The same arguments give the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import shutil
import tarfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import zstandard

from entrepot.plugin.openpgp import SigningKey

PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


class Deb(NamedTuple):
    """A package: its bytes, and what its control file says."""

    data: bytes
    control: Mapping[str, str]

    @property
    def filename(self) -> str:
        version = self.control["Version"].rpartition(":")[2]
        return f"{self.control['Package']}_{version}_{self.control['Architecture']}.deb"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def stanza(self, path: str, **changes: str | None) -> str:
        """Return its paragraph of a Packages file; `changes` replace fields, None leaves one out."""
        fields: dict[str, str | None] = {
            **self.control,
            "Filename": path,
            "Size": str(len(self.data)),
            "MD5sum": hashlib.md5(self.data, usedforsecurity=False).hexdigest(),
            "SHA256": self.sha256,
            **changes,
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items() if value is not None)


def build_deb(
    name: str,
    version: str = "1.0",
    architecture: str = "all",
    *,
    files: Mapping[str, bytes] | None = None,
    packing: str = ".gz",
    control_text: bytes | None = None,
    **fields: str,
) -> Deb:
    """Return a package that installs `files` (absolute paths) and says `fields` of itself, `Pre_Depends` for Pre-Depends."""
    files = files if files is not None else {f"/usr/share/{name}/version": f"{version}\n".encode()}
    control = {
        "Package": name,
        "Version": version,
        "Architecture": architecture,
        "Maintainer": "Keeper <keeper@example.test>",
        **{key.replace("_", "-"): value for key, value in fields.items()},
    }
    control.setdefault("Description", f"{name}, an animal\n It is kept for tests.")
    text = control_text if control_text is not None else "".join(f"{k}: {v}\n" for k, v in control.items()).encode()
    pack = PACKERS[packing]
    members = (
        ("debian-binary", b"2.0\n"),
        (f"control.tar{packing}", pack(_tar({"/control": text}))),
        (f"data.tar{packing}", pack(_tar(files))),
    )
    return Deb(b"!<arch>\n" + b"".join(_ar_member(*member) for member in members), control)


class DebFeed:
    """A feed in a folder: what is put into it is offered once it is written."""

    def __init__(self, folder: Path, *, key: SigningKey | None = None) -> None:
        """Begin an empty feed that is signed by `key`."""
        self.folder = folder
        self.key = key
        self.packings: tuple[str, ...] = ("", ".gz", ".xz", ".zst")
        self.by_hash = True
        self.release_fields: dict[str, str] = {"Origin": "Zoo", "Label": "Zoo", "Date": "Sat, 01 Aug 2026 10:00:00 UTC"}
        self.stanzas: dict[str, dict[str, dict[str, list[str]]]] = {}  # release -> component -> architecture -> paragraphs

    def put(self, deb: Deb, release: str = "stable", component: str = "main", path: str = "", **changes: str | None) -> str:
        """Offer `deb` in a release (flat if its name ends with a slash); return where it lies."""
        path = path or f"pool/{component}/{deb.filename}"
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(deb.data)
        architecture = deb.control["Architecture"]
        self.add_stanza(deb.stanza(path, **changes), release, component, architecture)
        return path

    def add_stanza(self, stanza: str, release: str = "stable", component: str = "main", architecture: str = "all") -> None:
        """Offer a paragraph as it is."""
        components = self.stanzas.setdefault(release, {})
        components.setdefault(component, {}).setdefault(architecture, []).append(stanza)

    def write(self) -> Path:
        """Write the indexes of all releases anew, sign them, and return the folder."""
        shutil.rmtree(self.folder / "dists", ignore_errors=True)
        for release, components in self.stanzas.items():
            flat = release.endswith("/")
            base = self.folder / ("" if release == "./" else release) if flat else self.folder / "dists" / release
            self._write_release(base, release, dict(self._indexes(components, is_flat=flat)))
        return self.folder

    def _indexes(self, components: dict[str, dict[str, list[str]]], *, is_flat: bool) -> Iterable[tuple[str, bytes]]:
        """Yield path and text of each Packages file."""
        if is_flat:
            yield "Packages", "\n".join(text for by in components.values() for each in by.values() for text in each).encode()
            return
        architectures = {name for by in components.values() for name in by} - {"all"} or {"amd64"}
        for component, by in components.items():
            for architecture in sorted(architectures):
                texts = by.get(architecture, []) + by.get("all", [])
                yield f"{component}/binary-{architecture}/Packages", "\n".join(texts).encode(errors="surrogateescape")

    def _write_release(self, base: Path, release: str, indexes: dict[str, bytes]) -> None:
        files = {path + packing: PACKERS[packing](text) for path, text in indexes.items() for packing in self.packings}
        listed = files | indexes  # the plain text is listed whether it is there or not
        for path, data in files.items():
            _write(base / path, data)
            if self.by_hash:
                _write(base / Path(path).parent / "by-hash" / "SHA256" / hashlib.sha256(data).hexdigest(), data)
        fields = {"Suite": release.rstrip("/"), "Codename": release.rstrip("/"), **self.release_fields}
        if not release.endswith("/"):
            fields["Components"] = " ".join(dict.fromkeys(path.partition("/binary-")[0] for path in indexes))
            fields["Architectures"] = " ".join(sorted({path.split("binary-")[1].partition("/")[0] for path in indexes}))
        if self.by_hash:
            fields["Acquire-By-Hash"] = "yes"
        text = "".join(f"{name}: {value}\n" for name, value in fields.items())
        text += "SHA256:\n" + "".join(
            f" {hashlib.sha256(data).hexdigest()} {len(data)} {path}\n" for path, data in sorted(listed.items())
        )
        self.sign(base, text.encode())

    def sign(self, base: Path, text: bytes) -> None:
        """Write a Release file, and its signatures if there is a key."""
        _write(base / "Release", text)
        if self.key is not None:
            _write(base / "Release.gpg", self.key.sign_detached(text))
            _write(base / "InRelease", self.key.clear_sign(text))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _ar_member(name: str, data: bytes) -> bytes:
    head = f"{name:<16}{0:<12}{0:<6}{0:<6}{0o100644:<8o}{len(data):<10}`\n".encode()
    return head + data + b"\n" * (len(data) % 2)


def _tar(files: Mapping[str, bytes]) -> bytes:
    """Return an archive with the folders before the files in them: dpkg makes none that is not named."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT) as archive:
        folders = {parent for path in files for parent in Path(path).parents}
        for folder in sorted(folders, key=str):
            entry = tarfile.TarInfo("." + str(folder).rstrip("/") + "/")
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for path, data in files.items():
            entry = tarfile.TarInfo("." + path)
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return target.getvalue()
