"""TagResource, UntagResource, ListTagsForResource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.control.errors import not_found, too_many_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

    from guardedbedrock.testing.wire import ApiParams

_MAX_TAGS: Final = 50  # of one resource


class TagStore:
    """
    The tags of the resources in one region.

    Args:
        tags: ARN of each taggable resource to its tags. It is changed in place, and the tags of a resource are replaced as a
            whole, because other threads read them.
        region: Resources of another region are not found.
    """

    def __init__(self, tags: MutableMapping[str, Mapping[str, str]], region: str) -> None:
        self._tags, self._region = tags, region

    def tag(self, params: ApiParams) -> ApiParams:
        """Add or change tags."""
        arn = self._existing(params)
        self._tags[arn] = checked({**self._tags[arn], **_pairs(params["tags"])})
        return {}

    def untag(self, params: ApiParams) -> ApiParams:
        """Remove tags. Unknown keys are ignored."""
        arn = self._existing(params)
        self._tags[arn] = {key: value for key, value in self._tags[arn].items() if key not in params["tagKeys"]}
        return {}

    def list(self, params: ApiParams) -> ApiParams:
        """Return all tags."""
        return {"tags": [{"key": key, "value": value} for key, value in self._tags[self._existing(params)].items()]}

    def put(self, arn: str, given: Iterable[Mapping[str, Any]]) -> None:
        """Set the tags of a new resource."""
        self._tags[arn] = checked(_pairs(given))

    def remove(self, arn: str) -> None:
        """Remove a deleted resource."""
        self._tags.pop(arn, None)

    def _existing(self, params: ApiParams) -> str:
        arn = str(params["resourceARN"])
        if arn not in self._tags or arn.split(":")[3] != self._region:
            raise not_found(f"unknown resource {arn}")
        return arn


def checked(tags: dict[str, str]) -> dict[str, str]:
    """
    Check the number of tags of a resource, and return the tags.

    Raises:
        ServiceError: ``TooManyTagsException`` (400).
    """
    if len(tags) > _MAX_TAGS:
        raise too_many_tags(f"tags: expected at most {_MAX_TAGS}, got {len(tags)}")
    return tags


def _pairs(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in tags}
