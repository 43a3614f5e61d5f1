"""Debian versions, paragraphs, dependencies and .deb files, each by itself."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from debian.debian_support import NativeVersion
from hypothesis import given
from hypothesis import strategies as st
from tests.builders.deb import PACKERS, _ar_member, build_deb

from entrepot.plugin import PluginError
from entrepot_deb.dependencies import needed, read_wishes
from entrepot_deb.package_file import read_control
from entrepot_deb.stanzas import cut_stanzas, deb_of, fields_of
from entrepot_deb.units import Deb
from entrepot_deb.versions import satisfies, version_order

_part = st.text(st.sampled_from("019az~+.A"), max_size=6)
versions = st.builds(
    lambda epoch, part, revision: f"{epoch}1{part}{revision}",
    st.sampled_from(["", "0:", "2:"]),
    _part,
    _part.map(lambda text: f"-{text}1" if text else ""),
)


@given(versions, versions)
def test_versions_are_ordered_as_python_debian_orders_them(one: str, other: str) -> None:
    ours = (version_order(one) > version_order(other)) - (version_order(one) < version_order(other))
    theirs = (NativeVersion(one) > NativeVersion(other)) - (NativeVersion(one) < NativeVersion(other))

    assert ours == theirs


@pytest.mark.parametrize(
    ("version", "relation", "wanted", "is_met"),
    [
        ("1.0", "=", "1.0-0", True),
        ("1.0", ">=", "1.0", True),
        ("1.0", ">>", "1.0", False),
        ("1.0~rc1", "<<", "1.0", True),
        ("1:0.1", ">>", "9", True),
        ("2", "<=", "1", False),
    ],
)
def test_a_relation_between_versions_is_decided(version: str, relation: str, wanted: str, *, is_met: bool) -> None:
    assert satisfies(version, relation, wanted) is is_met


@given(st.lists(st.integers(1, 30), max_size=20), st.integers(1, 40))
def test_paragraphs_are_cut_the_same_however_the_text_is_cut_into_chunks(sizes: list[int], step: int) -> None:
    stanzas = [b"\n".join(b"Line: %d" % number for number in range(size)) for size in sizes]
    text = b"\n\n\n".join(stanzas) + b"\n"

    assert list(cut_stanzas((text[at : at + step] for at in range(0, len(text), step)), "Packages")) == stanzas


def test_fields_that_go_on_in_further_lines_are_joined() -> None:
    fields = fields_of(b"Package: zoo\nDepends: a,\n b\nDescription: short\n long\n .\n long\nSection:animals")

    assert fields == {
        "package": "zoo",
        "depends": "a,\n b",
        "description": "short\n long\n .\n long",
        "section": "animals",
    }


@pytest.mark.parametrize("line", ["Package: bear", "package: bear", "Section: animals"])
def test_a_field_that_a_paragraph_has_twice_is_refused_for_readers_would_differ_about_it(line: str) -> None:
    with pytest.raises(ValueError, match="more than once"):
        fields_of(f"Package: zoo\nSection: zoos\n{line}".encode())


@pytest.mark.parametrize("blank", ["\x0b", "\x0c", "\xa0", "\u2003"])
def test_only_blanks_and_tabs_around_a_name_do_not_count(blank: str) -> None:
    with pytest.raises(ValueError, match="name"):
        stanza = f"Package: {blank}zoo\nVersion: 1\nArchitecture: all\nSize: 1\nSHA256: {'a' * 64}".encode()
        deb_of(stanza, fields_of(stanza))


@pytest.mark.parametrize("filename", ["Filename: a.deb\n", "filename: a.deb\n more\n", "Filename:\n a.deb\n"])
def test_where_the_feed_has_it_is_no_part_of_what_is_kept(filename: str) -> None:
    stanza = f"Package: zoo\n{filename}Version: 1\nArchitecture: all\nSize: 1\nSHA256: {'a' * 64}".encode()

    document = deb_of(stanza, fields_of(stanza)).document

    assert document == f"Package: zoo\nVersion: 1\nArchitecture: all\nSize: 1\nSHA256: {'a' * 64}\n".encode()


@pytest.mark.parametrize("packing", list(PACKERS))
def test_the_control_file_of_a_package_is_read(tmp_path: Path, packing: str, client_program) -> None:
    deb = build_deb("zoo", "2:1.0-1", "amd64", packing=packing, Depends="keeper")
    path = tmp_path / deb.filename
    path.write_bytes(deb.data)

    said = subprocess.run([client_program("dpkg-deb"), "-f", path], capture_output=True, check=True).stdout

    assert fields_of(read_control(path)) == fields_of(said.strip())
    assert fields_of(said.strip())["depends"] == "keeper"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "does not begin as an ar archive"),
        (b"<html>sign in</html>", "does not begin as an ar archive"),
        (b"!<arch>\n", "has no member control.tar"),
        (b"!<arch>\n" + _ar_member("debian-binary", b"2.0\n"), "has no member control.tar"),
        (b"!<arch>\n" + _ar_member("control.tar.gz", b"junk"), "Not a gzipped file"),
        (b"!<arch>\n" + _ar_member("control.tar.lzo", b"junk"), "packed as '.lzo'"),
        (b"!<arch>\n" + _ar_member("control.tar", b"junk"), "truncated header"),
        (b"!<arch>\n" + _ar_member("control.tar", bytes(1024)), "has no file control"),
        (b"!<arch>\n" + _ar_member("control.tar", b"")[:48] + b"9" * 10 + b"`\n", "has 9999999999 bytes"),
        (b"!<arch>\n" + _ar_member("debian-binary", b"")[:48] + b"-1        `\n", "has no member control.tar"),
        (b"!<arch>\n" + _ar_member("control.tar.gz", PACKERS[".gz"](bytes(65 << 20))), "unpacks to more than"),
        (build_deb("zoo").data[:100], "is no Debian package"),
    ],
)
def test_what_is_no_package_is_said_in_one_line(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "upload"
    path.write_bytes(data)

    with pytest.raises(PluginError, match=f"the upload is no Debian package: .*{why}" if "Debian" not in why else why):
        read_control(path)


def test_a_link_called_control_is_not_followed(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        link = tarfile.TarInfo("./control")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    path = tmp_path / "upload"
    path.write_bytes(b"!<arch>\n" + _ar_member("control.tar", archive.getvalue()))

    with pytest.raises(PluginError, match="has no file control"):
        read_control(path)


def test_dependencies_are_read_with_their_alternatives() -> None:
    wishes = read_wishes("libc6 (>= 2.3), python3:any | python, foo (= 1) [amd64] <!nocheck>,, ${odd}")

    assert wishes == [[("libc6", ">=", "2.3")], [("python3", None, None), ("python", None, None)], [("foo", "=", "1")]]


def test_what_packages_need_is_found_through_versions_alternatives_and_virtual_packages() -> None:
    zoo = _deb("zoo", depends="keeper (>= 2), no-such | food, here, loop")
    offered = [
        zoo,
        _deb("keeper", "1"),
        _deb("keeper", "2"),
        _deb("keeper", "10"),
        _deb("keeper", "11", "arm64"),
        _deb("hay", provides="food (= 1)"),
        _deb("here"),
        _deb("loop", pre_depends="zoo, deep"),
        _deb("deep", architecture="all"),
        _deb("unrelated"),
    ]

    found = needed([zoo], [_deb("here", "0.1")], offered)

    assert sorted((deb.name, deb.version) for deb in found) == [("deep", "1"), ("hay", "1"), ("keeper", "10"), ("loop", "1")]


def _deb(name: str, version: str = "1", architecture: str = "amd64", **fields: str) -> Deb:
    checksum = f"{abs(hash((name, version, architecture))):064x}"[-64:]
    return Deb(
        name=name,
        version=version,
        architecture=architecture,
        checksumtype="sha256",
        checksum=checksum,
        size=1,
        filename="",
        **fields,
    )
