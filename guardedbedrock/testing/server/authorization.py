"""Authorizes requests with the policies of the fake."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from guardedbedrock import bedrock
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from guardedbedrock import iam
    from guardedbedrock.testing.wire import ApiParams


class ServerAuthorizer:
    """
    Decides each authorization of a call, as the service does.

    Args:
        policies: The policies in force; None allows everything.
        inventory: Returns the current tags, profiles and enforced guardrails that concern a request.
        vocabulary: The vocabulary of the policies.
    """

    def __init__(
        self,
        policies: iam.PolicySet | None,
        inventory: Callable[[ApiParams], bedrock.Inventory],
        vocabulary: bedrock.Vocabulary = "aws",
    ) -> None:
        self._policies, self._inventory, self._authorize = policies, inventory, bedrock.AUTHORIZERS[vocabulary]

    def requests(self, service: str, operation: str, params: ApiParams, caller: bedrock.Caller) -> tuple[iam.Request, ...]:
        """Return all authorizations of a call, in the order in which the service checks them."""
        row = bedrock.find_operation(service, operation)
        needed = self._authorize(row, params, caller, self._inventory(params))
        return tuple(_documented(zip(needed.authorizations, needed.at(datetime.now(UTC)), strict=True)))

    def decide(self, requests: Callable[[], tuple[iam.Request, ...]]) -> tuple[iam.Decision, ...]:
        """Decide all authorizations. Without policies, `requests` is not called."""
        if self._policies is None:
            return ()
        return tuple(self._policies.evaluate(request) for request in requests())


def _documented(needed: Iterable[tuple[bedrock.RequiredAuthorization, iam.Request]]) -> Iterator[iam.Request]:
    """Yield the first of each set of alternatives, and no authorization that is undocumented."""
    used: set[str] = set()
    for authorization, request in needed:
        if not authorization.undocumented and authorization.one_of not in used:
            used |= {authorization.one_of} - {""}
            yield request


def enforce(decisions: tuple[iam.Decision, ...]) -> None:
    """
    Raise if a decision is a denial. An ``indeterminate`` decision lets the call pass.

    Raises:
        ServiceError: ``AccessDeniedException`` (403) with the message of the first denial. AWS reports only one, too.
    """
    for decision in decisions:
        if decision.is_denied:
            raise ServiceError(403, "AccessDeniedException", decision.message(), by_iam=True)
