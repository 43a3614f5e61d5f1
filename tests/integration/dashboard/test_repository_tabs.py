"""The tabs of a repository's page: content, units, publications, schedules, history, log."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from entrepot import clock
from entrepot.access import Operation
from entrepot.testing import drain

from .conftest import HOSTILE, LARGEST_PAGE_BYTES, PASSWORD
from .sample_repositories import make_zoo, open_feed, synced

AT = "/repositories/zoo"


@pytest.fixture
def feed():
    with open_feed() as feed:
        yield feed


@pytest.fixture
def zoo(engine, feed):
    zoo = make_zoo(engine, feed)
    synced(engine, zoo, feed)
    return zoo


def heads(html):
    """Return the words of the heads of a page's rows."""
    found = re.findall(r'<th scope="row"[^>]*>(.*?)</th>', html, re.DOTALL)
    return [re.sub("<[^>]+>", "", one).strip() for one in found]


def test_units_are_found_by_their_names_and_lead_to_their_files(dashboard, engine, feed, zoo):
    synced(engine, zoo, feed, Bear__iso="0123456789")

    assert heads(dashboard.page(f"{AT}/content")) == ["Bear.iso", "a.iso", "b.iso", "c.iso"]
    assert heads(dashboard.page(f"{AT}/content?q=beAR")) == ["Bear.iso"]
    assert "No unit of type iso here has such a name" in dashboard.page(f"{AT}/content?q=%25")
    assert "No unit of type" in dashboard.page(f"{AT}/content?type={HOSTILE[:20]}")
    html = dashboard.page(f"{AT}/content?q=bear")
    unit = dashboard.page(re.search(r'href="(/units/iso/[^"]+)"', html)[1])

    assert "<h1>Bear.iso</h1>" in unit
    assert "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882" in unit
    assert '<td class="n">10 B</td>' in unit
    assert f'<a href="{AT}">zoo</a>' in unit
    assert f'href="{AT}/content?type=iso"' in unit


def test_a_page_of_units_is_small_and_leads_on(dashboard, engine, feed, zoo):
    feed.put(**{f"{'u' * 180}{index:03}__iso": str(index) for index in range(70)})
    synced(engine, zoo, feed)

    html = dashboard.page(f"{AT}/content")

    assert len(heads(html)) == 50
    assert len(html.encode()) <= LARGEST_PAGE_BYTES
    assert "1 to 50 of 73" in html
    [older] = re.findall(r'rel="next" href="([^"]+)"', html)
    assert len(heads(dashboard.page(older))) == 23


def test_who_may_not_read_content_gets_no_links_to_units(engine, browser_of, zoo):
    engine.access.create_user("nora", password=PASSWORD)
    engine.access.grant_to_user("nora", "/v2/repositories/zoo/", [Operation.READ])
    unit_id = zoo.browse_units("iso")[0].unit_id

    assert "/units/" not in browser_of("nora").page(f"{AT}/content")
    assert browser_of("nora").get(f"/units/iso/{unit_id}").status_code == 403


def test_a_unit_that_is_deferred_says_so(dashboard, engine, feed):
    lazy = make_zoo(engine, feed, "lazy")
    lazy.update(importer_config={"download_policy": "on_demand"})
    synced(engine, lazy, feed)
    unit_id = lazy.browse_units("iso")[0].unit_id

    html = dashboard.page(f"/units/iso/{unit_id}")

    assert "<td>deferred</td>" in html
    assert "some are deferred" in html
    assert "0 of 3 units have all their files" in dashboard.page("/repositories/lazy/content")
    assert dashboard.get("/units/iso/nonsense").status_code == 404


def test_publications_are_compared_and_rolled_back(dashboard, engine, feed, zoo):
    feed.files.pop("c.iso")
    synced(engine, zoo, feed, d__iso="dddd", a__iso="A")
    html = dashboard.page(f"{AT}/publications")
    assert heads(html) == ["2", "1"]
    assert f"{AT}/publications/compare?distributor=web&amp;before=1&amp;after=2" in html

    difference = dashboard.page(f"{AT}/publications/compare?distributor=web&before=1&after=2")
    rows = re.findall(r'<span class="state (\w+)">.*?<th scope="row" class="long">([^<]+)<', difference)
    assert rows == [("added", "d.iso"), ("changed", "PULP_MANIFEST"), ("changed", "a.iso"), ("removed", "c.iso")]
    place = f"{AT}/publications/roll_back"
    asked = dashboard.page(f"{place}?distributor=web&revision=1")
    assert "paths that come: 1" in asked
    answer = dashboard.post(place, {"distributor_id": "web", "revision": "1"})

    assert "web serves publication 1 from now on." in dashboard.page(answer.headers["location"])
    assert zoo.distributor("web").live_revision == 1
    assert "It is served already." in dashboard.page(f"{place}?distributor=web&revision=1")


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("publications?distributor=none", 404),
        ("publications/compare?distributor=web&before=1&after=99", 404),
        ("publications/compare?distributor=web&before=x&after=1", 400),
        ("publications/compare?distributor=web&before=1", 400),
        ("publications/roll_back?distributor=web&revision=7", 404),
        ("publications/roll_back?distributor=web&revision=-1", 400),
    ],
)
def test_a_publication_that_is_not_there_is_an_error_of_its_own(dashboard, zoo, address, status):
    answer = dashboard.get(f"{AT}/{address}")

    assert answer.status_code == status
    assert "That did not work" in answer.text


