"""
What the rules check; `guardedbedrock.governance.lint.rules` has the table of rules.

- `language_rules`, `guardrail_rules`, `guarded_call_rules`, `governance_rules`: one module for each family of rules
- `sample_requests`, `proofs`: the requests and the proofs with which a check decides
- `keys`, `services`: the condition keys and the prefixes of actions that exist
"""
