"""The iso_distributor: the files under their names, and a PULP_MANIFEST that lists them."""

from __future__ import annotations

import csv

from entrepot.plugin import Distributor, DistributorConfig, PublishConduit
from entrepot_file.unit import MANIFEST, Iso


class IsoDistributorConfig(DistributorConfig):
    """The keys of the iso_distributor."""

    ssl_auth_ca_cert: str | None = None  # accepted as Pulp's clients send it; access by certificate is not checked yet


class IsoDistributor(Distributor):
    """Publish plain files; the work is in proportion to what changed, but for the manifest, which is written anew."""

    display_name = "ISO Distributor"  # as in Pulp 2
    unit_types = (Iso,)
    Config = IsoDistributorConfig

    def publish(self, pub: PublishConduit) -> None:
        """Take out what left, put in what came, and write the manifest, sorted by the bytes of the names.

        A repository holds one unit of each name, but for what was put in otherwise than by a sync: the later one wins.
        """
        lines = _lines_by_name(pub.read(MANIFEST) or b"")
        for iso in pub.removed(Iso):
            if lines.get(iso.name) == _line(iso):  # otherwise a later unit has the name now
                del lines[iso.name]
                pub.remove(iso.name)
        for iso in pub.added(Iso):
            lines[iso.name] = _line(iso)
            pub.add(iso.name, iso)
        pub.write(MANIFEST, "".join(lines[name] for name in sorted(lines)).encode())  # code points sort as UTF-8 bytes do


def _line(iso: Iso) -> str:
    """Return a line of the manifest, quoted as CSV asks; by hand, for all of it is joined anew for each change."""
    name = '"' + iso.name.replace('"', '""') + '"' if "," in iso.name or '"' in iso.name else iso.name
    return f"{name},{iso.checksum},{iso.size}\n"


def _lines_by_name(manifest: bytes) -> dict[str, str]:
    """Return the lines of a manifest that this distributor wrote; no name has a line break in it."""
    lines = (line for line in manifest.decode().split("\n") if line)
    return {next(csv.reader([line]))[0] if line[0] == '"' else line.partition(",")[0]: f"{line}\n" for line in lines}
