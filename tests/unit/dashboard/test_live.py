"""What of a page is sent: the parts that differ from what the browser has."""

from __future__ import annotations

import asyncio

import pytest

from entrepot.dashboard.live import RELOAD, LivePage, states
from entrepot.dashboard.rendering import Rendered, marks
from entrepot.errors import MissingResource


class Inline:
    """Readers without threads."""

    async def run(self, function):
        return function()


def looks(*pages: dict[str, str] | Exception, after):
    """Return what each look finds, each after the last event that was heard."""
    made = iter(pages)

    def rendered():
        page = next(made)
        if isinstance(page, Exception):
            raise page
        return Rendered("", page)

    async def run():
        live, heard, found = LivePage(rendered, Inline(), asyncio.Semaphore(1)), after, []
        for _ in pages:
            events, is_last = await live.look_again(heard)
            heard = events[-1].id if events else heard
            found.append(([(event.name, event.data) for event in events], is_last))
        return found

    return asyncio.run(run())


def test_only_what_differs_is_sent_and_nothing_twice():
    first = {"a": "1", "b": "1"}

    found = looks(first, {"a": "1", "b": "2"}, {"a": "1", "b": "2"}, after=marks(first))

    assert found == [([], False), ([("b", "2")], False), ([], False)]


def test_who_comes_back_gets_what_was_missed_and_who_brings_nothing_gets_all():
    assert looks({"a": "3", "b": "1"}, after=marks({"a": "1", "b": "1"})) == [([("a", "3")], False)]
    assert looks({"a": "3", "b": "1"}, after="") == [([("a", "3"), ("b", "1")], False)]


def test_who_heard_a_part_of_what_was_sent_at_once_gets_the_rest():
    async def run():
        live = LivePage(lambda: Rendered("", {"a": "2", "b": "2"}), Inline(), asyncio.Semaphore(1))
        events, _ = await live.look(marks({"a": "1", "b": "1"}))
        rest, _ = await live.look(events[0].id)
        return [event.name for event in events], [event.name for event in rest]

    assert asyncio.run(run()) == (["a", "b"], ["b"])


@pytest.mark.parametrize("error", [MissingResource(task_id="x"), ZeroDivisionError()])
def test_a_page_that_cannot_be_made_any_more_is_to_be_loaded_anew(error):
    assert looks({"a": "1"}, error, after=marks({"a": "1"})) == [([], False), ([(RELOAD, "")], True)]


def test_states_are_read_and_what_is_none_is_left_out():
    assert states("a:12;b_c:ff") == {"a": "12", "b_c": "ff"}
    assert states("a;:1;x-y:1;b:<>;\n:2;" + "z" * 100_000) == {}
