"""PutEnforcedGuardrailConfiguration, ListEnforcedGuardrailsConfiguration, DeleteEnforcedGuardrailConfiguration."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from guardedbedrock.testing.control.errors import conflict, not_found
from guardedbedrock.testing.resources.enforcement import FakeEnforcement

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.control.guardrails.operations import GuardrailOperations
    from guardedbedrock.testing.wire import ApiParams


class EnforcedConfiguration:
    """
    The enforced configuration. An account has at most one in a region.

    Args:
        guardrails: The guardrails that it can name.
        principal: ARN of the principal that creates and changes it.
        new_id: Returns a new ID.
    """

    def __init__(self, guardrails: GuardrailOperations, principal: str, new_id: Callable[[], str]) -> None:
        self._guardrails, self._principal, self._new_id = guardrails, principal, new_id
        self._configuration: ApiParams = {}

    @property
    def guardrails(self) -> tuple[FakeEnforcement, ...]:
        """The enforced guardrail, if there is one."""
        return (_enforcement(self._configuration),) if self._configuration else ()

    def put(self, params: ApiParams) -> ApiParams:
        """Create the configuration, or change it by its ID."""
        config = params["guardrailInferenceConfig"]
        arn = self._guardrails.arn(config)
        created = self._created(params)
        by = {"updatedAt": datetime.now(UTC), "updatedBy": self._principal}
        named = {"guardrailArn": arn, "guardrailId": arn.rpartition("/")[2], "guardrailVersion": config["guardrailVersion"]}
        optional = {name: config[name] for name in ("selectiveContentGuarding", "modelEnforcement") if name in config}
        self._configuration = {**created, **by, **named, **optional, "owner": "ACCOUNT"}
        return {"configId": created["configId"], **by}

    def _created(self, params: ApiParams) -> ApiParams:
        if "configId" in params:
            self._check_id(params["configId"])
        elif self._configuration:
            raise conflict(f"configId: missing; the account already has the configuration {self._configuration['configId']}")
        else:
            return {"configId": self._new_id(), "createdAt": datetime.now(UTC), "createdBy": self._principal}
        return {name: self._configuration[name] for name in ("configId", "createdAt", "createdBy")}

    def list(self, _: ApiParams) -> ApiParams:
        """Return the configuration, if there is one."""
        return {"guardrailsConfig": [self._configuration] if self._configuration else []}

    def delete(self, params: ApiParams) -> ApiParams:
        """Delete the configuration."""
        self._check_id(params["configId"])
        self._configuration = {}
        return {}

    def check_not_enforced(self, arn: str, version: str | None) -> None:
        """
        Check that a guardrail, or one version of it, can be deleted.

        Raises:
            ServiceError: ``ConflictException`` (400) if it is enforced.
        """
        if self._configuration.get("guardrailArn") == arn and version in {None, self._configuration["guardrailVersion"]}:
            raise conflict(f"the enforced configuration {self._configuration['configId']} names the guardrail")

    def _check_id(self, config_id: str) -> None:
        if self._configuration.get("configId") != config_id:
            raise not_found(f"unknown enforced configuration {config_id}")


def _enforcement(configuration: ApiParams) -> FakeEnforcement:
    models, guarding = configuration.get("modelEnforcement", {}), configuration.get("selectiveContentGuarding", {})
    return FakeEnforcement(
        configuration["guardrailArn"],
        configuration["guardrailVersion"],
        **guarding,
        included_models=tuple(models.get("includedModels", ("ALL",))),
        excluded_models=tuple(models.get("excludedModels", ())),
        origin="ACCOUNT_ENFORCED",
    )
