"""The python_importer against indices in memory."""

from __future__ import annotations

import hashlib
import time
from urllib.parse import urljoin

import pytest
from tests.builders.wheel import build_sdist, build_wheel, html_page, json_page, package_files, simple_index

from entrepot.plugin import PluginError, RefusedConfiguration
from entrepot_python import anchors, core_metadata, index_pages
from entrepot_python.importer import PythonImporter
from entrepot_python.links import Links
from entrepot_python.packages import LONGEST_TEXT

SIX = build_wheel("six", "1.16", requires_python=">=2.7")
OLD = build_wheel("six", "1.0", yanked="broken")
SOURCE = build_sdist("six", "1.16")
DJANGO = build_wheel("Django", "4.2")

JSON = "application/vnd.pypi.simple.v1+json"


def names(units):
    return sorted(unit.filename for unit in units)


def page(text: bytes) -> dict[str, bytes]:
    return {"simple/six/": text}


# -- what becomes of a page ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_json", [True, False])
def test_each_file_of_the_named_projects_becomes_a_unit(imported, as_json: bool):
    index = simple_index([SIX, SOURCE, DJANGO], as_json=as_json)

    units, refused = imported(PythonImporter, index, {"package_names": "six, DJANGO"})

    wheel = next(unit for unit in units if unit.filename == SIX.filename)
    assert names(units) == ["Django-4.2-py3-none-any.whl", SIX.filename, SOURCE.filename]
    assert (wheel.name, wheel.version, wheel.packagetype) == ("six", "1.16", "bdist_wheel")
    assert (wheel.requires_python, wheel.yanked) == (">=2.7", False)
    assert wheel.sha256 == SIX.sha256
    assert (wheel.summary, wheel.author, wheel.license) == ("The six library", "An Author", "MIT")
    assert wheel.metadata_sha256 == SIX.metadata_sha256
    assert refused == {}


def test_json_says_sizes_and_dates_too(imported):
    units, _ = imported(PythonImporter, simple_index([SIX]), {"package_names": "six"})

    assert [(unit.size, unit.upload_time) for unit in units] == [(len(SIX.data), "2024-05-06T07:08:09.123456Z")]


def test_files_are_declared_and_the_metadata_file_is_here(imported):
    units, _ = imported(PythonImporter, simple_index([SIX]), {"package_names": "six"})

    (unit,) = units
    expected = (f"packages/{SIX.filename}", SIX.filename, len(SIX.data), {"sha256": SIX.sha256})
    assert [tuple(file) for file in unit.remote_files] == [expected]
    assert [(file.path, file.fetched.path.read_bytes()) for file in unit.held_files] == [
        (f"{SIX.filename}.metadata", SIX.metadata)
    ]


def test_the_answer_s_media_type_says_what_the_page_is_and_json_is_asked_for(feed_of):
    feed = feed_of(
        simple_index([SIX]), config=PythonImporter.configure({"package_names": "six"}), media_types={"simple/six/": JSON}
    )

    assert names(PythonImporter().sync(feed)) == [SIX.filename]
    assert feed.accepted["simple/six/"].startswith(JSON)


def test_only_the_pages_of_named_projects_are_fetched(feed_of):
    feed = feed_of(simple_index([SIX, DJANGO]), config=PythonImporter.configure({"package_names": ["six"]}))

    list(PythonImporter().sync(feed))

    assert [path for path in feed.fetched if path.startswith("simple")] == ["simple/six/"]


def test_nothing_is_synced_when_nothing_is_named(feed_of):
    feed = feed_of(simple_index([SIX]), config=PythonImporter.configure({}))

    assert list(PythonImporter().sync(feed)) == []
    assert feed.fetched == []


def test_the_feed_may_be_the_index_itself(feed_of):
    feed = feed_of(simple_index([SOURCE], simple=""), config=PythonImporter.configure({"package_names": "six"}))
    feed.feed = "http://feed.test/simple/"

    (unit,) = PythonImporter().sync(feed)

    assert feed.fetched == ["six/"]
    assert unit.remote_files[0].url == f"http://feed.test/packages/{SOURCE.filename}"


def test_the_feed_may_be_an_index_without_a_simple_folder(imported):
    units, _ = imported(PythonImporter, simple_index([SIX], simple=""), {"package_names": "six"})

    assert names(units) == [SIX.filename]


def test_a_feed_in_the_file_system_has_pages_by_name(feed_of):
    index = {"simple/six/index.html": html_page([SOURCE])} | package_files([SOURCE])
    feed = feed_of(index, config=PythonImporter.configure({"package_names": "six"}))
    feed.feed = "file:///srv/index"

    (unit,) = PythonImporter().sync(feed)

    assert unit.remote_files[0].url == f"packages/{SOURCE.filename}"


