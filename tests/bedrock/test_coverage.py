"""Coverage gaps: the parts of a request that its guardrail does not evaluate."""

from __future__ import annotations

import json
from collections import deque
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import pytest

from guardedbedrock.bedrock.guardrail.coverage import SuffixHistory, find_coverage_gaps

if TYPE_CHECKING:
    from collections.abc import Callable

RANDOM: Final = "q7Zx81mPw0"
TEXT: Final = {"text": "hello"}
GUARDED: Final = {"guardContent": {"text": {"text": "hello"}}}
IMAGE: Final = {"image": {"format": "png", "source": {"bytes": b""}}}
POINT: Final = {"cachePoint": {"type": "default"}}


def said(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the parameters of a conversation with one message per block."""
    return {"messages": [{"role": "user", "content": [block]} for block in blocks], **more}


def body(text: str = "hello", **config: Any) -> bytes:
    """Return the body of an invocation."""
    return json.dumps({"prompt": text, **({"amazon-bedrock-guardrailConfig": config} if config else {})}).encode()


def tagged(suffix: str = RANDOM) -> str:
    """Return a prompt with a tagged part."""
    tag = f"amazon-bedrock-guardrails-guardContent_{suffix}"
    return f"You are kind. <{tag}>hello</{tag}>"


CONVERSATIONS: Final = {
    "nothing marked": (said(TEXT, IMAGE), []),
    "all marked": (said(GUARDED, GUARDED), []),
    "all marked, and a cache point": (said(GUARDED, POINT), []),
    "some marked": (said(GUARDED, TEXT), ["guard-content"]),
    "some marked, an image not": (said(GUARDED, IMAGE), ["guard-content"]),
    "within one message": ({"messages": [{"content": [TEXT, GUARDED]}]}, ["guard-content"]),
    "the system prompt marked": (said(TEXT, system=[GUARDED]), []),
    "the messages marked, the system prompt not": (said(GUARDED, system=[TEXT]), []),
    "no messages": ({}, []),
    "of no shape": ({"messages": [1, {"content": 2}, None], "guardrailConfig": 3}, []),
    "synchronous": (said(TEXT, guardrailConfig={"streamProcessingMode": "sync"}), []),
    "asynchronous": (said(TEXT, guardrailConfig={"streamProcessingMode": "async"}), ["async-stream"]),
    "both": (said(TEXT, GUARDED, guardrailConfig={"streamProcessingMode": "async"}), ["guard-content", "async-stream"]),
}
BODIES: Final = {
    "no configuration": (body(tagged()), []),
    "nothing in it": (body(other=1), []),
    "a suffix and no tags": (body(tagSuffix=RANDOM), []),
    "tags": (body(tagged(), tagSuffix=RANDOM), ["input-tags"]),
    "tags of another suffix": (body(tagged("other"), tagSuffix=RANDOM), []),
    "a short suffix": (body(tagged("xyz"), tagSuffix="xyz"), ["input-tags", "guessable-suffix"]),
    "a monotonous suffix": (body(tagSuffix="abababababab"), ["guessable-suffix"]),
    "an empty suffix": (body(tagSuffix=""), []),
    "a suffix that is no string": (body(tagSuffix=12345678), []),
    "synchronous": (body(streamProcessingMode="SYNCHRONOUS"), []),
    "asynchronous": (body(streamProcessingMode="ASYNCHRONOUS"), ["async-stream"]),
    "no JSON": (b'amazon-bedrock-guardrailConfig": {', ["unread-body"]),
    "a list": (b'["amazon-bedrock-guardrailConfig"]', []),
    "text": (body(tagged(), tagSuffix=RANDOM).decode(), ["input-tags"]),
    "a byte array": (bytearray(body(tagged(), tagSuffix=RANDOM)), ["input-tags"]),
    "a file": (BytesIO(body(tagged(), tagSuffix=RANDOM)), ["input-tags"]),
    "a stream": (iter([b"{}"]), ["unread-body"]),
    "none": (None, []),
}


def kinds(operation: str, params: dict[str, Any], **options: Any) -> list[str]:
    """Return the kinds of the gaps."""
    return [gap.kind for gap in find_coverage_gaps(operation, params, **options)]


@pytest.mark.parametrize(("params", "expected"), CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_find_coverage_gaps_in_conversations(params: dict[str, Any], expected: list[str]) -> None:
    """Marked blocks exclude the others; a system prompt without marks is never evaluated and is not a gap."""
    assert kinds("ConverseStream", params) == expected
    assert kinds("Converse", params) == [kind for kind in expected if kind != "async-stream"]


@pytest.mark.parametrize(("data", "expected"), BODIES.values(), ids=BODIES)
def test_find_coverage_gaps_in_bodies(data: Any, expected: list[str]) -> None:
    """Tags work only with a suffix in the configuration, and a short or repetitive suffix can be guessed."""
    assert kinds("InvokeModelWithResponseStream", {"body": data}) == expected
    assert kinds("InvokeModel", {"body": data}) == [kind for kind in expected if kind != "async-stream"]


UNREAD: Final[dict[str, Callable[[], Any]]] = {
    "an iterator of messages": lambda: iter([{"content": [TEXT]}]),
    "an iterator of blocks": lambda: [{"content": iter([TEXT])}],
    "a deque of blocks": lambda: [{"content": deque([TEXT])}],
    "a block that is no mapping": lambda: [{"content": [iter(["text"])]}],
    "a message that is no mapping": lambda: [iter(["content"])],
    "a mapping of messages": lambda: {"content": [TEXT]},
    "no messages": lambda: None,
}


@pytest.mark.parametrize("messages", UNREAD.values(), ids=UNREAD)
def test_strict_reports_a_conversation_that_cannot_be_read(messages: Callable[[], Any]) -> None:
    assert kinds("Converse", {"messages": messages()}, strict=True) == ["unread-body"]
    assert kinds("Converse", {"messages": messages()}) == []


@pytest.mark.parametrize("params", [said(TEXT), {"messages": ({"content": (TEXT,)},)}, {}, {"messages": [{"role": "user"}]}])
def test_strict_accepts_a_conversation_that_can_be_read(params: dict[str, Any]) -> None:
    assert kinds("Converse", params, strict=True) == []


@pytest.mark.parametrize("strict", [False, True])
def test_iterators_in_a_conversation_are_not_consumed(strict: Any) -> None:
    """Botocore would send an empty prompt."""
    block, blocks, messages = iter(["guardContent"]), iter([GUARDED]), iter([{"content": [GUARDED]}])

    kinds("ConverseStream", {"messages": messages}, strict=strict)
    kinds("ConverseStream", {"messages": [{"content": blocks}, {"content": [GUARDED, block]}]}, strict=strict)

    assert [len(list(each)) for each in (block, blocks, messages)] == [1, 1, 1]


def test_find_coverage_gaps_restores_the_position_of_a_file() -> None:
    """Botocore sends the file from that position."""
    data = BytesIO(b"before" + body(tagSuffix="x"))
    data.seek(6)

    assert kinds("InvokeModel", {"body": data}) == ["guessable-suffix"]
    assert data.tell() == 6


def test_a_file_that_cannot_seek_is_not_read() -> None:
    """Reading it would send an empty body."""

    class Pipe(BytesIO):
        def tell(self) -> int:
            raise OSError

    pipe = Pipe(body())

    assert kinds("InvokeModel", {"body": pipe}) == ["unread-body"]
    assert pipe.read() == body()


HIDDEN: Final = {
    "escapes": body(tagged(), tagSuffix=RANDOM).replace(b"guardrailConfig", b"guardrail\\u0043onfig"),
    "UTF-16": body(tagged(), tagSuffix=RANDOM).decode().encode("utf-16"),
}


@pytest.mark.parametrize("data", HIDDEN.values(), ids=HIDDEN)
def test_strict_finds_a_key_that_is_hidden_from_a_search(data: bytes) -> None:
    """Strict also parses bodies with escaped ASCII characters or without UTF-8."""
    assert kinds("InvokeModel", {"body": data}) == []
    assert kinds("InvokeModel", {"body": data}, strict=True) == ["input-tags"]
    assert kinds("InvokeModel", {"body": body("naïve \x7f")}, strict=True) == []


REPEATED: Final = {
    "the configuration": b'{"amazon-bedrock-guardrailConfig": {"tagSuffix": "q7Zx81mPw0"}, "amazon-bedrock-guardrailConfig": {}}',
    "the suffix": b'{"amazon-bedrock-guardrailConfig": {"tagSuffix": "q7Zx81mPw0", "tagSuffix": ""}}',
    "an escaped key": b'{"amazon-bedrock-guardrailConfig": {}, "amazon-bedrock-guardrail\\u0043onfig": {}}',
    "another key": b'{"amazon-bedrock-guardrailConfig": {}, "messages": [{"content": "a", "content": "b"}]}',
}


@pytest.mark.parametrize("data", REPEATED.values(), ids=REPEATED)
def test_strict_reports_a_body_that_repeats_a_key(data: bytes) -> None:
    """Python takes the last value of a repeated key, and AWS may take another one."""
    assert kinds("InvokeModel", {"body": data}, strict=True) == ["unread-body"]
    assert kinds("InvokeModel", {"body": data}) == []


def test_a_suffix_that_is_used_again_is_guessable() -> None:
    """The author of another prompt may know it; the same body again is a retry."""
    suffixes = SuffixHistory()
    first, second = body(tagged(), tagSuffix=RANDOM), body(tagged() + "!", tagSuffix=RANDOM)

    assert kinds("InvokeModel", {"body": first}, suffixes=suffixes) == ["input-tags"]
    assert kinds("InvokeModel", {"body": first}, suffixes=suffixes) == ["input-tags"]
    assert kinds("InvokeModel", {"body": second}, suffixes=suffixes) == ["input-tags", "guessable-suffix"]


def test_suffix_history_forgets_the_oldest() -> None:
    """The history is bounded."""
    suffixes = SuffixHistory()
    for number in range(3000):
        assert not suffixes.is_reused(f"suffix{number}", "one")

    assert suffixes.is_reused("suffix2999", "another")
    assert not suffixes.is_reused("suffix0", "another")


def test_descriptions_contain_nothing_of_the_body() -> None:
    """They do not contain the suffix either, which could close the tag."""
    data = body(tagged("secret"), tagSuffix="secret", streamProcessingMode="async-secret")
    found = find_coverage_gaps("InvokeModelWithResponseStream", {"body": data})

    assert [gap.kind for gap in found] == ["input-tags", "guessable-suffix", "async-stream"]
    assert all("secret" not in gap.description and "hello" not in gap.description for gap in found)


@pytest.mark.parametrize("operation", ["ApplyGuardrail", "CountTokens", "StartAsyncInvoke"])
def test_other_operations_have_no_gaps(operation: str) -> None:
    """They carry no guardrail."""
    assert find_coverage_gaps(operation, said(GUARDED, TEXT)) == ()
