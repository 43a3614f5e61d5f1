"""Finds the `repomd.xml` of a feed, directly or by a list of mirrors, and fetches what it lists: all of one generation."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import createrepo_c
from defusedxml import DefusedXmlException, ElementTree

from entrepot.plugin import ChecksumDiffers, FetchAnswered, FetchedFile, FetchError, PluginError, SizeDiffers, path_problem
from entrepot.plugin.openpgp import Keyring, verify_detached

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from entrepot.plugin import SyncConduit

REPOMD = "repodata/repomd.xml"
DIGEST_TYPES = ("sha1", "sha224", "sha256", "sha384", "sha512")  # what a feed may promise its files by
MIRRORS_TRIED = 5  # of a list of mirrors, in its order
GENERATIONS_TRIED = 3  # how often `repomd.xml` is fetched anew because its files had changed meanwhile
LARGEST_LIST = 4 * 2**20  # bytes of `repomd.xml`, or of a list of mirrors
_GONE = (403, 404, 410)  # how servers say that a file is not there
_MIRROR_LIST = re.compile(r"(mirror-?list|metalink|mirrors)(\.\w+)?$", re.IGNORECASE)


class Record(NamedTuple):
    """A file that `repomd.xml` lists."""

    kind: str  # "primary", "updateinfo" …
    url: str  # an address, or a path below the repository
    filename: str
    checksum_type: str
    checksum: str
    size: int | None  # bytes; None where it is not said
    open_checksum: str | None
    open_size: int | None


@dataclass(frozen=True)
class Generation:
    """A `repomd.xml`, and what it lists."""

    sha256: str  # of `repomd.xml`
    records: dict[str, Record]
    revision: str | None


class Source:
    """Where the files of a repository are: below the feed, or below a mirror."""

    def __init__(self, feed: str, base: str | None, token: str | None) -> None:
        """Take the address of a mirror as `base`, None for the feed itself; `token` is for the feed's own server alone."""
        self._is_plain = base is None and token is None
        self._root = (base or feed).rstrip("/") + "/"
        self._origin = urlsplit(feed)[:2]
        self._token = token

    def url(self, path: str) -> str:
        """Return what the engine is to fetch for a path below the repository, or for an address."""
        if "://" not in path:
            if self._is_plain:
                return path
            path = self._root + quote(path, safe="/~+:@!$&'()*,;=")
        if self._token is None or urlsplit(path)[:2] != self._origin:
            return path
        return f"{path}{'&' if '?' in path else '?'}{self._token}"


def find_source(ctx: SyncConduit, keyring: Keyring | None, token: str | None) -> tuple[Source, Generation]:
    """Return where the repository is, and what its `repomd.xml` says; the feed may be a list of mirrors, or a metalink.

    Raises:
        FetchError: it could not be had.
        PluginError: there is none, it is not what it should be, or its signature is not by a key of `keyring`.

    """
    own = Source(ctx.feed, None, token)
    parts = urlsplit(ctx.feed)
    fetched = None
    if not (parts.query or _MIRROR_LIST.search(parts.path.rstrip("/"))):
        fetched = ctx.find(own.url(REPOMD))
    if fetched is not None:
        return own, read_generation(ctx, own, fetched, keyring)
    return _by_mirror(ctx, keyring, token)


def read_generation(ctx: SyncConduit, source: Source, fetched: FetchedFile, keyring: Keyring | None) -> Generation:
    """Return what a `repomd.xml` says; its signature is verified if there is a keyring.

    Raises:
        PluginError: it is not what it should be, or not signed by a key of `keyring`.

    """
    if fetched.size > LARGEST_LIST:
        raise PluginError(f"{REPOMD} has {fetched.size} bytes, which is too much for it. Nothing was changed.")
    if keyring is not None:
        signature = ctx.find(source.url(f"{REPOMD}.asc"))
        if signature is None:
            msg = f"the feed has no {REPOMD}.asc, so {REPOMD} cannot be verified; take gpg_keys back if it is not signed."
            raise PluginError(msg)
        if signature.size > LARGEST_LIST:
            raise PluginError(f"{REPOMD}.asc has {signature.size} bytes, which is too much for a signature.")
        verify_detached(fetched.path.read_bytes(), signature.path.read_bytes(), keyring)
    try:
        repomd = _parsed(fetched)
    except (createrepo_c.CreaterepoCError, UnicodeDecodeError) as error:
        raise PluginError(f"{REPOMD} is damaged or no such file: {_first_line(error)}. Nothing was changed.") from error
    records = {record.type: _record(record) for record in repomd.records}
    if "primary" not in records:
        msg = f"{REPOMD} lists no primary, so the feed is no yum repository, or its server answered with another page."
        raise PluginError(msg, feed=ctx.feed)
    return Generation(fetched.sha256, records, repomd.revision)


