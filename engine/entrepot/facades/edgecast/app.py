"""The ASGI app of the facade: which endpoint, who asks, how often, and what the account sees."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from entrepot import clock
from entrepot.errors import JSON, MissingResource, OperationConflict
from entrepot.facades.door import Answer, Door, Heard, json_bytes
from entrepot.facades.edgecast import refusals
from entrepot.facades.edgecast.deploy_requests import collection_document, request_document
from entrepot.facades.edgecast.description import description
from entrepot.facades.edgecast.latest import latest, read_choice
from entrepot.facades.edgecast.refusals import JSON_TYPE, Refusal
from entrepot.facades.edgecast.status import status_document
from entrepot.facades.edgecast.submitting import read_submission, submit
from entrepot.facades.edgecast.visible import sees, sources_of
from entrepot.facades.limits import Buckets

if TYPE_CHECKING:
    from entrepot.engine import Engine
    from entrepot.propagation import DeployReport
    from entrepot.readers import Readers
    from entrepot.tenants import TenantPrincipal

#: Requests of one token for one deploy, or for deploy requests, in a second, and at once.
RATE_PER_SECOND, BURST = 1.0, 10
STATUS_SCOPE, DEPLOY_SCOPE = "status", "deploy"
#: A client may keep an answer for itself. Source: Edgecast's REST API, the sample response.
_CACHE = ("Cache-Control", "private")
#: `TOK:` and the token, with blanks between them or without. Source: Edgecast's REST API, "Request Headers".
_TOK = re.compile(r"tok:[ \t]*(\S+)", re.IGNORECASE)
_BEARER = re.compile(r"bearer[ \t]+(\S+)", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,18}")
#: The vendor's client says in it whom it acts for: an account number, as a decimal number.
_CUSTOMER = "portals_customerid"


@dataclass(frozen=True, slots=True)
class Account:
    """Whose token a request shows, and what the account sees: pairs of repository and distributor."""

    principal: TenantPrincipal
    sources: frozenset[tuple[str, str]]


class EdgecastDoor(Door):
    """Answers `/v2/mcc/customers/<account>/rulesv4/<id>/status` and `/rules-engine/v1.1/deploy-requests…`."""

    banner: ClassVar[str] = "edgecast/1"

    def __init__(self, engine: Engine, readers: Readers, *, limits: Buckets | None = None) -> None:
        """Speak for `engine` with the threads of `readers`; `limits` take the place of those that each token has."""
        super().__init__(engine, readers)
        self._limits = Buckets(RATE_PER_SECOND, BURST) if limits is None else limits  # an empty one is false

    def answer(self, heard: Heard) -> Answer:
        """Answer a request: the path first, then the method, then who asks, then what for."""
        told = self._told(heard)
        if isinstance(told, Refusal):
            return told.answer()
        return Answer(200, json_bytes(told), JSON_TYPE, (_CACHE,))

    def broken(self, heard: Heard) -> Answer:  # noqa: ARG002 - it says nothing of the request
        """Say that something went wrong here."""
        return refusals.broken().answer()

    def too_large(self, heard: Heard) -> Answer:  # noqa: ARG002 - it says nothing of the request
        """Refuse a body that is no deploy request."""
        return refusals.too_large().answer()

    def _told(self, heard: Heard) -> JSON | Refusal:
        match heard.segments:
            case ("v2", "mcc", "customers", number, "rulesv4", deploy_id, "status"):
                return self._status(heard, number, deploy_id) if heard.method == "GET" else refusals.wrong_method("GET, HEAD")
            case ("rules-engine", "v1.1", "deploy-requests"):
                return self._submit(heard) if heard.method == "POST" else refusals.wrong_method("POST")
            case ("rules-engine", "v1.1", "deploy-requests", "latest"):
                return self._latest(heard) if heard.method == "GET" else refusals.wrong_method("GET, HEAD")
            case ("rules-engine", "v1.1", "deploy-requests", deploy_id):
                if heard.method in ("GET", "DELETE"):
                    return self._request(heard, deploy_id)
                return refusals.wrong_method("GET, HEAD, DELETE")
            case ("v2", "mcc", "openapi.json") | ("rules-engine", "v1.1", "openapi.json"):
                return description() if heard.method == "GET" else refusals.wrong_method("GET, HEAD")
            case _:
                return refusals.no_such_route()

    def _status(self, heard: Heard, number: str, deploy_id: str) -> JSON | Refusal:
        """Tell how far a deploy to production has got."""
        account = self._account(heard, STATUS_SCOPE, _TOK)
        if isinstance(account, Refusal):
            return account
        if number.upper() != account.principal.tenant.upper():
            return refusals.invalid_account()
        deploy = self._deploy(account, deploy_id, limited_by=deploy_id.lstrip("0"))
        if isinstance(deploy, Refusal):
            return deploy
        if deploy.environment != "production":
            return refusals.broken()
        settings = self.engine.settings
        if deploy.created < clock.now() - timedelta(days=settings.edgecast_status_days):
            return refusals.too_old()
        return status_document(deploy, settings.edgecast_average) or refusals.deploy_failed()

    def _submit(self, heard: Heard) -> JSON | Refusal:
        """Ask for a deploy."""
        account = self._deployer(heard)
        if isinstance(account, Refusal):
            return account
        submission = read_submission(heard.body)
        if isinstance(submission, Refusal):
            return submission
        who = account.principal
        with self.acting(who, heard, "request deploy"):
            deploy = submit(self.engine, account.sources, submission, requested_by=f"edgecast:{who.tenant}:{who.token_name}")
        return deploy if isinstance(deploy, Refusal) else request_document(deploy, who.tenant)

    def _latest(self, heard: Heard) -> JSON | Refusal:
        """Tell the newest deploy requests."""
        account = self._deployer(heard)
        if isinstance(account, Refusal):
            return account
        choice = read_choice(heard.query)
        if isinstance(choice, Refusal):
            return choice
        return collection_document(latest(self.engine, account.sources, choice), account.principal.tenant)

    def _request(self, heard: Heard, deploy_id: str) -> JSON | Refusal:
        """Tell one deploy request, or cancel it before."""
        account = self._deployer(heard)
        if isinstance(account, Refusal):
            return account
        deploy = self._deploy(account, deploy_id)
        if isinstance(deploy, Refusal):
            return refusals.no_such_deploy(404) if deploy == refusals.no_such_deploy() else deploy
        if heard.method == "DELETE":
            try:
                with self.acting(account.principal, heard, "cancel deploy"):
                    deploy = self.engine.edges.cancel(deploy.deploy_id)
            except MissingResource:  # no longer kept, since a moment ago
                return refusals.no_such_deploy(404)
            except OperationConflict as error:
                return refusals.conflict(error.message)
        return request_document(deploy, account.principal.tenant)

    def _deployer(self, heard: Heard) -> Account | Refusal:
        """Return who asks for deploys, by either form of token, if he does not ask too often."""
        account = self._account(heard, DEPLOY_SCOPE, _TOK, _BEARER)
        if isinstance(account, Refusal):
            return account
        meant = heard.headers.get(_CUSTOMER)
        if meant is not None and meant != str(int(account.principal.tenant, 16)):
            return refusals.access_denied()
        seconds = self._limits.take(account.principal.token_id)
        return account if seconds is None else refusals.too_many(seconds)

    def _account(self, heard: Heard, scope: str, *forms: re.Pattern[str]) -> Account | Refusal:
        """Return who asks, by a token in one of these forms that is good for `scope`."""
        given = heard.headers.get("authorization", "").strip()
        token = next((match[1] for form in forms if (match := form.fullmatch(given))), None)
        principal = None if token is None else self.engine.tenants.authenticate("edgecast", token)
        if principal is None or principal.is_expired or scope not in principal.scopes:
            return refusals.access_denied()
        try:
            return Account(principal, sources_of(self.engine.tenants.get("edgecast", principal.tenant)))
        except MissingResource:  # removed a moment ago, with its tokens
            return refusals.access_denied()

    def _deploy(self, account: Account, text: str, *, limited_by: str | None = None) -> DeployReport | Refusal:
        """Return the deploy with an id if the account sees it, and the token does not ask for `limited_by` too often."""
        if not text.isascii() or not text.isdigit():
            return refusals.no_number()
        if not _NUMBER.fullmatch(text):
            return refusals.no_such_deploy()
        seconds = None if limited_by is None else self._limits.take((account.principal.token_id, limited_by))
        if seconds is not None:
            return refusals.too_many(seconds)
        try:
            deploy = self.engine.edges.get_deploy(int(text))
        except MissingResource:
            return refusals.no_such_deploy()
        is_seen = sees(account.sources, deploy.repository_id, deploy.distributor_id)
        return deploy if is_seen else refusals.no_such_deploy()
