"""The REST door: Pulp 2's API below `/pulp/api/`, so that its clients work unmodified.

The walk of a request: `app` reads it and finds its `Endpoint` by `routing`; in a reader's thread `authentication` says who
asks, the permission is checked, `reading` makes a document of the body (`intake` takes one of bytes in, piece by piece), the
endpoint's view calls the engine and returns an `Answer`; what goes wrong becomes an error document (`problems`). Views stand in
one module a resource, with what `openapi` needs to describe them; `routes` lists them all. Source: the Pulp 2 REST contract.
"""

from entrepot.rest.app import RestApp
from entrepot.rest.routes import ENDPOINTS

__all__ = ["ENDPOINTS", "RestApp"]
