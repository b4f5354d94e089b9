"""Text models: Amazon Titan Text, Meta Llama, Mistral, DeepSeek, Cohere, and models with the format of OpenAI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.runtime.formats.metrics import metrics
from guardedbedrock.testing.runtime.replies import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from guardedbedrock.testing.runtime.turns import Turn
    from guardedbedrock.testing.wire import ApiParams

_CUT: Final = "max_tokens"
_FINISH: Final[Mapping[bool, Mapping[str, str]]] = {
    False: {"titan": "FINISH", "cohere": "COMPLETE", "stop": "stop"},
    True: {"titan": "LENGTH", "cohere": "MAX_TOKENS", "stop": "length"},
}
"""Whether a response was truncated, to the finish reason of each format."""


def _finish(turn: Turn, name: str) -> str:
    return _FINISH[turn.reply.stop == _CUT][name]


def titan(turn: Turn, _: ApiParams) -> dict[str, Any]:
    """Return a response of Amazon Titan Text."""
    result = {"tokenCount": turn.usage["outputTokens"], "outputText": turn.text, "completionReason": _finish(turn, "titan")}
    return {"inputTextTokenCount": turn.usage["inputTokens"], "results": [result]}


def titan_stream(turn: Turn, _: ApiParams) -> Iterator[dict[str, Any]]:
    """Yield the chunks, one for each word."""
    for word in words(turn.text):
        yield {"outputText": word, "index": 0, "completionReason": None}
    counted = {
        "inputTextTokenCount": turn.usage["inputTokens"],
        "totalOutputTextTokenCount": turn.usage["outputTokens"],
    }
    yield {"outputText": "", "index": 0, "completionReason": _finish(turn, "titan"), **counted, **metrics(turn)}


def llama(turn: Turn, _: ApiParams) -> dict[str, Any]:
    """Return a response of Meta Llama."""
    return {"generation": turn.text, **_llama_closing(turn)}


def llama_stream(turn: Turn, _: ApiParams) -> Iterator[dict[str, Any]]:
    """Yield the chunks, one for each word."""
    for count, word in enumerate(words(turn.text), 1):
        yield {"generation": word, "prompt_token_count": None, "generation_token_count": count, "stop_reason": None}
    yield {"generation": "", **_llama_closing(turn), **metrics(turn)}


def _llama_closing(turn: Turn) -> dict[str, Any]:
    counted = {"prompt_token_count": turn.usage["inputTokens"], "generation_token_count": turn.usage["outputTokens"]}
    return {**counted, "stop_reason": _finish(turn, "stop")}


def mistral(turn: Turn, _: ApiParams) -> dict[str, Any]:
    """Return a response of Mistral to a prompt."""
    return {"outputs": [{"text": turn.text, "stop_reason": _finish(turn, "stop")}]}


def mistral_stream(turn: Turn, _: ApiParams) -> Iterator[dict[str, Any]]:
    """Yield the chunks, one for each word."""
    for word in words(turn.text):
        yield {"outputs": [{"text": word, "stop_reason": None}]}
    yield {"outputs": [{"text": "", "stop_reason": _finish(turn, "stop")}], **metrics(turn)}


def deepseek(turn: Turn, _: ApiParams) -> dict[str, Any]:
    """Return a response of DeepSeek to a prompt."""
    return {"choices": [{"text": turn.text, "stop_reason": _finish(turn, "stop")}]}


def deepseek_stream(turn: Turn, _: ApiParams) -> Iterator[dict[str, Any]]:
    """Yield the chunks, one for each word."""
    for word in words(turn.text):
        yield {"choices": [{"text": word, "stop_reason": None}]}
    yield {"choices": [{"text": "", "stop_reason": _finish(turn, "stop")}], **metrics(turn)}


def command(turn: Turn, _: ApiParams) -> dict[str, Any]:
    """Return a response of Cohere Command."""
    generation = {"finish_reason": _finish(turn, "cohere"), "id": "fake-generation", "text": turn.text}
    return {"id": "fake", "generations": [generation], "prompt": " ".join(turn.prompt.texts)}


def command_stream(turn: Turn, _: ApiParams) -> Iterator[dict[str, Any]]:
    """Yield the chunks, one for each word."""
    for word in words(turn.text):
        yield {"index": 0, "is_finished": False, "text": word}
    yield {"index": 0, "is_finished": True, "finish_reason": _finish(turn, "cohere"), **metrics(turn)}


def command_r(turn: Turn, _: ApiParams) -> dict[str, Any]:
    """Return a response of Cohere Command R."""
    said = {"text": turn.text, "finish_reason": _finish(turn, "cohere")}
    chat = [{"role": "USER", "message": turn.prompt.last}, {"role": "CHATBOT", "message": turn.text}]
    return {"response_id": "fake", "generation_id": "fake-generation", "chat_history": chat, **said}


def command_r_stream(turn: Turn, params: ApiParams) -> Iterator[dict[str, Any]]:
    """Yield the chunks, one for each word."""
    yield {"is_finished": False, "event_type": "stream-start", "generation_id": "fake-generation"}
    for word in words(turn.text):
        yield {"is_finished": False, "event_type": "text-generation", "text": word}
    end = {"finish_reason": _finish(turn, "cohere"), "response": command_r(turn, params)}
    yield {"is_finished": True, "event_type": "stream-end", **end, **metrics(turn)}


def openai(turn: Turn, params: ApiParams) -> dict[str, Any]:
    """Return a chat completion of OpenAI, AI21 and Qwen, and of DeepSeek and Mistral for messages."""
    choice = {"index": 0, "message": {"role": "assistant", "content": turn.text}, "finish_reason": _finish(turn, "stop")}
    return {**_completion(params, "chat.completion"), "choices": [choice], "usage": _openai_usage(turn)}


def openai_stream(turn: Turn, params: ApiParams) -> Iterator[dict[str, Any]]:
    """Yield the chunks, one for each word."""
    opening = _completion(params, "chat.completion.chunk")
    for word in words(turn.text):
        delta = {"role": "assistant", "content": word}
        yield {**opening, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    last = {"index": 0, "delta": {}, "finish_reason": _finish(turn, "stop")}
    yield {**opening, "choices": [last], "usage": _openai_usage(turn), **metrics(turn)}


def _completion(params: ApiParams, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-fake", "object": kind, "created": 1_767_225_600, "model": params["modelId"]}


def _openai_usage(turn: Turn) -> dict[str, int]:
    counted = turn.usage
    return {
        "prompt_tokens": counted["inputTokens"],
        "completion_tokens": counted["outputTokens"],
        "total_tokens": counted["totalTokens"],
    }


def jurassic(turn: Turn, _: ApiParams) -> dict[str, Any]:
    """Return a response of AI21 Jurassic-2."""
    reason = "length" if turn.reply.stop == _CUT else "endoftext"
    completion = {"data": {"text": turn.text, "tokens": []}, "finishReason": {"reason": reason}}
    return {"id": 1, "prompt": {"text": " ".join(turn.prompt.texts), "tokens": []}, "completions": [completion]}


def pegasus(turn: Turn, _: ApiParams) -> dict[str, Any]:
    """Return a response of TwelveLabs Pegasus."""
    return {"message": turn.text, "finishReason": _finish(turn, "stop")}


def pegasus_stream(turn: Turn, _: ApiParams) -> Iterator[dict[str, Any]]:
    """Yield the chunks, one for each word."""
    for word in words(turn.text):
        yield {"message": word, "finishReason": None}
    yield {"message": "", "finishReason": _finish(turn, "stop"), **metrics(turn)}
