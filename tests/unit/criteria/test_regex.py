"""Patterns are read as PCRE reads them, or refused with what stands in the way."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.criteria.regex import read_pattern
from entrepot.criteria.regex_forms import form
from entrepot.errors import InvalidValue


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(a)\1", "a back-reference"),
        (r"\k<x>", "a back-reference"),
        ("(?P=x)", "a back-reference"),
        ("(?=a)", "look-ahead"),
        ("(?!a)", "look-ahead"),
        ("(?<=a)", "look-behind"),
        ("(?<!a)b", "look-behind"),
        ("(?>a)", "an atomic group"),
        ("(?R)", "a recursion"),
        ("a++", "a possessive repeat"),
        ("a{2}+", "a possessive repeat"),
        ("a**", "a repeat of a repeat"),
        ("*a", "a repeat of nothing"),
        ("{2}", "a repeat of nothing"),
        ("a{3,2}", "the wrong way round"),
        ("(a", "a ( without its )"),
        ("a)", "an unmatched )"),
        ("[a", "a [ without its ]"),
        ("[b-a]", "a range of characters that is none"),
        ("[[:letters:]]", "a class"),
        ("[[.a.]]", "a collating element"),
        ("a\\", "a backslash with nothing behind it"),
        (r"\p{L}", r"the escape \p"),
        (r"\xZZ", "no character"),
        (r"\x00", "no character"),
        ("(?q)a", "a group of an unknown kind"),
        ("(*UTF8)a", "a verb"),
        ("a{1000}{1000}", "repeat"),
        ("(?:a{1000}){1000}", "repeats too much"),
        ("(?:(?:a{40}){40}){40}", "repeats too much"),
        ("(?:abcdefghij){900}", "repeats too much"),
        ("(?:.?){1000}x", "repeats too much"),
        ("a?" * 400, "repeats too much"),
        ("a" * 1001, "longer than 1000"),
        ("(" * 51 + ")" * 51, "more than 50 groups"),
    ],
)
def test_a_pattern_that_is_not_regular_or_too_large_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        read_pattern(pattern)

    assert reason in refused.value.message
    assert refused.value.data["property_names"] == ["criteria"]
    assert [error.code for error in refused.value.sub_errors] == ["PLP0000"]


@pytest.mark.parametrize("options", ["g", "ii-x", "I", "u"])
def test_an_unknown_option_is_refused(options: str) -> None:
    with pytest.raises(InvalidValue, match="options"):
        read_pattern("a", options)


@settings(deadline=None)
@given(st.text(alphabet="ab(|)[]{}*+?.^$\\-,:12dwsQE<=! \n#", max_size=30), st.sampled_from(["", "i", "m", "s", "x"]))
def test_whatever_is_given_is_read_or_refused(pattern: str, options: str) -> None:
    try:
        read = read_pattern(pattern, options)
    except InvalidValue:
        return

    re.compile(form(read, "sqlite").replace(r"\z", r"\Z").replace("(?m:^)", "").replace("(?m:$)", ""))
