"""
Find coverage gaps: parts of a prompt that the guardrail does not evaluate, and replies that arrive before it evaluates them.

AWS lets callers exclude parts of a request from the guardrail. A gap names the feature that was used; it never quotes the prompt.
Source: Bedrock API Reference, "Converse" (guardrailConfig); Bedrock User Guide, "Apply tags to user input to filter content",
"Include a guardrail with the Converse API" and "Configure streaming response behavior to filter content".
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from guardedbedrock.bedrock.parameters import as_mapping, without_repeated_keys
from guardedbedrock.forks import ForkSafeLock

GapKind: TypeAlias = Literal["guard-content", "input-tags", "guessable-suffix", "async-stream", "unread-body"]


class CoverageGap(NamedTuple):
    """
    A part of a request that the guardrail does not evaluate, or not in time.

    Args:
        kind: One of

            - ``guard-content``: only marked blocks of a conversation are evaluated;
            - ``input-tags``: only tagged parts of a body are evaluated;
            - ``guessable-suffix``: an author of a part of the prompt can guess the tag and close it;
            - ``async-stream``: chunks arrive before they are evaluated, and nothing is masked;
            - ``unread-body``: the body, or the conversation, cannot be read before it is sent.
        description: One clause, without any text of the prompt.
    """

    kind: GapKind
    description: str


_CONFIG: Final = "amazon-bedrock-guardrailConfig"
_TAG: Final = "amazon-bedrock-guardrails-guardContent_"
_HINT: Final = _CONFIG.encode()
_HIDDEN: Final = re.compile(rb"\\u00[2-7]|\0")
"""Signs that a key may be escaped: escaped ASCII characters, or the NUL bytes of UTF-16. Such a body is parsed."""
_SHORTEST, _FEWEST = 8, 5
_REMEMBERED: Final = 1024
_PROMPT: Final = frozenset({"text", "image", "document", "video", "audio", "searchResult"})
_CONVERSATIONS: Final = frozenset({"Converse", "ConverseStream"})
_INVOCATIONS: Final = frozenset({"ChatCompletions", "ChatCompletionsStream", "InvokeModel", "InvokeModelWithResponseStream"})
_LISTS: Final = (list, tuple)
_STREAMS: Final = frozenset({"ChatCompletionsStream", "ConverseStream", "InvokeModelWithResponseStream"})


class SuffixHistory:
    """Remember the suffixes of recent input tags: a suffix that is used again may be known to the author of a prompt."""

    def __init__(self) -> None:
        self._used: OrderedDict[str, int] = OrderedDict()
        self._lock = ForkSafeLock()

    def is_reused(self, suffix: str, body: str) -> bool:
        """Return whether a suffix was used with another body before, and remember it; the same body is another attempt."""
        now = hash(body)
        with self._lock:
            before = self._used.setdefault(suffix, now)
            self._used.move_to_end(suffix)
            if len(self._used) > _REMEMBERED:
                self._used.popitem(last=False)
        return before != now


def find_coverage_gaps(
    operation: str, params: Mapping[str, Any], suffixes: SuffixHistory | None = None, *, strict: bool = False
) -> tuple[CoverageGap, ...]:
    """
    Find what the guardrail of a call would not evaluate.

    Args:
        operation: Name of the operation, such as ``Converse``.
        params: Parameters of the call, in any shape.
        suffixes: The suffixes of earlier calls.
        strict: Also parse a body that may hide the key from a search, and require a body without repeated keys and a conversation
            of lists, tuples and mappings, which can be read more than once.

    Returns:
        The gaps. The cost is one test per block of a conversation, or one search in the bytes of a body.
    """
    if operation in _CONVERSATIONS:
        return tuple(_of_conversation(operation, params, strict))
    if operation in _INVOCATIONS:
        return tuple(_of_body(operation, params.get("body"), suffixes, strict))
    return ()


def _of_conversation(operation: str, params: Mapping[str, Any], strict: bool) -> Iterator[CoverageGap]:  # noqa: FBT001
    if strict and not _is_readable(params):
        yield CoverageGap("unread-body", "the conversation contains something other than lists, tuples and mappings")
    kinds = _kinds(params)
    if "guardContent" in kinds and not _PROMPT.isdisjoint(kinds):
        yield CoverageGap(
            "guard-content", "some blocks are marked with `guardContent`; the guardrail does not evaluate the others"
        )
    if operation in _STREAMS and _is_async(_get(params.get("guardrailConfig"), "streamProcessingMode")):
        yield _async_stream()


def _is_readable(params: Mapping[str, Any]) -> bool:
    messages = params.get("messages", ())
    return isinstance(messages, _LISTS) and all(
        isinstance(message, Mapping)
        and isinstance(message.get("content", ()), _LISTS)
        and all(isinstance(block, Mapping) for block in message.get("content", ()))
        for message in messages
    )


def _kinds(params: Mapping[str, Any]) -> set[str]:
    """Return the kinds of all blocks of a conversation."""
    # Without validation of parameters, botocore also sends iterators, which must not be consumed here.
    kinds: set[str] = set()
    messages = params.get("messages")
    for message in messages if isinstance(messages, _LISTS) else ():
        blocks = as_mapping(message).get("content")
        for block in blocks if isinstance(blocks, _LISTS) else ():
            kinds.update(as_mapping(block))
    return kinds


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _is_async(mode: Any) -> bool:
    return isinstance(mode, str) and str.__str__(mode) == "async"  # a str subclass may override __eq__


def _async_stream() -> CoverageGap:
    # The value itself is not quoted: in a body it can be any string.
    return CoverageGap(
        "async-stream",
        "`streamProcessingMode` is asynchronous: chunks arrive before they are evaluated, and are not masked",
    )


def _of_body(operation: str, body: Any, suffixes: SuffixHistory | None, strict: bool) -> Iterator[CoverageGap]:  # noqa: FBT001
    data = _bytes_of(body)
    if data is None:
        yield CoverageGap("unread-body", "the body is a stream that cannot be read before it is sent")
        return
    if _HINT not in data and not (strict and _HIDDEN.search(data)):
        return
    try:
        read = json.loads(data, object_pairs_hook=without_repeated_keys if strict else None)
    except (ValueError, RecursionError):
        problem = "is not JSON, or repeats a key" if strict else "is not JSON"
        yield CoverageGap("unread-body", f"the body contains `{_CONFIG}` and {problem}")
        return
    config = _get(read, _CONFIG)
    suffix = _get(config, "tagSuffix")
    if isinstance(suffix, str) and suffix:
        # Serialized again, because the tags may be written with escapes.
        yield from _of_tags(suffix, json.dumps(read, ensure_ascii=False), suffixes)
    mode = _get(config, "streamProcessingMode")
    if operation in _STREAMS and isinstance(mode, str) and mode.lower().startswith("async"):
        yield _async_stream()


def _of_tags(suffix: str, text: str, suffixes: SuffixHistory | None) -> Iterator[CoverageGap]:
    if f"{_TAG}{suffix}" in text:
        yield CoverageGap("input-tags", "parts of the body are tagged for the guardrail; it does not evaluate the others")
    reused = suffixes is not None and suffixes.is_reused(suffix, text)
    if reused or len(suffix) < _SHORTEST or len(set(suffix)) < _FEWEST:
        why = "was used before" if reused else "is too short or repetitive"
        yield CoverageGap(
            "guessable-suffix",
            f"`tagSuffix` {why}, so a prompt could close the tag: use a new random suffix for each call",
        )


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
