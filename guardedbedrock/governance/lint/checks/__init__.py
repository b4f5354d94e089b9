"""
The checks of the rules; `guardedbedrock.governance.lint.rules` has the table of rules.

- `language_rules`, `guardrail_rules`, `guarded_call_rules`, `governance_rules`: one module for each family of rules
- `sample_requests`, `proofs`: the requests and the proofs that decide a check
- `keys`, `services`: the condition keys and the prefixes of actions that exist
"""
