"""Stores the guardrails of the fake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.resources.checks import check_unique
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from guardedbedrock.testing.resources.guardrail import FakeGuardrail

_MISSING: Final = "The guardrail identifier or version provided in the request does not exist."


class GuardrailStore:
    """
    The guardrails of one region.

    Args:
        guardrails: Guardrails of other regions are allowed and never found, as at AWS.
        region: Region of the fake.
        account: Account of guardrails with a short ID.

    Raises:
        ConfigurationError: Two guardrails are the same version of the same guardrail.
    """

    def __init__(self, guardrails: Iterable[FakeGuardrail], region: str, account: str) -> None:
        self.region, self.account = region, account
        placed = [item.renamed(self.arn(item.identifier), item.version) for item in guardrails]
        self.tags: dict[str, Mapping[str, str]] = {item.identifier: item.tags for item in placed}
        check_unique("guardrails", (f"version {item.version} of `{item.identifier}`" for item in placed))
        self._found = {(item.identifier, item.version): item for item in placed if item.identifier.split(":")[3] == region}

    def __iter__(self) -> Iterator[FakeGuardrail]:
        return iter(list(self._found.values()))

    def arn(self, identifier: str) -> str:
        """Return the ARN for an ARN or a short ID."""
        if identifier.startswith("arn:"):
            return identifier
        return f"arn:aws:bedrock:{self.region}:{self.account}:guardrail/{identifier}"

    def find(self, identifier: str, version: str) -> FakeGuardrail:
        """
        Return a guardrail.

        Raises:
            ServiceError: ``ValidationException`` (400). AWS's message is the same for an unknown ID, version or region.
        """
        found = self._found.get((self.arn(identifier), version))
        if found is None:
            raise ServiceError.invalid(_MISSING)
        return found

    def put(self, guardrail: FakeGuardrail) -> None:
        """Store a guardrail. It replaces the one with the same ARN and version."""
        self._found[guardrail.identifier, guardrail.version] = guardrail

    def remove(self, arn: str, version: str) -> None:
        """Remove one version of a guardrail."""
        del self._found[arn, version]