def test_a_date_that_is_none_is_left_out(imported):
    units, refused = imported(PythonImporter, simple_index([SIX._replace(upload_time="yesterday")]), {"package_names": "six"})

    assert ([unit.upload_time for unit in units], refused) == ([None], {})


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("../../packages/six-1.0.tar.gz", "packages/six-1.0.tar.gz"),
        ("six-1.0.tar.gz", "simple/six/six-1.0.tar.gz"),
        ("/files/six-1.0.tar.gz", "http://feed.test/files/six-1.0.tar.gz"),
        ("https://files.test/a%20b/six-1.0.tar.gz", "https://files.test/a%20b/six-1.0.tar.gz"),
        ("six-1.0.tar.gz?token=a", "http://feed.test/zoo/simple/six/six-1.0.tar.gz?token=a"),
        ("six%2D1.0.tar.gz", "http://feed.test/zoo/simple/six/six%2D1.0.tar.gz"),
    ],
)
def test_links_are_relative_to_the_page(imported, href: str, url: str):
    units, refused = imported(PythonImporter, page(f'<a href="{href}">six</a>'.encode()), {"package_names": "six"})

    assert [unit.remote_files[0].url for unit in units] == [url]
    assert refused == {}


def test_a_base_element_moves_the_links(imported):
    html = b'<base href="https://files.test/x/"><a href="six-1.0.tar.gz">six</a>'

    units, _ = imported(PythonImporter, page(html), {"package_names": "six"})

    assert units[0].remote_files[0].url == "https://files.test/x/six-1.0.tar.gz"


@pytest.mark.parametrize("hashes", [("md5",), ("sha512", "sha1"), ("sha256", "md5")])
def test_a_sha256_is_preferred_and_other_checksums_are_checked(imported, hashes):
    package = build_wheel("six", hashes=hashes)
    checked = ["sha256"] if "sha256" in hashes else hashes
    expected = {kind: hashlib.new(kind, package.data).hexdigest() for kind in checked}

    units, refused = imported(PythonImporter, simple_index([package]), {"package_names": "six"})

    assert units[0].remote_files[0].digests == expected
    assert refused == {}


def test_a_file_without_checksums_is_verified_by_its_size(imported):
    package = build_wheel("six", hashes=())

    units, refused = imported(PythonImporter, simple_index([package]), {"package_names": "six"})

    assert units[0].remote_files[0][2:] == (len(package.data), {})
    assert (units[0].sha256, units[0].digests, refused) == (None, {}, {})


def test_files_of_two_feeds_that_say_no_checksum_are_two_units(imported):
    package = build_wheel("six", hashes=(), says_metadata=False)
    (ours,), _ = imported(PythonImporter, page(html_page([package], folder="http://here.test/")), {"package_names": "six"})
    (theirs,), _ = imported(PythonImporter, page(html_page([package], folder="http://there.test/")), {"package_names": "six"})

    assert ours.uid != theirs.uid
    assert (ours.source, theirs.source) == (f"http://here.test/{package.filename}", f"http://there.test/{package.filename}")


def test_yanked_files_are_kept_as_such(imported):
    packages = [OLD, build_wheel("six", "1.1", yanked=True)]
    for as_json in (True, False):
        units, _ = imported(PythonImporter, simple_index(packages, as_json=as_json), {"package_names": "six"})

        assert [(unit.yanked, unit.yanked_reason) for unit in units] == [(True, "broken"), (True, None)]


def test_a_file_that_is_yanked_later_is_a_new_revision_of_the_same_bytes(imported):
    before, _ = imported(PythonImporter, simple_index([SIX]), {"package_names": "six"})
    after, _ = imported(PythonImporter, simple_index([SIX._replace(yanked=True)]), {"package_names": "six"})

    assert before[0].uid != after[0].uid
    assert before[0].repository_key_json == after[0].repository_key_json
    assert before[0].remote_files == after[0].remote_files


def test_metadata_that_the_repository_holds_is_not_fetched_again(feed_of):
    config = PythonImporter.configure({"package_names": "six"})
    held = list(PythonImporter().sync(feed_of(simple_index([SIX]), config=config)))
    feed = feed_of(simple_index([SIX, OLD]), config=config, held=held)

    units = list(PythonImporter().sync(feed))

    assert [path for path in feed.fetched if path.endswith(".metadata")] == [f"packages/{OLD.filename}.metadata"]
    again = next(unit for unit in units if unit.filename == SIX.filename)
    assert again == held[0]
    assert [(file.path, file.digests) for file in again.remote_files[1:]] == [
        (f"{SIX.filename}.metadata", {"sha256": SIX.metadata_sha256})
    ]


