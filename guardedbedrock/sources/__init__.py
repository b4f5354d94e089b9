"""Sources of policies, guardrails and identity, and how they stay fresh. This package never calls AWS."""
