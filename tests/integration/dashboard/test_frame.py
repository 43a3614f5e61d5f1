"""What all pages have in common: who may come in, what a form needs, what is told of trouble, and the stream of live parts."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial

import httpx
import pytest

from entrepot import clock
from entrepot.dashboard import Dashboard
from entrepot.dashboard.forms import read_body
from entrepot.readers import Readers
from entrepot.streaming import Changes
from entrepot.web.app import web_app

from .conftest import HOSTILE, PASSWORD


@pytest.fixture
def ask(engine):
    """Send one request to everything that the engine serves."""

    def asked(method, path, **options: object):
        async def run():
            transport = httpx.ASGITransport(web_app(engine), raise_app_exceptions=False, client=("192.0.2.7", 5))
            async with httpx.AsyncClient(transport=transport, base_url="http://server.test") as client:
                return await client.request(method, path, **options)

        return asyncio.run(run())

    return asked


def logged_in(response):
    return response.headers["set-cookie"].partition(";")[0]


def test_who_is_not_logged_in_is_led_to_the_login_and_back(ask):
    response = ask("GET", "/workers?a=1")

    assert (response.status_code, response.headers["location"]) == (303, "/login?next=%2Fworkers%3Fa%3D1")
    form = ask("GET", response.headers["location"])
    assert 'action="/login?next=/workers%3Fa%3D1"' in form.text

    sent = ask("POST", response.headers["location"], data={"login": "admin", "password": PASSWORD})
    assert (sent.status_code, sent.headers["location"]) == (303, "/workers?a=1")
    assert "HttpOnly; SameSite=Lax" in sent.headers["set-cookie"]
    assert ask("GET", "/workers", headers={"cookie": logged_in(sent)}).status_code == 200


def test_a_wrong_password_shows_the_form_again_without_the_password(ask):
    response = ask("POST", "/login", data={"login": HOSTILE, "password": "geheim-geheim"})

    assert response.status_code == 401
    assert "Login and password do not fit." in response.text
    assert "geheim-geheim" not in response.text
    assert "<script>alert" not in response.text
    assert "set-cookie" not in response.headers


def test_too_many_wrong_passwords_are_told_when_to_come_back(ask, engine):
    for _ in range(engine.settings.login_failures):
        ask("POST", "/login", data={"login": "admin", "password": "wrong"})

    response = ask("POST", "/login", data={"login": "admin", "password": PASSWORD})

    assert response.status_code == 429
    assert "Try again in" in response.text


def test_a_login_that_another_site_sends_is_refused(ask):
    response = ask("POST", "/login", data={"login": "admin", "password": PASSWORD}, headers={"sec-fetch-site": "cross-site"})

    assert response.status_code == 403
    assert "set-cookie" not in response.headers


def test_who_logs_out_is_out_wherever_the_cookie_is_kept(ask):
    cookie = logged_in(ask("POST", "/login", data={"login": "admin", "password": PASSWORD}))
    page = ask("GET", "/workers", headers={"cookie": cookie}).text
    token = page.partition('name="csrf" value="')[2].partition('"')[0]

    response = ask("POST", "/logout", data={"csrf": token}, headers={"cookie": cookie})

    assert (response.status_code, response.headers["location"]) == (303, "/login")
    assert "entrepot_session=; Path=/; Max-Age=0" in response.headers["set-cookie"]
    assert ask("GET", "/workers", headers={"cookie": cookie}).status_code == 303


@pytest.mark.parametrize("csrf", ["", "0" * 64, "ü"])
def test_a_form_without_the_token_of_the_session_changes_nothing(dashboard, engine, csrf):
    response = dashboard.post("/workers/drain", {"host": "here"}, csrf=csrf)

    assert response.status_code == 403
    assert "not sent from a page of this session" in response.text
    assert engine.database.rows("SELECT * FROM worker_drain") == []


def test_what_is_changed_and_who_was_refused_is_in_the_audit_log(dashboard, reader, engine):
    _beat(engine, "worker-one")
    drained = dashboard.post("/workers/drain", {"host": "h", "worker": ""})
    assert drained.status_code == 303, drained.text
    reader.post("/workers/resume", {"host": "here"})

    entries = [(entry.login, entry.door, entry.action, entry.outcome) for entry in engine.access.list_audit(limit=2)]
    assert entries == [("rita", "dashboard", "resume", "refused"), ("admin", "dashboard", "drain", "done")]


def test_a_page_that_is_not_there_says_so_with_a_menu(dashboard):
    response = dashboard.get("/workers/nothing/here")

    assert response.status_code == 404
    assert "<h1>That did not work</h1>" in response.text
    assert 'aria-label="Main"' in response.text


def test_every_answer_forbids_what_is_not_our_own(dashboard):
    for path in ("/workers", "/login", "/workers/none", "/static/app.js", "/live?page=/nothing"):
        headers = dashboard.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"


def test_pages_are_not_kept_and_files_with_a_version_are(dashboard):
    page = dashboard.get("/workers")
    style = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]

    assert page.headers["cache-control"] == "no-store"
    assert dashboard.get(style).headers["cache-control"] == "public, max-age=31536000, immutable"
    assert dashboard.get("/static/nothing.css").status_code == 404
    assert dashboard.get("/static/../app.py").status_code == 404


def test_behind_a_prefix_all_addresses_have_it(engine):
    async def run():
        app = Dashboard(engine, Readers(engine), Changes(engine))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, root_path="/mirror")
        async with httpx.AsyncClient(transport=transport, base_url="http://server.test") as client:
            form = await client.get("/mirror/login")
            sent = await client.post("/mirror/login", data={"login": "admin", "password": PASSWORD})
            page = await client.get("/mirror/workers", headers={"cookie": logged_in(sent)})
            return form, sent, page

    form, sent, page = asyncio.run(run())

    assert 'action="/mirror/login"' in form.text
    assert sent.headers["location"] == "/mirror/"
    assert "Path=/mirror;" in sent.headers["set-cookie"]
    assert all(part.startswith(("/mirror/", "#")) for part in _attributes(page.text, "href") + _attributes(page.text, "action"))
    assert 'sse-connect="/mirror/live?' in page.text


def _attributes(html, name):
    return [part.partition('"')[0] for part in html.split(f' {name}="')[1:] if not part.startswith('"')]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 400),
        ("application/x-www-form-urlencoded", b"a=%ff", 400),
        ("application/x-www-form-urlencoded", b"a&" * 3000, 400),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * 1_100_000, 413),
    ],
)
def test_what_is_no_form_is_refused_in_words(ask, content_type, body, status):
    response = ask("POST", "/login", content=body, headers={"content-type": content_type})

    assert response.status_code == status
    assert "<h1>" in response.text


def test_a_method_that_no_page_has_is_refused(ask):
    response = ask("DELETE", "/workers")

    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, POST")


def test_the_front_page_is_for_browsers_and_tells_programs_where_all_is(ask):
    assert "REST API" in ask("GET", "/", headers={"accept": "*/*"}).text
    assert ask("GET", "/", headers={"accept": "text/html"}).status_code == 303


@pytest.mark.parametrize("page", ["/workers", "/nothing", "", "//evil.example/x", "/live", "/login"])
def test_a_stream_is_refused_to_who_is_not_logged_in(ask, page):
    assert ask("GET", "/live", params={"page": page}).status_code in (401, 404)


@pytest.mark.parametrize(
    "page", ["//[", "http://[", "/workers?a=%ff", "/tasks/%zz", "/login", "/live", "/workers/drain", "/account"]
)
def test_a_stream_of_what_is_no_page_is_refused_in_words(dashboard, page):
    assert dashboard.get("/live", params={"page": page}).status_code in (400, 404)


def test_a_form_that_comes_byte_by_byte_takes_no_longer():
    pieces = iter([{"type": "http.request", "body": b"x", "more_body": True}] * 100_000 + [{"type": "http.request"}])

    async def receive():
        return next(pieces)

    body = asyncio.run(asyncio.wait_for(read_body({"headers": []}, receive), 10))

    assert body == b"x" * 100_000


@pytest.mark.parametrize("path", ["/workers/x%0aFAKE%1b", "/live"])
def test_a_path_in_the_log_stays_in_its_line(dashboard, caplog, path):
    with caplog.at_level("INFO", "entrepot.dashboard"):
        dashboard.get(path, params={"page": "/x\nFAKE"})

    lines = [record.getMessage() for record in caplog.records if record.name == "entrepot.dashboard"]
    assert all(line.isprintable() for line in lines)


def test_logins_by_all_doors_together_leave_threads_for_the_rest(engine):
    _, token = engine.access.create_token("admin", "ci")
    slots = engine.access._passwords.slot

    async def run():
        transport = httpx.ASGITransport(web_app(engine), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://server.test") as client:
            wrong = {"login": "admin", "password": "wrong"}
            tasks, headers = "/pulp/api/v2/tasks/", {"authorization": f"Bearer {token}"}
            logins = [asyncio.create_task(client.post("/login", data=wrong)) for _ in range(4)]
            logins += [asyncio.create_task(client.get(tasks, auth=("admin", "wrong"))) for _ in range(4)]
            try:
                return [(await asyncio.wait_for(client.get(tasks, headers=headers), 10)).status_code for _ in range(3)]
            finally:
                slots.release(), slots.release()
                await asyncio.gather(*logins)

    assert slots.acquire(blocking=False)
    assert slots.acquire(blocking=False)
    assert asyncio.run(run()) == [200] * 3


class Stream:
    """A stream of the dashboard, read event by event."""

    def __init__(self, app, cookie, path, **headers: str) -> None:
        self._scope = {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": "/live",
            "query_string": path.encode(),
            "headers": [(b"cookie", cookie.encode()), *((name.encode(), value.encode()) for name, value in headers.items())],
        }
        self._app = app
        self._sent = asyncio.Queue()
        self._gone = asyncio.Event()

    async def events(self):
        running = asyncio.create_task(self._app(self._scope, self._receive, self._sent.put))
        try:
            while True:
                message = await asyncio.wait_for(self._sent.get(), 10)
                for text in message.get("body", b"").decode().split("\n\n"):
                    if text.startswith("id: "):
                        head, _, data = text.partition("\ndata: ")
                        event_id, _, name = head.partition("\nevent: ")
                        yield event_id.removeprefix("id: "), name, data
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    return
        finally:
            self._gone.set()
            await running

    async def _receive(self):
        await self._gone.wait()
        return {"type": "http.disconnect"}


def _beat(engine, name):
    with engine.visit(), engine.transaction() as database:
        database.execute(
            "INSERT INTO worker (name, host, pid, threads, version, started_at, beat_at) VALUES (?, ?, 1, 1, '0', 0, 0)",
            (name, "h"),
        )


def test_a_stream_is_no_use_of_the_session(engine, monkeypatch):
    secret, _ = engine.access.begin_session("admin", PASSWORD, address=None, agent=None)
    (begun,) = engine.access.list_sessions("admin")
    later = clock.now_us() + 3_600_000_000
    monkeypatch.setattr("entrepot.access.sessions.clock.now_us", lambda: later)

    async def run():
        app = Dashboard(engine, Readers(engine), Changes(engine))
        async with aclosing(Stream(app, f"entrepot_session={secret}", "page=/workers").events()) as events:
            await anext(events)

    asyncio.run(run())

    assert [session.last_seen for session in engine.access.list_sessions("admin")] == [begun.last_seen]


def test_a_stream_sends_what_changed_and_goes_on_where_it_was_heard_last(engine):
    async def run():
        secret, _ = engine.access.begin_session("admin", PASSWORD, address=None, agent=None)
        app = Dashboard(engine, Readers(engine), Changes(engine))
        opened = partial(Stream, app, f"entrepot_session={secret}", "page=%2Fworkers&after=x")
        async with aclosing(opened().events()) as events:
            first = await anext(events)
            await asyncio.to_thread(_beat, engine, "worker-one")
            second = await anext(events)
        await asyncio.to_thread(_beat, engine, "worker-two")
        async with aclosing(opened(**{"last-event-id": second[0]}).events()) as events:
            third = await anext(events)
            await asyncio.to_thread(engine.access.end_session, secret)
            ended = [event async for event in events]
        return first, second, third, ended

    first, second, third, ended = asyncio.run(run())

    assert "There are no workers" in first[2]
    assert second[1] == "workers"
    assert "worker-one" in second[2]
    assert "worker-two" not in second[2]
    assert "worker-two" in third[2]
    assert [name for _, name, _ in ended] == ["reload"]


def test_a_browser_keeps_some_streams_open_and_no_more(engine, monkeypatch):
    monkeypatch.setattr("entrepot.dashboard.app._MOST_STREAMS", 2)

    async def run():
        secret, _ = engine.access.begin_session("admin", PASSWORD, address=None, agent=None)
        app = Dashboard(engine, Readers(engine), Changes(engine))
        opened = partial(Stream, app, f"entrepot_session={secret}", "page=%2Fworkers&after=x")
        async with aclosing(opened().events()) as first:
            await anext(first)
            async with aclosing(opened().events()) as second:
                await anext(second)
                refused = [event async for event in opened().events()]
        async with aclosing(opened().events()) as later:
            return refused, await anext(later)

    refused, later = asyncio.run(run())

    assert refused == []
    assert later[1] == "workers"


def test_streams_end_when_the_server_stops(engine):
    async def run():
        secret, _ = engine.access.begin_session("admin", PASSWORD, address=None, agent=None)
        changes = Changes(engine)
        app = Dashboard(engine, Readers(engine), changes)
        stream = Stream(app, f"entrepot_session={secret}", "page=%2Fworkers&after=x")
        events = stream.events()
        await anext(events)
        changes.end()
        return [event async for event in events]

    assert asyncio.run(run()) == []
