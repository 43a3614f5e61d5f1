"""Tokens of tenants stand for them until they expire, are revoked, or another takes their place."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from entrepot import clock
from entrepot.engine import Engine
from entrepot.errors import DuplicateResource, InvalidValue, MissingResource, StorageFull
from entrepot.models import Database
from entrepot.tenants import TenantPrincipal, Tenants


@pytest.fixture
def account(tenants: Tenants) -> int:
    return tenants.add("edgecast", "0001").tenant_id


def test_a_token_stands_for_its_tenant_in_its_facade_only(tenants: Tenants, account: int) -> None:
    report, secret = tenants.issue_token("edgecast", "0001", "primary", scopes=["status", "deploy"])

    assert secret.startswith("epf_")
    assert tenants.authenticate("edgecast", secret) == TenantPrincipal(
        "edgecast", account, "0001", None, ("status", "deploy"), report.token_id, "primary", is_expired=False
    )
    assert tenants.authenticate("livingdocs", secret) is None
    assert (report.name, report.expires, report.last_used) == ("primary", None, None)


def test_its_digest_is_kept_and_is_no_token(tenants: Tenants, account: int, engine: Engine) -> None:
    _, secret = tenants.issue_token("edgecast", "0001", "primary")
    (digest,) = engine.database.row("SELECT token_hash FROM tenant_token") or ("",)

    assert secret not in digest
    for other in (digest, "", "epf_", "ö", "lone \ud800", "nul\0"):
        assert tenants.authenticate("edgecast", other) is None


def test_a_new_primary_makes_the_one_before_the_backup(tenants: Tenants, account: int) -> None:
    def issue(**options: Any) -> str:
        return tenants.issue_token("edgecast", "0001", "primary", **options)[1]

    def names() -> list[str | None]:
        found = [tenants.authenticate("edgecast", secret) for secret in secrets]
        return [one and one.token_name for one in found]

    secrets = [issue(scopes=["status", "deploy"]), issue()]
    assert names() == ["backup", "primary"]
    secrets.append(issue())
    assert names() == [None, "backup", "primary"]

    tenants.revoke_token("edgecast", "0001", "primary")
    assert names() == [None, "backup", None]
    secrets.append(issue())
    assert names() == [None, "backup", None, "primary"]
    assert [one.scopes for one in tenants.get("edgecast", "0001").tokens] == [("status", "deploy"), ("status",)]


def test_a_new_primary_may_what_the_one_before_may(tenants: Tenants, account: int) -> None:
    tenants.issue_token("edgecast", "0001", "primary", scopes=["deploy"])

    assert tenants.issue_token("edgecast", "0001", "primary")[0].scopes == ("deploy",)


def test_an_expired_token_is_told_apart_from_one_that_never_was(tenants: Tenants, account: int, pass_time) -> None:
    expires = clock.now() + timedelta(hours=1)
    _, secret = tenants.issue_token("edgecast", "0001", "primary", expires=expires)
    pass_time(timedelta(hours=2))

    found = tenants.authenticate("edgecast", secret)

    assert found is not None
    assert found.is_expired
    assert tenants.get("edgecast", "0001").tokens[0].last_used is None


def test_the_last_use_is_written_once_a_minute(tenants: Tenants, account: int, pass_time) -> None:
    def used() -> datetime | None:
        tenants.authenticate("edgecast", secret)
        return tenants.get("edgecast", "0001").tokens[0].last_used

    _, secret = tenants.issue_token("edgecast", "0001", "primary")
    first = used()

    assert first is not None
    assert used() == first
    pass_time(timedelta(minutes=1))
    later = used()
    assert later is not None
    assert later >= first + timedelta(minutes=1)


def test_who_only_reads_is_let_in_while_nothing_can_be_written(tenants: Tenants, account: int, monkeypatch) -> None:
    _, secret = tenants.issue_token("edgecast", "0001", "primary")

    def full(*args: object, **options: object) -> None:
        raise StorageFull("no space")

    monkeypatch.setattr(Database, "transaction", full)
    assert tenants.authenticate("edgecast", secret) is not None


def test_a_key_is_good_for_its_publication_and_goes_with_it(tenants: Tenants) -> None:
    tenants.add("pugpig", "acme")
    tenants.set_channel("pugpig", "acme", "weekly")
    with pytest.raises(InvalidValue, match="handle"):
        tenants.issue_token("pugpig", "acme", "app")
    with pytest.raises(MissingResource):
        tenants.issue_token("pugpig", "acme", "app", handle="daily")
    report, secret = tenants.issue_token("pugpig", "acme", "app", handle="weekly")

    found = tenants.authenticate("pugpig", secret)
    assert (report.handle, found and found.channel) == ("weekly", "weekly")
    tenants.remove_channel("pugpig", "acme", "weekly")
    assert tenants.authenticate("pugpig", secret) is None


def test_what_no_token_can_be_is_refused(tenants: Tenants, account: int) -> None:
    tenants.add("livingdocs", "12")
    tenants.issue_token("livingdocs", "12", "feed")

    with pytest.raises(DuplicateResource):
        tenants.issue_token("livingdocs", "12", "feed")
    with pytest.raises(InvalidValue, match="name"):
        tenants.issue_token("livingdocs", "12", "a\nb")
    with pytest.raises(InvalidValue, match="name"):
        tenants.issue_token("edgecast", "0001", "third")
    with pytest.raises(InvalidValue, match="handle"):
        tenants.issue_token("edgecast", "0001", "primary", handle="")
    with pytest.raises(InvalidValue, match="expires"):
        tenants.issue_token("livingdocs", "12", "old", expires=clock.now())
    with pytest.raises(MissingResource):
        tenants.revoke_token("livingdocs", "12", "none")
