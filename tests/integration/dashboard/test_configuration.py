"""The form of a plugin's configuration: what it shows, what it sends, and what becomes of what was typed wrong."""

from __future__ import annotations

from enum import Enum
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, urlencode

import pytest
from pydantic import Field, SecretStr

from entrepot.dashboard.configuration import (
    errors_of,
    fields_of,
    others_of,
    read_fields,
    refused,
    title_of,
    typed,
)
from entrepot.dashboard.rendering import _environment
from entrepot.discovery import Plugins
from entrepot.errors import RefusedConfiguration
from entrepot.plugin import Importer, ImporterConfig, TextList, Unit, WholeNumber

from .conftest import HOSTILE


class Grade(Enum):
    """How good a loaf is."""

    FINE = "fine"
    COARSE = "coarse"


class Config(ImporterConfig):
    """A key of each kind."""

    server_only: ClassVar[frozenset[str]] = frozenset({"oven"})

    flour: str = Field(description="What it is baked of.")
    loaves: WholeNumber = Field(3, ge=1, le=9, description="How many.")
    minutes: float | None = Field(None, ge=0, description="Time in the oven, minutes.")
    sliced: bool = Field(default=False, description="In slices.")
    glazed: bool | None = None
    shape: Literal["round", "long"] = "round"
    grade: Grade | None = None
    seeds: TextList = Field([])
    stamps: list[str] = Field([], description="Keys, armored.")
    extras: dict[str, Any] = Field({})
    recipe: SecretStr | None = None
    recipe_key: SecretStr | None = Field(None, description="PEM text.")
    oven: str | None = None


class Loaf(Unit, type_id="loaf", key=("name",)):
    """A loaf."""

    name: str


class Bakery(Importer):
    """Checks what no single field shows."""

    type_id = "bakery"
    unit_types = (Loaf,)
    Config = Config

    def check(self, config: Config) -> None:
        if config.sliced and config.shape == "round":
            raise ValueError("round loaves are not sliced")


def one(name, values=None, **options: Any):
    return {field.name: field for field in fields_of(Config, values, **options)}[name]


def sent(**fields: Any):
    """Return a form as it arrives."""
    return parse_qs(urlencode({f"config.{name}": value for name, value in fields.items()}, doseq=True), keep_blank_values=True)


def html(fields, errors=None):
    text = '{% from "configuration.html" import configuration_fields %}{{ configuration_fields(fields, errors) }}'
    return _environment().from_string(text).render(fields=fields, errors=errors or {})


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("flour", "text"), ("loaves", "number"), ("minutes", "number"), ("sliced", "checkbox"), ("glazed", "select"),
        ("shape", "select"), ("grade", "select"), ("seeds", "lines"), ("stamps", "lines"), ("extras", "json"),
        ("recipe", "secret"), ("validate", "checkbox"),
    ],
)  # fmt: skip
def test_a_key_has_the_control_of_its_kind(name, kind):
    assert one(name).kind == kind


def test_what_is_required_comes_first_then_the_feed_then_what_is_the_plugins_own():
    names = [field.name for field in fields_of(Config)]

    assert names[:3] == ["flour", "feed", "loaves"]
    assert names.index("oven") < names.index("validate") < names.index("max_downloads")


def test_a_field_says_its_limits_its_unit_and_its_default():
    assert one("loaves").hint == "How many. Whole number, 1 to 9. Default: 3."
    assert (one("minutes").unit, one("minutes").takes) == ("minutes", "number, 0 or more")
    assert one("shape").choices == (("", "by default: round"), ("round", "round"), ("long", "long"))
    assert one("glazed").choices == (("", "by default"), ("true", "yes"), ("false", "no"))


def test_what_the_server_says_is_the_default():
    assert one("loaves", server={"loaves": 7}).default == "7"
    assert one("sliced", server={"sliced": True}).is_on
    assert not one("flour", server={"flour": "rye"}).is_required
    assert one("recipe", server={"recipe": "geheim"}).default == "set by the server"


def test_titles_spell_short_words_as_people_do():
    assert [title_of("ssl_ca_cert"), title_of("max_speed"), title_of("gpg_key_id")] == [
        "SSL CA cert",
        "Max speed",
        "GPG key ID",
    ]


def test_what_is_typed_becomes_json_of_its_kind():
    form = sent(
        flour="rye", loaves="4", minutes="2.5", sliced=["false", "true"], glazed="false", shape="long", grade="fine",
        seeds="poppy\r\n\r\n sesame ", extras='{"salt": 1}', recipe=" secret ",
    )  # fmt: skip

    assert read_fields(Config, form) == {
        "flour": "rye", "loaves": 4, "minutes": 2.5, "sliced": True, "glazed": False, "shape": "long", "grade": "fine",
        "seeds": ["poppy", "sesame"], "extras": {"salt": 1}, "recipe": " secret ",
    }  # fmt: skip


def test_armored_texts_are_told_apart_by_their_ends():
    key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----"

    assert read_fields(Config, sent(stamps=f"{key}\n\n{key}\n"))["stamps"] == [key, key]


