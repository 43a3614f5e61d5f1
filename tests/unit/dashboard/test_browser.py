"""Cookies and the origin of forms."""

from __future__ import annotations

import pytest

from entrepot.dashboard import browser
from entrepot.errors import ForeignForm


def scope(headers=(), *, scheme="http", root_path=""):
    return {"scheme": scheme, "root_path": root_path, "headers": [(name.encode(), value.encode()) for name, value in headers]}


def test_over_tls_the_session_has_a_cookie_that_no_other_host_can_set():
    sent = browser.session_cookie(scope(scheme="https"), "abc", seconds=60)

    assert sent == "__Host-entrepot_session=abc; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"
    assert (
        browser.session_secret(scope([("cookie", "entrepot_session=forged; __Host-entrepot_session=abc")], scheme="https"))
        == "abc"
    )


def test_below_a_prefix_the_cookie_is_sent_there_only():
    sent = browser.session_cookie(scope(root_path="/mirror"), "abc", seconds=60)

    assert sent == "entrepot_session=abc; Path=/mirror; Max-Age=60; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize("others", ["foo[bar]=x", '{"a": 1}', "a b=c", 'x="', "ü=1", "=", "a=b,c d"])
def test_a_cookie_of_another_app_of_the_host_does_not_hide_the_session(others):
    assert browser.session_secret(scope([("cookie", f"{others}; entrepot_session=abc; {others}")])) == "abc"


@pytest.mark.parametrize("text", ["Done.", 'zoo: "quoted"; a=b — é', "\x00\ud800", "x" * 2000])
def test_a_notice_survives_whatever_it_says_and_is_cut(text):
    cookie = browser.notice_cookie(scope(), text, is_trouble=True).partition(";")[0]
    said, is_trouble = browser.notice(scope([("cookie", cookie)]))

    assert said == text.encode("utf-8", "replace").decode()[:500]
    assert is_trouble


@pytest.mark.parametrize("cookie", ["entrepot_notice=%%%", "entrepot_notice=/w==", "=;;=", 'a="\\', "entrepot_notice"])
def test_a_cookie_that_makes_no_sense_says_nothing(cookie):
    assert browser.notice(scope([("cookie", cookie)])) == ("", False)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("sec-fetch-site", "same-origin")],
        [("sec-fetch-site", "none")],
        [("sec-fetch-site", "same-origin"), ("origin", "https://mirror.example:8443"), ("host", "mirror.example")],
        [("origin", "https://mirror.example:8443"), ("host", "Mirror.example:8443")],
    ],
)
def test_a_form_of_our_own_is_taken(headers):
    browser.require_own_form(scope(headers))


@pytest.mark.parametrize(
    "headers",
    [
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("origin", "https://evil.example"), ("host", "mirror.example")],
        [("origin", "null"), ("host", "mirror.example")],
        [("origin", "http://mirror.example:81"), ("host", "mirror.example")],
    ],
)
def test_a_form_of_another_site_is_refused(headers):
    with pytest.raises(ForeignForm):
        browser.require_own_form(scope(headers))
