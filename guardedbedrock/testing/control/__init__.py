"""
The operations of ``bedrock``, the control plane. `service` has the table of operations and the method of each.

- `guardrails/`: guardrails, their versions, the enforced configuration of the account and resource-based policies
- `models/`: foundation models, custom and imported models, profiles, routers, Provisioned Throughput, Marketplace endpoints
- `jobs`: batch inference and evaluation
- `tags`, `logging_configuration`: tags of resources, and the configuration of invocation logging
- `listing`, `errors`: what the operations share

Guardrails are ready immediately; each Get advances a job by one status. A resource-based policy is stored and has no effect.
"""

from guardedbedrock.testing.control.service import ControlPlane

__all__ = ["ControlPlane"]
