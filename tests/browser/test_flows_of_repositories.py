"""What people do with repositories: make, sync, look into, set, schedule and publish them, and bring them to the edge."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from entrepot import TaskFailed

from .looking import assert_was_not_loaded_anew, fact, open_live, said, state, task_link

#: Seconds that a task of the served engine gets.
PATIENCE = 60


@pytest.fixture
def mirror(engine, feed):
    """Make repositories that mirror the feed, and publish each sync."""

    def mirror(repository_id, config=None):
        return engine.repositories.create(
            repository_id,
            importer_type_id="iso_importer",
            importer_config={"feed": feed.url, **(config or {})},
            distributors=[{"distributor_type_id": "iso_distributor", "distributor_id": "web", "auto_publish": True}],
        )

    return mirror


@pytest.fixture
def sync(engine, feed):
    """Offer files, bring them into a repository, and wait until they are published."""

    def sync(repository, files):
        feed.offer(files)
        handle = repository.sync()
        for task_id in handle.wait(PATIENCE).spawned:
            engine.tasks.handle(task_id).wait(PATIENCE)
        return handle

    return sync


def test_a_repository_is_made_by_the_form_and_synced(page, engine, feed):
    feed.offer({"bear.iso": b"bear", "wolf.iso": b"wolf"})
    page.goto("/repositories")
    page.get_by_role("link", name="New repository").click()
    page.get_by_label("Id (required)").fill("made-by-form")
    page.get_by_label("Name", exact=True).fill("Made by the form")
    page.get_by_label("Feed").fill(feed.url)
    for type_id in ("yum_importer", "iso_importer"):
        page.get_by_label("Importer: where").select_option(type_id)
        page.get_by_role("button", name="Show their settings").click()
        expect(page.get_by_role("group", name=f"Importer {type_id}")).to_be_visible()
    page.get_by_label("Distributor id").fill("web")
    page.get_by_label("Distributor id").press("Enter")
    expect(said(page)).to_have_text("made-by-form is made. Sync it next.")

    page.get_by_role("button", name="Sync").click()

    expect(said(page)).to_contain_text("The sync was accepted")
    expect(fact(page, "Units")).to_contain_text("2 iso")
    expect(fact(page, "Last sync")).to_contain_text("success")
    expect(page.get_by_role("row", name="web iso_distributor")).to_contain_text("success")
    report = engine.repositories.get("made-by-form").report()
    assert (report.display_name, report.content_unit_counts) == ("Made by the form", {"iso": 2})
    assert [(one.distributor_id, one.auto_publish, one.live_revision) for one in report.distributors] == [("web", True, 1)]


def test_a_sync_is_watched_until_all_of_it_is_there(page, engine, feed, mirror):
    repository = mirror("watched")
    feed.offer({"bear.iso": b"bear", "held.iso": b"wolf" * 100})
    open_live(page, "/repositories/watched")
    work = page.locator("#live-work")
    task = page.context.new_page()

    handle = repository.sync()
    expect(work.get_by_role("article").first.locator(".state")).to_have_text("running")
    expect(work.get_by_role("progressbar").last).to_be_visible()
    open_live(task, f"/tasks/{handle.task_id}")
    expect(state(task)).to_have_text("running")
    feed.release()

    article = work.locator("article", has=page.locator(task_link(handle.task_id)))
    expect(article.locator("li strong").last).to_have_text("100 %")
    expect(fact(page, "Units")).to_contain_text("2 iso")
    expect(state(task)).to_have_text("finished")
    expect(task.locator("#live-progress tbody .state").last).to_have_text("finished")
    for one in (page, task):
        assert_was_not_loaded_anew(one)
    assert handle.report().state == "finished"


def test_the_publish_that_a_sync_spawned_stands_below_it_on_one_scale_of_time(page, engine, mirror, sync):
    handle = sync(mirror("spawning"), {"bear.iso": b"bear"})
    (spawned,) = handle.report().spawned
    page.goto(f"/tasks/{handle.task_id}")
    rows = page.get_by_role("region", name="Spawned tasks").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.last.locator("svg")).to_be_visible()

    rows.last.locator(task_link(spawned)).click()

    expect(fact(page, "Id")).to_have_text(spawned)
    expect(fact(page, "Spawned by").get_by_role("link")).to_have_attribute("title", handle.task_id)
    assert engine.tasks.get(spawned).parent == handle.task_id


def test_publications_are_compared_and_an_earlier_one_is_served_again(page, engine, mirror, sync):
    repository = mirror("published")
    sync(repository, {"bear.iso": b"bear", "wolf.iso": b"wolf"})
    sync(repository, {"bear.iso": b"bears", "lion.iso": b"lion", "wolf.iso": b"wolf"})
    page.goto("/repositories/published")
    page.get_by_role("link", name="Publications").click()
    page.get_by_role("link", name="Changes of publication 2").click()
    table = page.get_by_role("region", name="Differences")
    expect(table.get_by_role("row").filter(has_text="lion.iso")).to_contain_text("added")
    expect(table.get_by_role("row").filter(has_text="bear.iso")).to_contain_text("changed")
    expect(table.get_by_role("row").filter(has_text="wolf.iso")).to_have_count(0)

    page.get_by_role("link", name="All publications of web").click()
    page.get_by_role("link", name="Serve publication 1").click()
    expect(page.locator("main li", has_text="paths that go")).to_have_text("paths that go: 1")
    page.get_by_role("button", name="Serve publication 1").click()

    expect(said(page)).to_have_text("web serves publication 1 from now on.")
    expect(page.locator("tbody tr", has=page.locator(".state.live")).get_by_role("rowheader")).to_have_text("1")
    assert [one.revision for one in repository.publications("web") if one.is_live] == [1]


def test_content_is_searched_and_a_unit_says_what_it_is_and_who_holds_it(page, engine, mirror, sync):
    sync(mirror("searched"), {"bear.iso": b"bear", "polar-bear.iso": b"polar", "wolf.iso": b"wolf"})
    page.goto("/repositories/searched/content")
    page.get_by_label("Name holds").fill("bear")
    page.get_by_role("button", name="Show").click()
    names = page.get_by_role("region", name="Units").locator("tbody").get_by_role("rowheader")
    expect(names).to_have_text(["bear.iso", "polar-bear.iso"])

    page.get_by_role("link", name="polar-bear.iso").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("polar-bear.iso")
    expect(page.get_by_role("region", name="Files")).to_contain_text("stored")
    expect(page.get_by_role("link", name="searched").last).to_be_visible()
    unit_id = page.url.partition("?")[0].rpartition("/")[2]
    assert engine.content.get_unit("iso", unit_id).data["name"] == "polar-bear.iso"


def test_what_is_wrong_with_a_configuration_is_said_at_the_field_and_secrets_stay(window, engine, mirror):
    watched = window()
    watched.expected = ("Failed to load resource: the server responded with a status of 400",)
    page = watched.page
    repository = mirror("configured", {"basic_auth_username": "ann", "basic_auth_password": "geheim-geheim"})
    page.goto("/repositories/configured/settings/importer")
    feed = page.get_by_label("Feed")
    feed.fill("gopher://nowhere")
    page.get_by_role("button", name="Save").click()
    expect(feed).to_have_attribute("aria-invalid", "true")
    expect(feed).to_have_value("gopher://nowhere")
    described = feed.get_attribute("aria-describedby") or ""
    wrong = next(name for name in described.split() if name.endswith("wrong"))
    expect(page.locator(f"[id='{wrong}']")).not_to_be_empty()

    feed.fill("https://example.org/zoo/")
    page.get_by_role("button", name="Save").click()

    expect(said(page)).to_contain_text("The importer's configuration is changed")
    expect(page.get_by_text("geheim-geheim")).to_have_count(0)
    assert repository.importer().config["feed"] == "https://example.org/zoo/"
    assert secret_of(engine, "configured") == "geheim-geheim"


def secret_of(engine, repository_id):
    """Return what is stored as the password of a feed, which no report tells."""
    query = "SELECT config FROM importer WHERE repository = (SELECT id FROM repository WHERE repository_id = ?)"
    return json.loads(engine.database.row(query, (repository_id,))[0])["basic_auth_password"]


def test_a_repository_that_fails_is_told_of_first_on_the_overview_until_it_succeeds(page, mirror, sync):
    repository = mirror("failing")
    open_live(page, "/")
    failing = page.locator("#live-failing")

    with pytest.raises(TaskFailed):
        repository.sync().wait(PATIENCE)
    row = failing.locator("tbody tr", has=page.get_by_role("link", name="failing", exact=True))
    expect(failing.locator("tbody tr").first).to_contain_text("failing")
    expect(row).to_contain_text("sync, iso_importer")
    sync(repository, {"bear.iso": b"bear"})

    expect(row).to_have_count(0)
    assert_was_not_loaded_anew(page)
    assert repository.history("sync", limit=1)[0].result == "success"


def test_on_a_phone_a_repository_is_synced_by_touch(window, engine, feed, mirror):
    page = window(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True).page
    feed.offer({"bear.iso": b"bear"})
    mirror("on-a-phone")
    page.goto("/repositories?q=on-a-phone")
    page.get_by_role("button", name="Sync on-a-phone").tap()
    expect(said(page)).to_contain_text("The sync was accepted")
    expect(fact(page, "Units")).to_contain_text("1 iso")

    page.get_by_role("link", name="Content", exact=True).tap()

    expect(page.get_by_role("rowheader", name="bear.iso")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert engine.repositories.get("on-a-phone").report().total_units == 1


def test_a_repository_is_deleted_after_a_look_at_what_goes_with_it(page, engine, mirror, sync):
    sync(mirror("doomed"), {"bear.iso": b"bear"})
    page.goto("/repositories/doomed")
    page.get_by_role("link", name="Delete…").click()
    expect(page.locator("main li", has_text="the distributor web")).to_contain_text("1 publication")
    expect(page.locator("main li", has_text="its hold on")).to_contain_text("1 unit")
    page.get_by_role("button", name="Delete doomed").click()
    expect(said(page)).to_contain_text("doomed will be deleted by task")

    expect(page.get_by_role("link", name="doomed", exact=True)).to_have_count(0)
    assert "doomed" not in {one.repository_id for one in engine.repositories.list()}


def test_a_schedule_is_previewed_in_words_and_made_as_it_was_typed(page, engine, mirror):
    mirror("scheduled")
    page.goto("/repositories/scheduled/schedules")
    page.get_by_role("link", name="Schedule syncs").click()
    page.get_by_label("When (required)").fill("0 3 * * mon-fri")
    page.get_by_label("Time zone").fill("Europe/Zurich")
    page.get_by_label("Failures in a row until it is disabled").fill("3")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("section.preview").get_by_role("status")).to_contain_text(re.compile("03:00.*Zurich", re.IGNORECASE))
    expect(page.get_by_role("region", name="Next runs").locator("tbody tr")).to_have_count(5)
    expect(page.get_by_label("When (required)")).to_have_value("0 3 * * mon-fri")
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Zurich")
    assert [one for one in engine.schedules.list() if one.repository_id == "scheduled"] == []

    page.get_by_role("button", name="Create").click()

    expect(said(page)).to_contain_text("It is scheduled")
    (report,) = [one for one in engine.schedules.list() if one.repository_id == "scheduled"]
    expect(page.locator("#live-schedule .message")).to_contain_text(report.sentence)
    assert (report.schedule, report.time_zone, report.failure_threshold, report.enabled) == (
        "0 3 * * mon-fri", "Europe/Zurich", 3, True,
    )  # fmt: skip


def test_a_schedule_is_run_now_disabled_and_deleted(page, engine, feed, mirror):
    feed.offer({"bear.iso": b"bear"})
    mirror("by-the-clock")
    schedule = engine.repositories.get("by-the-clock").schedule_sync("P7D")
    page.goto(f"/schedules/{schedule.schedule_id}")
    runs = page.get_by_role("region", name="Past runs").locator("tbody tr", has_text="by hand")
    page.get_by_role("button", name="Run now").click()
    expect(said(page)).to_contain_text("runs it now")
    expect(runs.locator(".state")).to_have_text("finished")

    page.get_by_role("button", name="Disable").click()
    expect(page.locator("#live-schedule .message .state")).to_have_text("disabled")
    assert not engine.schedules.get(schedule.schedule_id).enabled
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete the schedule").click()

    expect(said(page)).to_contain_text("The schedule is deleted")
    assert schedule.schedule_id not in {one.schedule_id for one in engine.schedules.list()}
    assert engine.repositories.get("by-the-clock").report().total_units == 1


def test_a_deploy_is_watched_to_its_end_and_pushed_again_to_the_server_that_failed(page, engine, mirror, sync, tmp_path):
    pop = engine.edges.add_pop("Europe : Vaduz", network="flows")
    (tmp_path / "one").mkdir()
    engine.edges.add_servers(pop.pop_id, [str(tmp_path / "one"), str(tmp_path / "two")])
    repository = mirror("deployed")
    sync(repository, {"bear.iso": b"bear"})
    repository.add_distributor("edge_distributor", {"source": "web", "network": "flows", "retries": 0}, distributor_id="edge")
    open_live(page, "/propagation")

    deploy = engine.edges.request_deploy("deployed", "edge", requested_by="admin")
    one = page.get_by_role("region", name=f"Deploy {deploy.deploy_id}:")
    expect(one.locator(".whole")).to_contain_text("1/2")
    expect(one.locator(".whole")).to_contain_text("1 failed")
    expect(one.locator("h2 .state")).to_have_text("failed")
    assert_was_not_loaded_anew(page)
    one.get_by_role("link", name=f"Deploy {deploy.deploy_id}").click()
    (tmp_path / "two").mkdir()
    page.get_by_role("region", name="Servers that have trouble").get_by_role("link", name="Push again").click()
    expect(page.locator("main li").first).to_contain_text("pushed again to 1 server")
    page.get_by_role("button", name="Push again").click()

    expect(page.locator("#live-pops .whole")).to_contain_text("100 %")
    expect(fact(page, "State")).to_contain_text("propagated")
    expect(page.locator("#live-troubles")).to_have_text("None.")
    report = engine.edges.get_deploy(deploy.deploy_id)
    assert (report.state, report.done) == ("propagated", 2)
    assert [file.read_bytes() for file in (tmp_path / "two").rglob("bear.iso")] == [b"bear"]