def test_an_advertised_metadata_file_that_is_not_there_is_done_without(imported):
    index = simple_index([SIX])
    del index[f"packages/{SIX.filename}.metadata"]

    units, refused = imported(PythonImporter, index, {"package_names": "six"})

    assert [(unit.metadata_sha256, unit.held_files) for unit in units] == [(None, ())]
    assert refused == {}


def test_unchanged_pages_end_the_sync(feed_of):
    config = PythonImporter.configure({"package_names": "six"})
    first = feed_of(simple_index([SIX]), config=config)
    list(PythonImporter().sync(first))
    second = feed_of(simple_index([SIX]), config=config, token=first.token)
    third = feed_of(simple_index([SIX, OLD]), config=config, token=first.token)

    assert list(PythonImporter().sync(second)) == []
    assert second.fetched == ["simple/six/"]
    assert len(list(PythonImporter().sync(third))) == 2


def test_a_project_that_the_feed_does_not_have_is_refused(imported):
    units, refused = imported(PythonImporter, simple_index([SIX]), {"package_names": "six, sixx"})

    assert names(units) == [SIX.filename]
    assert refused == {"sixx": "the feed has no project of this name; correct package_names, or leave it out"}


def test_a_project_that_the_feed_took_back_is_not_offered_any_more(feed_of):
    config = PythonImporter.configure({"package_names": "six, django"})
    held = list(PythonImporter().sync(feed_of(simple_index([SIX, DJANGO]), config=config)))
    feed = feed_of(simple_index([SIX]), config=config, held=held)

    assert names(PythonImporter().sync(feed)) == [SIX.filename]
    assert feed.refused == {}


def test_a_feed_that_has_none_of_the_projects_is_refused_as_a_whole(imported):
    with pytest.raises(PluginError, match="none of the projects that are named \\(six\\)"):
        imported(PythonImporter, {}, {"package_names": "six"})


# -- what is wanted --------------------------------------------------------------------------------------------------

MANY = [
    build_wheel("six", "1.0"),
    build_wheel("six", "1.5", yanked=True),
    build_wheel("six", "2.0a1"),
    build_wheel("six", "2.0", tag="cp311-cp311-win_amd64"),
    build_wheel("six", "2.0", tag="cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"),
    build_sdist("six", "2.0"),
]


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"package_names": "six"}, {"1.0", "1.5", "2.0 win", "2.0 linux", "2.0 sdist"}),
        ({"package_names": "six", "prereleases": "true"}, {"1.0", "1.5", "2.0a1", "2.0 win", "2.0 linux", "2.0 sdist"}),
        ({"includes": ["six>=2.0a1"]}, {"2.0a1", "2.0 win", "2.0 linux", "2.0 sdist"}),
        ({"package_names": "six>=1.0,<2, django>=3,<4"}, {"1.0", "1.5"}),
        ({"package_names": "six==1.0", "includes": ["six==1.5"]}, {"1.0", "1.5"}),
        ({"package_names": "six", "excludes": "six>=2"}, {"1.0", "1.5"}),
        ({"package_names": "six", "package_types": "sdist"}, {"2.0 sdist"}),
        ({"package_names": "six", "keep_latest_packages": 1}, {"2.0 win", "2.0 linux", "2.0 sdist"}),
        ({"package_names": "six<2", "keep_latest_packages": "2"}, {"1.0"}),
        ({"package_names": "six>=2", "exclude_platforms": ["windows", "macos"]}, {"2.0 linux", "2.0 sdist"}),
        ({"package_names": "six>=2", "exclude_platforms": ["linux"]}, {"2.0 win", "2.0 sdist"}),
    ],
)
def test_only_what_is_wanted_is_taken(imported, config, wanted):
    short = dict(
        zip([package.filename for package in MANY], ["1.0", "1.5", "2.0a1", "2.0 win", "2.0 linux", "2.0 sdist"], strict=True)
    )
    files = simple_index([*MANY, DJANGO])

    units, refused = imported(PythonImporter, files, config)

    assert {short[unit.filename] for unit in units} == wanted
    assert refused == {}


def test_a_project_that_is_left_out_is_not_even_asked_for(feed_of):
    feed = feed_of(simple_index([SIX]), config=PythonImporter.configure({"package_names": "six", "excludes": ["Six"]}))

    assert list(PythonImporter().sync(feed)) == []
    assert feed.fetched == []


