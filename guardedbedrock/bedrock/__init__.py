"""
What is true of Amazon Bedrock: which operation asks what of IAM, where a guardrail sits, how a reply shows an intervention.

Mostly tables, so that a new operation is one row (`operations`) and one case. Nothing here talks to anything.
"""

from __future__ import annotations

from guardedbedrock.bedrock.asked import Asked, Question
from guardedbedrock.bedrock.authorizations import authorizations
from guardedbedrock.bedrock.callers import Caller
from guardedbedrock.bedrock.guardrails import VOCABULARIES, Guardrail, Vocabulary
from guardedbedrock.bedrock.interventions import Intervention
from guardedbedrock.bedrock.inventory import Inventory
from guardedbedrock.bedrock.operations import OPERATIONS, ROWS, SERVICES, Operation, find
from guardedbedrock.bedrock.placement import Place

__all__ = [
    "OPERATIONS",
    "ROWS",
    "SERVICES",
    "VOCABULARIES",
    "Asked",
    "Caller",
    "Guardrail",
    "Intervention",
    "Inventory",
    "Operation",
    "Place",
    "Question",
    "Vocabulary",
    "authorizations",
    "find",
]
