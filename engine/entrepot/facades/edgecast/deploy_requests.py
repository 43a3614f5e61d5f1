"""How a deploy is told as a deploy request. Pure.

`policies` is an object: the vendor's client refuses an array there. Source: Edgecast's Rules Engine v4, "Get Deploy Request".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot import clock

if TYPE_CHECKING:
    from entrepot.errors import JSON
    from entrepot.propagation import DeployReport, DeployState

PATH = "/rules-engine/v1.1/deploy-requests"
#: States of deploys -> states of deploy requests.
_STATES: dict[DeployState, str] = {
    "new": "submitted",
    "propagating": "approved",
    "propagated": "deployed",
    "failed": "rejected",
    "canceled": "canceled",
    "superseded": "canceled",
}
#: Those that a deploy request of ours is never in.
_UNUSED = ("pending_review", "escalated", "verification_delayed", "deployment_delayed")
#: All states that a client may ask for.
STATES = (*dict.fromkeys(_STATES.values()), *_UNUSED)


def deploy_states(state: str) -> list[DeployState]:
    """Return the states of deploys that a client's `state` stands for; none for one that ours are never in."""
    return [one for one, told in _STATES.items() if told == state]


def request_document(deploy: DeployReport, account: str) -> dict[str, JSON]:
    """Return a deploy as a client of the account with that number knows it."""
    policy = f"{deploy.repository_id}:{deploy.distributor_id}"
    user: dict[str, JSON] = {} if deploy.requested_by is None else {"id": deploy.requested_by}
    return {
        "@id": f"{PATH}/{deploy.deploy_id}",
        "@type": "DeployRequest",
        "@links": [],
        "id": str(deploy.deploy_id),
        "state": _STATES[deploy.state],
        "environment": deploy.environment,
        "message": deploy.message or "",
        "customer_id": account,
        "created_at": clock.iso(deploy.created),
        "updated_at": clock.iso(deploy.finished or deploy.started or deploy.created),
        "is_visible": True,
        "policies": {
            "@type": "Policy",
            "id": policy if deploy.revision is None else f"{policy}:{deploy.revision}",
            "name": f"{deploy.repository_id}/{deploy.distributor_id}",
        },
        "history": _history(deploy),
        "user": user,
    }


def collection_document(deploys: list[DeployReport], account: str) -> dict[str, JSON]:
    """Return deploys as a client knows a collection."""
    items: list[JSON] = [request_document(deploy, account) for deploy in deploys]
    return {"@id": f"{PATH}/latest", "@type": "Collection", "@links": [], "items": items, "total_items": len(items)}


def _history(deploy: DeployReport) -> list[JSON]:
    history: list[JSON] = [{"state": "submitted", "created_at": clock.iso(deploy.created), "message": deploy.message or ""}]
    if deploy.started is not None:
        history.append({"state": "approved", "created_at": clock.iso(deploy.started), "message": ""})
    if deploy.finished is not None:
        end: JSON = {
            "state": _STATES[deploy.state],
            "created_at": clock.iso(deploy.finished),
            "message": deploy.reason or "",
        }
        history.append(end)
    return history
