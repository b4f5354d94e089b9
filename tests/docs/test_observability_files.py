"""The Grafana dashboard and the collector of docs/observability use metrics, labels and attributes that exist."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest
import yaml
from harness.pages import DOCS

from guardedbedrock.telemetry import names
from guardedbedrock.telemetry.metrics.table import METRICS, Metric

DASHBOARD: Final[dict[str, Any]] = json.loads((DOCS / "observability" / "grafana-dashboard.json").read_text("utf-8"))
COLLECTOR: Final[dict[str, Any]] = yaml.safe_load((DOCS / "observability" / "collector.yaml").read_text("utf-8"))
PANELS: Final = {panel["title"]: panel for panel in DASHBOARD["panels"]}
UNITS: Final = {"s": "_seconds"}
SUFFIXES: Final = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
METRIC: Final = re.compile(r"\b(?:guardedbedrock|gen_ai)_\w+(?=\{|, service_name)")
ADDED: Final = {"le", "service_name"}
"""Labels that Prometheus and the collector add."""


def prometheus_names(metric: Metric) -> set[str]:
    """
    Return the names of a metric in Prometheus.

    Source: OpenTelemetry Specification, "Prometheus and OpenMetrics Compatibility": dots become underscores, a unit in braces
    is left out, and counters end in ``_total``.
    """
    base = metric.name.replace(".", "_") + UNITS.get(metric.unit, "")
    return {base + suffix for suffix in SUFFIXES[metric.instrument]}


def labels(expression: str) -> set[str]:
    """Return the labels that an expression groups by or selects."""
    grouped = {label.strip() for found in re.findall(r"\bby \(([^)]*)\)", expression) for label in found.split(",")}
    return grouped | set(re.findall(r"(\w+)=~", expression))


@pytest.mark.parametrize("title", PANELS)
def test_each_panel_uses_a_metric_and_its_attributes(title: str) -> None:
    (target,) = PANELS[title]["targets"]
    (name,) = set(METRIC.findall(target["expr"]))
    (metric,) = [one for one in METRICS if name in prometheus_names(one)]
    attributes = {attribute.replace(".", "_") for attribute in metric.attributes}
    legend = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))

    assert labels(target["expr"]) - ADDED <= attributes
    assert legend <= labels(target["expr"])
    assert PANELS[title]["description"].endswith(".")


def test_the_dashboard_shows_every_metric_that_an_operator_acts_on() -> None:
    shown = {name for panel in PANELS.values() for name in METRIC.findall(panel["targets"][0]["expr"])}
    missing = [metric.name for metric in METRICS if not prometheus_names(metric) & shown]

    assert missing == ["guardedbedrock.findings"]  # only in detect mode
    assert len({panel["id"] for panel in PANELS.values()}) == len(DASHBOARD["panels"]) == len(PANELS)


def test_the_panels_do_not_overlap() -> None:
    places = [panel["gridPos"] for panel in PANELS.values()]
    cells = [(x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_the_variables_of_the_dashboard_select_existing_metrics() -> None:
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    known = {name for metric in METRICS for name in prometheus_names(metric)}
    (queried,) = METRIC.findall(variables["service"]["query"]["query"])

    assert variables.keys() == {"datasource", "service"}
    assert queried in known


def test_the_pipelines_of_the_collector_use_components_that_are_configured() -> None:
    for pipeline in COLLECTOR["service"]["pipelines"].values():
        for kind, used in pipeline.items():
            assert [name for name in used if name not in COLLECTOR[kind]] == []
    for kind in ("receivers", "processors", "exporters"):
        used = {name for pipeline in COLLECTOR["service"]["pipelines"].values() for name in pipeline[kind]}
        assert used == COLLECTOR[kind].keys()


def test_the_collector_listens_on_loopback_only() -> None:
    endpoints = re.findall(r"endpoint: (\S+)", (DOCS / "observability" / "collector.yaml").read_text("utf-8"))

    assert len(endpoints) == 3
    assert [one for one in endpoints if not one.startswith("127.0.0.1:")] == []


def test_the_collector_deletes_every_attribute_with_content_and_keeps_every_metric() -> None:
    deleted = {action["key"] for action in COLLECTOR["processors"]["attributes/no_content"]["actions"]}
    (dropped,) = COLLECTOR["processors"]["filter/metrics"]["metrics"]["metric"]
    kept = re.fullmatch(r'not IsMatch\(name, "(.+)"\)', dropped)

    assert deleted == {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.SYSTEM_INSTRUCTIONS}
    assert kept is not None
    assert [metric.name for metric in METRICS if not re.search(kept[1], metric.name)] == []
    assert re.search(kept[1], "http.server.duration") is None
