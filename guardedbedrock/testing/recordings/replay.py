"""Answers requests from recorded exchanges."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.testing.recordings.exchange import RecordedExchange, body_of, canonical, leaves, path_of
from guardedbedrock.testing.recordings.files import read
from guardedbedrock.testing.wire import HttpRequest, HttpResponse, ServiceError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

    _Key: TypeAlias = tuple[str, str, str | bytes]

_SHOWN: Final = 3
"""Differences in a message."""


class Replay:
    """
    The recorded exchanges of a folder.

    A request matches by method, path with query, and body: equal as JSON, else equal as bytes. If several exchanges have the same
    request, they answer in their order, and the last one answers all further requests.

    Args:
        folder: Cassettes of vcrpy, or files of `Recorder`.

    Raises:
        ConfigurationError: The folder has no recording, or a file cannot be read or is not a recording.
    """

    def __init__(self, folder: Path) -> None:
        self._exchanges = read(folder)
        self._lock = ForkSafeLock()
        self._answered: dict[_Key, int] = {}
        self._by_request: dict[_Key, list[RecordedExchange]] = {}
        for exchange in self._exchanges:
            self._by_request.setdefault(_key(exchange.method, exchange.target, exchange.request_body), []).append(exchange)

    def rewind(self) -> None:
        """Start again with the first response to each request."""
        with self._lock:
            self._answered.clear()

    def respond(self, http_request: HttpRequest) -> HttpResponse:
        """
        Return the recorded response to a request.

        Raises:
            ServiceError: ``UnrecordedRequestException`` (404). The message names the nearest exchange and how it differs, without
                any content.
        """
        key = _key(http_request.method, http_request.target, http_request.body)
        if key not in self._by_request:
            raise ServiceError(404, "UnrecordedRequestException", self._explain(http_request))
        with self._lock:
            number = self._answered.get(key, 0)
            self._answered[key] = number + 1
        exchanges = self._by_request[key]
        exchange = exchanges[min(number, len(exchanges) - 1)]
        return HttpResponse(exchange.status, dict(exchange.headers), exchange.body)

    def _explain(self, http_request: HttpRequest) -> str:
        wanted, path = f"{http_request.method} {path_of(http_request.target)}", path_of(http_request.target)
        if not self._exchanges:
            return f"No recorded exchange matches {wanted}: the recordings are empty."
        paths = {path_of(exchange.target) for exchange in self._exchanges}
        nearest = max(sorted(paths), key=lambda each: SequenceMatcher(None, each, path).ratio())
        same_path = [each for each in self._exchanges if path_of(each.target) == nearest]
        candidates = [each for each in same_path if each.method == http_request.method] or same_path
        differences = [_differences(each.request_body, http_request.body) for each in candidates]
        best = min(range(len(candidates)), key=lambda index: len(differences[index]))
        found = candidates[best]
        parts = [
            *(["method"] if found.method != http_request.method else []),
            *(["path"] if nearest != path else []),
            *([f"body at {', '.join(differences[best][:_SHOWN])}"] if differences[best] else []),
        ]
        return (
            f"No recorded exchange matches {wanted}. The nearest is {found.method} {nearest} ({found.source}); "
            f"it differs in its {' and its '.join(parts)}."
        )


def _key(method: str, target: str, body: bytes) -> _Key:
    return method, path_of(target), canonical(body_of(body))


def _differences(recorded: bytes, received: bytes) -> list[str]:
    """Return the JSON pointers at which two bodies differ."""
    if recorded == received:
        return []
    try:
        one, other = dict(leaves(body_of(recorded))), dict(leaves(body_of(received)))
    except RecursionError:
        return ["/"]
    return [pointer for pointer in {**one, **other} if one.get(pointer) != other.get(pointer)]
