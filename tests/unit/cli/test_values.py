"""`key=value` arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot.cli.values import pairs
from entrepot.errors import InvalidValue


def test_a_value_that_is_json_is_read_as_such_and_any_other_is_text() -> None:
    given = ["count=5", "on=true", "none=null", "list=[1]", "text=hello", 'quoted="5"', "empty=", "url=http://x/?a=b"]

    assert pairs(given, option="--note") == {
        "count": 5,
        "on": True,
        "none": None,
        "list": [1],
        "text": "hello",
        "quoted": "5",
        "empty": "",
        "url": "http://x/?a=b",
    }


def test_a_value_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN-----\n")

    assert pairs([f"ssl_ca_cert=@{tmp_path / 'ca.pem'}"], option="--importer-config") == {"ssl_ca_cert": "-----BEGIN-----\n"}


@pytest.mark.parametrize("argument", ["feed", "=x", "key=@/no/such/file"])
def test_what_cannot_be_read_is_refused_with_the_name_of_the_option(argument: str) -> None:
    with pytest.raises(InvalidValue, match="--importer-config"):
        pairs([argument], option="--importer-config")
