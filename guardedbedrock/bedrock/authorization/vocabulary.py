"""
The vocabulary of the policies: the actions that AWS evaluates, or the action of a widely read article.

The article "IAM enforcement for guardrails" uses ``bedrock:InvokeModelWithGuardrail``, an action that AWS does not have. Policies
that only model an account may use it. This module chooses the authorizations; `policy_mistakes` and the fake also know the
action.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal, Protocol, TypeAlias, get_args

from guardedbedrock.bedrock.authorization.authorization_set import AuthorizationSet
from guardedbedrock.bedrock.authorization.authorizations import authorizations, guardrail_authorization, named_guardrail
from guardedbedrock.bedrock.caller import Caller
from guardedbedrock.bedrock.guardrail.guardrail import Guardrail
from guardedbedrock.bedrock.operations import Operation
from guardedbedrock.bedrock.parameters import Params
from guardedbedrock.bedrock.resources.inventory import NOTHING_KNOWN, Inventory

Vocabulary: TypeAlias = Literal["aws", "invoke-with-guardrail"]
VOCABULARIES: Final = get_args(Vocabulary)

_TAG_RESOURCE: Final = "bedrock:TagResource"


class Authorizer(Protocol):
    """Returns the authorizations of a call; see `authorizations`."""

    def __call__(
        self, operation: Operation, params: Params, caller: Caller, inventory: Inventory = NOTHING_KNOWN
    ) -> AuthorizationSet:
        """Return the authorizations of a call."""


def _invoke_with_guardrail(
    operation: Operation, params: Params, caller: Caller, inventory: Inventory = NOTHING_KNOWN
) -> AuthorizationSet:
    """
    Require the one action of the article for a guarded model call, and AWS's actions for every other call.

    The article covers neither enforced guardrails nor ``bedrock:TagResource`` for a resource that is created with tags.
    """
    guardrail = named_guardrail(operation, params, caller) if operation.inference else None
    if guardrail is None:
        at_aws = authorizations(operation, params, caller, replace(inventory, enforced=())).authorizations
        tagging = {_TAG_RESOURCE} - {required.iam_action for required in operation.required_actions}
        return AuthorizationSet(tuple(required for required in at_aws if required.request.action not in tagging))
    return AuthorizationSet((guardrail_authorization("bedrock:InvokeModelWithGuardrail", guardrail, caller, inventory),))


AUTHORIZERS: Final[Mapping[Vocabulary, Authorizer]] = {"aws": authorizations, "invoke-with-guardrail": _invoke_with_guardrail}


def check_guardrail_id(guardrail: Guardrail, vocabulary: Vocabulary) -> None:
    """
    Raise if the vocabulary does not allow a guardrail ID: the article uses IDs that AWS rejects, such as ``G-HR-Compliance``.

    Raises:
        ConfigurationError: See `Guardrail.require_aws_id`.
    """
    if vocabulary == "aws":
        guardrail.require_aws_id()
