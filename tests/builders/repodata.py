"""Metadata of many packages that do not exist, to measure with: 40 files, 8 requires, 10 changelogs each."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path
from typing import IO

FILES, REQUIRES, CHANGELOGS = 40, 8, 10
_TIME = 1_700_000_000
_SPACES = "http://linux.duke.edu/metadata"

_HEADS = {
    "primary": f'<metadata xmlns="{_SPACES}/common" xmlns:rpm="{_SPACES}/rpm" packages="{{}}">',
    "filelists": f'<filelists xmlns="{_SPACES}/filelists" packages="{{}}">',
    "other": f'<otherdata xmlns="{_SPACES}/other" packages="{{}}">',
}
_ENDS = {"primary": "</metadata>", "filelists": "</filelists>", "other": "</otherdata>"}
_PRIMARY = """<package type="rpm">
  <name>{name}</name>
  <arch>x86_64</arch>
  <version epoch="0" ver="{version}" rel="1.el9"/>
  <checksum type="sha256" pkgid="YES">{digest}</checksum>
  <summary>The {name} library and its tools</summary>
  <description>{name} does what {name} does &amp; nothing else; this text is here to have the length
that descriptions have in real repositories, which is two or three lines of plain words
about {digest:.24}.</description>
  <packager>Packager &lt;packager@example.test&gt;</packager>
  <url>https://example.test/{name}/</url>
  <time file="{time}" build="{time}"/>
  <size package="{size}" installed="{installed}" archive="{archive}"/>
  <location href="Packages/{letter}/{name}-{version}-1.el9.x86_64.rpm"/>
  <format>
    <rpm:license>GPL-2.0-or-later</rpm:license>
    <rpm:vendor>Example</rpm:vendor>
    <rpm:group>System Environment/Libraries</rpm:group>
    <rpm:buildhost>builder{host}.example.test</rpm:buildhost>
    <rpm:sourcerpm>{name}-{version}-1.el9.src.rpm</rpm:sourcerpm>
    <rpm:header-range start="4504" end="{header}"/>
    <rpm:provides>
      <rpm:entry name="{name}" flags="EQ" epoch="0" ver="{version}" rel="1.el9"/>
      <rpm:entry name="{name}(x86-64)" flags="EQ" epoch="0" ver="{version}" rel="1.el9"/>
    </rpm:provides>
    <rpm:requires>
{requires}    </rpm:requires>
    <file>/usr/bin/{name}</file>
  </format>
</package>
"""


def generate(folder: Path, packages: int, *, level: int = 6, changed: int = 0) -> Path:
    """Write `repodata` of so many packages below `folder`, gzip'd, and return `folder`.

    `changed`: so many of the packages come in another version.
    """
    repodata = folder / "repodata"
    repodata.mkdir(parents=True)
    files = {kind: _Writer((repodata / f"{kind}.xml.gz").open("wb"), level) for kind in _HEADS}
    for kind, file in files.items():
        file.write(f'<?xml version="1.0" encoding="UTF-8"?>\n{_HEADS[kind].format(packages)}\n')
    for number in range(packages):
        for kind, text in _package(number, "2.0" if number < changed else "1.0").items():
            files[kind].write(text)
    records = []
    for kind, file in files.items():
        file.write(_ENDS[kind])
        records.append(file.finish(kind))
    head = '<repomd xmlns="http://linux.duke.edu/metadata/repo" xmlns:rpm="http://linux.duke.edu/metadata/rpm">'
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n  <revision>{_TIME}</revision>\n{"".join(records)}</repomd>\n'
    (repodata / "repomd.xml").write_text(text, encoding="utf-8")
    return folder


def _package(number: int, version: str) -> dict[str, str]:
    digest = hashlib.sha256(f"{number} {version}".encode()).hexdigest()
    name = f"{'abcdefghijklmnopqrstuvwxyz'[number % 26]}lib{digest[:4]}-{number}"
    entries = "".join(
        f'      <rpm:entry name="lib{digest[i * 3 : i * 3 + 5]}.so.{i}()(64bit)"/>\n' for i in range(REQUIRES - 1)
    )
    entries += f'      <rpm:entry name="alib-{number // 7}" flags="GE" epoch="0" ver="1.0"/>\n'
    primary = _PRIMARY.format(
        name=name,
        version=version,
        digest=digest,
        letter=name[0],
        time=_TIME + number,
        size=20_000 + number,
        installed=50_000 + number * 3,
        archive=51_000 + number * 3,
        header=9_000 + number % 5000,
        host=number % 12,
        requires=entries,
    )
    head = f'<package pkgid="{digest}" name="{name}" arch="x86_64">\n  <version epoch="0" ver="{version}" rel="1.el9"/>\n'
    paths = "".join(
        f"  <file>/usr/share/{name}/{digest[i : i + 6]}/module_{digest[i : i + 10]}_{i}.py</file>\n" for i in range(FILES - 1)
    )
    filelists = f"{head}  <file>/usr/bin/{name}</file>\n{paths}</package>\n"
    logs = "".join(
        f'  <changelog author="Packager &lt;packager@example.test&gt; - {version}-{i}" date="{_TIME - i * 86400}">'
        f"- Update to {digest[i : i + 7]}\n- Resolves: rhbz#{number * 10 + i} in {name}</changelog>\n"
        for i in reversed(range(CHANGELOGS))
    )
    return {"primary": primary, "filelists": filelists, "other": f"{head}{logs}</package>\n"}


class _Writer:
    """A gzip'd file that knows what `repomd.xml` says of it."""

    def __init__(self, stream: IO[bytes], level: int) -> None:
        self._stream = stream
        self._gzip = zlib.compressobj(level, zlib.DEFLATED, 31)
        self._open, self._closed = hashlib.sha256(), hashlib.sha256()
        self._open_size = self._size = 0

    def write(self, text: str) -> None:
        data = text.encode()
        self._open.update(data)
        self._open_size += len(data)
        self._put(self._gzip.compress(data))

    def finish(self, kind: str) -> str:
        self._put(self._gzip.flush())
        self._stream.close()
        return (
            f'  <data type="{kind}">\n    <checksum type="sha256">{self._closed.hexdigest()}</checksum>\n'
            f'    <open-checksum type="sha256">{self._open.hexdigest()}</open-checksum>\n'
            f'    <location href="repodata/{kind}.xml.gz"/>\n    <timestamp>{_TIME}</timestamp>\n'
            f"    <size>{self._size}</size>\n    <open-size>{self._open_size}</open-size>\n  </data>\n"
        )

    def _put(self, data: bytes) -> None:
        self._closed.update(data)
        self._size += len(data)
        self._stream.write(data)
