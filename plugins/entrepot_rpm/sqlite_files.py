"""The databases that yum 3 reads in place of primary, filelists and other: made anew from these with each change."""

from __future__ import annotations

import bz2
from pathlib import Path
from typing import TYPE_CHECKING

import createrepo_c

from entrepot_rpm.repodata import hash_of

if TYPE_CHECKING:
    from entrepot.plugin import PublishConduit
    from entrepot_rpm.repodata import Repodata

VERSION = 10  # of the tables. Source: createrepo_c, CR_DB_CACHE_DBVERSION
_DATABASES = {
    "primary": createrepo_c.PrimarySqlite,
    "filelists": createrepo_c.FilelistsSqlite,
    "other": createrepo_c.OtherSqlite,
}
_CHUNK = 2**20  # bytes read at once


def publish_databases(pub: PublishConduit, repodata: Repodata, folder: Path) -> None:
    """Publish the databases of the files in `folder`, or those of the previous publication if there are none."""
    sources = [folder / f"{kind}.xml.gz" for kind in _DATABASES]
    if not all(source.exists() for source in sources):
        for kind in _DATABASES:
            repodata.keep_if_there(f"{kind}_db")
        return
    paths = {kind: folder / f"{kind}.sqlite" for kind in _DATABASES}
    databases = [database(str(paths[kind])) for kind, database in _DATABASES.items()]
    packages = createrepo_c.PackageIterator(*[str(source) for source in sources])
    for number, package in enumerate(packages):
        for database in databases:
            database.add_pkg(package)
        if number % 100 == 0:
            pub.checkpoint()
    for kind, database in zip(_DATABASES, databases, strict=True):
        database.dbinfo_update(repodata.checksum(kind))
        database.close()
        _put(pub, repodata, f"{kind}_db", paths[kind])


def _put(pub: PublishConduit, repodata: Repodata, kind: str, path: Path) -> None:
    file, packer = repodata.file(), bz2.BZ2Compressor()
    text, size = hash_of(repodata.checksum_type), 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            text.update(chunk)
            size += len(chunk)
            file.write(packer.compress(chunk))
            pub.checkpoint()
    file.write(packer.flush())
    repodata.put(kind, f"{path.name}.bz2", file, open_checksum=text.hexdigest(), open_size=size, database_version=VERSION)
