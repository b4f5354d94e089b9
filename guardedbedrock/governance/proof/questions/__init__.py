"""
The questions that can be proved.

- `forbidden_requests`: `guardrail_required` and `never`
- `comparisons`: `no_new_access` and `equivalent`
- `allowed_calls`: `always_allowed`
- `dead_statements`: `unreachable`
- `answering`: what all questions share

Every question has two halves. It is refuted if some request certainly shows the opposite, and the engine confirms the request.
It is proved if no request could show the opposite, not even where AWS documents no rule. Otherwise the answer is unknown, with
the reason.
"""

from guardedbedrock.governance.proof.questions.allowed_calls import always_allowed
from guardedbedrock.governance.proof.questions.comparisons import equivalent, no_new_access
from guardedbedrock.governance.proof.questions.dead_statements import unreachable
from guardedbedrock.governance.proof.questions.forbidden_requests import guardrail_required, never

__all__ = ["always_allowed", "equivalent", "guardrail_required", "never", "no_new_access", "unreachable"]
