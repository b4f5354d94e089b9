"""
The operations of ``bedrock``, the control plane.

Implemented are guardrails and their versions, tags, the enforced configuration of the account, resource-based policies and
inference profiles. Everything is ready at once. A resource-based policy is stored and has no effect.
"""

from guardedbedrock.testing.control.service import ControlPlane

__all__ = ["ControlPlane"]
