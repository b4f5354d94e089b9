"""IAM on the server's side: what a request is authorized for, decided by the policies the fake was given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from guardedbedrock import bedrock
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from guardedbedrock import iam
    from guardedbedrock.testing.wire import Params


class Authorizer:
    """
    Decides every authorization of a call, as the service would.

    Args:
        policies: What is in force; None lets everybody do everything.
        inventory: Gives what there is at the moment, as far as it concerns a request.
        vocabulary: Which actions the policies use; see `bedrock.Vocabulary`.
    """

    def __init__(
        self,
        policies: iam.PolicySet | None,
        inventory: Callable[[Params], bedrock.Inventory],
        vocabulary: bedrock.Vocabulary = "aws",
    ) -> None:
        self._policies, self._inventory, self._vocabulary = policies, inventory, vocabulary

    def questions(self, service: str, operation: str, params: Params, caller: bedrock.Caller) -> tuple[iam.Request, ...]:
        """List all authorizations of a call, in the order the service asks them."""
        row = bedrock.find_operation(service, operation)
        asked = bedrock.AUTHORIZERS[self._vocabulary](row, params, caller, self._inventory(params))
        return tuple(_settled(zip(asked.authorizations, asked.at(datetime.now(UTC)), strict=True)))

    def decide(self, asked: Callable[[], tuple[iam.Request, ...]]) -> tuple[iam.Decision, ...]:
        """Decide all authorizations, which are only looked at where there are policies."""
        if self._policies is None:
            return ()
        return tuple(self._policies.evaluate(request) for request in asked())


def _settled(asked: Iterable[tuple[bedrock.RequiredAuthorization, iam.Request]]) -> Iterator[iam.Request]:
    """Take what the service asks: where it asks one of several the first, and nothing of what is not documented."""
    taken: set[str] = set()
    for question, request in asked:
        if not question.undocumented and question.one_of not in taken:
            taken |= {question.one_of} - {""}
            yield request


def enforce(decisions: tuple[iam.Decision, ...]) -> None:
    """
    Let a call pass unless something denies it; what can not be decided passes.

    Raises:
        ServiceError: ``AccessDeniedException`` (403), with the sentence of the first denial; the others stay unsaid, as at AWS.
    """
    for decision in decisions:
        if decision.is_denied:
            raise denied(decision.message())


def denied(message: str) -> ServiceError:
    """Make the error IAM answers with."""
    return ServiceError(403, "AccessDeniedException", message, by_iam=True)
