"""The operations of the control plane on guardrails and on what enforces or shares them."""
