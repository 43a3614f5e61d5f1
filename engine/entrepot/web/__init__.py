"""The HTTP side of an engine: its doors as one app, in one server.

`server` binds a port, asks `tls` for a context if there is a certificate, and runs `app` in uvicorn; `protocol` tells the app
what only the connection knows. `app` hands a request to the REST door or to the content door; `request_log` writes of each.
"""

from entrepot.web.app import web_app

__all__ = ["web_app"]
