"""
The Grafana dashboard and the collector of docs/observability use metrics, labels, attributes and settings that exist.

The dashboard is loaded with Grafana's own library, and its queries are parsed as PromQL. The collector itself is in no package
registry, so its file is compared with the settings that the documentation of each component lists.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any, Final

import promql_parser
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from harness.pages import DOCS

from guardedbedrock.telemetry import names
from guardedbedrock.telemetry.metrics.table import METRICS, Metric

DASHBOARD: Final[dict[str, Any]] = json.loads((DOCS / "observability" / "grafana-dashboard.json").read_text("utf-8"))
COLLECTOR: Final[dict[str, Any]] = yaml.safe_load((DOCS / "observability" / "collector.yaml").read_text("utf-8"))
PANELS: Final = {panel["title"]: panel for panel in DASHBOARD["panels"]}
UNITS: Final = {"s": "_seconds"}
SUFFIXES: Final = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
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


def parse(expression: str) -> promql_parser.Expr:
    """Parse a query, with Grafana's variables replaced by values."""
    return promql_parser.parse(re.sub(r"\$__(rate_interval|range)", "5m", expression).replace("$service", "app"))


def selector(expression: str) -> promql_parser.VectorSelector:
    """Return the only selector of a query."""
    found: list[promql_parser.VectorSelector] = []

    def collect(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(parse(expression), collect)
    (one,) = found
    return one


def labels(expression: str) -> set[str]:
    """Return the labels that a query groups by or selects."""
    grouped: list[str] = []

    def collect(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            grouped.extend(node.modifier.labels)

    promql_parser.walk(parse(expression), collect)
    return {*grouped, *(matcher.name for matcher in selector(expression).matchers.matchers)}


def changes(given: Any, read: Any, path: str = "") -> Iterator[str]:
    """Yield where a part of a document was lost or changed. Defaults that were added are no change."""
    if isinstance(given, dict) and isinstance(read, dict):
        for key, value in given.items():
            yield from changes(value, read.get(key, "missing"), f"{path}/{key}")
    elif isinstance(given, list) and isinstance(read, list):
        assert len(given) == len(read), path
        for number, (one, other) in enumerate(zip(given, read, strict=True)):
            yield from changes(one, other, f"{path}/{number}")
    elif given != read:
        yield f"{path}: {given!r} became {read!r}"


def as_grafana_reads(dashboard: dict[str, Any]) -> Any:
    """Read a dashboard by Grafana's schema, and write it again."""
    register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(copy.deepcopy(dashboard))))


def test_grafana_reads_every_setting_of_the_dashboard() -> None:
    """A name that Grafana's schema does not have would be lost."""
    assert list(changes(DASHBOARD, as_grafana_reads(DASHBOARD))) == []


def test_a_setting_that_grafana_does_not_have_is_noticed() -> None:
    wrong = copy.deepcopy(DASHBOARD)
    wrong["panels"][0]["targets"][0]["legendFormats"] = "x"

    assert list(changes(wrong, as_grafana_reads(wrong))) == ["/panels/0/targets/0/legendFormats: 'x' became 'missing'"]


@pytest.mark.parametrize("title", PANELS)
def test_each_panel_uses_a_metric_and_its_attributes(title: str) -> None:
    (target,) = PANELS[title]["targets"]
    name = selector(target["expr"]).name
    (metric,) = [one for one in METRICS if name in prometheus_names(one)]
    attributes = {attribute.replace(".", "_") for attribute in metric.attributes}
    legend = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))

    assert labels(target["expr"]) - ADDED <= attributes
    assert legend <= labels(target["expr"])
    assert PANELS[title]["description"].endswith(".")


def test_the_dashboard_shows_every_metric_that_an_operator_acts_on() -> None:
    shown = {selector(panel["targets"][0]["expr"]).name for panel in PANELS.values()}
    missing = [metric.name for metric in METRICS if not prometheus_names(metric) & shown]

    assert missing == ["guardedbedrock.findings"]  # only in detect mode
    assert len({panel["id"] for panel in PANELS.values()}) == len(DASHBOARD["panels"]) == len(PANELS)


