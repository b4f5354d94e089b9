"""Event handlers that change requests."""

from __future__ import annotations

import json
from typing import Any, Final

from harness.clients import DENIED_MODEL, HR, PUBLIC, WEAK, ask

UNGUARDED: Final = json.dumps({"messages": ask("converse")["messages"]}).encode()
HEADERS: Final = ("X-Amzn-Bedrock-GuardrailIdentifier", "X-Amzn-Bedrock-GuardrailVersion")
OTHER: Final = dict(zip(HEADERS, WEAK.values(), strict=True))


def drop_params(params: dict[str, Any], **_: Any) -> None:
    """Remove the guardrail from the parameters in place."""
    for name in ("guardrailConfig", "guardrailIdentifier", "guardrailVersion"):
        params.pop(name, None)


def drop_copy(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Return a copy of the parameters without the guardrail."""
    return {name: value for name, value in params.items() if not name.startswith("guardrail")}


def swap_params(params: dict[str, Any], **_: Any) -> None:
    """Replace the guardrail in the parameters in place, one level down."""
    params.get("guardrailConfig", params).update(WEAK)


def swap_approved(params: dict[str, Any], **_: Any) -> None:
    """Replace the guardrail by another approved one, which was not authorized for this call."""
    params.get("guardrailConfig", params).update(guardrailIdentifier=PUBLIC.arn, guardrailVersion=PUBLIC.version)


def swap_model(params: dict[str, Any], **_: Any) -> None:
    """Replace the model in the parameters."""
    params["modelId"] = DENIED_MODEL


def drop_body(params: dict[str, Any], **_: Any) -> None:
    """Serialize the body again without a guardrail."""
    if isinstance(params["body"], bytes) and b"guardrailConfig" in params["body"]:
        params["body"] = UNGUARDED
    for name in HEADERS:
        params["headers"].pop(name, None)


def swap_url(params: dict[str, Any], **_: Any) -> None:
    """Change the model in the URL of the serialized request."""
    for name in ("url", "url_path"):
        params[name] = params[name].replace("haiku-20240307", "opus-20240229")


def strip(request: Any, **_: Any) -> None:
    """Remove the guardrail from the request."""
    for name in HEADERS:
        del request.headers[name]
    if request.headers.get("Content-Type") == "application/json" and b"guardrailConfig" in (request.data or b""):
        request.data = UNGUARDED


def swap(request: Any, **_: Any) -> None:
    """Replace the guardrail in the request; assigning a header adds a second one of the same name."""
    if b"guardrailConfig" in (request.data or b""):
        request.data = request.data.replace(HR.arn.encode(), WEAK["guardrailIdentifier"].encode())
    for name, value in OTHER.items():
        if name in request.headers:
            request.headers[name] = value


def turn(request: Any, **_: Any) -> None:
    """Change the model in the URL of the request."""
    request.url = request.url.replace("haiku-20240307", "opus-20240229")


def strip_prepared(request: Any, **_: Any) -> None:
    """Remove the guardrail from a prepared request."""
    for name in HEADERS:
        request.headers.pop(name, None)
    if b"guardrailConfig" in request.body:
        request.body = UNGUARDED
        request.headers["Content-Length"] = str(len(UNGUARDED))
