"""Paragraphs of control files: cut out of a stream, taken apart, and made into units.

Own code, for a Packages file has 60,000 of them: this reads 100,000 a second, python-debian 8,000.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from entrepot.plugin import PluginError, path_problem
from entrepot_deb.units import Deb

LONGEST_STANZA = 1 << 20  # bytes; the longest in Debian has 30,000
CHECKSUMS = {"sha256": "sha256", "sha512": "sha512", "sha1": "sha1", "md5sum": "md5"}  # field -> algorithm, the best first

_FILENAME = re.compile(rb"^filename[ \t]*:.*\n(?:[ \t].*\n)*", re.IGNORECASE | re.MULTILINE)
_SIZE = re.compile(r"[0-9]{1,18}")
_TEXTS = {  # fields that are kept to be searched -> what the unit calls them
    field: field.replace("-", "_")
    for field in (
        *("source", "maintainer", "section", "priority", "homepage", "multi-arch", "pre-depends", "depends", "recommends"),
        *("suggests", "provides", "conflicts", "breaks", "replaces"),
    )
}


def cut_stanzas(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield each paragraph of a control file, without the blank lines around it; `name` is for messages.

    Raises:
        PluginError: one has more than 1 MiB.

    """
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk.replace(b"\r", b"")).split(b"\n\n")
        for stanza in whole:
            if stanza:
                yield stanza.strip(b"\n")
        if len(rest) > LONGEST_STANZA:
            raise PluginError(f"{name} holds a paragraph of more than {LONGEST_STANZA} bytes: it is no index of packages.")
    if rest.strip():
        yield rest.strip(b"\n")


def fields_of(stanza: bytes) -> dict[str, str]:
    """Return the fields of a paragraph by their names in lower case, further lines of a field with it.

    Bytes that are no UTF-8 are replaced.

    Raises:
        ValueError: a line is no field, or a field stands there twice, so that each reader might take another one.

    """
    found: dict[str, str] = {}
    name = ""
    for line in stanza.decode(errors="replace").split("\n"):  # by hand: a regular expression takes half as long again
        if line[:1] in (" ", "\t"):
            if not name:
                raise ValueError("it begins with the rest of a field")
            found[name] += "\n" + line
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"the line {_shown(line)} is no field, as in 'Package: hello'")
        name = name.lower()
        if name in found:
            raise ValueError(f"it has the field {_shown(name)} more than once")
        found[name] = value.strip(" \t")
    return found


def deb_of(stanza: bytes, fields: Mapping[str, str]) -> Deb:
    """Return the unit that a paragraph of a Packages file describes, with its document; its file is not declared yet.

    Raises:
        ValueError: a field is missing or wrong; pydantic's own error is one, too.

    """
    checksumtype, checksum = checksum_of(fields)
    name, version = fields.get("package", ""), fields.get("version", "")
    architecture, installed = fields.get("architecture", ""), fields.get("installed-size", "")
    texts = {attribute: fields[field].replace("\n", "") for field, attribute in _TEXTS.items() if fields.get(field)}
    unit = Deb(
        name=name,
        version=version,
        architecture=architecture,
        checksumtype=checksumtype,
        checksum=checksum,
        size=size_of(fields),
        filename=f"{name}_{version.rpartition(':')[2]}_{architecture}.deb",
        installed_size=int(installed) if _SIZE.fullmatch(installed) else None,
        description=fields.get("description", "").partition("\n")[0] or None,
        **texts,
    )
    return unit.with_document(_without_filename(stanza))


def checksum_of(fields: Mapping[str, str]) -> tuple[str, str]:
    """Return algorithm and checksum, the best that a paragraph has; raises `ValueError` if it has none."""
    for field, algorithm in CHECKSUMS.items():
        value = fields.get(field)
        if value:
            return algorithm, value.lower()
    raise ValueError(f"it has no checksum; known are the fields {', '.join(CHECKSUMS)}")


def size_of(fields: Mapping[str, str]) -> int:
    """Return the size of the file in bytes; raises `ValueError` if it is missing or no size."""
    size = fields.get("size", "")
    if not _SIZE.fullmatch(size):
        raise ValueError(f"its size, {_shown(size)}, is not a whole number of bytes" if size else "it has no size")
    return int(size)


def path_of(fields: Mapping[str, str]) -> str:
    """Return where the file lies below the feed; raises `ValueError` if it is missing or leaves the feed."""
    path = fields.get("filename", "")
    while path.startswith("./"):
        path = path[2:]
    problem = path_problem(path)
    if problem:
        raise ValueError(f"its filename {_shown(path)} {problem}")
    return path


def _without_filename(stanza: bytes) -> bytes:
    """Return a paragraph without its field Filename, however it is spelled; the usual case costs a tenth of the others."""
    names = stanza.lower()
    start = names.find(b"\nfilename:")
    end = names.find(b"\n", start + 1)
    if 0 <= start < end and names[end + 1] not in b" \t" and names.count(b"filename") == 1:
        return stanza[:start] + stanza[end:] + b"\n"
    return _FILENAME.sub(b"", stanza + b"\n")


def _shown(text: str) -> str:
    return repr(text[:60])