def fetch_generation(
    ctx: SyncConduit, source: Source, generation: Generation, wanted: Callable[[str], bool], keyring: Keyring | None
) -> tuple[Generation, dict[str, FetchedFile]]:
    """Fetch what `repomd.xml` lists, by kind, as far as it is `wanted`; begin anew when the feed changed meanwhile.

    Raises:
        FetchError: a file could not be had.
        PluginError: a file is not what `repomd.xml` promises, and that did not change.

    """
    for _ in range(GENERATIONS_TRIED):
        records = [record for kind, record in generation.records.items() if wanted(kind)]
        try:
            return generation, {record.kind: _fetch(ctx, source, record) for record in records}
        except (ChecksumDiffers, SizeDiffers, FetchAnswered) as error:
            if isinstance(error, FetchAnswered) and error.data.get("status") not in _GONE:
                raise
            failure = error
        again = ctx.fetch(source.url(REPOMD))
        if again.sha256 == generation.sha256:
            break
        generation = read_generation(ctx, source, again, keyring)
    msg = (
        f"the files of the feed are not those that its {REPOMD} lists: {failure.message} It is damaged, or is being changed "
        "just now; sync again in some minutes. Nothing was changed."
    )
    raise PluginError(msg, feed=ctx.feed) from failure


def digest_type(name: str, what: str) -> str:
    """Return the name of a checksum type as the engine has it.

    Raises:
        PluginError: it is unknown, or too weak to be trusted (md5).

    """
    plain = {"sha": "sha1"}.get(name.lower(), name.lower())
    if plain in DIGEST_TYPES:
        return plain
    why = "which is too weak to tell a file by" if plain == "md5" else "which is unknown here"
    raise PluginError(
        f"{what} has a checksum of type {name!r}, {why}; known are {', '.join(DIGEST_TYPES)}.", checksum_type=name
    )


def location(href: str, base: str | None, what: str) -> tuple[str, str]:
    """Return what to fetch for a location, an address or a plain path below the repository, and the file's name.

    Raises:
        PluginError: it leaves the repository, or is no address.

    """
    address = href if "://" in href else f"{base.rstrip('/')}/{href}" if base else None
    if address is not None:
        if urlsplit(address).scheme not in ("http", "https"):
            raise PluginError(f"the location {address!r} of {what} is no http or https address.")
        path = unquote(urlsplit(address).path).lstrip("/")
    else:
        path = unquote(href).removeprefix("./")
    problem = path_problem(path)
    if problem:
        raise PluginError(f"the location {href[:255]!r} of {what} {problem}.")
    return address or path, path.rpartition("/")[2]


def _fetch(ctx: SyncConduit, source: Source, record: Record) -> FetchedFile:
    return ctx.fetch(source.url(record.url), size=record.size, **{record.checksum_type: record.checksum})


def _parsed(fetched: FetchedFile) -> createrepo_c.Repomd:
    """Read a `repomd.xml` under its own name, by which createrepo_c tells what it is."""
    with tempfile.TemporaryDirectory(dir=fetched.path.parent) as folder:
        path = Path(folder, "repomd.xml")
        path.symlink_to(fetched.path.absolute())
        return createrepo_c.Repomd(str(path))


