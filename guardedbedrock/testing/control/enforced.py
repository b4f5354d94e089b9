"""PutEnforcedGuardrailConfiguration, ListEnforcedGuardrailsConfiguration, DeleteEnforcedGuardrailConfiguration."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from guardedbedrock.testing.control.errors import conflict, missing
from guardedbedrock.testing.enforcement import FakeEnforcement

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.control.guardrails import Guardrails
    from guardedbedrock.testing.wire import Params


class Enforcement:
    """
    The one configuration that an account has in a region.

    Args:
        guardrails: What it can name.
        principal: Who makes and changes it.
        new_id: Makes an ID that nobody has.
    """

    def __init__(self, guardrails: Guardrails, principal: str, new_id: Callable[[], str]) -> None:
        self._guardrails, self._principal, self._new_id = guardrails, principal, new_id
        self._kept: Params = {}

    @property
    def guardrails(self) -> tuple[FakeEnforcement, ...]:
        """What is enforced: one guardrail, or none."""
        return (_enforcement(self._kept),) if self._kept else ()

    def put(self, params: Params) -> Params:
        """Make the configuration, or change it by its ID."""
        config = params["guardrailInferenceConfig"]
        arn = self._guardrails.arn(config)
        made = self._made(params)
        by = {"updatedAt": datetime.now(UTC), "updatedBy": self._principal}
        named = {"guardrailArn": arn, "guardrailId": arn.rpartition("/")[2], "guardrailVersion": config["guardrailVersion"]}
        optional = {name: config[name] for name in ("selectiveContentGuarding", "modelEnforcement") if name in config}
        self._kept = {**made, **by, **named, **optional, "owner": "ACCOUNT"}
        return {"configId": made["configId"], **by}

    def _made(self, params: Params) -> Params:
        if "configId" in params:
            self._check_id(params["configId"])
        elif self._kept:
            raise conflict(f"the account has the configuration {self._kept['configId']} already; give its ID to change it")
        else:
            return {"configId": self._new_id(), "createdAt": datetime.now(UTC), "createdBy": self._principal}
        return {name: self._kept[name] for name in ("configId", "createdAt", "createdBy")}

    def list(self, _: Params) -> Params:
        """Show the configuration, if there is one."""
        return {"guardrailsConfig": [self._kept] if self._kept else []}

    def delete(self, params: Params) -> Params:
        """Enforce nothing any more."""
        self._check_id(params["configId"])
        self._kept = {}
        return {}

    def check_free(self, arn: str, version: str | None) -> None:
        """
        Accept that a guardrail, or one version of it, is deleted.

        Raises:
            ServiceError: ``ConflictException`` (400) when it is enforced.
        """
        if self._kept.get("guardrailArn") == arn and version in {None, self._kept["guardrailVersion"]}:
            raise conflict(f"the enforced configuration {self._kept['configId']} names the guardrail")

    def _check_id(self, config_id: str) -> None:
        if self._kept.get("configId") != config_id:
            raise missing(f"there is no enforced configuration {config_id}")


def _enforcement(kept: Params) -> FakeEnforcement:
    models, guarding = kept.get("modelEnforcement", {}), kept.get("selectiveContentGuarding", {})
    return FakeEnforcement(
        kept["guardrailArn"],
        kept["guardrailVersion"],
        **guarding,
        included_models=tuple(models.get("includedModels", ("ALL",))),
        excluded_models=tuple(models.get("excludedModels", ())),
        origin="ACCOUNT_ENFORCED",
    )
