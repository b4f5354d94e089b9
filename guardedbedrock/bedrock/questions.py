"""The questions of calls that were asked before, so that a chat service does not write the same ones out for every turn."""

from __future__ import annotations

from typing import Final

from guardedbedrock.bedrock.asked import Asked
from guardedbedrock.bedrock.authorizations import authorizations
from guardedbedrock.bedrock.callers import Caller
from guardedbedrock.bedrock.foreign import own_part
from guardedbedrock.bedrock.inventory import Inventory
from guardedbedrock.bedrock.operations import Operation
from guardedbedrock.bedrock.placement import Named, Params
from guardedbedrock.iam.policies import PolicySet

_KEPT: Final = 1024


class Questions:
    """
    Remembers, for one set of rules, which authorizations a call asks; the answers are given anew every time.

    Of a call to a model they hang on the operation, the model, the guardrail, the service tier and the caller. Other calls are
    not remembered.

    Args:
        policies: Those that will answer.
        inventory: What is known of the resources that calls name.
    """

    __slots__ = ("_inventory", "_policies", "_remembered")

    def __init__(self, policies: PolicySet, inventory: Inventory) -> None:
        self._policies, self._inventory = policies, inventory
        self._remembered: dict[tuple[object, ...], tuple[Caller, Asked]] = {}

    def ask(self, operation: Operation, params: Params, named: Named, caller: Caller) -> Asked:
        """Give the authorizations of a call that names this guardrail, at a time that is not known."""
        if not (operation.inference and operation.place):
            return self._write_out(operation, params, caller)
        tier = params.get("serviceTier")
        key = (operation.name, params.get("modelId"), named, caller.region, tier.get("type") if isinstance(tier, dict) else tier)
        remembered = self._remembered.get(key)
        if remembered is not None and remembered[0] is caller:
            return remembered[1]
        asked = self._write_out(operation, params, caller)
        if len(self._remembered) >= _KEPT:
            self._remembered.clear()
        self._remembered[key] = (caller, asked)
        return asked

    def _write_out(self, operation: Operation, params: Params, caller: Caller) -> Asked:
        return own_part(authorizations(operation, params, caller, self._inventory), self._policies)
