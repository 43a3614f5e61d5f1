"""What goes on with a publication, as Pugpig's distribution monitoring is asked for it: progress, completed, activity.

A request walks down: `app` (who asks) -> `addresses` (which publication, which endpoint) -> `polling` (whether a new answer is
due) -> `monitor` (what goes on, read once for all who ask) -> `actions` and `activity` (how it is told). `updating` asks for an
update, `specification` is the page that sums the values up, `description` the OpenAPI document. What cannot be is said by
`refusals`; `masking` takes out of texts what may be a secret.

An account is a tenant, a publication is a channel of it with one source, an action is a sync, a publish or a deploy.
Source: Pugpig's help centre, "Distribution monitoring API" and "Remote publishing HTTP API", which fix the addresses, the key
and how often one may ask; the shapes are ours: docs/facades.md.
"""

from entrepot.facades.pugpig.app import PugpigDoor

__all__ = ["PugpigDoor"]
