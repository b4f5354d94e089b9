"""
Counts the tokens that Converse reads from and writes to the prompt cache.

A cache point ends a prefix of the request: tools, then system prompt, then messages. The same prefix for the same model is read
from the cache; a new one is written. Source: Amazon Bedrock User Guide, "Prompt caching for faster model inference".
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.testing.runtime.replies import tokens
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from guardedbedrock.testing.wire import ApiParams

MINIMUM_TOKENS: Final = {
    "anthropic.claude-opus-4-5": 4096,
    "anthropic.claude-haiku-4-5": 4096,
    "anthropic.claude-3-5-haiku": 2048,
    "anthropic.claude-opus-4": 1024,
    "anthropic.claude-sonnet-4": 1024,
    "anthropic.claude-3-7-sonnet": 1024,
    "anthropic.claude-3-5-sonnet-20241022": 1024,
    "amazon.nova": 1024,
}
"""Start of a model ID to the smallest prefix that is cached, in tokens. The prompts of other models are not cached."""

_SECONDS: Final = {"5m": 300, "1h": 3600}
_MAX_POINTS: Final = 4
_MAX_PREFIXES: Final = 10_000
"""The oldest prefixes are dropped beyond this number, so that a load test does not fill the memory."""
_TOO_MANY: Final = "The model returned the following errors: A maximum of 4 blocks with cache_control may be provided. Found {}."


@dataclass(frozen=True, slots=True)
class CacheUsage:
    """
    Input tokens of a request with cache points.

    Args:
        read: Tokens that were read from the cache.
        written: Tokens that were written to the cache, by time to live such as ``5m``.
    """

    read: int = 0
    written: tuple[tuple[str, int], ...] = ()

    @property
    def tokens(self) -> int:
        """Tokens that were read or written."""
        return self.read + sum(count for _, count in self.written)

    def members(self) -> dict[str, Any]:
        """Return the members of ``TokenUsage`` for the cache."""
        details = [{"ttl": ttl, "inputTokens": count} for ttl, count in self.written]
        counts = {"cacheReadInputTokens": self.read, "cacheWriteInputTokens": self.tokens - self.read}
        return {**counts, **({"cacheDetails": details} if details else {})}


class PromptCache:
    """
    The cached prefixes. Safe to use from several threads.

    Args:
        now: Returns the time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, ForkSafeLock()
        self._expiry: dict[str, float] = {}

    def use(self, model: str, params: ApiParams) -> CacheUsage | None:
        """
        Read the longest cached prefix of a request, and write the longer ones.

        Args:
            model: ID of the model.
            params: Parameters of Converse.

        Returns:
            The counts, or None if the request has no cache point.

        Raises:
            ServiceError: ``ValidationException`` (400) for more than four cache points in a request to a model of Anthropic.
        """
        prefixes = list(_prefixes(model, params))
        if len(prefixes) > _MAX_POINTS and model.startswith("anthropic."):
            raise ServiceError.invalid(_TOO_MANY.format(len(prefixes)))
        if not prefixes:
            return None
        minimum = next((count for start, count in MINIMUM_TOKENS.items() if model.startswith(start)), None)
        read = 0
        written: list[tuple[str, int]] = []
        with self._lock:
            now = self._now()
            for key, size, ttl in prefixes if minimum is not None else ():
                if size >= (minimum or 0):
                    if self._expiry.get(key, now) > now:
                        read, written = size, []
                    else:
                        written.append((ttl, size - read - sum(count for _, count in written)))
                    self._expiry[key] = now + _SECONDS[ttl]
            while len(self._expiry) > _MAX_PREFIXES:
                del self._expiry[next(iter(self._expiry))]
        return CacheUsage(read, tuple(written))

    def clear(self) -> None:
        """Remove all prefixes."""
        with self._lock:
            self._expiry.clear()


def _prefixes(model: str, params: ApiParams) -> Iterator[tuple[str, int, str]]:
    """Yield a key, the size in tokens and the time to live of the prefix that each cache point ends."""
    digest, size = hashlib.sha256(model.encode()), 0
    for block in _blocks(params):
        if "cachePoint" in block:
            yield digest.hexdigest(), size, block["cachePoint"].get("ttl", "5m")
        else:
            text = block["text"] if block.keys() == {"text"} else json.dumps(block, sort_keys=True, default=repr)
            digest.update(f"{len(text)}:{text}".encode())
            size += tokens([text])


def _blocks(params: ApiParams) -> Iterator[ApiParams]:
    yield from params.get("toolConfig", {}).get("tools", ())
    yield from params.get("system", ())
    for message in params.get("messages", ()):
        yield from message["content"]
