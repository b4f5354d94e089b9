"""The harness of the bypass tests: which of the requests that arrived were not guarded."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from harness.clients import DENIED_MODEL, HR, PUBLIC, ask, read

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.clients import Harness

    from guardedbedrock import Guardrail
    from guardedbedrock.testing import FakeBedrock

METHODS: Final = ("converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream")
CONFIG: Final = {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}
GUARDED: Final = {**ask("converse"), "guardrailConfig": CONFIG}
"""Parameters with the approved guardrail. Past the guard they are refused too."""

_OF_A_MODEL: Final = re.compile(r"/model/([^/?]+)/(converse|converse-stream|invoke|invoke-with-[a-z-]+)/?(?:\?.*)?$")
_JOB: Final = re.compile(r"/async-invoke/?(?:\?.*)?$")


def unguarded(*fakes: FakeBedrock, approved: Sequence[Guardrail] = (HR, PUBLIC), answered: bool = False) -> list[str]:
    """
    List the inference requests that reached a fake without an approved guardrail, or for a model that the policies deny.

    A body is read in every way in which a service might read it: with the first and with the last of two equal keys, and only up
    to the end of the first value.

    Args:
        fakes: The fakes that requests can reach.
        approved: The approved guardrails.
        answered: Whether to list only requests that the fake did not refuse by itself.
    """
    named = {(name, guardrail.version) for guardrail in approved for name in (guardrail.arn, guardrail.id)}
    arrived = [request for fake in fakes for request in fake.requests if not answered or request.error is None]
    return [told for request in arrived for told in _findings(request.http_request, named)]


def _findings(incoming: Any, approved: set[tuple[str, str]]) -> Iterator[str]:
    of_a_model, of_a_job = _OF_A_MODEL.search(incoming.target), _JOB.search(incoming.target)
    where = f"{incoming.method} {unquote(incoming.target)}"
    if of_a_job and incoming.method != "GET":
        yield f"{where}: has no guardrail location"
    if of_a_model is None:
        return
    if DENIED_MODEL in unquote(of_a_model[1]):
        yield f"{where}: the model is denied"
    for said in of_bodies(incoming.body) if of_a_model[2].startswith("converse") else [_of_headers(incoming.headers)]:
        if (said.get("guardrailIdentifier"), said.get("guardrailVersion")) not in approved:
            yield f"{where}: {said}"


def _of_headers(headers: Any) -> dict[str, Any]:
    names = ("guardrailIdentifier", "guardrailVersion")
    return {name: headers.get(f"x-amzn-bedrock-{name.lower()}") for name in names}


def of_bodies(body: bytes) -> Iterator[dict[str, Any]]:
    """Read the guardrail of a Converse body in every way in which a service might read it."""
    for hook in (dict, lambda pairs: dict(reversed(pairs))):
        read_body: Any = {}
        with suppress(ValueError):
            read_body, _ = json.JSONDecoder(object_pairs_hook=hook).raw_decode(body.decode("utf-8", "replace").lstrip())
        config = read_body.get("guardrailConfig") if isinstance(read_body, dict) else None
        yield config if isinstance(config, dict) else {}


def try_all(env: Harness, methods: tuple[str, ...] = METHODS) -> int:
    """Make calls that an attack changes, and count the refused ones."""
    refused = 0
    for method in methods:
        try:
            read(getattr(env.client, method)(**ask(method)))
        except GuardrailTamperedError:
            refused += 1
    return refused


def on(env: Harness, event: str, handler: Callable[..., Any]) -> None:
    """Register an event handler on the client of a harness."""
    env.client.meta.events.register(event, handler)
