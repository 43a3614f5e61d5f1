"""Which of an account's latest deploy requests a client wants to see.

Source: Edgecast's Rules Engine v4, "Get Deploy Requests".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entrepot.facades.edgecast import refusals
from entrepot.facades.edgecast.deploy_requests import STATES, deploy_states
from entrepot.facades.edgecast.refusals import Refusal
from entrepot.facades.edgecast.submitting import ENVIRONMENTS
from entrepot.facades.edgecast.visible import Policy, only_seen, read_policy

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.propagation import DeployReport, DeployState

#: Delivery platforms that clients know; there is no difference here.
_PLATFORMS = ("http_large", "http_small", "adn")
#: Deploy requests that are told at most, and those among which they are looked for: the newest of the repositories.
MOST, _LOOKED_AT = 50, 200


@dataclass(frozen=True, slots=True)
class Choice:
    """What narrows the latest deploy requests; None does not."""

    environment: str | None = None
    states: tuple[DeployState, ...] | None = None
    policies: tuple[Policy, ...] | None = None
    search: str | None = None

    def takes(self, deploy: DeployReport) -> bool:
        """Say whether a deploy is of one of the policies and has the text that is searched for."""
        if self.policies is not None and not any(policy.is_of(deploy) for policy in self.policies):
            return False
        text = f"{deploy.repository_id}/{deploy.distributor_id}\n{deploy.message or ''}"
        return self.search is None or self.search.casefold() in text.casefold()


def read_choice(query: Iterable[tuple[str, str]]) -> Choice | Refusal:
    """Return what a query chooses; an empty value does not narrow, and names that mean nothing here are left alone."""
    given = {name: value for name, value in query if value}
    if given.get("platform_id", _PLATFORMS[0]) not in _PLATFORMS:
        return refusals.bad_request(f"platform_id must be one of {', '.join(_PLATFORMS)}")
    environment, state = given.get("environment"), given.get("state")
    if environment is not None and environment not in ENVIRONMENTS:
        return refusals.bad_request("environment must be production or staging")
    if state is not None and state not in STATES:
        return refusals.bad_request(f"state must be one of {', '.join(STATES)}")
    policies = None
    if "policy.id" in given:
        named = [read_policy(part.strip()) for part in given["policy.id"].split(",")]
        policies = tuple(policy for policy in named if policy is not None)
        if len(policies) < len(named):
            return refusals.bad_request("policy.id must be policy ids, separated by commas")
    return Choice(environment, None if state is None else tuple(deploy_states(state)), policies, given.get("search"))


def latest(engine: Engine, sources: frozenset[tuple[str, str]], choice: Choice) -> list[DeployReport]:
    """Return the newest deploys that the sources show and the choice takes, newest first; at most `MOST`."""
    repositories = {repository_id for repository_id, _ in sources}
    found: list[DeployReport] = []
    before, looked_at = None, 0
    while len(found) < MOST and looked_at < _LOOKED_AT:
        some = engine.edges.list_deploys(
            repository_ids=repositories, environment=choice.environment, states=choice.states, before=before, limit=MOST
        )
        found += [deploy for deploy in only_seen(sources, some) if choice.takes(deploy)]
        looked_at += len(some)
        if len(some) < MOST:
            break
        before = some[-1].deploy_id
    return found[:MOST]
