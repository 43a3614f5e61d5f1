"""A Release file: what a feed offers, read from text that is verified first.

Where keys are given, only the signed text counts: `InRelease`, else `Release` with `Release.gpg`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from entrepot.plugin import FetchedFile, PluginError, path_problem
from entrepot.plugin.openpgp import Keyring, verify_clear_signed, verify_detached
from entrepot_deb.indexes import PACKINGS

if TYPE_CHECKING:
    from entrepot.plugin import SyncConduit

LARGEST_RELEASE = 64 << 20  # bytes; that of Debian unstable has 2 MB
#: The fields that list files, the best first: field -> algorithm.
_LISTS = {"sha256": "sha256", "sha512": "sha512", "sha1": "sha1", "md5sum": "md5"}
_BY_HASH = {"sha256": "SHA256", "sha512": "SHA512", "sha1": "SHA1", "md5": "MD5Sum"}  # folder of each algorithm
_DIGITS = {"sha256": 64, "sha512": 128, "sha1": 40, "md5": 32}  # hex digits of each algorithm
_HEX = re.compile(r"[0-9a-fA-F]+")
_SIZE = re.compile(r"[0-9]{1,18}")
_CLEAR_HEAD = b"-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE_HEAD = b"-----BEGIN PGP SIGNATURE-----"


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file that a Release file lists; `path` is below the folder of that file."""

    path: str
    size: int  # bytes
    algorithm: str
    digest: str

    @property
    def by_hash(self) -> str:
        """Where the same bytes lie under their digest."""
        folder = self.path.rpartition("/")[0]
        return f"{folder}{'/' if folder else ''}by-hash/{_BY_HASH[self.algorithm]}/{self.digest}"


@dataclass(frozen=True, slots=True)
class Release:
    """What a Release file says."""

    fields: Mapping[str, str] = field(default_factory=dict)  # by name in lower case, without the lists of files
    files: Mapping[str, ListedFile] = field(default_factory=dict)  # the indexes of packages, by path

    def words(self, name: str) -> list[str]:
        """Return the words of a field, none if it is not there."""
        return self.fields.get(name, "").split()

    @property
    def has_by_hash(self) -> bool:
        """Whether files may be asked for by their digests."""
        return self.fields.get("acquire-by-hash", "").lower() == "yes"


def fetch_release(ctx: SyncConduit, base: str, keyring: Keyring | None) -> Release | None:
    """Return what the Release file in the folder `base` says, or None if there is none; it is verified if there is a keyring.

    Raises:
        PluginError: it is not signed by a key of the keyring, has expired, or is no Release file.
        FetchError: it could not be had.

    """
    name = f"{base}InRelease"
    inline = ctx.find(name)
    if inline is not None:
        framed = _content(inline, name)
        with _trusting(name):
            text = _unframed(framed) if keyring is None else verify_clear_signed(framed, keyring)
        return _current(ctx, parse_release(text, name), name)
    name = f"{base}Release"
    plain = ctx.find(name)
    if plain is None:
        return None
    text = _content(plain, name)
    if keyring is not None:
        signature = ctx.find(f"{name}.gpg")
        if signature is None:
            raise PluginError(f"{name} is not signed: there is neither InRelease nor Release.gpg, and a signature is required.")
        with _trusting(name):
            verify_detached(text, _content(signature, f"{name}.gpg"), keyring)
    return _current(ctx, parse_release(text, name), name)


def parse_release(text: bytes, name: str) -> Release:
    """Return what the text of a Release file says; `name` is for messages.

    Raises:
        PluginError: it is no Release file.

    """
    fields: dict[str, str] = {}
    listed: dict[str, dict[str, ListedFile]] = {}
    current = ""
    for line in text.decode(errors="replace").splitlines():
        if not line.strip():
            continue
        if line[0] in " \t":
            if current in _LISTS:
                _take_file(listed.setdefault(current, {}), _LISTS[current], line, name)
            elif current:
                fields[current] += "\n" + line.strip()
            continue
        current, colon, value = line.partition(":")
        current = current.strip().lower()
        if not colon or not current or " " in current:
            raise PluginError(f"{name} is no Release file: it has the line {line[:60]!r}. Does the feed's address lead to it?")
        if current not in _LISTS:
            fields[current] = value.strip()
    if not fields and not listed:
        raise PluginError(f"{name} is empty.")
    files = next((listed[algorithm] for algorithm in _LISTS if algorithm in listed), {})
    return Release(fields, files)


def _current(ctx: SyncConduit, release: Release, name: str) -> Release:
    """Return the release, unless it says that it has expired: whoever hands out old ones keeps updates from those behind."""
    given = release.fields.get("valid-until")
    if given is None or not ctx.config.check_valid_until:
        return release
    try:
        until = parsedate_to_datetime(given)
    except ValueError as error:
        raise PluginError(f"{name} says that it is valid until {given[:60]!r}, which is no date.") from error
    if until.replace(tzinfo=until.tzinfo or UTC) < ctx.now:
        raise PluginError(
            f"{name} has expired: it was valid until {given[:60]}. The feed is behind, or somebody hands out an old one. "
            "If it is an archive, set check_valid_until to false."
        )
    return release


def _take_file(files: dict[str, ListedFile], algorithm: str, line: str, name: str) -> None:
    """Note a file of the list if it is an index of packages."""
    parts = line.split()
    if len(parts) != 3:  # noqa: PLR2004 - digest, size, path
        raise PluginError(f"{name} lists a file by {line.strip()[:60]!r}; expected: digest size path.")
    digest, size, path = parts
    file_name = path.rpartition("/")[2]
    if file_name not in _INDEX_NAMES:
        return
    if not _SIZE.fullmatch(size):
        raise PluginError(f"{name} says that {path[:60]!r} has a size of {size[:30]!r}, which is no number of bytes.")
    if len(digest) != _DIGITS[algorithm] or not _HEX.fullmatch(digest):
        raise PluginError(f"{name} says that {path[:60]!r} has the {algorithm} {digest[:30]!r}, which is none.")
    if path_problem(path):
        raise PluginError(f"{name} lists {path[:60]!r}: that {path_problem(path)}.")
    files[path] = ListedFile(path, int(size), algorithm, digest.lower())


_INDEX_NAMES = frozenset("Packages" + packing for packing in PACKINGS)


def _content(file: FetchedFile, name: str) -> bytes:
    if file.size > LARGEST_RELEASE:
        raise PluginError(f"{name} has {file.size} bytes: that is no Release file.")
    return file.path.read_bytes()


@contextmanager
def _trusting(name: str) -> Iterator[None]:
    """Say of which file it is when a signature is not what it should be."""
    try:
        yield
    except PluginError as error:
        raise PluginError(f"{name} is not trusted: {error}") from error


def _unframed(text: bytes) -> bytes:
    """Return what stands inside the frame of a clear-signed text, whoever signed it."""
    lines = text.replace(b"\r\n", b"\n").split(b"\n")
    if lines[0] != _CLEAR_HEAD or _SIGNATURE_HEAD not in lines or b"" not in lines:
        raise PluginError("it is not framed by an OpenPGP signature.")
    inside = lines[lines.index(b"") + 1 : lines.index(_SIGNATURE_HEAD)]
    return b"\n".join(line.removeprefix(b"- ") for line in inside)
