"""How an event is told: the keys of Livingdocs' public API, in their order. Source: "Get Publication Events"."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from entrepot.facades.livingdocs.filters import DEFAULT_DOCUMENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrepot.errors import JSON
    from entrepot.events import PublicationEventReport


def event_document(
    event: PublicationEventReport, *, project_id: int, channel_id: int, document_types: Mapping[str, str]
) -> dict[str, JSON]:
    """Return an event as clients of a project know it; `document_types` maps types of units to those of documents."""
    return {
        "id": event.event_id,
        "createdAt": moment(event.created),
        "projectId": project_id,
        "channelId": channel_id,
        "documentId": event.document_id,
        "documentType": document_types.get(event.unit_type or "", DEFAULT_DOCUMENT_TYPE),
        "eventType": event.event_type,
        "publicationId": event.publication_id,
    }


def moment(created: datetime) -> str:
    """Return a moment with the three digits of its milliseconds, cut off and not rounded, as `filters` compare it."""
    return created.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"
