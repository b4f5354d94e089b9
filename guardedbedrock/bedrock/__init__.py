"""
What is true of Amazon Bedrock: which operation asks what of IAM, where a guardrail sits, how a reply shows an intervention.

Mostly tables, so that a new operation is one row (`operations`) and one case. Nothing here talks to anything.
"""

from __future__ import annotations

from guardedbedrock.bedrock.authorization.authorization_set import AuthorizationSet, RequiredAuthorization
from guardedbedrock.bedrock.authorization.authorizations import authorizations
from guardedbedrock.bedrock.authorization.callers import Caller
from guardedbedrock.bedrock.guardrail.approved import VOCABULARIES, Guardrail, Vocabulary
from guardedbedrock.bedrock.guardrail.intervention import Intervention
from guardedbedrock.bedrock.guardrail.location import GuardrailLocation
from guardedbedrock.bedrock.operations import OPERATIONS, ROWS, SERVICES, Operation, find
from guardedbedrock.bedrock.resources.inventory import Inventory

__all__ = [
    "OPERATIONS",
    "ROWS",
    "SERVICES",
    "VOCABULARIES",
    "AuthorizationSet",
    "Caller",
    "Guardrail",
    "GuardrailLocation",
    "Intervention",
    "Inventory",
    "Operation",
    "RequiredAuthorization",
    "Vocabulary",
    "authorizations",
    "find",
]
