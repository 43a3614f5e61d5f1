"""The python_distributor: the files of all projects, and a simple index that leads pip and other mirrors to them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, islice
from operator import attrgetter

from entrepot.plugin import Distributor, PublishConduit
from entrepot_python.simple_index import ROOT, page_paths, path_of, project_pages, projects_in, root_pages
from entrepot_python.unit import METADATA_SUFFIX, PythonPackage

_TOGETHER = 200  # projects whose packages are read at once


class PythonDistributor(Distributor):
    """Publish `simple/` (PEP 503, 691, 700) and `packages/`; the work is in proportion to the projects that changed.

    But for the page that lists all projects: it is written anew when one comes or goes.
    """

    display_name = "Python Distributor"  # as in Pulp 2
    unit_types = (PythonPackage,)

    def publish(self, pub: PublishConduit) -> None:
        """Take out what left, put in what came, and write the pages of the projects that this touched."""
        changed = set[str]()
        for package in pub.removed(PythonPackage):
            changed.add(package.name)
            pub.remove(path_of(package))
            pub.remove(path_of(package) + METADATA_SUFFIX)
        for package in pub.added(PythonPackage):
            changed.add(package.name)
            pub.add(path_of(package), package, file=package.filename)
            if package.metadata_sha256 is not None:
                pub.add(path_of(package) + METADATA_SUFFIX, package, file=package.metadata_filename)
        written = set[str]()
        for project, packages in _by_project(pub, changed):
            for path, page in project_pages(project, packages).items():
                pub.write(path, page)
            written.add(project)
        for project in changed - written:
            for path in page_paths(project):
                pub.remove(path)
        self._write_root(pub, changed, written)

    def _write_root(self, pub: PublishConduit, changed: set[str], written: set[str]) -> None:
        """Write the list of all projects: the one of before, without those that changed, with those that are there now."""
        before = pub.read(ROOT)
        listed = projects_in(before) if before is not None else set()
        now = (listed - changed) | written
        if before is None or now != listed:
            for path, page in root_pages(now).items():
                pub.write(path, page)


def _by_project(pub: PublishConduit, projects: set[str]) -> Iterator[tuple[str, Iterator[PythonPackage]]]:
    """Yield each of the projects that the repository has something of, with all its packages."""
    if not pub.incremental:
        yield from groupby(pub.units(PythonPackage, by_name=True), key=attrgetter("name"))
        return
    names = iter(sorted(projects))
    while batch := list(islice(names, _TOGETHER)):
        yield from groupby(pub.units(PythonPackage, names=batch, by_name=True), key=attrgetter("name"))
