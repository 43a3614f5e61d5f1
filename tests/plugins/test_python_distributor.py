"""The python_distributor, in memory: its pages are read back by the importer."""

from __future__ import annotations

import json
from html import unescape

import pytest
from tests.builders.wheel import Package, build_sdist, build_wheel, package_files, simple_index

from entrepot_python.distributor import PythonDistributor
from entrepot_python.importer import PythonImporter
from entrepot_python.unit import PythonPackage

SIX = build_wheel("six", "1.16", requires_python=">=2.7")
OLD = build_wheel("six", "1.9", yanked='it is "broken" & <old>')
SOURCE = build_sdist("six", "1.16")
DJANGO = build_wheel("Django", "4.2")


@pytest.fixture
def units(imported):
    """Return the units of packages, as they come from an index."""

    def of(*packages: Package):
        return imported(PythonImporter, simple_index(packages), {"package_names": [package.name for package in packages]})[0]

    return of


def document(publication, path: str):
    return json.loads(publication.files[path])


def text(publication, path: str) -> str:
    return publication.files[path].decode()


def test_each_file_is_published_with_its_metadata_below_packages(units, published):
    publication = published(PythonDistributor, units(SIX, SOURCE, DJANGO))

    assert sorted(publication.files) == [
        "packages/django/Django-4.2-py3-none-any.whl",
        "packages/django/Django-4.2-py3-none-any.whl.metadata",
        "packages/six/six-1.16-py3-none-any.whl",
        "packages/six/six-1.16-py3-none-any.whl.metadata",
        "packages/six/six-1.16.tar.gz",
        "simple/django/index.html",
        "simple/django/index.v1_json",
        "simple/index.html",
        "simple/index.v1_json",
        "simple/six/index.html",
        "simple/six/index.v1_json",
    ]


def test_the_root_lists_the_projects(units, published):
    publication = published(PythonDistributor, units(SIX, DJANGO))

    assert document(publication, "simple/index.v1_json") == {
        "meta": {"api-version": "1.1"},
        "projects": [{"name": "django"}, {"name": "six"}],
    }
    assert '<a href="django/">django</a><br>\n<a href="six/">six</a>' in text(publication, "simple/index.html")


def test_a_project_s_json_page_has_the_fields_of_pep_700(units, published):
    page = document(published(PythonDistributor, units(SIX, OLD, SOURCE)), "simple/six/index.v1_json")

    wheel = page["files"][1]
    assert (page["meta"], page["name"], page["versions"]) == ({"api-version": "1.1"}, "six", ["1.9", "1.16"])
    assert [file["filename"] for file in page["files"]] == [OLD.filename, SIX.filename, SOURCE.filename]
    assert wheel == {
        "filename": SIX.filename,
        "url": f"../../packages/six/{SIX.filename}",
        "hashes": {"sha256": SIX.sha256},
        "requires-python": ">=2.7",
        "size": len(SIX.data),
        "upload-time": "2024-05-06T07:08:09.123456Z",
        "yanked": False,
        "core-metadata": {"sha256": SIX.metadata_sha256},
        "dist-info-metadata": {"sha256": SIX.metadata_sha256},
    }
    assert page["files"][0]["yanked"] == 'it is "broken" & <old>'
    assert page["files"][2]["core-metadata"] is False


def test_a_project_s_html_page_escapes_what_others_wrote(units, published):
    page = text(published(PythonDistributor, units(SIX, OLD)), "simple/six/index.html")

    assert f'href="../../packages/six/{SIX.filename}#sha256={SIX.sha256}" data-requires-python="&gt;=2.7"' in page
    assert f'data-core-metadata="sha256={SIX.metadata_sha256}"' in page
    assert 'data-yanked="it is &quot;broken&quot; &amp; &lt;old&gt;"' in page
    assert "<old>" not in page
    assert '<meta name="pypi:repository-version" content="1.0">' in unescape(page)


def test_without_a_size_the_page_does_not_claim_pep_700(units, published):
    package = build_wheel("six", says_size=False, hashes=("md5", "sha512"))
    publication = published(PythonDistributor, units(package))

    page = document(publication, "simple/six/index.v1_json")

    assert page["meta"] == {"api-version": "1.0"}
    assert list(page["files"][0]["hashes"]) == ["md5", "sha512"]
    assert "#sha512=" in text(publication, "simple/six/index.html")


@pytest.mark.parametrize("page", ["index.html", "index.v1_json"])
def test_what_is_published_is_what_another_importer_reads(units, published, imported, page: str):
    packages = [SIX, OLD, SOURCE, DJANGO]
    before = units(*packages)
    pages = published(PythonDistributor, before).files
    mirror = {f"simple/{project}/": pages[f"simple/{project}/{page}"] for project in ("six", "django")}
    for path, data in package_files(packages).items():
        mirror[path.replace("packages/", "packages/six/" if "six" in path else "packages/django/")] = data

    after, refused = imported(PythonImporter, mirror, {"package_names": "six, django"})

    def shown(unit):
        return unit.model_dump(exclude={"size", "upload_time"} if page == "index.html" else set())

    assert sorted(map(shown, after), key=str) == sorted(map(shown, before), key=str)
    assert refused == {}


def test_only_the_pages_of_projects_that_changed_are_written(units, published):
    first = published(PythonDistributor, units(SIX, DJANGO))
    read = []

    class Counted(type(first)):  # type: ignore[misc]
        def write(self, path, data):
            read.append(path)
            super().write(path, data)

    second = Counted([*units(SIX, OLD), *units(DJANGO)], first, PythonDistributor.configure({}))
    PythonDistributor().publish(second)

    assert sorted(read) == ["simple/six/index.html", "simple/six/index.v1_json"]
    assert second.calls == [
        ("add", f"packages/six/{OLD.filename}"),
        ("add", f"packages/six/{OLD.filename}.metadata"),
    ]
    assert second.files == published(PythonDistributor, second.all).files


def test_a_project_that_goes_leaves_the_root_and_takes_its_pages_along(units, published):
    first = published(PythonDistributor, units(SIX, DJANGO))

    second = published(PythonDistributor, units(DJANGO), first)

    assert second.files == published(PythonDistributor, units(DJANGO)).files
    assert not [path for path in second.files if "six" in path]


def test_a_file_that_is_yanked_stays_where_it_is(units, published):
    first = published(PythonDistributor, units(SIX))

    second = published(PythonDistributor, units(SIX._replace(yanked="oops")), first)

    assert document(second, "simple/six/index.v1_json")["files"][0]["yanked"] == "oops"
    assert f"packages/six/{SIX.filename}" in second.files


def test_metadata_that_is_gone_is_not_served_any_more(units, published):
    first = published(PythonDistributor, units(SIX))

    second = published(PythonDistributor, units(SIX._replace(says_metadata=False)), first)

    assert f"packages/six/{SIX.filename}.metadata" not in second.files


def test_an_empty_repository_has_an_empty_index(published):
    publication = published(PythonDistributor, [])

    assert document(publication, "simple/index.v1_json")["projects"] == []


def test_names_with_a_plus_are_quoted_in_links(published):
    unit = PythonPackage(filename="six-1.0+a.tar.gz", name="six", version="1.0+a", packagetype="sdist")

    publication = published(PythonDistributor, [unit])

    assert document(publication, "simple/six/index.v1_json")["files"][0]["url"] == "../../packages/six/six-1.0%2Ba.tar.gz"
