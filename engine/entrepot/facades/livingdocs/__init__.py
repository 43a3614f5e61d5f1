"""Publication events as Livingdocs' public API tells them: a feed of what was published, updated and unpublished.

A request walks down: `app` (who asks) -> `addresses` (which version, which channel) -> `filters` and `moments` (what is asked
for) -> `engine.events` -> `shapes` (how it is told). What cannot be is said by `refusals`; `description` is the OpenAPI
document.

A project is a tenant, a channel is a channel of it, a document is a repository or a unit. Source: the public API of
Livingdocs, releases 2021-03 to 2026-05, "Publication Events"; where that is silent, docs/facades.md says what is done.
"""

from entrepot.facades.livingdocs.app import LivingdocsDoor

__all__ = ["LivingdocsDoor"]
