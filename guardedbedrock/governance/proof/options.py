"""The options of a question: the time limit, and the assumptions about every request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.solving.requests import principal_keys, principal_patterns

TIMEOUT: Final = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """
    How a question is answered.

    Args:
        timeout: Limit of the solver for each part of a question, in seconds.
        assumed: Context keys that every request has, with their values.
        any_principal: Whether the keys that AWS derives from the principal are free, because it is not known.
    """

    timeout: float = TIMEOUT
    assumed: Mapping[str, str] = field(default_factory=dict)
    any_principal: bool = False

    def fixed(self, policies: ProofPolicies) -> dict[str, str | None]:
        """Return the keys that every request of the principal has; None for a key that no request has."""
        derived = {} if self.any_principal else principal_keys(policies.principal)
        return {**derived, **self.assumed}

    def partly_known(self, policies: ProofPolicies) -> dict[str, tuple[str, ...]]:
        """Return the keys whose value is known in part in every request of the principal."""
        assumed = {name.lower() for name in self.assumed}
        derived = {} if self.any_principal else principal_patterns(policies.principal)
        return {name: patterns for name, patterns in derived.items() if name.lower() not in assumed}
