"""Deploys as Edgecast's APIs tell them: how far one has got POP by POP, and the requests that start and cancel them.

A request walks down: `app` (which endpoint, who asks, how often) -> `visible` (what the account sees) -> `engine.edges` ->
`status` or `deploy_requests` (how it is told). What cannot be is said by `refusals`; `description` is the OpenAPI document.

An account is a tenant, a policy what a distributor that deploys has published. Source: Edgecast's REST API, "Get Deploy
Request Status" and Rules Engine v4; where that is silent, docs/facades.md says what is done.
"""

from entrepot.facades.edgecast.app import EdgecastDoor

__all__ = ["EdgecastDoor"]
