"""A chatbot that explains denials and interventions to its user."""

from __future__ import annotations

from typing import Any

import guardedbedrock

MODEL = "amazon.nova-lite-v1:0"


def answer(client: Any, question: str) -> str:
    """Ask the model. Return its answer, or a sentence that explains why the model gave no answer."""
    messages = [{"role": "user", "content": [{"text": question}]}]
    try:
        reply = client.converse(modelId=MODEL, messages=messages)
    except guardedbedrock.AccessDeniedError:
        return "I may not answer that."
    if reply["stopReason"] == "guardrail_intervened":
        return "Let us talk about something else."
    return str(reply["output"]["message"]["content"][0]["text"])
