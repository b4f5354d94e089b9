"""Sources of policies, guardrails and identity, and how they stay fresh. This room never calls AWS itself."""
