"""Only `entrepot.clock` reads the time, so that a test can set it and nothing mixes zones."""

from __future__ import annotations

import ast

READS = {
    "date.today",
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "time.clock_gettime",
    "time.clock_gettime_ns",
    "time.gmtime",
    "time.localtime",
    "time.time",
    "time.time_ns",
}
#: What measures or waits, and reads no calendar.
HARMLESS = {"monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep", "thread_time"}


def test_only_the_clock_reads_the_time(modules) -> None:
    readers = [
        f"{module.place(call)} {name}"
        for module in modules
        if module.name != "entrepot.clock"
        for call, name in module.calls()
        if ".".join(name.split(".")[-2:]) in READS
    ]

    assert readers == []


def test_nothing_that_reads_the_time_is_imported_by_its_bare_name(modules) -> None:
    imports = [
        f"{module.place(node)} {alias.name}"
        for module in modules
        if module.name != "entrepot.clock"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
        if alias.name not in HARMLESS
    ]

    assert imports == []
