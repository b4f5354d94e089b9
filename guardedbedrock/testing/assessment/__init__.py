"""
Assesses texts with a guardrail and reports the result as Bedrock does. The result is the same in every run.

A block replaces all texts with one message. A mask replaces each match with its entity type, for example ``{EMAIL}``. Both are
interventions. A guardrail in detect mode only reports.
"""

from guardedbedrock.testing.assessment.assess import AssessmentResult, AssessmentScope, assess, assess_unlogged, without_masks
from guardedbedrock.testing.assessment.assessed_content import AssessedContent
from guardedbedrock.testing.assessment.sensitive_information import mask

__all__ = [
    "AssessedContent",
    "AssessmentResult",
    "AssessmentScope",
    "assess",
    "assess_unlogged",
    "mask",
    "without_masks",
]
