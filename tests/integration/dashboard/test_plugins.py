"""The pages of plugins: what is installed, what is broken and why, what each is told, and what it would take."""

from __future__ import annotations

from importlib.metadata import EntryPoint

from entrepot.discovery import Plugins

from .conftest import HOSTILE, LARGEST_PAGE_BYTES, PASSWORD


def test_all_that_is_installed_is_listed_with_its_units_and_its_version(dashboard, engine):
    page = dashboard.page("/plugins")

    for info in engine.plugins.listing():
        assert f'href="/plugins/{info.kind}/{info.type_id}"' in page
    assert page.count("state broken") == 0
    assert len(page) < LARGEST_PAGE_BYTES


def test_each_plugin_has_a_page_that_explains_its_keys(dashboard, engine):
    for info in engine.plugins.listing():
        page = dashboard.page(f"/plugins/{info.kind}/{info.type_id}")
        assert len(page.encode()) < LARGEST_PAGE_BYTES

    page = dashboard.page("/plugins/importer/iso_importer")
    assert '<code>proxy_password</code> <span class="state secret">secret</span>' in page
    assert "whole number, 1 to 256" in page
    assert "entrepot repo create zoo --importer iso_importer --feed https://example.org/zoo/" in page
    assert "--config source=VALUE" in dashboard.page("/plugins/distributor/edge_distributor")
    assert "state server only" in dashboard.page("/plugins/distributor/yum_distributor")


def test_a_unit_type_shows_its_key_and_who_uses_it(dashboard):
    page = dashboard.page("/plugins/unit_type/rpm")

    assert "name, epoch, version, release, arch, checksumtype, checksum" in page
    assert 'href="/plugins/distributor/yum_distributor"' in page


def test_a_broken_plugin_says_why_and_what_would_mend_it(engine, dashboard):
    point = EntryPoint("tape_importer", "no_such_module:Tape [tape]", "entrepot.importers")
    engine.plugins = Plugins.discover(lambda group: [point] if group == "entrepot.importers" else [])

    for path in ("/plugins", "/plugins/importer/tape_importer"):
        page = dashboard.page(path)
        assert "state broken" in page
        assert "No module named &#39;no_such_module&#39;" in page
        assert "pip install &#39;DISTRIBUTION[tape]&#39;" in page


def test_what_a_plugin_would_take_is_said_without_keeping_anything(dashboard):
    form = {"config.feed": "https://example.org/zoo/", "config.max_downloads": "7", "config.query_auth_token": "geheim"}

    answer = dashboard.post("/plugins/importer/iso_importer", form)

    assert answer.status_code == 200
    assert "The plugin takes this configuration." in answer.text
    assert "&#34;max_downloads&#34;: 7" in answer.text
    assert "&#34;query_auth_token&#34;: &#34;*****&#34;" in answer.text
    assert "geheim" not in answer.text


def test_what_a_plugin_would_refuse_is_said_at_the_field(dashboard):
    answer = dashboard.post("/plugins/importer/iso_importer", {"config.feed": HOSTILE, "config.max_downloads": "many"})

    assert answer.status_code == 400
    assert "must be a whole number, not &#39;many&#39;" in answer.text
    assert 'value="many"' in answer.text
    assert "<script>alert" not in answer.text


def test_what_is_not_installed_is_missing(dashboard):
    assert dashboard.get("/plugins/importer/tape_importer").status_code == 404
    assert dashboard.get("/plugins/unit_type/tape").status_code == 404
    assert dashboard.post("/plugins/distributor/tape", {"config.a": "1"}).status_code == 404


def test_who_may_not_read_plugins_sees_none(engine, browser_of):
    engine.access.create_user("nobody", password=PASSWORD)
    browser = browser_of("nobody")

    assert browser.get("/plugins").status_code == 403
    assert browser.get("/plugins/importer/iso_importer").status_code == 403
