"""Templates escape everything, and ask for what there is."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from jinja2 import DictLoader, UndefinedError

from entrepot import clock
from entrepot.dashboard import charts, rendering, words
from entrepot.dashboard.login import Attempt
from entrepot.dashboard.page import Page, address, rest_path, segment
from entrepot.dashboard.rendering import Visit, marks, render

TEMPLATES = Path(rendering.__file__).with_name("templates")
EVIL = "<script>alert(1)</script>\"'&"


@pytest.fixture
def page_of(monkeypatch):
    """Render a template that is given here."""

    def rendered(text, **values: object):
        environment = rendering._environment.__wrapped__()
        environment.loader = DictLoader({"here.html": text})
        monkeypatch.setattr(rendering, "_environment", lambda: environment)
        return render(Page("here.html", "Here", values), Visit(None, None, "/here", {"q": [EVIL]}, "/root"))

    return rendered


def test_whatever_is_shown_is_escaped(page_of):
    shown = page_of(
        '{{ x }} {{ x|pretty }} {{ sparkline([1, 2], x) }} {{ bars([(1, x)], x) }} <a href="{{ link(x|segment) }}">', x=EVIL
    )

    assert "<script" not in shown.html
    assert re.search(r'="[^"]*\'[^"]*"', shown.html) is None


def test_a_name_that_nobody_gave_is_an_error(page_of):
    with pytest.raises(UndefinedError):
        page_of("{{ missing }}")


def test_a_live_part_is_framed_and_noted(page_of):
    shown = page_of('{% call live("one") %} <b>{{ x }}</b> {% endcall %}{{ stream() }}', x=EVIL)

    assert set(shown.parts) == {"one"}
    assert shown.parts["one"].startswith("<b>&lt;script&gt;")
    assert f'<div id="live-one" class="live" sse-swap="one" hx-swap="innerHTML">{shown.parts["one"]}</div>' in shown.html
    assert marks(shown.parts).replace(":", "%3A") in shown.html
    assert shown.html.count("/root/live?page=%2Fhere%3Fq%3D%253Cscript") == 1


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_no_template_breaks_the_policy_of_the_pages(template):
    text = template.read_text()

    assert not re.search(
        r"<script(?! src=\"\{\{ static)|<style|\sstyle=|\son\w+=|javascript:|(?:href|src|action)=\"https?:", text
    )
    assert "|safe" not in text
    assert not re.search(r'(?:href|action|src)="/', text), "addresses are made by link(…)"


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_every_form_that_changes_something_has_the_token(template):
    forms = re.findall(r'<form[^>]*method="post".*?</form>', template.read_text(), re.DOTALL)

    assert [form for form in forms if "csrf" not in form] == [] or template.name == "login.html"


def test_paths_and_queries_are_encoded():
    assert segment("a/b c%") == "a%2Fb%20c%25"
    assert address("/tasks/ü", {"state": ["error", "running"]}) == "/tasks/%C3%BC?state=error&state=running"
    assert rest_path("/v2/repositories/{repository_id}/", {"repository_id": "a/b"}) == "/v2/repositories/a%2Fb/"


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("/tasks?state=error", "/tasks?state=error"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/a\r\nset-cookie: x=y", "/"),
        ("", "/"),
    ],
)
def test_the_login_leads_to_our_own_pages_only(wanted, there):
    assert Attempt({}, {"next": [wanted]}, None, "", "").next_page == there


def test_moments_are_told_by_their_distance():
    now = clock.now()

    assert ">2 min ago<" in words.moment(now - timedelta(seconds=121))
    assert ">in 3 h<" in words.moment(now + timedelta(hours=3, seconds=1))
    assert ">now<" in words.moment(now)
    assert words.moment(None) == words.number(None) == words.size(None) == words.span(None)


def test_a_chart_of_nothing_is_nothing_and_one_of_zeros_is_flat():
    assert charts.sparkline([], "x") == charts.bars([], "x") == ""
    assert 'points="0.0,30.0 144.0,30.0"' in charts.sparkline([0, 0], "x")
    assert charts.bars([(0, "none"), (4, "four")], "x").count("<rect") == 2
