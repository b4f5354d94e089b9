"""CreatePromptRouter, GetPromptRouter, ListPromptRouters, DeletePromptRouter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.control.errors import conflict
from guardedbedrock.testing.control.listing import find
from guardedbedrock.testing.wire import ServiceError
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from guardedbedrock.testing.control.tags import TagStore
    from guardedbedrock.testing.wire import ApiParams

_DEFAULT_ROUTERS: Final = {
    "anthropic.claude:1": (
        "Anthropic Prompt Router",
        ("anthropic.claude-3-haiku-20240307-v1:0", "anthropic.claude-3-5-sonnet-20240620-v1:0"),
    ),
    "meta.llama:1": ("Meta Prompt Router", ("meta.llama3-8b-instruct-v1:0", "meta.llama3-1-8b-instruct-v1:0")),
}
"""ID of each default router to its name and models, the fallback model last."""

_QUALITY: Final = 0.05


class PromptRouters:
    """
    The operations on prompt routers. The default routers of AWS exist at the start.

    Args:
        region_account: Region and account.
        tags: The tags of all resources.
        new_id: Returns a new ID.
        resolved_models: ARN of each router and profile to its models; routers are added and removed.
    """

    def __init__(
        self,
        region_account: tuple[str, str],
        tags: TagStore,
        new_id: Callable[[], str],
        resolved_models: MutableMapping[str, tuple[str, ...]],
    ) -> None:
        region, account = region_account
        self._prefix = f"arn:aws:bedrock:{region}:{account}:default-prompt-router/"
        self._tags, self._new_id, self._resolved_models = tags, new_id, resolved_models
        self._routers: dict[str, ApiParams] = {}
        for identifier, (name, models) in _DEFAULT_ROUTERS.items():
            arns = [{"modelArn": f"arn:aws:bedrock:{region}::foundation-model/{model}"} for model in models]
            criteria = {"responseQualityDifference": _QUALITY}
            given = {"promptRouterName": name, "models": arns, "fallbackModel": arns[-1], "routingCriteria": criteria}
            self._put(self._prefix + identifier, given, "default")

    def create(self, params: ApiParams) -> ApiParams:
        """
        Create a router.

        Raises:
            ServiceError: ``ConflictException`` (400) for a name in use.
        """
        if any(router["promptRouterName"] == params["promptRouterName"] for router in self._routers.values()):
            raise conflict(f"The prompt router name {params['promptRouterName']} is already in use.")
        arn = self._prefix + self._new_id()
        self._put(arn, params, "custom")
        self._tags.put(arn, params.get("tags", ()))
        return {"promptRouterArn": arn}

    def get(self, params: ApiParams) -> ApiParams:
        """Return a router."""
        return find(self._routers, params["promptRouterArn"])

    def list(self, params: ApiParams) -> ApiParams:
        """Return all routers, or those of one type."""
        wanted = params.get("type")
        return page("promptRouterSummaries", [one for one in self._routers.values() if wanted in {None, one["type"]}], params)

    def delete(self, params: ApiParams) -> ApiParams:
        """
        Delete a router.

        Raises:
            ServiceError: ``ValidationException`` (400) for a default router.
        """
        router = find(self._routers, params["promptRouterArn"])
        if router["type"] == "default":
            raise ServiceError.invalid("A default prompt router cannot be deleted.")
        del self._routers[router["promptRouterArn"]], self._resolved_models[router["promptRouterArn"]]
        self._tags.remove(router["promptRouterArn"])
        return {}

    def _put(self, arn: str, given: ApiParams, kind: str) -> None:
        now = datetime.now(UTC)
        members = ("promptRouterName", "description", "models", "fallbackModel", "routingCriteria")
        shown = {name: given[name] for name in members if name in given}
        state = {"promptRouterArn": arn, "status": "AVAILABLE", "type": kind, "createdAt": now, "updatedAt": now}
        self._routers[arn] = {**shown, **state}
        self._resolved_models[arn] = tuple(model["modelArn"] for model in given["models"])