@pytest.mark.parametrize(
    ("config", "field", "why"),
    [
        ({"package_names": "six; os_name == 'nt'"}, "package_names", "says more than a project and its versions"),
        ({"package_names": ["six[all]"]}, "package_names", "says more"),
        ({"includes": "six @ http://a.test/six.whl"}, "includes", "says more"),
        ({"excludes": "*"}, "excludes", "is no requirement"),
        ({"package_types": "egg"}, "package_types", "'egg' is none of bdist_wheel, sdist"),
        ({"exclude_platforms": ["beos"]}, "exclude_platforms", "'beos' is none of freebsd, linux, macos, windows"),
        ({"keep_latest_packages": -1}, "keep_latest_packages", "must be 0 or more"),
    ],
)
def test_a_wrong_configuration_is_refused_with_its_field(config, field: str, why: str):
    with pytest.raises(RefusedConfiguration) as refusal:
        PythonImporter.configure(config)

    assert why in str(refusal.value)
    assert field in str(refusal.value)


@pytest.mark.parametrize(
    "name", ["six-1.0-py2.7.egg", "six-1.0.win32.exe", "six-unknown.tar.gz", "seven-1.0.tar.gz", "six-1.0.rpm"]
)
def test_what_pip_would_pass_over_is_passed_over(imported, name: str):
    html = f'<a href="{name}">a</a><a href="six-1.0.tar.gz">b</a><a href="../">up</a>'.encode()

    units, refused = imported(PythonImporter, page(html), {"package_names": "six"})

    assert (names(units), refused) == (["six-1.0.tar.gz"], {})


def test_versions_sort_as_python_sorts_them(imported):
    units, _ = imported(
        PythonImporter, simple_index([build_wheel("six", each) for each in ("1.10", "1.9")]), {"package_names": "six"}
    )

    assert [unit.version for unit in sorted(units, key=lambda unit: unit.version_order())] == ["1.9", "1.10"]


# -- hostile feeds ---------------------------------------------------------------------------------------------------


def changed(**changes: object) -> bytes:
    """A page whose only file has other values."""
    text = json_page([SIX]).decode()
    for name, value in changes.items():
        text = text.replace(*value) if isinstance(value, tuple) else text.replace(f'"{name}":', f'"{name}": {value}, "was":')
    return text.encode()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (json_page([SIX])[:-5], "no JSON index page"),
        (html_page([SIX])[:-20], "ends in the middle"),
        (html_page([SIX])[:-10].replace(b"</body>", b""), "ends in the middle"),
        (b'<html><body><form action="/login"></form></body></html>', "a web page without links"),
        (b'<a href="/about.html">About</a><a href="/help">Help</a>', "none of its links leads to a file of that project"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "not UTF-8"),
        (b"<a href=six-1.0.tar.gz>\xff\xfe</a>", "not UTF-8"),
        (b'{"files": []}', "meta: Field required"),
        (b'{"meta": {"api-version": "2.0"}, "files": []}', "api-version"),
        (b'<meta name="pypi:repository-version" content="2.0"><a href="six-1.0.tar.gz">a</a>', "of version 2.0"),
        (b"{" + b'"a":[' * 300 + b"]" * 300 + b"}", "no JSON index page"),
        (b'{"meta": {"api-version": "1.0"}, "files": [' + b"[]," * 600_000 + b"0]}", "more than 1000000 values"),
        (b'<a href="' + b"x" * 200_000, "a tag of more than"),
        (b"<!--" * 500_000, "ends in the middle"),
        (changed(size=-1), "files.0.size"),
        (changed(size=10**30), "files.0.size"),
        (changed(filename="7"), "files.0.filename"),
        (changed(hashes="[]"), "files.0.hashes"),
        (changed(a=('"yanked": false', '"yanked": {}')), "files.0.yanked"),
    ],
    ids=range(19),
)
def test_a_page_that_is_no_index_page_is_refused_as_a_whole_and_quickly(imported, data: bytes, why: str):
    started = time.process_time()

    with pytest.raises(PluginError, match="The index page of six cannot be read") as refusal:
        imported(PythonImporter, page(data), {"package_names": "six"})

    assert why in str(refusal.value)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("data", "item", "why"),
    [
        (changed(filename='"../../six-1.0.tar.gz"'), "../../six-1.0.tar.gz", "no plain name"),
        (changed(filename='"/etc/six-1.0.tar.gz"'), "/etc/six-1.0.tar.gz", "no plain name"),
        (changed(filename='"six-1.0\\u0000.tar.gz"'), "'six-1.0\\x00.tar.gz'", "a NUL"),
        (changed(filename='"six\\\\..-1.0.tar.gz"'), "six\\..-1.0.tar.gz", "backslash"),
        (changed(filename='"six-1.0\\u001b[2J.tar.gz"'), "'six-1.0\\x1b[2J.tar.gz'", "control character"),
        (b'<a href="six%2F..%2Fsix-1.0.tar.gz">a</a>', "six/../six-1.0.tar.gz", "no plain name"),
        (b'<a href="http://[six-1.0.tar.gz">a</a>', "http://[six-1.0.tar.gz", "no address"),
        (changed(filename=f'"six{"-" * 300}1.0.tar.gz"'), repr(f"six{'-' * 300}"[:200]), "255 bytes"),
        (changed(a=(SIX.sha256, "abc")), SIX.filename, "its sha256 is not 64 hex digits"),
        (changed(a=(SIX.sha256, "z" * 64)), SIX.filename, "its sha256 is not 64 hex digits"),
        (changed(a=('{"sha256"', '{"blake2b"')), SIX.filename, "no checksum that can be checked here, only blake2b"),
        (b'<a href="six-1.0.tar.gz#sha3_256=00">a</a>', "six-1.0.tar.gz", "only sha3_256"),
        (json_page([SIX, SIX._replace(data=b"other")]), SIX.filename, "twice, with different content"),
        (json_page([SIX._replace(metadata=b"other")]), SIX.filename, "another sha256 than the index page says"),
    ],
)
def test_a_file_that_may_not_be_published_is_refused_alone(imported, data: bytes, item: str, why: str):
    _, refused = imported(PythonImporter, page(data) | package_files([SIX]), {"package_names": "six"})

    assert list(refused) == [item]
    assert why in refused[item]


