"""Arguments: `key=value`, and spans in seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from entrepot.cli.values import pairs, seconds
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


@pytest.mark.parametrize("text", ["inf", "nan", "-1", "1e300", "31622401", "soon", ""])
def test_a_span_that_cannot_be_waited_for_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no number of seconds"):
        seconds(text)


def test_a_span_is_a_number_of_seconds() -> None:
    assert [seconds(text) for text in ("0", "0.5", "31622400")] == [0.0, 0.5, 31_622_400.0]