def test_the_panels_do_not_overlap() -> None:
    rectangles = [panel["gridPos"] for panel in PANELS.values()]
    cells = [(x, y) for at in rectangles for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_the_variables_of_the_dashboard_select_existing_metrics() -> None:
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    known = {name for metric in METRICS for name in prometheus_names(metric)}
    (queried,) = re.findall(r"label_values\((\w+), service_name\)", variables["service"]["query"]["query"])

    assert variables.keys() == {"datasource", "service"}
    assert queried in known


DURATION: Final = re.compile(r"(\d+(ms|s|m|h))+")
ADDRESS: Final = re.compile(r"[\w.]+:\d+")
SETTINGS: Final[dict[str, Any]] = {
    "receivers/otlp": {"protocols": {"grpc": {"endpoint": ADDRESS}, "http": {"endpoint": ADDRESS}}},
    "processors/memory_limiter": {"check_interval": DURATION, "limit_mib": int, "spike_limit_mib": int},
    "processors/attributes": {"actions": [{"key": str, "action": re.compile("insert|update|upsert|delete|hash")}]},
    "processors/filter": {"error_mode": re.compile("ignore|silent|propagate"), "metrics": {"metric": [str], "datapoint": [str]}},
    "processors/batch": {"timeout": DURATION, "send_batch_size": int, "send_batch_max_size": int},
    "exporters/prometheus": {
        "endpoint": ADDRESS,
        "namespace": str,
        "send_timestamps": bool,
        "metric_expiration": DURATION,
        "resource_to_telemetry_conversion": {"enabled": bool},
    },
    "exporters/debug": {"verbosity": re.compile("detailed|normal|basic")},
}
"""
The settings of each component that a file like ours needs.

Source: the pages "OTLP Receiver", "Memory Limiter Processor", "Attributes Processor", "Filter Processor", "Batch Processor",
"Prometheus Exporter" and "Debug Exporter" of the OpenTelemetry Collector.
"""


def misplaced(given: Any, expected: Any, path: str) -> Iterator[str]:
    """Yield the settings that a component does not have, and values of another type."""
    if isinstance(expected, dict):
        if not isinstance(given, dict):
            yield path
            return
        for name, value in given.items():
            if name in expected:
                yield from misplaced(value, expected[name], f"{path}/{name}")
            else:
                yield f"{path}/{name}"
    elif isinstance(expected, list):
        for number, value in enumerate(given):
            yield from misplaced(value, expected[0], f"{path}/{number}")
    elif isinstance(expected, re.Pattern):
        if not expected.fullmatch(str(given)):
            yield path
    elif type(given) is not expected:
        yield path


def invalid(collector: dict[str, Any]) -> list[str]:
    """Return the settings of a collector that its components do not accept. ``attributes/no_content`` is an `attributes`."""
    return [
        location
        for kind in ("receivers", "processors", "exporters")
        for name, settings in collector[kind].items()
        for location in misplaced(settings, SETTINGS[f"{kind}/{name.partition('/')[0]}"], f"{kind}/{name}")
    ]


def test_the_components_of_the_collector_have_the_settings() -> None:
    assert invalid(COLLECTOR) == []
    assert COLLECTOR.keys() == {"receivers", "processors", "exporters", "service"}
    assert COLLECTOR["service"].keys() == {"pipelines"}
    # The limiter comes first, so that it rejects data before other processors hold it.
    for pipeline in COLLECTOR["service"]["pipelines"].values():
        assert (pipeline["processors"][0], pipeline["processors"][-1]) == ("memory_limiter", "batch")


@pytest.mark.parametrize(
    ("kind", "name", "settings"),
    [
        ("exporters", "debug", {"verbosity": "loud"}),
        ("exporters", "prometheus", {"endpoint": "127.0.0.1:9464", "resource_to_telemetry": {}}),
        ("processors", "memory_limiter", {"check_interval": 1, "limit_mib": 256}),
        ("processors", "attributes/no_content", {"actions": [{"key": "x", "action": "remove"}]}),
    ],
)
def test_a_wrong_setting_of_the_collector_is_noticed(kind: str, name: str, settings: dict[str, Any]) -> None:
    assert len(invalid({**COLLECTOR, kind: {name: settings}})) == 1


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
