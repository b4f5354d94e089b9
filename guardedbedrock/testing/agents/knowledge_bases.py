"""The knowledge bases: GetKnowledgeBase, ListKnowledgeBases, and the search for Retrieve and RetrieveAndGenerate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.resources.knowledge_base import FakeKnowledgeBase, Passage, search
from guardedbedrock.testing.wire import Params, ServiceError
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ROLE: Final = "arn:aws:iam::{account}:role/service-role/AmazonBedrockExecutionRoleForKnowledgeBase"
_EMBEDDING_MODEL: Final = "arn:aws:bedrock:{region}::foundation-model/amazon.titan-embed-text-v2:0"
_SEARCHES: Final = ("vectorSearchConfiguration", "managedSearchConfiguration")
_SUMMARY: Final = ("knowledgeBaseId", "name", "status", "updatedAt")


class KnowledgeBases:
    """
    The knowledge bases of a fake. They do not change.

    Args:
        given: The knowledge bases.
        place: Region and account.
    """

    def __init__(self, given: Iterable[FakeKnowledgeBase], place: tuple[str, str]) -> None:
        self._bases, self._place = {each.identifier: each for each in given}, place
        self._created = datetime.now(UTC)

    def search(self, identifier: str, query: str, configuration: Mapping[str, Any]) -> list[Passage] | None:
        """
        Search a knowledge base; None if the fake has no knowledge bases.

        Args:
            identifier: ID of the knowledge base.
            query: The query.
            configuration: Bedrock's ``retrievalConfiguration``.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404) for an unknown ID.
        """
        if not self._bases:
            return None
        settings: Params = next((configuration[name] for name in _SEARCHES if name in configuration), {})
        return search(self._find(identifier), query, settings)

    def get(self, params: Params) -> Params:
        """Return a knowledge base."""
        return {"knowledgeBase": self._shown(self._find(params["knowledgeBaseId"]))}

    def list(self, params: Params) -> Params:
        """Return the knowledge bases."""
        shown = [self._shown(each) for each in self._bases.values()]
        return page("knowledgeBaseSummaries", [{name: each[name] for name in _SUMMARY} for each in shown], params)

    def _find(self, identifier: str) -> FakeKnowledgeBase:
        if identifier not in self._bases:
            raise ServiceError(404, "ResourceNotFoundException", f"Knowledge base with id {identifier} does not exist.")
        return self._bases[identifier]

    def _shown(self, base: FakeKnowledgeBase) -> Params:
        region, account = self._place
        model = {"embeddingModelArn": _EMBEDDING_MODEL.format(region=region)}
        return {
            "knowledgeBaseId": base.identifier,
            "name": base.name or base.identifier,
            "knowledgeBaseArn": f"arn:aws:bedrock:{region}:{account}:knowledge-base/{base.identifier}",
            "roleArn": _ROLE.format(account=account),
            "knowledgeBaseConfiguration": {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": model},
            "status": "ACTIVE",
            "createdAt": self._created,
            "updatedAt": self._created,
        }
