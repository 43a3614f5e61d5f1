"""The content door: published paths over HTTP, for `curl`, `wget -r`, browsers and other mirrors.

A request walks down: `app` (routes, errors) -> `paths` (is this a path at all) -> `readers` and the engine (what is published
there) -> `files` (a file, with `media_types`, `conditions` and `ranges`) or `listing` (a folder). A file is sent from the store
(`sending`), or while it comes into it (`following`). `entrepot.web` serves it all.
"""

from entrepot.serving.app import content_app

__all__ = ["content_app"]
