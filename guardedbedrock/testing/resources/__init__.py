"""The resources that a fake has: guardrails, inference profiles, enforced guardrails; and the words that guardrails find."""

from guardedbedrock.testing.resources.enforcement import FakeEnforcement
from guardedbedrock.testing.resources.guardrail import FakeGuardrail
from guardedbedrock.testing.resources.guardrail_store import GuardrailStore
from guardedbedrock.testing.resources.inference_profile import FakeInferenceProfile
from guardedbedrock.testing.resources.knowledge_base import FakeDocument, FakeKnowledgeBase
from guardedbedrock.testing.resources.pii import PII
from guardedbedrock.testing.resources.word_lists import CONTENT_WORDS, MANAGED_WORDS

__all__ = [
    "CONTENT_WORDS",
    "MANAGED_WORDS",
    "PII",
    "FakeDocument",
    "FakeEnforcement",
    "FakeGuardrail",
    "FakeInferenceProfile",
    "FakeKnowledgeBase",
    "GuardrailStore",
]