def test_what_is_empty_or_as_by_default_is_left_out_and_taken_back_where_it_was_stored():
    form = sent(flour="", loaves="", sliced="false", shape="", seeds=" ", extras="")

    assert read_fields(Config, form) == {}
    assert read_fields(Config, form, stored={"flour": "rye", "sliced": True}) == {"flour": None, "sliced": False}
    assert read_fields(Config, form, server={"sliced": True}) == {"sliced": False}


def test_keys_that_a_form_does_not_hold_or_that_are_the_servers_are_never_read():
    assert read_fields(Config, {"config.oven": ["/bin/sh"], "loaves": ["2"]}, stored={"sliced": True}) == {}


def test_a_secret_is_masked_and_its_mask_is_sent_back():
    page = html(fields_of(Config, {"recipe": "*****", "recipe_key": "*****"}))

    assert 'type="password" id="config.recipe" name="config.recipe" value="*****"' in page
    assert 'name="config.recipe_key" rows="6"' in page
    assert read_fields(Config, sent(recipe="*****"), stored={"recipe": "*****"}) == {"recipe": "*****"}
    assert "geheim" not in html(fields_of(Config, {"recipe": "geheim"}))


def test_a_new_secret_is_asked_for_again_rather_than_sent_back():
    field = one("recipe", typed(Config, sent(recipe="geheim")), is_typed=True)

    assert (field.value, field.is_required) == ("", True)
    assert "Type it again" in field.note
    assert one("recipe", typed(Config, sent(recipe="*****")), is_typed=True).value == "*****"


@pytest.mark.parametrize(
    ("form", "errors"),
    [
        ({"flour": "rye", "loaves": "ten"}, {"loaves": "must be a whole number, not 'ten'"}),
        ({"flour": ""}, {"flour": "is required"}),
        ({"flour": "rye", "loaves": "10"}, {"loaves": "must be 9 or less, not 10"}),
        ({"flour": "rye", "extras": "[1"}, {"extras": "must be an object, not '[1'"}),
        ({"flour": "rye", "extras": "NaN"}, {"extras": "must be an object, not 'NaN'"}),
        ({"flour": "rye", "extras": '{"a": "\\ud800"}'}, {"extras": 'must be an object, not \'{"a": "\\\\ud800"}\''}),
        ({"flour": "rye", "loaves": "9" * 5_000}, {"loaves": f"must be a whole number, not '{'9' * 38}…"}),
        ({"flour": "rye", "shape": "oval"}, {"shape": "must be one of 'round' or 'long', not 'oval'"}),
        ({"flour": "rye", "minutes": "inf"}, {"minutes": "must be a number, not 'inf'"}),
        ({"flour": "rye", "feed": "ftp://x"}, {"feed": "must be an http://, https:// or file:// address"}),
        ({"flour": "rye", "validate": "false", "sliced": "true"}, {"": "round loaves are not sliced"}),
        ({"flour": "rye", "sliced": "true", "shape": "long"}, {}),
    ],
)
def test_what_the_plugin_refuses_is_said_at_its_field(form, errors):
    assert refused(Bakery, read_fields(Config, sent(**form))) == errors


def test_errors_bear_the_names_of_keys():
    error = RefusedConfiguration("bakery", {"validate_files": "is odd", "stamps.1": "is no text", "yeast": "is unknown"})

    assert errors_of(error, Config) == {"validate": "is odd", "stamps": "1: is no text", "": "yeast is unknown"}


def test_the_page_shows_again_what_was_typed_and_why_it_is_wrong():
    form = sent(flour=HOSTILE, loaves="ten", shape=HOSTILE)

    page = html(fields_of(Config, typed(Config, form), is_typed=True), {"loaves": HOSTILE, "": "No."})

    assert 'value="ten"' in page
    assert 'aria-describedby="config.loaves-hint config.loaves-wrong" aria-invalid="true"' in page
    assert 'role="alert">No.</p>' in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_what_few_need_is_folded_up_until_it_is_set_or_wrong():
    folded = '<details class="fields" id="config.access">'

    assert folded in html(fields_of(Config))
    assert folded not in html(fields_of(Config, {"proxy_host": "p.test"}))
    assert folded not in html(fields_of(Config), {"proxy_host": "is required"})


def test_what_has_no_field_is_kept_and_told():
    assert others_of(Config, {"flour": "rye", "yeast": 1}) == {"yeast": 1}


def test_the_form_of_each_installed_plugin_sends_back_what_it_shows():
    plugins = Plugins.discover()
    listing = [info for info in plugins.listing() if info.kind != "unit_type" and info.error is None]
    assert len(listing) > 5
    for info in listing:
        plugin = plugins.importer(info.type_id) if info.kind == "importer" else plugins.distributor(info.type_id)
        fields = [field for field in fields_of(plugin.Config) if not field.is_server_only]

        assert read_fields(plugin.Config, sent(**{field.name: field.value for field in fields})) == {}
        assert len(html(fields)) < 20_000
