"""The questions of calls that were asked before, so that a chat service does not write the same ones out for every turn."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from guardedbedrock.bedrock.authorization.authorization_set import AuthorizationSet
from guardedbedrock.bedrock.authorization.authorizations import authorizations
from guardedbedrock.bedrock.authorization.callers import Caller
from guardedbedrock.bedrock.authorization.cross_account import own_part
from guardedbedrock.bedrock.guardrail.location import GuardrailRef, Params
from guardedbedrock.bedrock.operations import Operation
from guardedbedrock.bedrock.resources.inventory import Inventory
from guardedbedrock.bedrock.resources.targets import read
from guardedbedrock.iam.engine.policies import PolicySet

Paths: TypeAlias = tuple[frozenset[str], tuple[str, ...]]

_KEPT: Final = 1024
_MODEL: Final = "modelId"


class Questions:
    """
    Remembers, for one set of rules, which authorizations a call asks; what was asked remembers what was answered.

    Of a call to a model they hang on the operation, the guardrail, the caller, and those parameters that the row of the operation
    names. Other calls are not remembered.

    Args:
        policies: Those that will answer.
        inventory: What is known of the resources that calls name.
    """

    __slots__ = ("_inventory", "_paths", "_policies", "_remembered")

    def __init__(self, policies: PolicySet, inventory: Inventory) -> None:
        self._policies, self._inventory = policies, inventory
        self._paths: dict[str, Paths] = {}
        self._remembered: dict[tuple[object, ...], tuple[Caller, AuthorizationSet]] = {}

    def heads(self, operation: Operation) -> frozenset[str] | None:
        """Name the parameters at the top, beside the model, that the questions of an operation hang on; None where any may."""
        if not (operation.inference and operation.place):
            return None
        return (self._paths.get(operation.name) or self._learn(operation))[0]

    def ask(self, operation: Operation, params: Params, named: GuardrailRef, caller: Caller) -> AuthorizationSet:
        """Give the authorizations of a call that names this guardrail, at a time that is not known."""
        if not (operation.inference and operation.place):
            return self._write_out(operation, params, caller)
        heads, paths = self._paths.get(operation.name) or self._learn(operation)
        key: tuple[object, ...] = operation.name, named, params.get(_MODEL)
        if not heads.isdisjoint(params):
            key = (*key, *[_hashable(read(params, path)) for path in paths])
        remembered = self._remembered.get(key)
        if remembered is not None and remembered[0] is caller:
            return remembered[1]
        asked = self._write_out(operation, params, caller)
        if len(self._remembered) >= _KEPT:
            self._remembered.clear()
        self._remembered[key] = (caller, asked)
        return asked

    def _learn(self, operation: Operation) -> Paths:
        """List the parameters beside the model that the questions hang on: the members at the top, and the paths from there."""
        asked = [path for ask in operation.asks for path in ask.named]
        given = [path for _, path in operation.keys] + [path for path, _ in operation.tags] + ["tags", "tagKeys"]
        paths = tuple(path for path in dict.fromkeys(asked + given) if path != _MODEL)
        heads = frozenset(path.partition(".")[0].removesuffix("[]") for path in paths)
        self._paths[operation.name] = heads, paths
        return heads, paths

    def _write_out(self, operation: Operation, params: Params, caller: Caller) -> AuthorizationSet:
        return own_part(authorizations(operation, params, caller, self._inventory), self._policies)


def _hashable(value: Any) -> object:
    """Make a value part of a key; one that is none of the parameters' shapes is a mistake that the caller hears of."""
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    return tuple(sorted(value.items())) if isinstance(value, dict) else value