def test_a_file_that_is_named_twice_with_the_same_content_is_one_unit(imported):
    units, refused = imported(PythonImporter, page(json_page([SIX, SIX])) | package_files([SIX]), {"package_names": "six"})

    assert (names(units), refused) == ([SIX.filename], {})


def test_a_page_that_is_too_large_is_not_read(imported, monkeypatch):
    monkeypatch.setattr(index_pages, "LARGEST_PAGE", 100)

    with pytest.raises(PluginError, match="100 are the most"):
        imported(PythonImporter, simple_index([SIX]), {"package_names": "six"})


def test_a_page_with_too_many_links_is_refused(imported, monkeypatch):
    monkeypatch.setattr(anchors, "MOST_ANCHORS", 3)

    with pytest.raises(PluginError, match="more than 3 links"):
        imported(PythonImporter, page(b"<a href=six-1.0.tar.gz></a>" * 4), {"package_names": "six"})


def test_a_metadata_file_that_is_too_large_is_refused(imported, monkeypatch):
    monkeypatch.setattr("entrepot_python.packages.LARGEST", 10)

    _, refused = imported(PythonImporter, simple_index([SIX]), {"package_names": "six"})

    assert "10 are the most" in refused[SIX.filename]


def test_an_answer_of_an_unknown_kind_is_refused(imported):
    with pytest.raises(PluginError, match="image/png"):
        imported(PythonImporter, simple_index([SIX]), {"package_names": "six"}, media_types={"simple/six/": "image/png"})


def test_texts_of_a_page_are_cleaned_and_cut(imported):
    package = SIX._replace(yanked="a\x00b\x1b[2J" + "c" * 5000)

    units, _ = imported(PythonImporter, simple_index([package]), {"package_names": "six"})

    assert units[0].yanked_reason.startswith("a b [2Jccc")
    assert len(units[0].yanked_reason) == LONGEST_TEXT


def test_metadata_of_any_bytes_is_read_without_harm():
    read = core_metadata.read_metadata(b"Name: six\r\nSummary: \xff\xfe\r\nLicense: " + b"x" * 10_000 + b"\r\n\r\nSummary: no")

    assert read.name == "six"
    assert read.license == "x" * core_metadata.LONGEST_FIELD


@pytest.mark.parametrize(
    "link",
    [
        "a.whl",
        "../a.whl",
        "../../../../a/b.whl",
        "./a.whl",
        "a/../b.whl",
        "../.hidden/a.whl",
        "/a/b.whl",
        "//other.test/a.whl",
        "https://files.test/a/b.whl",
        "https://files.test/a/../b.whl",
        "http://files.test:8080/a/b.whl?x=1",
        "  a.whl\n",
        "?x",
        "a%20b.whl",
        "a b.whl",
        "",
    ],
)
def test_links_are_joined_as_the_library_does_it(link: str):
    page = "http://feed.test/zoo/simple/six/"

    assert Links(page).join(f"{link}#sha256=ab") == (urljoin(page, link.strip()), "sha256=ab")
