"""Matches HTTP methods and paths to operations."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote

from botocore.model import OperationModel, ServiceModel

from guardedbedrock.bedrock.service_models import service_model

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guardedbedrock.testing.wire.messages import HttpRequest

_LABEL = re.compile(r"\{([^}+]+)\+?\}")


class RouteMatch(NamedTuple):
    """
    An operation, and the values in the path and the query of a request.

    Args:
        operation: botocore's operation model.
        labels: Name to value in the path, percent-decoded.
        query: Name to values in the query, percent-decoded.
    """

    operation: OperationModel
    labels: dict[str, str]
    query: dict[str, list[str]]


class Routes:
    """
    The paths of a service model.

    A label matches one segment while it is percent-encoded, so that an ARN with ``%2F`` in it is one value.
    """

    def __init__(self, model: ServiceModel) -> None:
        operations: Iterable[OperationModel] = (model.operation_model(name) for name in model.operation_names)
        routes = [(op.http["method"], op.http["requestUri"].partition("?")[0], op) for op in operations]
        routes.sort(key=lambda route: route[1].count("{"))
        self._routes: dict[str, list[tuple[re.Pattern[str], OperationModel]]] = {}
        for method, uri, op in routes:
            self._routes.setdefault(method, []).append((_pattern(uri), op))

    def match(self, http_request: HttpRequest) -> RouteMatch | None:
        """Return the operation of a request, or None if no path of this service matches."""
        path, _, query = http_request.target.partition("?")
        for pattern, operation in self._routes.get(http_request.method, ()):
            if found := pattern.fullmatch(path):
                return RouteMatch(operation, _labels(operation, found), parse_qs(query, keep_blank_values=True))
        return None


@cache  # keyed by the service, for the same reason
def routes(service: str) -> Routes:
    """Return the paths of a service, such as ``bedrock-runtime``."""
    return Routes(service_model(service))


def _pattern(uri: str) -> re.Pattern[str]:
    literals = _LABEL.split(uri)[::2]
    return re.compile("([^/]+)".join(re.escape(literal) for literal in literals) + "/?")


def _labels(operation: Any, found: re.Match[str]) -> dict[str, str]:
    names = _LABEL.findall(operation.http["requestUri"])
    return {name: unquote(value) for name, value in zip(names, found.groups(), strict=True)}
