"""The conformance suite, run for Python packages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tests.builders.wheel import build_sdist, build_wheel, json_page, simple_index

from entrepot.testing import Feed, PluginContract, UploadSample
from entrepot_python.distributor import PythonDistributor
from entrepot_python.importer import PythonImporter
from entrepot_python.unit import PythonPackage

OWL, OLD_OWL, NEW_OWL = build_wheel("owl", "1.1"), build_sdist("owl", "1.0"), build_wheel("owl", "0.1")
VOLE = build_wheel("Field_Vole", "2.0", requires=["owl"])


class TestPythonPlugins(PluginContract):
    importer = PythonImporter
    distributor = PythonDistributor
    config: ClassVar = {"package_names": "owl,field-vole"}
    content_path = f"packages/{OWL.filename}"
    index_path = "simple/owl/"

    def make_feed(self, feed: Feed, version: int) -> int:
        packages = [VOLE, OWL, OLD_OWL]
        if version >= 2:
            packages = [NEW_OWL, *packages]
        if version >= 3:
            packages.remove(OLD_OWL)
        for path, data in simple_index(packages).items():
            page = "application/vnd.pypi.simple.v1+json" if path.endswith("/") else None
            feed.put(path, data, media_type=page)
        return len(packages)

    def make_large_feed(self, feed: Feed) -> int:
        units = 2000
        packages = [OWL._replace(filename=f"owl-{number}.0-py3-none-any.whl", says_metadata=False) for number in range(units)]
        vole = simple_index([VOLE])
        for path, data in {"simple/owl/": json_page(packages), **vole}.items():
            feed.put(path, data, media_type="application/vnd.pypi.simple.v1+json" if path.endswith("/") else None)
        return units

    def upload_sample(self) -> UploadSample:
        return UploadSample(OWL.data, PythonPackage, {"filename": OWL.filename}, {"upload_time": OWL.upload_time})

    def mirror_feed(self, feed: Feed, tree: Mapping[str, bytes | None]) -> None:
        super().mirror_feed(feed, tree)
        for path, data in tree.items():
            if path.endswith("/index.v1_json") and data is not None:
                feed.put(f"{path.rpartition('/')[0]}/", data, media_type="application/vnd.pypi.simple.v1+json")
