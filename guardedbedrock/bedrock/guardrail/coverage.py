"""
What a request with a guardrail keeps from it: parts of the prompt that are not evaluated, replies that arrive before they are.

AWS offers this to callers; a guard may want to know. Findings name the way and never quote the prompt.
Source: Bedrock API Reference, "Converse" (guardrailConfig); Bedrock User Guide, "Apply tags to user input to filter content",
"Include a guardrail with the Converse API" and "Configure streaming response behavior to filter content".
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from typing import Any, Final, Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["guard-content", "input-tags", "guessable-suffix", "async-stream", "unread-body"]


class Gap(NamedTuple):
    """
    Something that the guardrail of a request does not look at, or not in time.

    Args:
        kind: ``guard-content`` (only marked blocks of a conversation are evaluated), ``input-tags`` (only tagged parts of a
            body), ``guessable-suffix`` (whoever writes a part of the prompt can close the tag), ``async-stream`` (chunks arrive
            before they are evaluated, and nothing is masked), ``unread-body`` (a body that can not be looked at).
        says: One clause, without anything of the prompt.
    """

    kind: Kind
    says: str


_CONFIG: Final = "amazon-bedrock-guardrailConfig"
_TAG: Final = "amazon-bedrock-guardrails-guardContent_"
_HINT: Final = b"amazon-bedrock-guardrailConfig"
_HIDDEN: Final = re.compile(rb"\\u00[2-7]|\0")
"""What no JSON writer has need of: letters of the key as escapes, or a body that is no UTF-8."""
_SHORTEST, _FEWEST = 8, 5
_REMEMBERED: Final = 1024
_PROMPT: Final = frozenset({"text", "image", "document", "video", "audio", "searchResult"})
_CONVERSATIONS: Final = frozenset({"Converse", "ConverseStream"})
_INVOCATIONS: Final = frozenset({"InvokeModel", "InvokeModelWithResponseStream"})
_NONE: Final[frozenset[str]] = frozenset()
_STREAMS: Final = frozenset({"ConverseStream", "InvokeModelWithResponseStream"})


class Suffixes:
    """The suffixes of input tags that were used lately: one that comes again with another prompt can be known by then."""

    def __init__(self) -> None:
        self._used: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()

    def is_reused(self, suffix: str, body: str) -> bool:
        """Say whether a suffix came with another body before, and remember it; the same body again is another attempt."""
        now = hash(body)
        with self._lock:
            before = self._used.setdefault(suffix, now)
            self._used.move_to_end(suffix)
            if len(self._used) > _REMEMBERED:
                self._used.popitem(last=False)
        return before != now


def gaps(operation: str, params: Mapping[str, Any], suffixes: Suffixes | None = None, *, strict: bool = False) -> tuple[Gap, ...]:
    """
    Find what the guardrail of a call would not look at.

    Args:
        operation: Such as ``Converse``.
        params: Parameters of the call; they may be of any shape.
        suffixes: Those that were used before.
        strict: Also look for what was hidden from a search.

    Cost: A look at each block of a conversation; a search through the bytes of a body, which is read only where it has the key.
    """
    if operation in _CONVERSATIONS:
        if operation == "Converse" and not has_marks(params):
            return ()
        return tuple(_of_conversation(operation, params))
    if operation in _INVOCATIONS:
        return tuple(_of_body(operation, params.get("body"), suffixes, strict))
    return ()


def _of_conversation(operation: str, params: Mapping[str, Any]) -> Iterator[Gap]:
    kinds = _kinds(params) if has_marks(params) else _NONE
    if "guardContent" in kinds and not _PROMPT.isdisjoint(kinds):
        yield Gap("guard-content", "blocks of the messages are marked with `guardContent`, and all others are not evaluated")
    mode = _get(params.get("guardrailConfig"), "streamProcessingMode")
    if operation in _STREAMS and isinstance(mode, str) and str.__str__(mode) == "async":  # whatever it compares as
        yield _async_stream("async")


def has_marks(params: Mapping[str, Any]) -> bool:
    """Say whether a block may be marked; nearly none is, and this is asked of every call."""
    try:
        for message in params["messages"]:
            for block in message["content"]:
                if "guardContent" in block:
                    return True
    except (KeyError, TypeError):
        return True
    return False


def _kinds(params: Mapping[str, Any]) -> frozenset[str]:
    blocks = [block for message in _list(params.get("messages")) for block in _list(_get(message, "content"))]
    return frozenset(kind for block in blocks for kind in block)


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else ()


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _async_stream(mode: str) -> Gap:
    return Gap("async-stream", f"`streamProcessingMode` is `{mode}`: chunks arrive before they are evaluated, and are not masked")


def _of_body(operation: str, body: Any, suffixes: Suffixes | None, strict: bool) -> Iterator[Gap]:  # noqa: FBT001
    data = _bytes_of(body)
    if data is None:
        yield Gap("unread-body", "the body is a stream that can not be looked at before it is sent")
        return
    if _HINT not in data and not (strict and _HIDDEN.search(data)):
        return
    try:
        read = json.loads(data)
    except (ValueError, RecursionError):
        yield Gap("unread-body", f"the body speaks of `{_CONFIG}` and is no JSON")
        return
    config = _get(read, _CONFIG)
    suffix = _get(config, "tagSuffix")
    if isinstance(suffix, str) and suffix:
        # Written again, since the tags may stand there in escapes.
        yield from _of_tags(suffix, json.dumps(read, ensure_ascii=False), suffixes)
    mode = _get(config, "streamProcessingMode")
    if operation in _STREAMS and isinstance(mode, str) and mode.lower().startswith("async"):
        yield _async_stream(mode)


def _of_tags(suffix: str, text: str, suffixes: Suffixes | None) -> Iterator[Gap]:
    if f"{_TAG}{suffix}" in text:
        yield Gap("input-tags", "parts of the body are tagged for the guardrail, and all others are not evaluated")
    reused = suffixes is not None and suffixes.is_reused(suffix, text)
    if reused or len(suffix) < _SHORTEST or len(set(suffix)) < _FEWEST:
        why = "was used before" if reused else "is short or monotonous"
        yield Gap("guessable-suffix", f"`tagSuffix` {why}, and whoever guesses it can close the tag: take a random one each time")


def _bytes_of(body: Any) -> bytes | None:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if not (hasattr(body, "read") and hasattr(body, "seek") and hasattr(body, "tell")):
        return None
    try:
        start = body.tell()
        data = body.read()
        body.seek(start)
    except (OSError, ValueError):
        return None
    return data.encode() if isinstance(data, str) else bytes(data)
