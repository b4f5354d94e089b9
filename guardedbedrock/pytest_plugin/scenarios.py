"""The scenarios of a test, and whether a request reached each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardedbedrock.iam import Decision, PolicySet, Request


@dataclass(slots=True)
class Scenario:
    """
    An event that a test sets up, such as a denial or throttling.

    Args:
        description: The call in the test, such as ``deny("Converse", by="scp")``.
        optional: Whether the test passes if no request reaches it.
        reached: Whether a request reached it.
    """

    description: str
    optional: bool
    reached: bool = False

    def reach(self) -> None:
        """Record that a request reached the scenario."""
        self.reached = True


class ScenarioDenial:
    """
    The policies of a denial; a request that they deny reaches the scenario.

    Args:
        policies: The policies that deny.
        scenario: The scenario that they belong to.
    """

    def __init__(self, policies: PolicySet, scenario: Scenario) -> None:
        self._policies, self._scenario = policies, scenario

    def evaluate(self, request: Request) -> Decision:
        """Evaluate one request."""
        decision = self._policies.evaluate(request)
        if decision.is_denied:
            self._scenario.reach()
        return decision


def describe(method: str, *arguments: object, **keywords: object) -> str:
    """
    Return the source code of a call to a scenario method, without the keywords that are None.

    >>> describe("throttle", times=2, operation=None)
    'throttle(times=2)'
    """
    named = [f"{name}={value!r}" for name, value in keywords.items() if value is not None]
    return f"{method}({', '.join([*map(repr, arguments), *named])})"
