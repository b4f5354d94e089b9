"""What a call asks of IAM, and how the answers add up to one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias

from guardedbedrock.iam.engine.decisions import Decision
from guardedbedrock.iam.engine.outcomes import Outcome
from guardedbedrock.iam.engine.requests import Request

Decisions: TypeAlias = tuple[Decision, ...]
PolicyTypes: TypeAlias = Collection[str]

NONE: Final[PolicyTypes] = ()
TIME_KEYS: Final = frozenset({"aws:CurrentTime", "aws:EpochTime"})


_TELL_MODELS: Final = "an ARN in place of a name tells it, and `profiles` in the settings the models of a profile or a prompt"


class RequiredAuthorization(NamedTuple):
    """
    One authorization that a call asks, or may ask.

    Args:
        request: What is asked.
        among: AWS asks one of all questions of the call that have this same text; ``""`` where it stands alone.
        perhaps: Nothing documents whether AWS asks it: a denial leaves the verdict open.
        unread: A policy that has a say and is not known, so that an allow leaves the verdict open; ``""`` where there is none.
    """

    request: Request
    one_of: str = ""
    undocumented: bool = False
    missing_policy: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether the answer to it is the answer to the call."""
        return not (self.one_of or self.undocumented or self.missing_policy)


@dataclass(frozen=True, slots=True)
class AuthorizationSet:
    """
    All that a call asks, in the order in which AWS asks.

    Args:
        questions: Each with how it counts.
        requests: The requests alone.
        is_plain: Whether every answer counts by itself.
    """

    questions: tuple[RequiredAuthorization, ...]
    requests: tuple[Request, ...] = field(init=False, repr=False, compare=False)
    is_plain: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "requests", tuple(question.request for question in self.questions))
        object.__setattr__(self, "is_plain", all(question.is_plain for question in self.questions))

    def at(self, now: datetime) -> tuple[Request, ...]:
        """Give the requests with a known time, in whole seconds as IAM compares it."""
        current = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        time = {"aws:CurrentTime": current, "aws:EpochTime": str(int(now.timestamp()))}
        return tuple([request.with_context(time) for request in self.requests])

    def outcome(self, decisions: Decisions, advisory_policy_types: PolicyTypes = NONE) -> Outcome:
        """
        Add the answers up.

        Args:
            decisions: One for each question, in their order.
            advisory_policy_types: Policy types whose denials are not sure to come.

        Returns:
            The outcome of the first sure denial, which is the error that AWS would send; else ``indeterminate`` where an answer
            is open; else ``allowed``.
        """
        is_allowed = all([decision.outcome == "allowed" for decision in decisions])  # noqa: C419  # half the time of a generator
        if is_allowed and self.is_plain:
            return "allowed"
        first = self.denied(decisions, advisory_policy_types)
        if first is not None:
            return decisions[first].outcome
        return "allowed" if is_allowed and not any(question.missing_policy for question in self.questions) else "indeterminate"

    def denied(self, decisions: Decisions, advisory_policy_types: PolicyTypes = NONE) -> int | None:
        """Find the first sure denial; of questions of which AWS asks one, all have to be denied."""
        spared = {
            question.one_of
            for question, decision in zip(self.questions, decisions, strict=True)
            if question.one_of and not _is_sure(question, decision, advisory_policy_types)
        }
        for index, (question, decision) in enumerate(zip(self.questions, decisions, strict=True)):
            if question.one_of not in spared and _is_sure(question, decision, advisory_policy_types):
                return index
        return None

    def remarks(self, decisions: Decisions, advisory_policy_types: PolicyTypes = NONE) -> Iterator[str]:
        """Say what the outcome does not: which regions deny while others allow, what may be asked, which policy nobody read."""
        pairs = tuple(zip(self.questions, decisions, strict=True))
        for one_of in dict.fromkeys(question.one_of for question in self.questions if question.one_of):
            denied = [one for question, one in pairs if question.one_of == one_of and one.is_denied]
            if 0 < len(denied) < sum(question.one_of == one_of for question in self.questions):
                where = "; ".join(f"{one.message()}" for one in denied)
                yield f"{one_of}, and not all of them are allowed, so that some calls fail and others do not: {where}"
        for question, decision in pairs:
            if question.undocumented and decision.is_denied:
                yield f"AWS does not document whether it asks this, which would be denied: {decision.message()}"
            if question.missing_policy and not decision.is_denied:
                yield f"it hangs on {question.missing_policy}, which is not among the policies"
            if question.request.unknown_parts and decision.outcome == "indeterminate":
                yield f"what is asked is not known whole, only `{question.request.resource}`: {_TELL_MODELS}"
            if decision.is_denied and decision.policy_type in advisory_policy_types:
                yield f"AWS does not list Bedrock among the services that such policies reach: {decision.message()}"


def _is_sure(question: RequiredAuthorization, decision: Decision, advisory_policy_types: PolicyTypes) -> bool:
    return decision.is_denied and not question.undocumented and decision.policy_type not in advisory_policy_types
