"""The questions of calls that were asked before, so that a chat service does not write the same ones out for every turn."""

from __future__ import annotations

from typing import Final

from guardedbedrock.bedrock.authorizations import GuardrailTags, authorizations
from guardedbedrock.bedrock.callers import Caller
from guardedbedrock.bedrock.operations import Operation
from guardedbedrock.bedrock.placement import Named, Params
from guardedbedrock.iam.requests import Request

_KEPT: Final = 1024


class Questions:
    """
    Remembers, for one set of rules, which authorizations a call asks; the answers are given anew every time.

    Of a call to a model they hang on the operation, the model, the guardrail and the caller; other calls are not remembered.
    """

    __slots__ = ("_remembered",)

    def __init__(self) -> None:
        self._remembered: dict[tuple[object, ...], tuple[Caller, tuple[Request, ...]]] = {}

    def ask(self, operation: Operation, params: Params, named: Named, caller: Caller, tags: GuardrailTags) -> tuple[Request, ...]:
        """Give the authorizations of a call that names this guardrail, at a time that is not known."""
        if not (operation.inference and operation.place) or params.get("tags"):
            return authorizations(operation, params, caller, guardrail_tags=tags)
        key = (operation.name, params.get("modelId"), named, caller.region)
        remembered = self._remembered.get(key)
        if remembered is not None and remembered[0] is caller:
            return remembered[1]
        requests = authorizations(operation, params, caller, guardrail_tags=tags)
        if len(self._remembered) >= _KEPT:
            self._remembered.clear()
        self._remembered[key] = (caller, requests)
        return requests
