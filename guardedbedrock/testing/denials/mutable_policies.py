"""A policy set that a test can extend with denials while clients use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from guardedbedrock.bedrock import OPERATIONS
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam import Decision, PolicySet, PolicyType, Request
from guardedbedrock.testing.article_vocabulary import INVOKE_WITH_GUARDRAIL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.iam import PolicyDocument

_EVERYTHING: Final = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


def actions_of(operation: str) -> tuple[str, ...]:
    """
    Return the actions that an operation always requires, in both vocabularies. For an action, return the action.

    >>> actions_of("CountTokens")
    ('bedrock:CountTokens',)

    Raises:
        ConfigurationError: The name is neither an operation nor an action.
    """
    if ":" in operation:
        return (operation,)
    if operation not in OPERATIONS:
        raise ConfigurationError(
            f"`{operation}` is neither an operation (such as Converse) nor an action (such as bedrock:InvokeModel)"
        )
    row = OPERATIONS[operation]
    actions = tuple(ask.iam_action for ask in row.required_actions if ask.when == "always")
    return (*actions, INVOKE_WITH_GUARDRAIL) if row.inference and row.location else actions


class Evaluator(Protocol):
    """Policies that evaluate a request."""

    def evaluate(self, request: Request) -> Decision:
        """Evaluate one request."""


class MutablePolicies(PolicySet):
    """
    A policy set with denials that can be added and removed.

    Args:
        base: The policies that decide if no added denial does; None allows everything.
    """

    is_static = False  # `deny` and `clear` change the decisions

    def __init__(self, base: PolicySet | None = None) -> None:
        super().__init__(identity=_EVERYTHING)
        self._base = base
        self._denials: tuple[Evaluator, ...] = ()
        if base is not None:
            self.documents = base.documents

    @property
    def reads(self) -> frozenset[str]:
        """The context keys that the base policies read. An added denial reads none."""
        return super().reads if self._base is None else self._base.reads

    def deny(self, denial: Evaluator) -> None:
        """Add policies: every request that they deny is denied."""
        self._denials = (*self._denials, denial)

    def clear(self) -> None:
        """Remove all added denials."""
        self._denials = ()

    def evaluate(self, request: Request) -> Decision:
        """Decide one request: first the added denials in the order in which they were added, then the base policies."""
        # Each denial evaluates the request, even after another one denied it: the pytest plugin records which were reached.
        decisions = [denial.evaluate(request) for denial in self._denials]
        denied = next((decision for decision in decisions if decision.is_denied), None)
        if denied is not None:
            return denied
        return super().evaluate(request) if self._base is None else self._base.evaluate(request)

    def __iter__(self) -> Iterator[tuple[PolicyType, PolicyDocument]]:
        return super().__iter__() if self._base is None else iter(self._base)