def _record(record: createrepo_c.RepomdRecord) -> Record:
    what = f"{record.type} in {REPOMD}"
    if not record.location_href or not record.checksum:
        raise PluginError(f"{what} has no location or no checksum. Nothing was changed.")
    url, filename = location(record.location_href, record.location_base, what)
    if record.size < 0 or record.size_open < -1:
        raise PluginError(f"{what} has a negative size. Nothing was changed.")
    kind = digest_type(record.checksum_type or "", what)
    if not re.fullmatch(r"[0-9a-fA-F]+", record.checksum) or len(record.checksum) != hashlib.new(kind).digest_size * 2:
        raise PluginError(f"{what}: {record.checksum[:80]!r} is no {kind}. Nothing was changed.")
    return Record(
        record.type,
        url,
        filename,
        kind,
        record.checksum.lower(),
        record.size or None,
        record.checksum_open or None,
        record.size_open if record.size_open > 0 else None,
    )


def _by_mirror(ctx: SyncConduit, keyring: Keyring | None, token: str | None) -> tuple[Source, Generation]:
    """Read the feed itself as a list of mirrors or as a metalink, and take the first that has what it should."""
    found = ctx.find(Source(ctx.feed, None, token).url(ctx.feed))
    if found is None:
        raise PluginError(f"the feed has no {REPOMD}, and is no list of mirrors either; check its address.", feed=ctx.feed)
    if found.size > LARGEST_LIST:
        raise PluginError(f"the feed has no {REPOMD}, and is too large to be a list of mirrors.", feed=ctx.feed)
    text = found.path.read_bytes()
    hashes, mirrors = _read_metalink(text) if b"<metalink" in text[:1000] else (None, list(_read_list(text)))
    if not mirrors:
        raise PluginError(f"the feed has no {REPOMD}, and lists no mirror either; check its address.", feed=ctx.feed)
    why = ""
    for mirror in mirrors[:MIRRORS_TRIED]:
        source = Source(ctx.feed, mirror, token)
        try:
            fetched = ctx.fetch(source.url(REPOMD))
        except FetchError as error:
            why = error.message
            continue
        if hashes is None or _is_among(fetched, hashes):
            return source, read_generation(ctx, source, fetched, keyring)
        why = f"the {REPOMD} of {mirror} is none of those that the metalink names."
    raise PluginError(f"none of the mirrors that the feed lists has a good {REPOMD}; the last one: {why}", feed=ctx.feed)


def _read_list(text: bytes) -> Iterator[str]:
    for line in text.decode(errors="replace").splitlines():
        address = line.strip()
        if address.startswith(("http://", "https://")):
            yield address


def _read_metalink(text: bytes) -> tuple[list[dict[str, str]], list[str]]:
    """Return the hashes of each `repomd.xml` that is good, and the mirrors, the preferred first.

    Source: Metalink 3.0, with the `mm0:alternates` of Fedora's MirrorManager.
    """
    try:
        root: Element = ElementTree.fromstring(text, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError) as error:
        raise PluginError(f"the feed's metalink cannot be read: {_first_line(error)}.") from error
    hashes: list[dict[str, str]] = []
    addresses: list[tuple[int, str]] = []
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        if name == "verification":
            hashes.append({str(part.get("type")): (part.text or "").strip().lower() for part in element})
        elif name == "url" and (element.text or "").strip().startswith(("http://", "https://")):
            preference = element.get("preference") or "0"
            addresses.append((-int(preference) if preference.isdecimal() else 0, (element.text or "").strip()))
    mirrors = [address.removesuffix(REPOMD) for _, address in sorted(addresses, key=lambda pair: pair[0])]
    return [known for known in hashes if set(known) & set(DIGEST_TYPES)], mirrors


def _is_among(fetched: FetchedFile, hashes: list[dict[str, str]]) -> bool:
    """Say whether a file has the strongest of the hashes of one that is good."""
    data = fetched.path.read_bytes()
    for known in hashes:
        strongest = next(name for name in reversed(DIGEST_TYPES) if name in known)
        if hashlib.new(strongest, data).hexdigest() == known[strongest]:
            return True
    return False


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
