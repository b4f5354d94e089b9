"""Generate policies, guardrails, alarms and rules from the configuration of the client."""
