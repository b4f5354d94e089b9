"""Policies to which denials can be added at any moment, so that a test need not write any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from guardedbedrock.bedrock import OPERATIONS
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam import Decision, PolicySet, PolicyType, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.iam import PolicyDocument

_EVERYTHING: Final = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
_TAUGHT: Final = "bedrock:InvokeModelWithGuardrail"


def actions_of(operation: str) -> tuple[str, ...]:
    """
    List the actions that an operation asks in any case, in both vocabularies; an action stands for itself.

    >>> actions_of("CountTokens")
    ('bedrock:CountTokens',)

    Raises:
        ConfigurationError: It is neither an operation nor an action.
    """
    if ":" in operation:
        return (operation,)
    if operation not in OPERATIONS:
        raise ConfigurationError(
            f"`{operation}` is neither an operation, as Converse is, nor an action, as bedrock:InvokeModel is"
        )
    row = OPERATIONS[operation]
    asked = tuple(ask.iam_action for ask in row.required_actions if ask.when == "always")
    return (*asked, _TAUGHT) if row.inference and row.location else asked


class Evaluator(Protocol):
    """Policies that evaluate a request."""

    def evaluate(self, request: Request) -> Decision:
        """Evaluate one request."""


class DenyingPolicies(PolicySet):
    """
    Policies that come to deny more than those they began with.

    Args:
        base: What answers as long as nothing more is denied; None allows everything.
    """

    def __init__(self, base: PolicySet | None = None) -> None:
        super().__init__(identity=_EVERYTHING)
        self._base = base
        self._denials: tuple[Evaluator, ...] = ()
        if base is not None:
            self.documents = base.documents

    @property
    def reads(self) -> frozenset[str]:
        """What the policies read that it began with; a denial that was added reads nothing."""
        return super().reads if self._base is None else self._base.reads

    @property
    def is_static(self) -> bool:
        """False: `deny` and `clear` change the decisions."""
        return False

    def deny(self, denial: Evaluator) -> None:
        """Deny from now on what these policies deny."""
        self._denials = (*self._denials, denial)

    def clear(self) -> None:
        """Answer as in the beginning."""
        self._denials = ()

    def evaluate(self, request: Request) -> Decision:
        """Decide one request: what was added first counts first, then what it began with."""
        # Each denial evaluates the request, also after one that denies it: the pytest plugin records which were reached.
        decisions = [denial.evaluate(request) for denial in self._denials]
        denied = next((decision for decision in decisions if decision.is_denied), None)
        if denied is not None:
            return denied
        return super().evaluate(request) if self._base is None else self._base.evaluate(request)

    def __iter__(self) -> Iterator[tuple[PolicyType, PolicyDocument]]:
        return super().__iter__() if self._base is None else iter(self._base)
