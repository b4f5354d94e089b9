"""
The operations of the control plane on guardrails.

- `operations`: create, read, update, version and delete a guardrail
- `configuration`, `behaviour`: the configuration of a guardrail, and the `FakeGuardrail` that behaves like it
- `enforced_guardrails`: the guardrail that the account enforces
- `resource_policies`: the resource-based policies of guardrails
"""
