"""
Assesses texts by a guardrail and reports as Bedrock does, by lists of words and simple patterns, the same in every run.

A block replaces everything by one message; a mask replaces each match by its kind, as in ``{EMAIL}``. Both are interventions.
What a guardrail only detects is reported, and changes nothing.
"""

from guardedbedrock.testing.assessment.assessing import Assessed, Scope, assess, examine, unmasked
from guardedbedrock.testing.assessment.content import CONTENT_WORDS, LEVELS, Level, strengths
from guardedbedrock.testing.assessment.scene import Scene, Source
from guardedbedrock.testing.assessment.sensitive import mask
from guardedbedrock.testing.assessment.words import MANAGED_WORDS

__all__ = [
    "CONTENT_WORDS",
    "LEVELS",
    "MANAGED_WORDS",
    "Assessed",
    "Level",
    "Scene",
    "Scope",
    "Source",
    "assess",
    "examine",
    "mask",
    "strengths",
    "unmasked",
]
