"""The operations on knowledge bases, and the search for Retrieve and RetrieveAndGenerate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.agents.data_sources import DataSources
from guardedbedrock.testing.agents.errors import conflict, not_found
from guardedbedrock.testing.resources.knowledge_base import FakeKnowledgeBase, Passage, search
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from guardedbedrock.testing.agents.tags import AgentTags
    from guardedbedrock.testing.wire import ApiParams

_ROLE: Final = "arn:aws:iam::{account}:role/service-role/AmazonBedrockExecutionRoleForKnowledgeBase"
_EMBEDDING_MODEL: Final = "arn:aws:bedrock:{region}::foundation-model/amazon.titan-embed-text-v2:0"
_SEARCHES: Final = ("vectorSearchConfiguration", "managedSearchConfiguration")
_STORED: Final = (
    *("name", "description", "roleArn", "knowledgeBaseConfiguration", "storageConfiguration"),
    "metadataConfigurations",
)
_SUMMARY: Final = ("knowledgeBaseId", "name", "description", "status", "updatedAt")


class KnowledgeBases:
    """
    The knowledge bases of a fake: those that it was configured with, and those that clients create.

    Args:
        given: The knowledge bases of the configuration.
        region_account: Region and account.
        new_id: Returns a new ID that begins with a prefix.
        tags: The tags of all resources.
    """

    def __init__(
        self, given: Iterable[FakeKnowledgeBase], region_account: tuple[str, str], new_id: Callable[[str], str], tags: AgentTags
    ) -> None:
        self._region_account, self._new_id, self._tags = region_account, new_id, tags
        self._bases: dict[str, ApiParams] = {}
        self._has_any = False  # until the first knowledge base is added, every ID is accepted
        self.data_sources = DataSources(lambda params: self._find(params["knowledgeBaseId"]), new_id)
        for each in given:
            self._add(each.identifier, self._default(each), {})
            self.data_sources.add_given(each)

    def search(self, identifier: str, query: str, configuration: Mapping[str, Any]) -> list[Passage] | None:
        """
        Search a knowledge base; return None if the fake has no knowledge bases.

        Args:
            identifier: ID of the knowledge base.
            query: The query.
            configuration: Bedrock's ``retrievalConfiguration``.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404) for an unknown ID.
        """
        if not self._has_any:
            return None
        settings: ApiParams = next((configuration[name] for name in _SEARCHES if name in configuration), {})
        self._find(identifier)
        return search(self.data_sources.indexed(identifier), query, settings)

    def create(self, params: ApiParams) -> ApiParams:
        """
        Create a knowledge base.

        Raises:
            ServiceError: ``ConflictException`` (409) for a name in use.
        """
        self._check_name(params["name"])
        identifier = self._new_id("KNOWL")
        self._add(identifier, params, params)
        return {"knowledgeBase": self._bases[identifier]}

    def get(self, params: ApiParams) -> ApiParams:
        """Return a knowledge base."""
        return {"knowledgeBase": self._find(params["knowledgeBaseId"])}

    def list(self, params: ApiParams) -> ApiParams:
        """Return the knowledge bases."""
        shown = [{name: each[name] for name in _SUMMARY if name in each} for each in self._bases.values()]
        return page("knowledgeBaseSummaries", shown, params)

    def update(self, params: ApiParams) -> ApiParams:
        """
        Change the members that are given.

        Raises:
            ServiceError: As `create`.
        """
        base = self._find(params["knowledgeBaseId"])
        self._check_name(params["name"], params["knowledgeBaseId"])
        base |= {**_stored(params), "updatedAt": datetime.now(UTC)}
        return {"knowledgeBase": base}

    def delete(self, params: ApiParams) -> ApiParams:
        """Delete a knowledge base with its data sources and documents."""
        identifier = params["knowledgeBaseId"]
        self._tags.remove(self._find(identifier)["knowledgeBaseArn"])
        del self._bases[identifier]
        self.data_sources.remove_all(identifier)
        return {"knowledgeBaseId": identifier, "status": "DELETING"}

    def check_exists(self, identifier: str) -> None:
        """
        Check that a knowledge base exists.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        if self._has_any:
            self._find(identifier)

    def _add(self, identifier: str, params: ApiParams, tagged: ApiParams) -> None:
        region, account = self._region_account
        now, arn = datetime.now(UTC), f"arn:aws:bedrock:{region}:{account}:knowledge-base/{identifier}"
        self._bases[identifier] = {
            **_stored(params),
            "knowledgeBaseId": identifier,
            "knowledgeBaseArn": arn,
            "status": "ACTIVE",
            "createdAt": now,
            "updatedAt": now,
        }
        self._tags.put(arn, tagged)
        self._has_any = True

    def _default(self, base: FakeKnowledgeBase) -> ApiParams:
        region, account = self._region_account
        model = {"embeddingModelArn": _EMBEDDING_MODEL.format(region=region)}
        return {
            "name": base.name or base.identifier,
            "roleArn": _ROLE.format(account=account),
            "knowledgeBaseConfiguration": {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": model},
        }

    def _check_name(self, name: str, own: str = "") -> None:
        if any(each["name"] == name for identifier, each in self._bases.items() if identifier != own):
            raise conflict(f"A knowledge base with the name {name} already exists.")

    def _find(self, identifier: str) -> ApiParams:
        if identifier not in self._bases:
            raise not_found(f"Knowledge base with id {identifier} does not exist.")
        return self._bases[identifier]


def _stored(params: ApiParams) -> ApiParams:
    return {name: params[name] for name in _STORED if name in params}
