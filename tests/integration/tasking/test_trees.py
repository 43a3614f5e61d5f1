"""Who spawned whom, and what a task was called with."""

from __future__ import annotations

import entrepot
from entrepot.engine import Engine
from entrepot.testing import drain


@entrepot.task
def branch(depth: int, width: int, **_: object) -> None:
    """Spawn `width` children, down to `depth`."""
    for _number in range(width if depth else 0):
        entrepot.current_task().spawn(branch, depth - 1, width)


def test_a_tree_is_shown_whole_from_any_of_its_tasks_each_followed_by_what_it_spawned(engine: Engine) -> None:
    root = engine.enqueue(branch, 2, 2)
    drain(engine)
    leaf = engine.tasks.get(engine.tasks.get(root.task_id).spawned[1]).spawned[0]

    tree = engine.tasks.tree(leaf)

    assert [node.depth for node in tree.tasks] == [0, 1, 2, 2, 1, 2, 2]
    assert tree == engine.tasks.tree(root.task_id)
    assert not tree.is_cut
    for before, node in zip(tree.tasks, tree.tasks[1:], strict=False):
        if node.depth > before.depth:
            assert node.report.parent == before.report.task_id


def test_of_a_tree_that_is_too_large_a_task_is_shown_with_its_own_part(engine: Engine) -> None:
    root = engine.enqueue(branch, 2, 3)
    drain(engine)
    middle = engine.tasks.get(root.task_id).spawned[2]
    leaf = engine.tasks.get(middle).spawned[2]

    top, own = engine.tasks.tree(root.task_id, most=5), engine.tasks.tree(leaf, most=5)

    assert (len(top.tasks), top.is_cut) == (5, True)
    assert [node.report.task_id for node in own.tasks] == [leaf]


def test_secrets_of_arguments_are_masked_by_their_names_and_in_addresses(engine: Engine) -> None:
    config = {"feed": "https://ann:hush-1@feed.test/a", "apiKey": "hush-2", "monkey": "fine", "deep": [{"pin": "hush-3"}]}
    task = engine.enqueue(branch, 0, 0, config=config, proxy_password="hush-4", password=None)

    arguments = engine.tasks.arguments(task.task_id, secrets={"pin"})

    assert "hush" not in repr(arguments)
    assert arguments.args == [0, 0]
    assert arguments.kwargs["config"] == {
        "feed": "https://*****@feed.test/a", "apiKey": "*****", "monkey": "fine", "deep": [{"pin": "*****"}],
    }  # fmt: skip
    assert arguments.kwargs["password"] is None
