"""Configurations: layers, coercion, refusals with every field named, secrets."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, SecretBytes, SecretStr

from entrepot.plugin import (
    Distributor,
    DistributorConfig,
    Importer,
    ImporterConfig,
    RefusedConfiguration,
    load_config,
    masked,
    masked_unseen,
    unmasked,
)


def problems(model: Any, *layers: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(RefusedConfiguration) as caught:
        load_config(model, "the_plugin", *layers)
    found: dict[str, str] = caught.value.data["problems"]
    return found


def importer(*layers: dict[str, Any]) -> ImporterConfig:
    return load_config(ImporterConfig, "the_plugin", *layers)


def test_the_defaults_are_those_of_pulp():
    config = importer({})

    assert config.feed is None
    assert (config.validate_files, config.remove_missing, config.max_downloads) == (True, False, 5)
    assert (config.ssl_validation, config.download_policy, config.force_full) == (True, "immediate", False)


def test_text_is_taken_for_numbers_and_truth_values_as_pulp_clients_send_it():
    config = importer(
        {
            "max_downloads": "7",
            "validate": "false",
            "remove_missing": "True",
            "connect_timeout": "6.05",
            "type_skip_list": "a, b",
        }
    )

    assert (config.max_downloads, config.validate_files, config.remove_missing) == (7, False, True)
    assert (config.connect_timeout, config.type_skip_list) == (6.05, ["a", "b"])


def test_an_importer_keeps_keys_that_it_does_not_know():
    assert importer({"feed_url": "x"}).model_extra == {"feed_url": "x"}


def test_a_later_layer_wins_and_null_takes_back_what_earlier_ones_said():
    server, repository, override = (
        {"max_downloads": 2, "max_speed": 1000},
        {"max_downloads": 3, "feed": "http://a/"},
        {"feed": None},
    )

    config = importer(server, repository, override)

    assert (config.max_downloads, config.max_speed, config.feed) == (3, 1000, None)
    assert importer({"max_downloads": 2}, {"max_downloads": None}).max_downloads == 5


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("max_downloads", 0, "must be 1 or more, not 0"),
        ("max_downloads", "many", "must be a whole number, not 'many'"),
        ("max_downloads", 5.0, "must be a whole number, not 5.0"),
        ("max_downloads", True, "must be a whole number, not true"),
        ("max_downloads", [5], "must be a whole number, not a list"),
        ("max_speed", "fast", "must be a whole number, not 'fast'"),
        ("connect_timeout", 0, "must be more than 0.0, not 0"),
        ("read_timeout", float("nan"), "must be a number, not nan"),
        ("num_retries", -1, "must be 0 or more, not -1"),
        ("validate", "perhaps", "must be true or false, not 'perhaps'"),
        ("remove_missing", {}, "must be true or false, not an object"),
        ("proxy_port", 65536, "must be 65535 or less, not 65536"),
        ("ssl_ca_cert", 5, "must be text, not 5"),
        ("type_skip_list", 5, "must be a list, not 5"),
        ("download_policy", "never", "must be one of 'immediate', 'background' or 'on_demand', not 'never'"),
        ("feed", 5, "must be text, not 5"),
        ("feed", "x" * 100, "must be an http://, https:// or file:// address"),
        ("feed", "ftp://a/", "must be an http://, https:// or file:// address"),
        ("feed", "/srv/feed", "must be an http://, https:// or file:// address"),
        ("feed", "", "is empty; leave it out, or set it to null"),
        ("feed", "http:///a", "names no host"),
        ("feed", "http://a b/", "contains a space or a control character"),
        ("feed", "http://a/\r\nX: y", "contains a space or a control character"),
        ("feed", "http://a:port/", "is no address: Port could not be cast to integer value as 'port'"),
        ("feed", "http://[::1/", "is no address: Invalid IPv6 URL"),
        ("feed", "file://elsewhere/a", "must be a file address with an absolute path: file:///folder"),
        ("feed", "http://u:p@a/", "must not hold a user name or password: use basic_auth_username and basic_auth_password"),
    ],
)
def test_a_refused_value_is_named_with_what_would_be_accepted(field: str, value: Any, why: str):
    assert problems(ImporterConfig, {field: value}) == {field: why}


@pytest.mark.parametrize(
    "feed", ["http://a", "HTTPS://a.test:8443/b?c=d", "http://[::1]:80/", "file:///srv/feed", "file://localhost/a"]
)
def test_an_address_of_a_known_scheme_is_a_feed(feed: str):
    assert importer({"feed": feed}).feed == feed


@pytest.mark.parametrize("policy", ["on_demand", "background"])
def test_deferred_downloads_are_for_importers_whose_units_are_complete_without_their_files(policy: str):
    class Whole(Importer):
        type_id = "whole"

    class Deferring(Whole):
        can_defer = True

    with pytest.raises(RefusedConfiguration) as caught:
        Whole.configure({"download_policy": policy})

    why = f"{policy!r} is not offered: its units need their files, so use 'immediate' or leave it out"
    assert caught.value.data["problems"] == {"download_policy": why}
    assert Deferring.configure({"download_policy": policy}).download_policy == policy


class Signing(DistributorConfig):
    server_only: ClassVar[frozenset[str]] = frozenset({"signing_key"})

    signing_key: str | None = None
    colour: str = "red"


def test_what_the_server_says_of_a_plugin_is_the_lowest_layer():
    server = {"signing_key": "/etc/key.asc", "colour": "green"}

    config = load_config(Signing, "signer", {"colour": "blue"}, server=server)

    assert (config.signing_key, config.colour) == ("/etc/key.asc", "blue")
    assert load_config(Signing, "signer", {"colour": None}, server=server).colour == "red"
    assert load_config(Signing, "signer", {"signing_key": None}, server=server).signing_key == "/etc/key.asc"


@pytest.mark.parametrize(
    "layers", [({"signing_key": "/own/key.asc"},), ({}, {"signing_key": "/own/key.asc"})], ids=["own", "override"]
)
def test_a_key_of_the_server_is_refused_from_anywhere_else(layers: tuple[dict[str, Any], ...]):
    with pytest.raises(RefusedConfiguration) as caught:
        load_config(Signing, "signer", *layers, server={"signing_key": "/etc/key.asc"})

    why = "may be set by the server's settings only: plugins.signer.signing_key"
    assert caught.value.data["problems"] == {"signing_key": why}
    assert "/own/key.asc" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"ssl_client_key": "k"}, {"ssl_client_cert": "is required when ssl_client_key is given"}),
        ({"proxy_port": 80}, {"proxy_host": "is required when proxy_port is given"}),
        ({"proxy_host": "p", "proxy_username": "u"}, {"proxy_password": "is required when proxy_username is given"}),
        ({"proxy_host": "p", "proxy_password": "w"}, {"proxy_username": "is required when proxy_password is given"}),
        ({"basic_auth_username": "u"}, {"basic_auth_password": "is required when basic_auth_username is given"}),
        ({"basic_auth_password": "w"}, {"basic_auth_username": "is required when basic_auth_password is given"}),
    ],
)
def test_fields_that_need_each_other_are_refused_alone(given: dict[str, Any], expected: dict[str, str]):
    assert problems(ImporterConfig, given) == expected


def test_all_problems_are_reported_at_once():
    found = problems(ImporterConfig, {"max_downloads": 0, "feed": "x", "validate": "perhaps"})

    assert set(found) == {"max_downloads", "feed", "validate"}
    assert set(problems(ImporterConfig, {"basic_auth_username": "u", "ssl_client_key": "k", "proxy_password": "w"})) == {
        "basic_auth_password",
        "ssl_client_cert",
        "proxy_host",
        "proxy_username",
    }


def test_the_message_names_the_plugin_and_each_field():
    with pytest.raises(
        RefusedConfiguration, match="the_plugin refused its configuration: max_downloads: must be 1 or more, not 0"
    ):
        importer({"max_downloads": 0})


def test_a_refused_secret_is_not_repeated():
    assert problems(ImporterConfig, {"proxy_password": 12345, "ssl_client_key": ["hidden"]}) == {
        "proxy_password": "must be text",
        "ssl_client_key": "must be text",
    }
    with pytest.raises(RefusedConfiguration) as caught:
        importer({"basic_auth_password": "hidden"})
    assert caught.value.__cause__ is None
    assert "hidden" not in str(caught.value)


def test_a_long_value_is_shortened_in_the_message():
    assert (
        problems(ImporterConfig, {"max_downloads": "x" * 500})["max_downloads"] == f"must be a whole number, not '{'x' * 38}…"
    )


@pytest.mark.parametrize("given", ["zoo", "a/b", "a/b/"])
def test_a_relative_url_may_end_with_a_slash(given: str):
    assert load_config(DistributorConfig, "d", {"relative_url": given}).relative_url == given.rstrip("/")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "is empty"),
        ("/", "is empty"),
        ("/a", "is an absolute path; it must be relative"),
        ("../a", "leaves its folder by a '..' segment"),
        ("a/..", "leaves its folder by a '..' segment"),
        ("a//b", "has an empty or '.' segment"),
        ("a//", "has an empty or '.' segment"),
        ("./a", "has an empty or '.' segment"),
        ("a\\b", "contains a backslash"),
        ("a\x00b", "contains a control character"),
    ],
)
def test_a_relative_url_that_is_not_plain_is_refused(given: str, why: str):
    assert problems(DistributorConfig, {"relative_url": given}) == {"relative_url": why}


def test_a_distributor_refuses_keys_that_it_does_not_know():
    assert problems(DistributorConfig, {"zork": 1, "relative": "x"}) == {
        "zork": "is not a key of this plugin; it knows relative_url, serve_http, serve_https",
        "relative": "is not a key of this plugin; did you mean relative_url?",
    }


def test_a_required_key_of_a_plugin_is_named_when_it_is_absent():
    class Config(DistributorConfig):
        host: str

    assert problems(Config, {"host": "a"}, {"host": None}) == {"host": "is required"}


def test_secrets_are_masked_and_nothing_else():
    class Config(ImporterConfig):
        token: SecretStr | None = None

    stored = {
        "feed": "http://a/",
        "token": "t",
        "proxy_password": "p",
        "ssl_client_key": None,
        "query_auth_token": "q",
        "extra": 1,
    }

    assert masked(Config, stored) == {
        "feed": "http://a/",
        "token": "*****",
        "proxy_password": "*****",
        "ssl_client_key": None,
        "query_auth_token": "*****",
        "extra": 1,
    }
    assert "hidden" not in repr(importer({"basic_auth_username": "u", "basic_auth_password": "hidden"}))


class Mirror(BaseModel):
    address: str
    password: SecretStr
    following: Mirror | None = None


def test_a_secret_within_a_value_hides_the_value():
    class Config(DistributorConfig):
        mirrors: list[Mirror] | None = None
        tokens: dict[str, list[SecretStr]] | None = None
        key: SecretBytes | None = None
        shelf: list[str] | None = None

    stored = {"mirrors": [{"address": "a", "password": "p"}], "tokens": {"a": ["t"]}, "key": "k", "shelf": ["low"]}

    assert masked(Config, stored) == {"mirrors": "*****", "tokens": "*****", "key": "*****", "shelf": ["low"]}


def test_without_its_plugin_a_configuration_shows_only_what_all_plugins_have():
    stored = {"feed": "http://a/", "proxy_password": "p", "redhat_token": "t", "shelf": None}

    assert masked_unseen(ImporterConfig, stored) == {
        "feed": "http://a/",
        "proxy_password": "*****",
        "redhat_token": "*****",
        "shelf": None,
    }


def test_a_mask_that_comes_back_leaves_the_stored_secret_alone():
    old = {"proxy_password": "secret", "feed": "http://a/"}

    new = unmasked({"proxy_password": "*****", "basic_auth_password": "*****", "feed": "http://b/", "proxy_host": None}, old)

    assert new == {"proxy_password": "secret", "feed": "http://b/", "proxy_host": None}


@pytest.mark.parametrize("parent", [Importer, Distributor])
def test_a_plugin_may_refuse_what_no_field_shows(parent: type[Importer | Distributor]):
    class Picky(parent):  # type: ignore[valid-type, misc]  # both kinds
        type_id = "picky"

        def check(self, config: Any) -> None:
            raise ValueError("it is Sunday")

    with pytest.raises(RefusedConfiguration, match="picky refused its configuration: config: it is Sunday") as caught:
        Picky.configure({})

    assert caught.value.plugin_kind == ("importer" if parent is Importer else "distributor")


def test_a_plugin_may_name_the_field_that_it_refuses():
    class Picky(Importer):
        def check(self, config: Any) -> None:
            raise RefusedConfiguration("picky", {"feed": "must end with a slash"})

    with pytest.raises(RefusedConfiguration) as caught:
        Picky.configure({"feed": "http://a"})

    assert caught.value.data["property_names"] == ["feed"]
