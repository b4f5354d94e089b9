"""Which of the newest operations the installed botocore has: `make compat` tests with an older one."""

from __future__ import annotations

from typing import Final

import botocore.session

NEWEST: Final = frozenset(
    {
        ("bedrock", "CreateAdvancedPromptOptimizationJob"),
        ("bedrock-agent-runtime", "AgenticRetrieveStream"),
        ("bedrock-runtime", "InvokeGuardrailChecks"),
    }
)
"""Operations that the tests call and the oldest supported botocore does not have."""


def _is_missing(service: str, operation: str) -> bool:
    return operation not in botocore.session.Session().get_service_model(service).operation_names


MISSING: Final = frozenset(name for name in NEWEST if _is_missing(*name))
"""Those that the installed botocore does not have, each as service and operation."""
