"""
The operations of ``bedrock``, the control plane, as the fake answers them.

Served are guardrails and their versions, tags, the account's enforced configuration, resource-based policies and inference
profiles; everything is ready at once. A resource-based policy is stored and has no effect.
"""

from guardedbedrock.testing.control.service import Control

__all__ = ["Control"]
