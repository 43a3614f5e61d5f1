"""The ASGI app of the facade: which publication, who asks, how often, and what is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from entrepot import clock
from entrepot.errors import MissingResource
from entrepot.facades.door import Answer, Door, Heard, json_bytes
from entrepot.facades.limits import Buckets
from entrepot.facades.pugpig import refusals
from entrepot.facades.pugpig.activity import ENTRIES, MOST_ENTRIES, TEXT_TYPE, json_page, read_activity, text_page
from entrepot.facades.pugpig.addresses import UPDATE, Address, address_of, is_description
from entrepot.facades.pugpig.description import description
from entrepot.facades.pugpig.monitor import COMPLETED, MOST_COMPLETED, Monitor, Page, Publication, publication_of, tag_of
from entrepot.facades.pugpig.polling import IDLE_SECONDS, Polls
from entrepot.facades.pugpig.questions import read_before, read_limit, read_since, wants_json
from entrepot.facades.pugpig.refusals import JSON_TYPE, NO_REFERRER, Refusal
from entrepot.facades.pugpig.specification import HTML_TYPE, POLICY, page, specification
from entrepot.facades.pugpig.updating import request_update

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.facades.pugpig.monitor import State
    from entrepot.readers import Readers
    from entrepot.tenants import TenantPrincipal

MONITOR_SCOPE, ACT_SCOPE = "monitor", "act"
#: Updates that one key may ask for in a second, and at once.
UPDATES_PER_SECOND, UPDATES_AT_ONCE = 0.1, 5
_BEARER = re.compile(r"bearer[ \t]+(\S+)", re.IGNORECASE)
#: What is told depends on what a client accepts.
_VARY = ("Vary", "Accept")


@dataclass(slots=True)
class _Asked:
    """A page of the activity that was asked for, made when it is to be told."""

    question: tuple[bool, int | None, int]
    make: Callable[[], Page]
    interval_seconds: int
    made: Page | None = None

    def page(self) -> Page:
        """Return the page."""
        if self.made is None:
            self.made = self.make()
        return self.made


class PugpigDoor(Door):
    """Answers `[/pugpig/<account>]/publication/<code>/addon/<prefix>.<code>.<account>/…`."""

    banner: ClassVar[str] = "pugpig/1"

    def __init__(
        self,
        engine: Engine,
        readers: Readers,
        *,
        seconds: Callable[[], float] = clock.monotonic,
        updates: Buckets | None = None,
    ) -> None:
        """Speak for `engine` with the threads of `readers`; `seconds` tells a time that only grows."""
        super().__init__(engine, readers)
        self.monitor = Monitor(engine, seconds)
        self._states: Polls[State] = Polls(seconds)
        self._pages: Polls[_Asked] = Polls(seconds)
        self._updates = Buckets(UPDATES_PER_SECOND, UPDATES_AT_ONCE, seconds) if updates is None else updates

    def answer(self, heard: Heard) -> Answer:
        """Answer a request: the address first, then the method, then who asks, then what for."""
        if is_description(heard.segments):
            is_read = heard.method == "GET"
            return Answer(200, json_bytes(description()), JSON_TYPE) if is_read else refusals.wrong_method("GET, HEAD").answer()
        answered = self._answer(heard)
        return answered.answer() if isinstance(answered, Refusal) else answered

    def broken(self, heard: Heard) -> Answer:  # noqa: ARG002 - it says nothing of the request
        """Say that something went wrong here."""
        return refusals.broken().answer()

    def too_large(self, heard: Heard) -> Answer:  # noqa: ARG002 - it says nothing of the request
        """Refuse a body that nobody asked for."""
        return refusals.too_large().answer()

    def _answer(self, heard: Heard) -> Answer | Refusal:
        address = address_of(heard.segments, heard.raw_path, heard.host)
        if address is None:
            return refusals.not_found()
        allowed = self._allowed(address)
        if heard.method not in allowed or (heard.is_head and address.endpoint == UPDATE):
            return refusals.wrong_method(", ".join(allowed))
        who = self._principal(heard, ACT_SCOPE if address.endpoint == UPDATE else MONITOR_SCOPE)
        if isinstance(who, Refusal):
            return who
        publication = self._publication(address, who)
        return refusals.not_found() if publication is None else self._tell(heard, publication, address, who)

    def _allowed(self, address: Address) -> tuple[str, ...]:
        if address.endpoint != UPDATE:
            return ("GET", "HEAD")
        return ("GET", "POST") if self.engine.settings.pugpig_legacy_get else ("POST",)

    def _tell(self, heard: Heard, publication: Publication, address: Address, who: TenantPrincipal) -> Answer | Refusal:
        match address.endpoint:
            case "progress.json":
                return self._progress(heard, publication, who)
            case "completed.json":
                return self._completed(heard, publication, who)
            case "activity":
                return self._activity(heard, publication, who)
            case "specification":
                return _specification(heard, publication, address)
            case _:
                return self._update(heard, publication, address, who)

    def _principal(self, heard: Heard, scope: str) -> TenantPrincipal | Refusal:
        """Return whose key a request shows, in its header or in its address, if it is good for `scope`."""
        match = _BEARER.fullmatch(heard.headers.get("authorization", "").strip())
        key = match[1] if match is not None else dict(heard.query).get("apiKey")
        found = self.engine.tenants.authenticate("pugpig", key) if key else None
        if found is None or found.is_expired:
            return refusals.invalid_key()
        return found if scope in found.scopes else refusals.not_allowed(scope)

    def _publication(self, address: Address, who: TenantPrincipal) -> Publication | None:
        """Return the publication at an address if the key is good for it, and its prefix is written as it is."""
        if (who.tenant, who.channel) != (address.account, address.publication):
            return None
        try:
            channel = self.engine.tenants.get("pugpig", who.tenant).find_channel(address.publication)
        except MissingResource:  # removed a moment ago, with its keys
            return None
        found = None if channel is None else publication_of(who.tenant, channel)
        return found if found is not None and found.prefix == address.prefix else None

    def _progress(self, heard: Heard, publication: Publication, who: TenantPrincipal) -> Answer | Refusal:
        state = self.monitor.state(publication)
        turn = self._states.take((who.token_id, publication, "progress"), state.interval_seconds, state)
        if turn.told is None:
            return refusals.too_many(turn.wait_seconds)
        return _told(heard, turn.told.progress_page(), JSON_TYPE, turn.told.interval_seconds, turn.wait_seconds)

    def _completed(self, heard: Heard, publication: Publication, who: TenantPrincipal) -> Answer | Refusal:
        query = dict(heard.query)
        limit = read_limit(query, default=COMPLETED, most=MOST_COMPLETED)
        if isinstance(limit, Refusal):
            return limit
        since = read_since(query)
        if isinstance(since, Refusal):
            return since
        state = self.monitor.state(publication)
        turn = self._states.take((who.token_id, publication, "completed"), state.interval_seconds, state)
        if turn.told is None:
            return refusals.too_many(turn.wait_seconds)
        told = turn.told.completed_page(limit, since)
        return _told(heard, told, JSON_TYPE, turn.told.interval_seconds, turn.wait_seconds)

    def _activity(self, heard: Heard, publication: Publication, who: TenantPrincipal) -> Answer | Refusal:
        query = dict(heard.query)
        limit = read_limit(query, default=ENTRIES, most=MOST_ENTRIES)
        if isinstance(limit, Refusal):
            return limit
        before = read_before(query)
        if isinstance(before, Refusal):
            return before
        is_json = wants_json(query, heard.headers.get("accept", ""))
        seconds = self.monitor.state(publication).interval_seconds
        make = partial(self._activity_page, publication, before, limit, is_json=is_json)
        asked = _Asked((is_json, before, limit), make, seconds)
        turn = self._pages.take((who.token_id, publication), seconds, asked)
        if turn.told is None:
            return refusals.too_many(turn.wait_seconds)
        told = turn.told if turn.told.question == asked.question else asked  # a page that was not told yet is not kept
        kind = JSON_TYPE if is_json else TEXT_TYPE
        return _told(heard, told.page(), kind, told.interval_seconds, turn.wait_seconds, _VARY)

    def _activity_page(self, publication: Publication, before: int | None, limit: int, *, is_json: bool) -> Page:
        entries = read_activity(self.engine, publication, before=before, limit=limit)
        return json_page(publication, entries) if is_json else text_page(entries)

    def _update(self, heard: Heard, publication: Publication, address: Address, who: TenantPrincipal) -> Answer | Refusal:
        seconds = self._updates.take(who.token_id)
        if seconds is not None:
            return refusals.too_many(max(1, -int(-seconds // 1)))
        with self.acting(who, heard, "update content"):
            asked = request_update(self.engine, publication, address.edition, who)
        if isinstance(asked, Refusal):
            return asked
        self.monitor.forget(publication)
        self._states.permit((who.token_id, publication, "progress"))
        location = ("Location", f"{address.base}/progress.json")
        if heard.method == "GET":
            return Answer(303, b"", JSON_TYPE, (location, NO_REFERRER))
        return Answer(202, json_bytes(asked), JSON_TYPE, (location, NO_REFERRER))


def _specification(heard: Heard, publication: Publication, address: Address) -> Answer:
    base_url = f"{heard.scheme}://{heard.headers.get('host', heard.host)}{address.base}"
    if wants_json(dict(heard.query), heard.headers.get("accept", "")):
        body = json_bytes(specification(publication, base_url))
        return _told(heard, Page(body, tag_of(body)), JSON_TYPE, IDLE_SECONDS, IDLE_SECONDS, _VARY)
    body = page(publication, base_url)
    return _told(heard, Page(body, tag_of(body)), HTML_TYPE, IDLE_SECONDS, IDLE_SECONDS, _VARY, POLICY)


def _told(heard: Heard, told: Page, kind: str, interval_seconds: int, wait_seconds: int, *more: tuple[str, str]) -> Answer:
    """Return a page, or that a client has it already; either says how long it is good, and when to ask again."""
    headers = (
        ("Cache-Control", f"private, max-age={interval_seconds}"),
        ("ETag", told.tag),
        ("Retry-After", str(wait_seconds)),
        NO_REFERRER,
        *more,
    )
    known = {one.strip().removeprefix("W/") for one in heard.headers.get("if-none-match", "").split(",")}
    is_known = told.tag in known or "*" in known  # Source: RFC 9110, 13.1.2
    return Answer(304, b"", kind, headers) if is_known else Answer(200, told.body, kind, headers)
