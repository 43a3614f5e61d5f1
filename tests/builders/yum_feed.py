"""What yum feeds in tests are made of: metadata texts, and feeds as files by path."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.builders.rpm import RpmPackage, write_feed

REPOMD = "repodata/repomd.xml"

WALRUS = RpmPackage(
    name="walrus",
    epoch=1,
    version="5.21",
    requires=["whale >= 1.0", "/opt/fish"],
    files={"/usr/bin/walrus": b"#!/bin/sh\n"},
    changelogs=[(1_600_000_000, "A Keeper <keeper@example.test> - 5.21-1", "- It swims")],
)
WHALE = RpmPackage(name="whale", version="2.0")
FISH = RpmPackage(name="fish", files={"/opt/fish": b"><>"})
SOURCE = RpmPackage(name="whale", version="2.0", arch="src")

UPDATEINFO = b"""<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update from="errata@example.test" status="final" type="security" version="1">
    <id>ZOO-2026:1</id><title>Walrus</title>
    <issued date="2026-01-01 00:00:00"/><updated date="2026-01-02 00:00:00"/>
    <severity>Important</severity><summary>Swims</summary><description>It swims better</description>
    <reboot_suggested>True</reboot_suggested>
    <references><reference href="https://example.test/1" id="1" title="bug" type="bugzilla"/></references>
    <pkglist><collection short="F"><name>Fauna</name>
      <package name="walrus" version="5.21" release="1" epoch="1" arch="noarch" src="walrus-5.21-1.src.rpm">
        <filename>walrus-5.21-1.noarch.rpm</filename><sum type="sha256">00ff</sum></package>
    </collection></pkglist>
  </update>
</updates>
"""

COMPS = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
<comps>
  <group><id>sea</id><name>Sea</name><name xml:lang="de">Meer</name><description>Swims</description>
    <default>false</default><uservisible>true</uservisible><display_order>7</display_order>
    <packagelist><packagereq type="mandatory">walrus</packagereq><packagereq type="optional">whale</packagereq>
      <packagereq type="conditional" requires="whale">fish</packagereq></packagelist></group>
  <category><id>all</id><name>All</name><description/><grouplist><groupid>sea</groupid></grouplist></category>
  <environment><id>zoo</id><name>Zoo</name><description/><grouplist><groupid>sea</groupid></grouplist>
    <optionlist><groupid default="true">land</groupid></optionlist></environment>
  <langpacks><match name="walrus" install="walrus-lang-%s"/></langpacks>
</comps>
"""

MODULES = b"""---
document: modulemd
version: 2
data:
  name: sea
  stream: 1.10
  version: 20260101
  context: deadbeef
  arch: noarch
  summary: The sea
  description: With a walrus
  license: {module: [MIT]}
  dependencies:
  - requires: {platform: [f40], water: [salt]}
  profiles:
    default: {rpms: [walrus]}
  artifacts:
    rpms: ["walrus-1:5.21-1.noarch"]
...
---
document: modulemd-defaults
version: 1
data:
  module: sea
  stream: "1.10"
  profiles: {"1.10": [default]}
...
---
document: modulemd-obsoletes
version: 1
data:
  modified: 2026-01-01T00:00Z
  module: sea
  stream: "0.9"
  message: Too old
...
"""

PRESTODELTA = b"""<?xml version="1.0" encoding="UTF-8"?>
<prestodelta>
  <newpackage name="whale" epoch="0" version="2.0" release="1" arch="noarch">
    <delta oldepoch="0" oldversion="1.0" oldrelease="1">
      <filename>drpms/whale-1.0-1_2.0-1.noarch.drpm</filename><sequence>whale-1.0-1-abc</sequence>
      <size>5</size><checksum type="sha256">%s</checksum>
    </delta>
  </newpackage>
</prestodelta>
""" % (b"ab" * 32)

TREEINFO = b"""[general]
family = Zoo
version = 9
arch = x86_64
timestamp = 1700000000.5
[checksums]
images/boot.iso = sha256:%s
repodata/repomd.xml = sha256:%s
[images-x86_64]
kernel = images/vmlinuz
""" % (b"cd" * 32, b"ef" * 32)

EVERYTHING = {
    "updateinfo": UPDATEINFO,
    "group": COMPS,
    "modules": MODULES,
    "prestodelta": PRESTODELTA,
    "productid": b"-----A certificate-----",
}


def feed_files(
    folder: Path, packages: Sequence[RpmPackage] = (), more: Mapping[str, bytes] | None = None, **options: Any
) -> dict[str, bytes]:
    """Return a feed as files by path; `more` are further ones, `options` as for `write_feed`."""
    write_feed(folder, packages, **options)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths} | dict(more or {})


def part(files: Mapping[str, bytes], kind: str) -> str:
    """Return the path of a kind of metadata in a feed."""
    return next(path for path in files if path.startswith("repodata/") and f"-{kind}." in path)


def with_part(files: dict[str, bytes], kind: str, text: bytes) -> dict[str, bytes]:
    """Return a feed with another text of one kind of metadata, gzip'd, and a `repomd.xml` that promises it."""
    data = gzip.compress(text, mtime=0)
    before, start, rest = files[REPOMD].decode().partition(f'<data type="{kind}">')
    inside, end, after = rest.partition("</data>")
    for tag, value in (("checksum", data), ("open-checksum", text)):
        inside = re.sub(rf"(<{tag} [^>]*>)[^<]*", rf"\g<1>{hashlib.sha256(value).hexdigest()}", inside)
    for tag, value in (("size", data), ("open-size", text)):
        inside = re.sub(rf"<{tag}>[^<]*", f"<{tag}>{len(value)}", inside)
    return files | {part(files, kind): data, REPOMD: (before + start + inside + end + after).encode()}
