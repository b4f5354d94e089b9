"""
From what AWS answers to the typed error.

AWS uses one code, ``AccessDeniedException``, for policies and for accounts that may not use a model, and words of denial under
other codes. The table of gates tells them apart by how the message begins; it is asked before the IAM sentence is, because a
message of the marketplace may embed a sentence about another action than the one that was called. A code that is in no table,
such as those of expired and invalid credentials, is no denial: AWS did not know who asked, so nobody was denied.

Source: Amazon Bedrock User Guide, "Troubleshooting Amazon Bedrock API Error Codes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from guardedbedrock import errors
from guardedbedrock.bedrock.errors.hints import hint_for
from guardedbedrock.iam.engine import sentences

if TYPE_CHECKING:
    from collections.abc import Mapping

DENIED: Final = frozenset({"AccessDeniedException", "AccessDenied", "NotAuthorized", "access_denied"})
"""Codes that say no by themselves; the last is that of the OpenAI-compatible endpoint, which answers 401."""

_BARE_DENIED: Final = ("403", 403)
"""Code and status of a 403 that came without a type, which botocore names by its status."""


class Gate(NamedTuple):
    """
    One way in which AWS says that an account may not use a model.

    Args:
        opening: How the message begins; ``""`` for any.
        codes: Under which codes.
        hint: What to do about it.
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
_PAY: Final = "give the account that pays a valid payment method, then try again after 15 minutes"
_WAIT: Final = "the marketplace subscription is being made: try again after 15 minutes, then ask AWS Support"
_MEND: Final = "the marketplace agreement failed: mend what the message names, most often the payment method, then try again"
_FORM: Final = "submit the use case details of the model's provider in the Bedrock console, then try again after 15 minutes"
_SUPPORT: Final = "no IAM policy decides this: ask AWS Support to let the account use this model or operation"
_UPGRADE: Final = "move to a version of the model that its provider has not marked as legacy"

GATES: Final = (
    Gate("Model access is denied due to INVALID_PAYMENT_INSTRUMENT", DENIED, _PAY),
    Gate("Model access is denied due to", DENIED, _SUBSCRIBE),
    Gate("INVALID_PAYMENT_INSTRUMENT", DENIED, _PAY),
    Gate("You don't have access to the model", DENIED, _SUBSCRIBE),
    Gate("Your account is not authorized to invoke this API operation", DENIED, _SUPPORT),
    Gate("Your account is not authorized to access this model. Your AWS Marketplace subscription", DENIED, _WAIT),
    Gate("Your account is not authorized to access this model", DENIED, _SUPPORT),
    Gate("AWS Marketplace Agreement Pending", DENIED, _WAIT),
    Gate("AWS Marketplace Agreement Failed", DENIED, _MEND),
    Gate("", frozenset({"MPAgreementBeingCreated", "AWS Marketplace Agreement Pending after 15 minutes"}), _WAIT),
    Gate("", frozenset({"AWS Marketplace Agreement Failed within 15 minutes"}), _MEND),
    Gate("", frozenset({"BadCScoreException"}), _SUPPORT),
    Gate("", frozenset({"FTUFormNotFilled"}), _FORM),
    Gate("Model use case details have not been submitted for this account", DENIED | _NOT_FOUND, _FORM),
    Gate("Access denied. This Model is marked by provider as Legacy", DENIED | _NOT_FOUND, _UPGRADE),
    Gate("Operation not allowed", _VALIDATION, _SUPPORT),
)
"""The first gate that fits is the one; the more special stands before the more general."""

_KINDS: Final[dict[bool | None, type[errors.PolicyDeniedError]]] = {
    True: errors.ExplicitDenyError,
    False: errors.ImplicitDenyError,
    None: errors.PolicyDeniedError,
}

_PARTS: Final = ("principal", "action", "resource", "policy_type", "policy_arn")


def classify(response: Mapping[str, Any], operation_name: str) -> errors.AccessDeniedError | None:
    """
    Turn an error that AWS answered into the typed error, or ``None`` if nobody was denied.

    Args:
        response: What botocore parsed: ``Error`` with ``Code`` and ``Message``, ``ResponseMetadata`` with ``HTTPStatusCode``. The
            error keeps it, so its code and status stay AWS's own.
        operation_name: Such as ``Converse``.
    """
    code, message = _code(response), _message(response)
    sentence = sentences.parse(message)
    gate = next((gate for gate in GATES if code in gate.codes and message.startswith(gate.opening)), None)
    if gate is not None:
        return _typed(errors.ModelAccessError, response, operation_name, sentence, gate.hint)
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
    )


def _code(response: Mapping[str, Any]) -> str:
    code = str((response.get("Error") or {}).get("Code") or "")
    status = (response.get("ResponseMetadata") or {}).get("HTTPStatusCode")
    return "AccessDeniedException" if (code, status) == _BARE_DENIED else code


def _message(response: Mapping[str, Any]) -> str:
    return str((response.get("Error") or {}).get("Message") or "")
