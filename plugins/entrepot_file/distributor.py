"""The iso_distributor: the files under their names, and a PULP_MANIFEST that lists them."""

from __future__ import annotations

import csv
from bisect import insort

from pydantic import Field

from entrepot.plugin import Distributor, DistributorConfig, PublishConduit
from entrepot_file.unit import MANIFEST, Iso

_FEW = 100  #: new lines that are put into a sorted manifest one by one rather than by sorting it anew


class IsoDistributorConfig(DistributorConfig):
    """The keys of the iso_distributor."""

    # Pulp's clients send it; access by certificate is not checked yet.
    ssl_auth_ca_cert: str | None = Field(None, description="Accepted, without effect.")


class IsoDistributor(Distributor):
    """Publish plain files; the work is in proportion to what changed, but for the manifest, which is written anew."""

    display_name = "ISO Distributor"  # as in Pulp 2
    unit_types = (Iso,)
    Config = IsoDistributorConfig

    def publish(self, pub: PublishConduit) -> None:
        """Take out what left, put in what came, and write the manifest, sorted by the bytes of the names.

        A repository holds one unit of each name: whoever takes a name takes the place of the unit that had it.
        """
        gone, come = set[bytes](), list[bytes]()
        for iso in pub.removed(Iso):
            gone.add(_line(iso))
            pub.remove(iso.name)
        for iso in pub.added(Iso):
            come.append(_line(iso))
            pub.add(iso.name, iso)
        before = (pub.read(MANIFEST) or b"").split(b"\n")
        lines = [line for line in before if line and line not in gone]
        if lines and len(come) < _FEW:
            for line in come:
                insort(lines, line, key=_name)
        else:
            lines += come
            lines.sort(key=_name)
        pub.write(MANIFEST, b"\n".join([*lines, b""]))


def _line(iso: Iso) -> bytes:
    """Return a line of the manifest, quoted as CSV asks; by hand, for all of it is joined anew for each change."""
    name = '"' + iso.name.replace('"', '""') + '"' if "," in iso.name or '"' in iso.name else iso.name
    return f"{name},{iso.checksum},{iso.size}".encode()


def _name(line: bytes) -> bytes:
    """Return the name in a line that this distributor wrote; no name has a line break in it."""
    if line[:1] != b'"':
        return line.partition(b",")[0]
    name: str = next(csv.reader([line.decode()]))[0]
    return name.encode()
