"""
The HTTP paths of operations: which operation, and which model, a request reaches.

The gate matches requests against the table of operations, because the data of a client can be changed. The signer matches
against the models of the installed botocore, because a newer botocore may know more operations.
Source: Bedrock API Reference, "Amazon Bedrock Runtime".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

Segments: TypeAlias = tuple[str, ...]
"""Segments of a path, each percent-decoded; in a template, ``{name}`` matches any segment."""


class RequestTarget(NamedTuple):
    """
    The operation that a request reaches.

    Args:
        operation: Name of the operation.
        model: The model identifier in the path; ``""`` if the path of the operation names no model.
    """

    operation: str
    model: str


class OperationPaths:
    """
    Find operations by the method and the URL of a request.

    Args:
        paths: Operation to method and path, such as ``POST /model/{modelId}/converse``. A query string is ignored.
    """

    def __init__(self, paths: Mapping[str, str]) -> None:
        pairs = {name: path.partition("?")[0].split(" ", 1) for name, path in paths.items()}
        self._templates = {name: (method, tuple(path.strip("/").split("/"))) for name, (method, path) in pairs.items()}
        # Keyed by method and URL: a client calls few models, and the gate looks up the same URL several times for each call.
        self.find = lru_cache(maxsize=1024)(self._find)
        self.find_below = lru_cache(maxsize=1024)(self._find_below)

    def _find(self, method: str, url: str) -> RequestTarget | None:
        """
        Find the operation that a server would choose for a request, whatever precedes the path; None if no operation matches.

        It errs on the side of finding one: a gateway may add a prefix, dot segments are resolved, the ARN of a model may contain
        slashes that are not encoded, and the path of a model counts with any method.
        """
        path, verb = _resolved(url), method.upper()
        for name, (wanted, template) in self._templates.items():
            if template[0] == "model":
                if path[-1:] == template[-1:] and "model" in path[:-2]:
                    return RequestTarget(name, "/".join(path[path.index("model") + 1 : -1]))
            elif verb == wanted and matches_template(path[-len(template) :], template):
                return RequestTarget(name, "")
        return None

    def _find_below(self, endpoint: str, method: str, url: str) -> RequestTarget | None:
        """Find the operation that a request to an endpoint reaches, read strictly: this method, and this path and no other."""
        path = path_below(endpoint, url)
        for name, (wanted, template) in self._templates.items():
            if path is not None and method == wanted and matches_template(path, template):
                return RequestTarget(name, path[1] if template[0] == "model" else "")
        return None


def matches_template(path: Segments, template: Segments) -> bool:
    """Return whether a path has the segments of a template."""
    if len(path) != len(template):
        return False
    return all(want == have or want.startswith("{") for want, have in zip(template, path, strict=True))


@lru_cache(maxsize=1024)  # keyed by the URL: a client calls few models, and each call asks for the same URL several times
def path_segments(url: str) -> Segments:
    """Split the path of a URL into decoded segments."""
    return tuple(unquote(segment) for segment in urlsplit(url).path.strip("/").split("/"))


@lru_cache(maxsize=1024)  # keyed by the URLs, for the same reason
def path_below(endpoint: str, url: str) -> Segments | None:
    """Return the segments of a URL's path that follow the path of an endpoint; None if the URL is not below the endpoint."""
    there, here = urlsplit(url), urlsplit(endpoint)
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return None
    prefix = path_segments(endpoint) if here.path.strip("/") else ()
    path = path_segments(url)
    return path[len(prefix) :] if path[: len(prefix)] == prefix else None


def _resolved(url: str) -> Segments:
    """Split a path as a server reads it: without dot segments, empty segments and the parameters of the last segment."""
    walked: list[str] = []
    for segment in path_segments(url):
        if segment == "..":
            del walked[-1:]
        elif segment not in ("", "."):
            walked.append(segment)
    return (*walked[:-1], *(last.partition(";")[0] for last in walked[-1:]))
