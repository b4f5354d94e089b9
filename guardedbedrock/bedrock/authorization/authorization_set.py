"""The authorizations that a call requires, and how their decisions combine into one outcome."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias

from guardedbedrock.iam.decision.decisions import Decision
from guardedbedrock.iam.engine.outcomes import Outcome
from guardedbedrock.iam.matching.requests import Request

Decisions: TypeAlias = tuple[Decision, ...]
PolicyTypes: TypeAlias = Collection[str]

NONE: Final[PolicyTypes] = ()
TIME_KEYS: Final = frozenset({"aws:CurrentTime", "aws:EpochTime"})

_HOW_TO_RESOLVE: Final = "name the resource by its ARN, or set the models of the profile or prompt under `profiles`"


@dataclass(frozen=True, slots=True)
class RequiredAuthorization:
    """
    One authorization that a call requires, or may require.

    Args:
        request: The IAM request.
        one_of: AWS evaluates only one of the authorizations of the call that share this string; ``""`` if it always evaluates
            this one.
        undocumented: AWS does not document whether it evaluates this authorization, so a denial leaves the verdict open.
        missing_policy: A policy that takes part in the decision and is not configured, so that an allow leaves the verdict open;
            ``""`` if none is missing.
    """

    request: Request
    one_of: str = ""
    undocumented: bool = False
    missing_policy: str = ""

    @property
    def is_certain(self) -> bool:
        """Whether AWS evaluates this authorization, with the configured policies alone."""
        return not (self.one_of or self.undocumented or self.missing_policy)


@dataclass(frozen=True, slots=True)
class AuthorizationSet:
    """
    All authorizations of a call, in the order in which AWS evaluates them.

    Args:
        authorizations: The authorizations.

    Attributes:
        requests: Their IAM requests, in the same order.
        is_certain: Whether every authorization is certain.
    """

    authorizations: tuple[RequiredAuthorization, ...]
    requests: tuple[Request, ...] = field(init=False, repr=False, compare=False)
    is_certain: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "requests", tuple(required.request for required in self.authorizations))
        object.__setattr__(self, "is_certain", all(required.is_certain for required in self.authorizations))

    def at(self, now: datetime) -> tuple[Request, ...]:
        """Return the requests with a known time, in whole seconds as IAM compares it."""
        current = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        time = {"aws:CurrentTime": current, "aws:EpochTime": str(int(now.timestamp()))}
        return tuple([request.with_context(time) for request in self.requests])

    def outcome(self, decisions: Decisions, advisory_policy_types: PolicyTypes = NONE) -> Outcome:
        """
        Combine the decisions into one outcome.

        Args:
            decisions: One for each authorization, in the same order.
            advisory_policy_types: Policy types whose denials are not certain.

        Returns:
            1. The outcome of the first certain denial, which is the error that AWS would return.
            2. Otherwise ``indeterminate`` if a decision is open or a policy is missing.
            3. Otherwise ``allowed``.
        """
        is_allowed = all(decision.outcome == "allowed" for decision in decisions)
        if is_allowed and self.is_certain:
            return "allowed"
        first = self.first_denied(decisions, advisory_policy_types)
        if first is not None:
            return decisions[first].outcome
        is_complete = not any(required.missing_policy for required in self.authorizations)
        return "allowed" if is_allowed and is_complete else "indeterminate"

    def first_denied(self, decisions: Decisions, advisory_policy_types: PolicyTypes = NONE) -> int | None:
        """Return the index of the first certain denial; a group with the same `one_of` is denied if all its members are."""
        pairs = tuple(zip(self.authorizations, decisions, strict=True))
        open_groups = {
            required.one_of
            for required, decision in pairs
            if required.one_of and not _is_certain_denial(required, decision, advisory_policy_types)
        }
        for index, (required, decision) in enumerate(pairs):
            if required.one_of not in open_groups and _is_certain_denial(required, decision, advisory_policy_types):
                return index
        return None

    def remarks(self, decisions: Decisions, advisory_policy_types: PolicyTypes = NONE) -> Iterator[str]:
        """Yield sentences on what the outcome does not show: regions that differ, undocumented checks, missing policies."""
        pairs = tuple(zip(self.authorizations, decisions, strict=True))
        for one_of in dict.fromkeys(required.one_of for required in self.authorizations if required.one_of):
            denied = [decision for required, decision in pairs if required.one_of == one_of and decision.is_denied]
            if 0 < len(denied) < sum(required.one_of == one_of for required in self.authorizations):
                messages = "; ".join(decision.message() for decision in denied)
                yield f"{one_of}; some of these are denied, so some calls fail: {messages}"
        for required, decision in pairs:
            if required.undocumented and decision.is_denied:
                yield f"AWS does not document whether it evaluates this, which would be denied: {decision.message()}"
            if required.missing_policy and not decision.is_denied:
                yield f"the decision also depends on {required.missing_policy}, which is not configured"
            if required.request.unknown_parts and decision.outcome == "indeterminate":
                yield f"the resource is only partly known (`{required.request.resource}`); {_HOW_TO_RESOLVE}"
            if decision.is_denied and decision.policy_type in advisory_policy_types:
                yield f"AWS does not list Bedrock among the services that such policies apply to: {decision.message()}"


def _is_certain_denial(required: RequiredAuthorization, decision: Decision, advisory_policy_types: PolicyTypes) -> bool:
    return decision.is_denied and not required.undocumented and decision.policy_type not in advisory_policy_types
