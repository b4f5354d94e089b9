"""TagResource, UntagResource, ListTagsForResource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.control.errors import missing, too_many_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

    from guardedbedrock.testing.wire import Params

_MOST: Final = 50  # tags on one resource


class Tags:
    """
    The tags of one region's resources.

    Args:
        tags: ARN to tags, for every resource that takes tags. Changed in place; tags of one resource are replaced as a whole,
            because others read them at any time.
        region: What stands elsewhere is not found.
    """

    def __init__(self, tags: MutableMapping[str, Mapping[str, str]], region: str) -> None:
        self._tags, self._region = tags, region

    def tag(self, params: Params) -> Params:
        """Add tags, or change their values."""
        arn = self._existing(params)
        self._tags[arn] = checked({**self._tags[arn], **_pairs(params["tags"])})
        return {}

    def untag(self, params: Params) -> Params:
        """Take tags away; those that are not there are no error."""
        arn = self._existing(params)
        self._tags[arn] = {key: value for key, value in self._tags[arn].items() if key not in params["tagKeys"]}
        return {}

    def list(self, params: Params) -> Params:
        """Show all tags."""
        return {"tags": [{"key": key, "value": value} for key, value in self._tags[self._existing(params)].items()]}

    def put(self, arn: str, given: Iterable[Mapping[str, Any]]) -> None:
        """Begin to keep tags for a new resource."""
        self._tags[arn] = checked(_pairs(given))

    def drop(self, arn: str) -> None:
        """Forget a resource."""
        self._tags.pop(arn, None)

    def _existing(self, params: Params) -> str:
        arn = str(params["resourceARN"])
        if arn not in self._tags or arn.split(":")[3] != self._region:
            raise missing(f"there is no resource {arn} here that has tags")
        return arn


def checked(tags: dict[str, str]) -> dict[str, str]:
    """
    Accept the tags of one resource.

    Raises:
        ServiceError: ``TooManyTagsException`` (400).
    """
    if len(tags) > _MOST:
        raise too_many_tags(f"a resource has at most {_MOST} tags, and these are {len(tags)}")
    return tags


def _pairs(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in tags}