def test_schedules_of_the_importer_and_of_distributors_are_listed_in_words(dashboard, zoo):
    zoo.schedule_sync("R5/2999-01-01T00:00:00Z/P1D")
    zoo.schedule_publish("web", "0 3 * * *", enabled=False)

    html = dashboard.page(f"{AT}/schedules")

    assert "sync by iso_importer" in html
    assert "publish by web" in html
    assert 'datetime="2999-01-01T00:00:00Z"' in html
    assert ">disabled<" in html
    assert 'href="/schedules/new?kind=sync&amp;repository=zoo"' in html


def test_the_history_is_drawn_and_listed_newest_first(dashboard, engine, feed, zoo):
    feed.manifest = b"broken"
    synced(engine, zoo, feed)

    html = dashboard.page(f"{AT}/history")

    assert re.findall(r'<rect class="(\w+)"', html) == ["success", "error", "come"]
    assert re.findall(r'<td><span class="state (\w+)">', html) == ["error", "success"]
    assert "1 success, 1 error" in html
    assert 'class="state success"' in dashboard.page(f"{AT}/history?kind=publish")
    assert dashboard.page(f"{AT}/history?kind=nonsense&before=nonsense").count("<tr>") == html.count("<tr>")


def test_a_long_history_is_small_and_leads_on_without_leaving_out_any(dashboard, engine, zoo):
    [(row,)] = engine.database.rows("SELECT id FROM repository")
    start = clock.now() + timedelta(hours=1)
    with engine.transaction():
        engine.database.executemany(
            "INSERT INTO sync_result (repository, importer_type_id, started_at, completed_at, result, error_message, task_id) "
            "VALUES (?, 'iso_importer', ?, ?, 'error', ?, 'abcdef01-2345')",
            [(row, clock.to_us(start) + n * 7, clock.to_us(start) + n * 1_000_007, HOSTILE * 40) for n in range(120)],
        )
    seen, address = [], f"{AT}/history"

    while address:
        html = dashboard.page(address)
        assert len(html.encode()) <= LARGEST_PAGE_BYTES
        assert "<script>alert" not in html
        seen.append(html.count('<th scope="row">'))
        address = next(iter(re.findall(r'rel="next" href="([^"]+)"', html)), "").replace("&amp;", "&")

    assert seen == [25, 25, 25, 25, 21]


def test_the_log_and_the_publication_events_are_paged(dashboard, engine, feed, zoo):
    with engine.transaction():
        engine.database.executemany(
            "INSERT INTO activity (created_at, level, repository_id, message) VALUES (?, 'warning', 'zoo', ?)",
            [(clock.now_us(), f"{HOSTILE} line {n} " + "w" * 900) for n in range(45)],
        )

    html = dashboard.page(f"{AT}/events")

    assert len(html.encode()) <= LARGEST_PAGE_BYTES
    assert "<script>alert" not in html
    assert "line 44" in html
    assert "publish" in heads(html)
    [older] = re.findall(r'rel="next" href="([^"]+)"', html)
    assert "The sync brought in 3 units" in dashboard.page(older)
    assert dashboard.get(f"{AT}/events?before=nonsense").status_code == 200


def test_an_empty_repository_says_what_is_missing(dashboard, engine):
    engine.repositories.create("bare")
    drain(engine)

    said = {
        page: dashboard.page(f"/repositories/bare{page}")
        for page in ("", "/content", "/publications", "/schedules", "/history")
    }

    assert "It has no importer" in said[""]
    assert "The repository holds no units" in said["/content"]
    assert "It has no distributor" in said["/publications"]
    assert "Nothing of this repository is scheduled" in said["/schedules"]
    assert "It has not been synced yet" in said["/history"]
