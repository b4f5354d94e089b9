"""
Facts about Amazon Bedrock: the authorizations of each operation, its guardrail location, how its reply shows an intervention.

Most of it is tables: a new operation is one row in `operations` and one test case. Nothing in this package does I/O.
"""

from __future__ import annotations

from guardedbedrock.bedrock.authorization.authorization_set import AuthorizationSet, RequiredAuthorization
from guardedbedrock.bedrock.authorization.authorizations import authorizations
from guardedbedrock.bedrock.authorization.vocabulary import AUTHORIZERS, VOCABULARIES, Vocabulary
from guardedbedrock.bedrock.caller import Caller
from guardedbedrock.bedrock.guardrail.guardrail import EnforcedGuardrail, Guardrail
from guardedbedrock.bedrock.guardrail.intervention import GuardrailFinding, Intervention
from guardedbedrock.bedrock.guardrail.location import GuardrailLocation
from guardedbedrock.bedrock.operations import OPERATIONS, ROWS, RUNTIME_SERVICE, SERVICES, Operation, find_operation
from guardedbedrock.bedrock.resources.inventory import Inventory

__all__ = [
    "AUTHORIZERS",
    "OPERATIONS",
    "ROWS",
    "RUNTIME_SERVICE",
    "SERVICES",
    "VOCABULARIES",
    "AuthorizationSet",
    "Caller",
    "EnforcedGuardrail",
    "Guardrail",
    "GuardrailFinding",
    "GuardrailLocation",
    "Intervention",
    "Inventory",
    "Operation",
    "RequiredAuthorization",
    "Vocabulary",
    "authorizations",
    "find_operation",
]
