"""`entrepot facade …`: accounts and projects of the facades from nothing to a token that lets somebody in."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot.engine import Engine


@pytest.fixture
def zoo(run) -> None:
    """An engine with a repository and a distributor."""
    assert run("init").code == 0
    assert run("repo", "create", "zoo", "--distributor", "iso_distributor").code == 0


def scopes_of(tmp_path: Path, facade: str, secret: str) -> tuple[str, ...] | None:
    """Return what a token may, None for one that is nobody's."""
    with Engine.from_settings(data_dir=tmp_path / "data") as engine:
        found = engine.tenants.authenticate(facade, secret.strip())
    return None if found is None else found.scopes


def test_an_edgecast_account_is_made_and_its_tokens_rotate(run, zoo, tmp_path: Path) -> None:
    made = run("facade", "edgecast", "account", "add", "0001", "--source", "zoo/iso_distributor")
    first = run("facade", "edgecast", "token", "rotate", "0001", "--scope", "status", "--scope", "deploy")
    second = run("facade", "edgecast", "token", "rotate", "0001", "--days", "90", "-o", "json").document

    assert "Next: entrepot facade edgecast token rotate 0001" in made.out
    assert first.out.startswith("epf_")
    assert first.out.strip() not in first.err
    assert (
        scopes_of(tmp_path, "edgecast", first.out) == scopes_of(tmp_path, "edgecast", second["token"]) == ("status", "deploy")
    )
    shown = run("facade", "edgecast", "account", "show", "0001").out
    assert "zoo/iso_distributor" in shown
    assert "backup" in shown
    assert second["token"] not in shown

    assert run("facade", "edgecast", "token", "revoke", "0001", "backup").code == 0
    assert scopes_of(tmp_path, "edgecast", first.out) is None
    assert [one["name"] for one in run("facade", "edgecast", "token", "list", "0001", "-o", "json").document] == ["primary"]
    assert run("facade", "edgecast", "account", "remove-source", "0001", "zoo/iso_distributor").code == 0
    assert run("facade", "edgecast", "account", "add-source", "0001", "zoo").code == 0
    assert "zoo" in run("facade", "list").out


def test_a_livingdocs_project_has_channels(run, zoo, tmp_path: Path) -> None:
    assert run("facade", "livingdocs", "project", "add", "12", "--document-type", "iso=article").code == 0
    channel = run("facade", "livingdocs", "channel", "set", "12", "web", "--source", "zoo", "-o", "json").document
    secret = run("facade", "livingdocs", "token", "add", "12", "feed", "--channel", "web").out

    assert channel["channels"][0]["sources"] == [["zoo", "*"]]
    assert scopes_of(tmp_path, "livingdocs", secret) == ("public-api:read",)
    kept = run("facade", "livingdocs", "project", "set", "12", "--document-type", "iso=page", "-o", "json").document
    assert kept["settings"] == {"document_types": {"iso": "page"}}
    assert run("facade", "livingdocs", "channel", "remove", "12", "web").code == 0
    assert scopes_of(tmp_path, "livingdocs", secret) is None
    assert "Removed project 12." in run("facade", "livingdocs", "project", "remove", "12").out


def test_a_pugpig_publication_shows_a_repository(run, zoo, tmp_path: Path) -> None:
    assert run("facade", "pugpig", "account", "add", "acme").code == 0
    run("facade", "pugpig", "publication", "set", "acme", "weekly", "zoo/iso_distributor", "--prefix", "prod")
    secret = run("facade", "pugpig", "token", "add", "acme", "weekly", "app", "--scope", "act").out

    assert scopes_of(tmp_path, "pugpig", secret) == ("act",)
    assert "endpoint_prefix=prod" in run("facade", "pugpig", "account", "show", "acme").out
    assert run("facade", "pugpig", "publication", "remove", "acme", "weekly").code == 0
    assert scopes_of(tmp_path, "pugpig", secret) is None


def test_what_is_not_there_or_not_allowed_is_said(run, zoo) -> None:
    missing = run("facade", "edgecast", "account", "show", "7")
    refused = run("facade", "edgecast", "account", "add", "7", "--source", "farm")

    assert (missing.code, missing.err.splitlines()[-1]) == (3, "hint: See what there is: entrepot facade list")
    assert (refused.code, "farm" in refused.err) == (3, True)
    assert run("facade", "edgecast", "account", "list", "-o", "json").document == []
    assert run("facade", "pugpig", "account", "add", "No_Host").code == 2
    assert run("facade", "edgecast", "account", "add-source", "7", "zoo/").code == 2
