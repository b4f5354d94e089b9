"""
Classify the denials that AWS returns as typed errors.

AWS uses the code ``AccessDeniedException`` both for policies and for accounts that may not use a model, and returns denials under
other codes too. `MODEL_ACCESS_STATES` tells these apart by the start of the message. It is checked before the sentence of IAM,
because a Marketplace message may quote an IAM sentence about another action. A code that is in no table, such as the codes for
expired and invalid credentials, is not a denial: AWS did not identify the caller.

Source: Amazon Bedrock User Guide, "Troubleshooting Amazon Bedrock API Error Codes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from guardedbedrock import errors
from guardedbedrock.bedrock.errors.hints import hint_for
from guardedbedrock.iam.decision import sentences

if TYPE_CHECKING:
    from collections.abc import Mapping

DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied", "NotAuthorized", "access_denied"})
"""Codes that always mean a denial; the last one is that of the OpenAI-compatible endpoint, which returns HTTP 401."""

_BARE_DENIED: Final = ("403", 403)
"""Code and status of a 403 response without an error type; botocore uses the status as the code."""


class ModelAccessState(NamedTuple):
    """
    A state in which an account may not use a model, as AWS reports it.

    Args:
        opening: Start of the message; ``""`` for any message.
        codes: The error codes.
        hint: How to fix it.
    """

    opening: str
    codes: frozenset[str]
    hint: str


_NOT_FOUND: Final = frozenset({"ResourceNotFoundException"})
_VALIDATION: Final = frozenset({"ValidationException"})

_SUBSCRIBE: Final = (
    "request access to the model for this account, or call it once as a principal that may"
    " `aws-marketplace:Subscribe` and `aws-marketplace:ViewSubscriptions`"
)
_PAY: Final = "add a valid payment method to the paying account, then try again after 15 minutes"
_WAIT: Final = "the Marketplace subscription is in progress: try again after 15 minutes, then ask AWS Support"
_FIX: Final = "the Marketplace agreement failed: fix what the message names, usually the payment method, then try again"
_FORM: Final = "submit the use case details of the model's provider in the Bedrock console, then try again after 15 minutes"
_SUPPORT: Final = "this is not decided by an IAM policy: ask AWS Support to enable the model or operation for the account"
_UPGRADE: Final = "use a version of the model that its provider has not marked as legacy"

MODEL_ACCESS_STATES: Final = (
    ModelAccessState("Model access is denied due to INVALID_PAYMENT_INSTRUMENT", DENIED, _PAY),
    ModelAccessState("Model access is denied due to", DENIED, _SUBSCRIBE),
    ModelAccessState("INVALID_PAYMENT_INSTRUMENT", DENIED, _PAY),
    ModelAccessState("You don't have access to the model", DENIED, _SUBSCRIBE),
    ModelAccessState("Your account is not authorized to invoke this API operation", DENIED, _SUPPORT),
    ModelAccessState("Your account is not authorized to access this model. Your AWS Marketplace subscription", DENIED, _WAIT),
    ModelAccessState("Your account is not authorized to access this model", DENIED, _SUPPORT),
    ModelAccessState("AWS Marketplace Agreement Pending", DENIED, _WAIT),
    ModelAccessState("AWS Marketplace Agreement Failed", DENIED, _FIX),
    ModelAccessState("", frozenset({"MPAgreementBeingCreated", "AWS Marketplace Agreement Pending after 15 minutes"}), _WAIT),
    ModelAccessState("", frozenset({"AWS Marketplace Agreement Failed within 15 minutes"}), _FIX),
    ModelAccessState("", frozenset({"BadCScoreException"}), _SUPPORT),
    ModelAccessState("", frozenset({"FTUFormNotFilled"}), _FORM),
    ModelAccessState("Model use case details have not been submitted for this account", DENIED | _NOT_FOUND, _FORM),
    ModelAccessState("Access denied. This Model is marked by provider as Legacy", DENIED | _NOT_FOUND, _UPGRADE),
    ModelAccessState("Operation not allowed", _VALIDATION, _SUPPORT),
)
"""The first row that matches wins, so special rows precede general ones."""

_KINDS: Final[dict[bool | None, type[errors.PolicyDeniedError]]] = {
    True: errors.ExplicitDenyError,
    False: errors.ImplicitDenyError,
    None: errors.PolicyDeniedError,
}

_PARTS: Final = ("principal", "action", "resource", "policy_type", "policy_arn")


def classify(response: Mapping[str, Any], operation_name: str) -> errors.AccessDeniedError | None:
    """
    Turn an error response of AWS into a typed error; None if it is not a denial.

    Args:
        response: The response that botocore parsed: ``Error`` with ``Code`` and ``Message``, ``ResponseMetadata`` with
            ``HTTPStatusCode``. The error keeps it, so code and status stay those of AWS.
        operation_name: Name of the operation, such as ``Converse``.
    """
    code, message = _code(response), _message(response)
    sentence = sentences.parse(message)
    state = next((state for state in MODEL_ACCESS_STATES if code in state.codes and message.startswith(state.opening)), None)
    if state is not None:
        return _typed(errors.ModelAccessError, response, operation_name, sentence, state.hint)
    if code not in DENIED:
        return None
    if sentence is None:
        return _typed(errors.AccessDeniedError, response, operation_name, None, None)
    return _typed(_KINDS[sentence.explicit], response, operation_name, sentence, _hint(sentence))


def _typed(
    kind: type[errors.AccessDeniedError],
    response: Mapping[str, Any],
    operation_name: str,
    sentence: sentences.Sentence | None,
    hint: str | None,
) -> errors.AccessDeniedError:
    parts: dict[str, Any] = {name: getattr(sentence, name, None) for name in _PARTS}
    return kind(
        message=_message(response),
        operation_name=operation_name,
        hint=hint,
        response=dict(response),
        simulated=False,
        **parts,
    )


def _hint(sentence: sentences.Sentence) -> str:
    return hint_for(
        sentence.action,
        sentence.resource,
        sentence.policy_type,
        sentence.explicit,
        principal=sentence.principal,
        policy_arn=sentence.policy_arn,
        through=sentence.through,
    )


def _code(response: Mapping[str, Any]) -> str:
    code = str((response.get("Error") or {}).get("Code") or "")
    status = (response.get("ResponseMetadata") or {}).get("HTTPStatusCode")
    return "AccessDeniedException" if (code, status) == _BARE_DENIED else code


def _message(response: Mapping[str, Any]) -> str:
    return str((response.get("Error") or {}).get("Message") or "")
