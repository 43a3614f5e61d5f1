"""Tables, records and documents as they are printed when nobody looks on: plain and whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from entrepot.cli.output import as_document, cell_text, write_record, write_table
from entrepot.wording import size_text, span_text

_MOMENT = datetime(2026, 11, 2, 10, 20, 30, 999_999, tzinfo=UTC)


def test_a_table_sets_names_left_and_numbers_right(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("NAME", "SIZE#", "STATE"), [("a", 5, "ok"), ("longer", 1234, None)])

    assert capsys.readouterr().out == "NAME    SIZE  STATE\na          5  ok\nlonger  1234  -\n"


def test_a_long_value_is_never_cut_where_it_is_piped(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("ID", "ERROR"), [("x" * 100, "y" * 300)], flexible="ERROR")

    assert "x" * 100 + "  " + "y" * 300 in capsys.readouterr().out


def test_a_column_without_any_text_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("NAME", "ERROR", "STATE"), [("a", "", "ok"), ("b", "", None)], flexible="ERROR")

    assert capsys.readouterr().out == "NAME  STATE\na     ok\nb     -\n"


def test_an_empty_table_says_so_beside_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("ID",), [], empty="There is nothing.")

    assert capsys.readouterr() == ("", "There is nothing.\n")


def test_a_record_leaves_out_what_has_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    write_record([("Id", "zoo"), ("Description", None), ("Count", 0), ("Lines", "a\nb")])

    assert capsys.readouterr().out == "Id     zoo\nCount  0\nLines  a\n       b\n"


def test_names_from_feeds_cannot_command_the_terminal() -> None:
    assert cell_text("a\x1b[2Jb\r") == "a�[2Jb�"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (True, "yes"), (_MOMENT, "2026-11-02T10:20:30Z"), ({"a": 1, "b": "x"}, "a=1, b=x"), ((), "-")],
)
def test_values_are_shown_as_people_read_them(value: object, text: str) -> None:
    assert cell_text(value) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (12_345, "12.3 kB"), (5 * 10**9, "5.0 GB")])
def test_sizes_have_units(count: int, text: str) -> None:
    assert size_text(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.421, "0.42 s"), (12.4, "12 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")])
def test_spans_have_units(seconds: float, text: str) -> None:
    assert span_text(timedelta(seconds=seconds)) == text


def test_a_report_becomes_a_document_with_moments_as_the_rest_contract_writes_them() -> None:
    @dataclass(frozen=True)
    class Report:
        name: str
        created: datetime
        tags: tuple[str, ...]
        nested: dict[str, object]

    report = Report("zoo", _MOMENT, ("a", "b"), {"count": 1})

    assert as_document([report]) == [
        {"name": "zoo", "created": "2026-11-02T10:20:30Z", "tags": ["a", "b"], "nested": {"count": 1}}
    ]
