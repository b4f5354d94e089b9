"""The tables ``[[guardrails]]``, ``[retry]`` and ``[audit]`` of the configuration."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, GetPydanticSchema, model_validator
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

from guardedbedrock.bedrock import EnforcedGuardrail, Guardrail
from guardedbedrock.settings.entry import REQUIRED, setting
from guardedbedrock.settings.problems import MisfitError
from guardedbedrock.settings.values import (
    ARN_FIX,
    ENFORCED_MODELS_FIX,
    MODELS_FIX,
    PROFILE_FIX,
    VERSION_FIX,
    EnforcedModels,
    GuardrailArn,
    GuardrailModels,
    GuardrailProfile,
    GuardrailVersion,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Switch,
)
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.stages.retry.quota import CAPACITY


class GuardrailSettings(BaseModel):
    """The table of an approved guardrail; see `Guardrail`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arn: GuardrailArn = setting(REQUIRED, "ARN of the guardrail, without the version.", ARN_FIX)
    version: GuardrailVersion = setting(
        REQUIRED,
        'A published version such as `"3"`, a string; in a file also a number. `"DRAFT"` needs `allow_draft`.',
        VERSION_FIX,
    )
    name: str = setting(
        "",
        "Name for `guard.using`, `guard.choosing`, logs and errors. Defaults to the guardrail ID.",
        'set it to a name such as "hr", or remove it',
    )
    tags: dict[str, str] | None = setting(
        None,
        "Resource tags of the guardrail, for policies with `aws:ResourceTag/...` conditions. Unknown if they are not given.",
        'set it to strings, as in { team = "hr" }, or remove it if the tags are not known',
    )
    profile: GuardrailProfile = setting(
        "", "ID or ARN of the guardrail profile that the guardrail uses across Regions, such as `us.guardrail.v1:0`.", PROFILE_FIX
    )
    models: GuardrailModels = setting(
        (),
        "Patterns of the models that the guardrail is for, with `*` and `?` as in IAM. A pattern matches the model ID, its ARN "
        "and the inference profiles of the model. All models if it is not given.",
        MODELS_FIX,
    )

    @model_validator(mode="before")
    @classmethod
    def _from_record(cls, given: Any) -> Any:
        if isinstance(given, Guardrail):
            tags = given.tags and dict(given.tags)
            lists = {"models", "included_models", "excluded_models"} & cls.model_fields.keys()
            named = {name: found for name in lists if (found := getattr(given, name, ()))}
            return {"tags": tags, **named, **{name: getattr(given, name) for name in ("arn", "version", "name", "profile")}}
        return given

    @property
    def guardrail(self) -> Guardrail:
        """The guardrail as a record."""
        return Guardrail(self.arn, self.version, self.name, self.tags, self.profile, self.models)


class EnforcedSettings(GuardrailSettings):
    """The table of an enforced guardrail; see `EnforcedGuardrail`."""

    included_models: EnforcedModels = setting(
        (),
        'IDs of the models that the guardrail is enforced on, as in its configuration; `["ALL"]` for all models. '
        "If it is not given, it is unknown whether the guardrail is enforced on models that take no guardrail.",
        ENFORCED_MODELS_FIX,
    )
    excluded_models: EnforcedModels = setting(
        (), "IDs of models that the guardrail is not enforced on. They override `included_models`.", ENFORCED_MODELS_FIX
    )

    @model_validator(mode="after")
    def _has_both_lists(self) -> Self:
        if self.excluded_models and not self.included_models:
            raise MisfitError('has `excluded_models` without `included_models`; add `included_models`, such as ["ALL"]')
        return self

    @property
    def guardrail(self) -> EnforcedGuardrail:
        """The guardrail as a record."""
        own = (self.arn, self.version, self.name, self.tags, self.profile, self.models)
        return EnforcedGuardrail(*own, self.included_models, self.excluded_models)


