"""An AWS Config rule: guardrails as configured, and principals that cannot call a model without one."""

from __future__ import annotations

from guardedbedrock.governance.config_rule.lambda_function import handler

__all__ = ["handler"]
