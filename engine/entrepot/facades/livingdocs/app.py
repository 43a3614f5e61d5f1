"""The ASGI app of the facade: who asks, what for, and the events that are for him."""

from __future__ import annotations

import hashlib
import logging
import threading
from typing import TYPE_CHECKING, ClassVar, cast

from entrepot.errors import MissingResource
from entrepot.facades.door import Answer, Door, Heard, json_bytes
from entrepot.facades.limits import Buckets
from entrepot.facades.livingdocs import refusals
from entrepot.facades.livingdocs.addresses import Address, address_of
from entrepot.facades.livingdocs.description import description
from entrepot.facades.livingdocs.filters import PARAMETERS, Filters, read_filters
from entrepot.facades.livingdocs.refusals import JSON_TYPE, Refusal
from entrepot.facades.livingdocs.shapes import event_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrepot.engine import Engine
    from entrepot.errors import JSON
    from entrepot.readers import Readers
    from entrepot.tenants import ChannelReport, TenantPrincipal, TenantReport

#: What a token must be good for. Source: Livingdocs' public API, "Get Publication Events".
SCOPE = "public-api:read"
#: Requests of one token in a second, and at once.
RATE_PER_SECOND, BURST = 10.0, 20
#: A client may keep an answer, and asks each time whether it is still good.
_CACHE = ("Cache-Control", "private, no-cache")
_BEARER = "bearer"
#: Names of unknown parameters that are remembered, so that each is logged once.
_MANY_NAMES = 200

_LOG = logging.getLogger("entrepot.facades.livingdocs")


class LivingdocsDoor(Door):
    """Answers `/api/<version>/publicationEvents[/<channel>]` and `/api/<version>/openapi.json`."""

    banner: ClassVar[str] = "livingdocs/1"

    def __init__(self, engine: Engine, readers: Readers, *, limits: Buckets | None = None) -> None:
        """Speak for `engine` with the threads of `readers`; `limits` take the place of those that each token has."""
        super().__init__(engine, readers)
        self._limits = Buckets(RATE_PER_SECOND, BURST) if limits is None else limits
        self._lock = threading.Lock()
        self._unknown_names: set[str] = set()

    def answer(self, heard: Heard) -> Answer:
        """Answer a request: the path first, then who asks, then what for."""
        address = address_of(heard.segments, heard.raw_path)
        if isinstance(address, Refusal):
            return address.answer()
        if heard.method != "GET":
            return refusals.wrong_method(heard.method).answer()
        if address.is_description:
            return Answer(200, json_bytes(description()), JSON_TYPE)
        principal = self._principal(heard)
        if isinstance(principal, Refusal):
            return principal.answer()
        asked = self._channel(principal, address)
        if isinstance(asked, Refusal):
            return asked.answer()
        filters = read_filters(
            heard.query,
            overflow=self.engine.settings.livingdocs_limit_overflow,
            after=self.engine.settings.livingdocs_after,
        )
        self._note_unknown(heard)
        if isinstance(filters, Refusal):
            return filters.answer()
        return self._events(heard, address, *asked, filters)

    def broken(self, heard: Heard) -> Answer:  # noqa: ARG002 - it says nothing of the request
        """Say that something went wrong here."""
        return refusals.broken().answer()

    def too_large(self, heard: Heard) -> Answer:  # noqa: ARG002 - it says nothing of the request
        """Refuse a body that nobody asked for."""
        return refusals.too_large().answer()

    def _principal(self, heard: Heard) -> TenantPrincipal | Refusal:
        """Return who asks, if that is somebody who may, and not too often."""
        kind, _, secret = heard.headers.get("authorization", "").strip().partition(" ")
        if not kind:
            return refusals.no_token()
        found = self.engine.tenants.authenticate("livingdocs", secret.strip()) if kind.lower() == _BEARER else None
        if found is None:
            return refusals.unknown_token()
        if found.is_expired:
            return refusals.expired_token()
        seconds = self._limits.take(found.token_id)
        if seconds is not None:
            return refusals.too_many(seconds)
        return found if SCOPE in found.scopes else refusals.lower_privileges()

    def _channel(self, principal: TenantPrincipal, address: Address) -> tuple[TenantReport, ChannelReport] | Refusal:
        """Return the project and the channel that are asked for, of those that the token is good for."""
        try:
            project = self.engine.tenants.get("livingdocs", principal.tenant)
        except MissingResource:  # removed a moment ago, with its tokens
            return refusals.unknown_token()
        handle = principal.channel if address.channel is None else address.channel
        channel = project.find_channel(handle)
        if channel is None or principal.channel not in (None, channel.handle):
            return refusals.no_such_channel()
        return project, channel

    def _events(
        self, heard: Heard, address: Address, project: TenantReport, channel: ChannelReport, filters: Filters
    ) -> Answer:
        # Before the events are read: what comes meanwhile is told under a tag that the next poll finds to be old.
        last, removed = self.engine.events.last_publication_event_id(), self.engine.events.publications_removed_up_to()
        if filters.first_id is not None and max(filters.first_id, 1) <= removed:  # ids begin with 1
            return refusals.events_removed(removed + 1).answer()
        kept = sorted(project.settings.items())
        tag = _tag(last, removed, address.has_results, project.name, kept, channel, filters.canonical)
        headers = (_CACHE, ("ETag", tag))
        if _is_known(tag, heard.headers.get("if-none-match", "")):
            return Answer(304, b"", JSON_TYPE, headers)
        document_types = cast("Mapping[str, str]", project.settings.get("document_types") or {})  # as `tenants` checked it
        found = self.engine.events.list_publications(filters.query(channel.sources, document_types))
        events: list[JSON] = [
            event_document(event, project_id=int(project.name), channel_id=channel.channel_id, document_types=document_types)
            for event in found
        ]
        body: JSON = {"results": events} if address.has_results else events
        return Answer(200, json_bytes(body), JSON_TYPE, headers)

    def _note_unknown(self, heard: Heard) -> None:
        """Log, once for each name, that a parameter means nothing here."""
        for name, _ in heard.query:
            with self._lock:
                is_noted = name in PARAMETERS or name in self._unknown_names or len(self._unknown_names) >= _MANY_NAMES
                self._unknown_names.update(() if is_noted else (name,))
            if not is_noted:
                _LOG.info("the parameter %.100r means nothing here, and is left alone", name)


def _tag(last: int, *told: object) -> str:
    """Return the strong entity tag of an answer: it is another when any event came, or anything else that it tells changed."""
    return f'"{last}-{hashlib.sha256(repr(told).encode()).hexdigest()[:32]}"'


def _is_known(tag: str, if_none_match: str) -> bool:
    """Return True if a client has the answer with this tag. Source: RFC 9110, 13.1.2."""
    known = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return tag in known or "*" in known
