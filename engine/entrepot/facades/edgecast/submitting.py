"""A deploy request as a client sends it: what it names, and whether that can be deployed so."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from entrepot.errors import (
    BrokenPlugin,
    InvalidValue,
    MissingResource,
    OperationConflict,
    RefusedConfiguration,
    UnknownDistributorType,
)
from entrepot.facades.edgecast import refusals
from entrepot.facades.edgecast.refusals import Refusal
from entrepot.facades.edgecast.visible import Policy, read_policy, sees
from entrepot.models import storable
from entrepot.plugin import DeployConfig

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.propagation import DeployReport
    from entrepot.repositories import DistributorReport

ENVIRONMENTS = ("production", "staging")


@dataclass(frozen=True, slots=True)
class Submission:
    """What a client wants deployed where; `message` is why."""

    policy: Policy
    environment: Literal["production", "staging"]
    message: str | None


def read_submission(body: bytes) -> Submission | Refusal:
    """Return what a body asks for, or what is wrong with it; keys that mean nothing here are left alone."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return refusals.bad_request("The request body must be JSON")
    if not isinstance(document, dict):
        return refusals.bad_request("The request body must be an object of policy_id, environment and message")
    policy = read_policy(document.get("policy_id"))
    if policy is None:
        return refusals.bad_request("policy_id must be repository, repository:distributor or repository:distributor:revision")
    environment = document.get("environment")
    if environment not in ENVIRONMENTS:
        return refusals.bad_request("environment must be production or staging")
    message = document.get("message")
    if message is not None and not isinstance(message, str):
        return refusals.bad_request("message must be a text")
    return Submission(policy, environment, message or None)


def submit(
    engine: Engine, sources: frozenset[tuple[str, str]], submission: Submission, *, requested_by: str
) -> DeployReport | Refusal:
    """Ask for a deploy of one of the `sources`, and return it, new; or say why there is none."""
    policy = submission.policy
    found = _distributors(engine, sources, policy)
    if not found:
        return _no_such_policy()
    fitting = [one for one in found if _environment(one) == submission.environment]
    if not fitting:
        return refusals.bad_request(f"The policy is not deployed to {submission.environment}")
    if len(fitting) > 1:
        return refusals.bad_request("The policy has several distributors: name one, as repository:distributor")
    message = None if submission.message is None else storable(submission.message)
    try:
        return engine.edges.request_deploy(
            policy.repository_id,
            fitting[0].distributor_id,
            revision=policy.revision,
            message=message,
            requested_by=requested_by,
        )
    except MissingResource:
        return _no_such_policy()
    except OperationConflict as error:
        return refusals.conflict(error.message)
    except (InvalidValue, RefusedConfiguration) as error:
        return refusals.bad_request(error.message)


def _distributors(engine: Engine, sources: frozenset[tuple[str, str]], policy: Policy) -> list[DistributorReport]:
    """Return the distributors that deploy, that one of the sources shows, and that a policy may mean."""
    if policy.repository_id not in {repository_id for repository_id, _ in sources}:
        return []
    try:
        all_of_them = engine.repositories.get(policy.repository_id).distributors()
    except MissingResource:
        return []
    return [
        one
        for one in all_of_them
        if policy.distributor_id in (None, one.distributor_id)
        and sees(sources, one.repository_id, one.distributor_id)
        and _deploys(engine, one.distributor_type_id)
    ]


def _deploys(engine: Engine, type_id: str) -> bool:
    try:
        return issubclass(engine.plugins.distributor(type_id).Config, DeployConfig)
    except (BrokenPlugin, UnknownDistributorType):
        return False


def _environment(distributor: DistributorReport) -> object:
    chosen = distributor.config.get("environment")
    return DeployConfig.model_fields["environment"].default if chosen is None else chosen


def _no_such_policy() -> Refusal:
    return refusals.bad_request("Policy not found")
