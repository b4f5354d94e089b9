"""The access report: which principals can call which models, with a guardrail and without one."""
