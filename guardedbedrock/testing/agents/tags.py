"""
TagResource, UntagResource and ListTagsForResource of ``bedrock-agent`` and ``bedrock-agent-runtime``.

The two services share the paths of these operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardedbedrock.testing.control.tags import TagStore
    from guardedbedrock.testing.wire import ApiParams


class AgentTags:
    """
    The tags of agents, flows, their aliases, prompts, knowledge bases and sessions.

    In these services tags are a mapping; in ``bedrock`` they are a list of pairs.

    Args:
        store: The tags of all resources of the region.
    """

    def __init__(self, store: TagStore) -> None:
        self._store = store

    def put(self, arn: str, params: ApiParams) -> None:
        """Set the tags of a new resource to those in the request that creates it."""
        self._store.put(arn, _pairs(params))

    def remove(self, arn: str) -> None:
        """Remove a deleted resource."""
        self._store.remove(arn)

    def tag(self, params: ApiParams) -> ApiParams:
        """Add or change tags."""
        return self._store.tag({"resourceARN": params["resourceArn"], "tags": _pairs(params)})

    def untag(self, params: ApiParams) -> ApiParams:
        """Remove tags. Unknown keys are ignored."""
        return self._store.untag({"resourceARN": params["resourceArn"], "tagKeys": params["tagKeys"]})

    def list(self, params: ApiParams) -> ApiParams:
        """Return all tags."""
        found = self._store.list({"resourceARN": params["resourceArn"]})["tags"]
        return {"tags": {tag["key"]: tag["value"] for tag in found}}


def _pairs(params: ApiParams) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in params.get("tags", {}).items()]