def _validated_as(table: type[GuardrailSettings]) -> Callable[[Any, Any], CoreSchema]:
    return lambda _type, schema_of: no_info_after_validator_function(lambda given: given.guardrail, schema_of(table))


ConfiguredGuardrail: TypeAlias = Annotated[Guardrail, GetPydanticSchema(_validated_as(GuardrailSettings))]
"""A `Guardrail`, given as a `Guardrail` or as a table."""
ConfiguredEnforcement: TypeAlias = Annotated[Guardrail, GetPydanticSchema(_validated_as(EnforcedSettings))]
"""An enforced guardrail, given as a `Guardrail`, as an `EnforcedGuardrail` or as a table."""


class RetrySettings(BaseModel):
    """The table ``[retry]``; see `RetryPolicy`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: PositiveInt = setting(
        3, "Number of attempts, including the first. 1 never retries.", "set it to a whole number such as 3"
    )
    longest_wait: NonNegativeFloat = setting(
        20.0, "Longest wait between two attempts, in seconds.", "set it to seconds such as 20"
    )
    deadline: PositiveFloat | None = setting(
        120.0,
        "Seconds since the beginning of a call after which no further attempt starts.",
        "set it to seconds such as 120",
    )
    capacity: NonNegativeInt = setting(
        CAPACITY,
        "Retry tokens that all calls of a client share. A retry takes tokens, a success returns them. 0 never retries.",
        f"set it to a whole number such as {CAPACITY}",
    )

    @property
    def policy(self) -> RetryPolicy:
        """The settings as a `RetryPolicy`."""
        return RetryPolicy(self.attempts, self.longest_wait, self.deadline, self.capacity)


class AuditSettings(BaseModel):
    """The table ``[audit]``; see `guardedbedrock.auditing`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    records: Literal["denials", "all"] = setting("denials", "The calls to write records for.", 'set it to "denials" or "all"')
    file: str = setting(
        "", "Path of a file of JSON lines, relative to the working directory.", 'set it to a path such as "audit.jsonl"'
    )
    file_bytes: NonNegativeInt = setting(
        10_000_000, "Size in bytes at which a new file starts. 0 never starts a new file.", "set it to a number of bytes"
    )
    file_count: NonNegativeInt = setting(5, "Number of old files to keep.", "set it to a whole number such as 5")
    fsync: Switch = setting(False, "Flush each record to the disk before the call continues.", "set it to true or false")  # noqa: FBT003
    logger: str = setting(
        "", "Name of a standard-library logger.", 'set it to the name of a logger such as "guardedbedrock.audit"'
    )
    log_group: str = setting("", "Name of a CloudWatch Logs log group.", "set it to the name of a log group")
    log_stream: str = setting(
        "", "Name of the log stream. Defaults to one per process.", "set it to the name of a log stream, or remove it"
    )
    region: str = setting(
        "",
        "Region of the log group. Defaults to the Region of the session.",
        'set it to a Region such as "us-east-1", or remove it',
    )
    alert_above: NonNegativeInt | None = setting(
        None, "Number of denials within `alert_within` to tolerate.", "set it to a whole number such as 10"
    )
    alert_within: PositiveFloat = setting(
        300.0, "Length of the window for `alert_above`, in seconds.", "set it to seconds such as 300"
    )
    alert_topic: str = setting(
        "",
        "ARN of the Amazon SNS topic to notify when there are more denials than `alert_above`.",
        "set it to the ARN of an SNS topic",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not (self.file or self.logger or self.log_group or self.alert_topic):
            given = " and ".join(sorted(self.model_fields_set - {"file", "logger", "log_group", "alert_topic"}))
            problem = f"{given} without a destination" if given else "names no destination"
            raise MisfitError(f"{problem}; set file, logger, log_group or alert_topic, or remove [audit]")
        if (self.alert_above is None) != (not self.alert_topic):
            raise MisfitError("alert_above and alert_topic need each other; set both, or pass a DenialAlert with a hook in code")
        return self
