"""
A chatbot service: FastAPI, streamed answers, and a conversation for each user.

Shows where a denial becomes a status code, how an intervention reaches the user, and which turns belong in the history: a
question that the guardrail blocked is not sent to the model again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Body, FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

import guardedbedrock

MODEL = "amazon.nova-lite-v1:0"
app = FastAPI()
client = guardedbedrock.client("bedrock-runtime")  # one for all threads; it reads guardedbedrock.toml
histories: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)


@app.exception_handler(guardedbedrock.AccessDeniedError)
def denied(request: Request, error: guardedbedrock.AccessDeniedError) -> JSONResponse:  # noqa: ARG001 - FastAPI passes it
    """Answer 403. The hint is for the operator's log, not for the user."""
    return JSONResponse({"detail": "This request is not allowed.", "error": type(error).__name__}, status_code=403)


@app.post("/chats/{user}")
def chat(user: str, text: Annotated[str, Body()], model: Annotated[str, Body()] = MODEL) -> StreamingResponse:
    """Stream the answer to a question as plain text."""
    turns = [*histories[user], {"role": "user", "content": [{"text": text}]}]
    reply = client.converse_stream(modelId=model, messages=turns)  # a denial is raised here, before the status line
    return StreamingResponse(answer(user, turns, reply["stream"]), media_type="text/plain")


def answer(user: str, turns: list[dict[str, Any]], stream: Any) -> Iterator[str]:
    """Yield the parts of the answer, and remember the turn if no guardrail blocked it."""
    parts = []
    for event in stream:
        if "contentBlockDelta" in event:
            parts.append(event["contentBlockDelta"]["delta"]["text"])
            yield parts[-1]
        if "messageStop" in event and event["messageStop"]["stopReason"] == "end_turn":
            histories[user] = [*turns, {"role": "assistant", "content": [{"text": "".join(parts)}]}]


@app.get("/chats/{user}")
def history(user: str) -> list[dict[str, Any]]:
    """Return the conversation of a user."""
    return histories[user]
