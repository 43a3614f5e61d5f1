"""The description of the API: as a page for people, in OpenAPI for programs."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser
from typing import Any

import pytest

from entrepot.access import Operation
from entrepot.rest import ENDPOINTS
from entrepot.rest.docs_page import page
from entrepot.rest.endpoint import PREFIX, Answer, Body, Endpoint, Parameter
from entrepot.rest.schemas import TEXT, body


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


class Reader(HTMLParser):
    """Checks that elements are closed in their order, and keeps what matters of them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.summaries: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)
        if tag == "summary":
            self.summaries.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "summary" in self.open:
            self.summaries[-1] += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_tells_of_every_endpoint_to_anybody(api: Any) -> None:
    response = api.as_(None).get("docs/")

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    summaries = read(response.text).summaries
    for endpoint in ENDPOINTS:
        assert f"{endpoint.method} {PREFIX}{endpoint.path} " in "".join(f"{summary} " for summary in summaries)


def test_the_page_runs_nothing_and_loads_nothing(api: Any) -> None:
    response = api.get("docs/")

    policy = dict(part.strip().split(" ", 1) for part in response.headers["content-security-policy"].split(";"))
    style = re.search("<style>(.*?)</style>", response.text, re.DOTALL)
    assert style is not None
    digest = b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert "prefers-color-scheme:dark" in style[1]
    reader = read(response.text)
    assert not {"script", "link", "img", "iframe", "form"} & set(reader.tags)
    names = {name for name, _ in reader.attributes}
    assert not {name for name in names if name.startswith("on") or name == "style"}
    targets = [value or "" for name, value in reader.attributes if name in ("href", "src")]
    assert all(target.startswith(("#", f"{PREFIX}/")) for target in targets)


def test_links_within_the_page_lead_somewhere(api: Any) -> None:
    reader = read(api.get("docs/").text)

    ids = [value for name, value in reader.attributes if name == "id"]
    links = {value[1:] for name, value in reader.attributes if name == "href" and value and value.startswith("#")}
    assert links <= set(ids)
    assert len(ids) == len(set(ids))


def test_all_text_is_escaped() -> None:
    def view(asked: Any) -> Answer:
        """Return <script>alert(1)</script> & `<b>`."""
        return Answer(None)

    text = page(
        (
            Endpoint(
                "POST",
                "/v2/<x>/{a&b}/",
                Operation.READ,
                view,
                {200: {"enum": ["<i>"]}},
                body=Body(body("<Title>", ("<p>",), **{"<p>": {**TEXT, "description": "<q>"}})),
                query=(Parameter("<name>", "<described>", {"const": "<c>"}),),
            ),
        )
    )

    frame = {"html", "head", "meta", "title", "style", "body", "main", "nav", "details", "summary", "div"}
    words = {"h1", "h2", "h3", "p", "small", "a", "b", "code", "span", "pre", "table", "tr", "td"}
    assert set(read(text).tags) <= frame | words
    assert text.count("<b>") == 1
    assert "&lt;script&gt;" in text
    assert "<script" not in text


def test_the_example_of_an_endpoint_can_be_pasted_into_a_shell(api: Any) -> None:
    text = api.get("docs/").text

    assert f"curl https://SERVER{PREFIX}/v2/status/" in text
    assert f"curl -u LOGIN -X DELETE https://SERVER{PREFIX}/v2/tasks/TASK_ID/" in text
    assert "-d &#x27;{&quot;task_type&quot;: &quot;…&quot;}&#x27;" in text


def test_the_openapi_document_holds_every_route_and_refers_to_nothing_that_is_not_there(api: Any) -> None:
    response = api.as_(None).get("docs/openapi.json")

    assert response.status_code == 200
    document = response.json()
    described = {(path, method.upper()) for path, found in document["paths"].items() for method in found}
    assert described == {(PREFIX + endpoint.path, endpoint.method) for endpoint in ENDPOINTS}
    references = set(re.findall(r'"\$ref":"#/components/schemas/(\w+)"', response.text))
    assert references <= set(document["components"]["schemas"])
    operations = [found for path in document["paths"].values() for found in path.values()]
    assert all(operation["summary"] for operation in operations)
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
