"""What docs/observability.md promises is there, and the reverse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from entrepot.engine import Engine
from entrepot.monitoring import RequestFigures
from entrepot.monitoring.exposition import FiguresCollector
from entrepot.monitoring.figures import FiguresReader

PAGE = (Path(__file__).parents[3] / "docs" / "observability.md").read_text(encoding="utf-8")


@pytest.fixture
def database_kind() -> str:
    """What is asked here is no matter of the database."""
    return "sqlite"


def test_the_table_names_each_metric_with_its_kind_and_no_other(settings) -> None:
    collector, registry = FiguresCollector(), CollectorRegistry()
    with Engine(settings=settings) as engine:
        engine.initialise()
        for loop in engine.loops():
            if loop.name == "content measures":
                loop.round()
        collector.figures = FiguresReader(engine).read()
    for each in (collector, RequestFigures()):
        registry.register(each)
    there = {(family.name + ("_total" if family.type == "counter" else ""), family.type) for family in registry.collect()}

    assert set(re.findall(r"^\| `(entrepot_\w+)` \| (\w+) \|", PAGE, re.MULTILINE)) == there


def test_the_configuration_is_yaml_and_its_rules_ask_for_metrics_that_are_there() -> None:
    scrape, alerts = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
    rules = alerts["groups"][0]["rules"]

    assert scrape["scrape_configs"][0]["static_configs"][0]["targets"]
    assert len(rules) == 5
    assert all({"alert", "expr", "for", "labels", "annotations"} <= set(rule) for rule in rules)
    named = set(re.findall(r"entrepot_\w+", " ".join(rule["expr"] for rule in rules)))
    assert named <= set(re.findall(r"^\| `(entrepot_\w+)`", PAGE, re.MULTILINE))
