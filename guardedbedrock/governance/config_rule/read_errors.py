"""Errors of reading from AWS: a denied operation gives NOT_APPLICABLE with the fix; every other error ends the function."""

from __future__ import annotations

import logging
from typing import Final

from guardedbedrock.governance.config_rule.evaluation import NOT_APPLICABLE, Evaluation

NOT_IN_USE: Final = "AWSOrganizationsNotInUseException"
"""The account is in no organization."""
NOT_FOUND: Final = "ResourceNotFoundException"
_DENIED: Final = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
_DELEGATED: Final = ("ListParents", "ListPoliciesForTarget", "DescribePolicy")
"""Operations that only the management account and accounts to which it delegates them may call."""
_log = logging.getLogger("guardedbedrock.config_rule")


def code_of(error: Exception) -> str:
    """Return the error code of an answer of AWS; ``""`` for another error."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def not_read(kind: str, identifier: str, error: Exception) -> Evaluation:
    """
    Return NOT_APPLICABLE for data that may not be read, and log why.

    Args:
        kind: AWS Config's resource type.
        identifier: AWS Config's resource ID.
        error: Why the data could not be read.

    Raises:
        Exception: `error`, if it is not a denial.
    """
    code = code_of(error)
    if code not in _DENIED:
        raise error
    operation = getattr(error, "operation_name", "the call")
    _log.warning("%s was denied (%s); %s is not evaluated", operation, code, identifier)
    fix = "grant it to the role of the rule"
    if operation in _DELEGATED:
        fix += ", and delegate it to this account in the management account"
    return Evaluation(kind, identifier, NOT_APPLICABLE, f"not evaluated: {operation} was denied; {fix}")
