"""The content door: published paths over HTTP, for `curl`, `wget -r`, browsers and other mirrors.

A request walks down: `app` (routes, errors) -> `readers` (a thread with a database connection) -> `paths` (is this a path at
all) -> the engine (what is published there) ->
`files` (a blob, with `media_types`, `conditions` and `ranges`) or `listing` (a folder). `entrepot.web` serves it.
"""

from entrepot.serving.app import content_app

__all__ = ["content_app"]
