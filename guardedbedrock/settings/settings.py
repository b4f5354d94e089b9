"""
Settings from code, the environment and a TOML file, in this order of precedence; the one place where they are validated.

A key that nobody knows is an error, and so is a file that is not there: what was meant to guard must not be left out in silence.
"""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    ValidationError,
    model_validator,
)
from pydantic_core.core_schema import no_info_wrap_validator_function
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from guardedbedrock.bedrock import Guardrail, Vocabulary
from guardedbedrock.bedrock.guardrail.approved import DRAFT
from guardedbedrock.bedrock.resources.policies import check_attached
from guardedbedrock.iam import PolicySet
from guardedbedrock.settings.policy_files import PolicySources, read_policies
from guardedbedrock.settings.problems import MisfitError, Models, as_list, explain
from guardedbedrock.settings.sources import PREFIX, from_code, from_environment, from_file, merge, places
from guardedbedrock.settings.tables import AuditSettings, RetrySettings
from guardedbedrock.settings.values import (
    ARN_MEND,
    DRAFT_MEND,
    MODELS_MEND,
    PRINCIPAL_MEND,
    PROFILE_MEND,
    UNGUARDED,
    VERSION_MEND,
    ContextKey,
    ContextValue,
    GuardrailArn,
    GuardrailProfile,
    GuardrailVersion,
    ModelList,
    ModelPatterns,
    PrincipalName,
    UnguardedOperation,
    fitting,
)

__all__ = ["GuardrailSettings", "PolicySources", "Settings", "check", "load", "read_policies"]

_NO_GUARDRAIL: Final = (
    f"no guardrail is configured: write [[guardrails]] with arn and version into guardedbedrock.toml, set {PREFIX}GUARDRAILS, "
    'or pass guardrails=[...]; mode = "off" goes without'
)


class GuardrailSettings(BaseModel):
    """An approved guardrail as configured; see `Guardrail`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arn: GuardrailArn = Field(description=ARN_MEND)
    version: GuardrailVersion = Field(description=VERSION_MEND)
    name: str = Field(default="", description='write a name such as "hr", or leave it out')
    tags: dict[str, str] | None = Field(
        None, description='write texts, as in { team = "hr" }, or leave it out where nobody knows'
    )
    profile: GuardrailProfile = Field(default="", description=PROFILE_MEND)
    models: ModelPatterns = Field(default=(), description=MODELS_MEND)

    @model_validator(mode="before")
    @classmethod
    def _from_record(cls, given: Any) -> Any:
        if isinstance(given, Guardrail):
            tags = given.tags and dict(given.tags)
            names = ("arn", "version", "name", "profile", "models")
            return {"tags": tags, **{name: getattr(given, name) for name in names}}
        return given

    @property
    def guardrail(self) -> Guardrail:
        """The guardrail, pinned."""
        return Guardrail(self.arn, self.version, self.name, self.tags, self.profile, self.models)


def _ready_or_sources(_type: Any, schema_of: Any) -> Any:
    """Let compiled policies pass, without the two findings for one mistake that a union reports."""
    return no_info_wrap_validator_function(
        lambda given, sources: given if isinstance(given, PolicySet) else sources(given), schema_of(PolicySources | None)
    )


Policies: TypeAlias = Annotated[PolicySources | PolicySet | None, GetPydanticSchema(_ready_or_sources)]


class Settings(BaseSettings):
    """
    Everything that can be configured, validated; made by `load`.

    Args:
        guardrails: The approved guardrails, each pinned to a version; the first of a region that is for the call's model is the
            one that is injected.
        policies: Where the policies come from; None checks the approved list only.
        principal: ARN of the caller, or ``"caller"`` to ask STS; needed with policies.
        vocabulary: What a guarded call asks of IAM: what AWS asks, or ``bedrock:InvokeModelWithGuardrail``.
        mode: ``report`` logs and goes on, ``off`` does nothing.
        on_unapproved: What happens to a call that names a guardrail which is not approved.
        on_partial: What becomes of a call whose guardrail would look at a part of the prompt only, or at chunks that have arrived
            by then.
        on_indeterminate: Whether a call goes to AWS when the answer hangs on what this process can not know.
        on_intervention: Whether an intervention is a reply or an error.
        on_unguarded_reply: Whether a reply which shows that no guardrail ran, although one was sent, is a reply or an error.
        allow_draft: Whether a guardrail may be approved in version ``DRAFT``, which changes whenever somebody edits it.
        allow_unguarded: Operations that can not carry a guardrail and may go without.
        context: Context keys that are known beyond those of the call, such as ``aws:PrincipalOrgID``.
        enforced: Guardrails that the account or the organization puts on every model call of their region: a caller needs
            ``bedrock:ApplyGuardrail`` on them too.
        profiles: Identifier of an application profile, prompt router or prompt to the IDs or ARNs of its models; of a
            system-defined profile, where AWS's documentation should not be taken for it.
        rcp_applies: Whether a denial by an RCP is a sure one; AWS does not list Bedrock among the services that RCPs reach.
        retry: Attempts, waits and the deadline.
        audit: Where records for auditors go; nowhere unless given.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__", arbitrary_types_allowed=True
    )

    guardrails: tuple[GuardrailSettings, ...] = Field(
        default=(), description="write [[guardrails]] tables, each with arn and version"
    )
    policies: Policies = Field(default=None, description="write a table with keys such as identity and scp")
    principal: PrincipalName | None = Field(default=None, description=PRINCIPAL_MEND)
    vocabulary: Vocabulary = Field(default="aws", description="leave it out for what AWS asks")
    mode: Literal["enforce", "report", "off"] = Field(default="enforce", description='leave it out for "enforce"')
    on_unapproved: Literal["refuse", "replace"] = Field(default="refuse", description='leave it out for "refuse"')
    on_partial: Literal["allow", "warn", "refuse"] = Field(default="warn", description='leave it out for "warn"')
    on_indeterminate: Literal["send", "refuse"] = Field(default="send", description='leave it out for "send"')
    on_intervention: Literal["return", "raise"] = Field(default="return", description='leave it out for "return"')
    on_unguarded_reply: Literal["return", "raise"] = Field(default="return", description='leave it out for "return"')
    allow_draft: bool = Field(default=False, description="leave it out for false")
    allow_unguarded: Annotated[frozenset[UnguardedOperation], BeforeValidator(as_list)] = Field(
        default=frozenset(), description=f"name operations out of {' and '.join(UNGUARDED)}"
    )
    context: dict[ContextKey, ContextValue] = Field(
        default_factory=dict, description='write context keys with their values, as in { "aws:PrincipalOrgID" = "o-1234567890" }'
    )
    enforced: tuple[GuardrailSettings, ...] = Field(
        default=(), description="write [[enforced]] tables, each with arn and version"
    )
    profiles: dict[str, ModelList] = Field(
        default_factory=dict, description='write lists of models, as in { "arn:...:prompt/ABCDEFGHIJ" = ["MODEL-ID-OR-ARN"] }'
    )
    rcp_applies: bool = Field(default=False, description="leave it out for false")
    retry: RetrySettings = Field(default_factory=RetrySettings, description="write a [retry] table, with keys such as attempts")

    audit: AuditSettings | None = Field(default=None, description="write an [audit] table, with keys such as file")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `load` gathered, since it alone can say where a key was given."""
        return (init_settings,)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.guardrails and self.mode != "off":
            raise MisfitError(_NO_GUARDRAIL)
        taken: dict[tuple[str, str], int] = {}
        for index, guardrail in enumerate(self.approved):
            fitting(partial(guardrail.check, self.vocabulary), "guardrails", index, "arn")
            if guardrail.version == DRAFT and not self.allow_draft:
                raise MisfitError(f" is {DRAFT_MEND}", "guardrails", index, "version")
            first = taken.setdefault((guardrail.region, guardrail.name), index)
            if first != index:
                what = f"the name `{guardrail.name}` of guardrails[{first}] again, in the same region"
                raise MisfitError(f" has {what}: give each a name of its own", "guardrails", index)
        for kind, document in self.policies if isinstance(self.policies, PolicySet) else ():
            if kind == "resource":
                fitting(partial(check_attached, document), "policies")
        if self.policies is not None and self.principal is None:
            raise MisfitError(f" needs a principal: set `principal`; {PRINCIPAL_MEND}", "policies")
        return self

    @property
    def advisory_policy_types(self) -> tuple[str, ...]:
        """Policy types whose denials are not sure to come."""
        return () if self.rcp_applies else ("rcp",)

    @property
    def approved(self) -> tuple[Guardrail, ...]:
        """The approved guardrails, in their order."""
        return tuple(each.guardrail for each in self.guardrails)

    def policy_set(self) -> PolicySet | None:
        """
        Read the policies; None when only the approved list is checked.

        Raises:
            PolicySyntaxError: A document can not be read as a policy, or AWS would not attach it to the guardrail it names.
            ConfigurationError: A file can not be read.
        """
        return self.policies.read() if isinstance(self.policies, PolicySources) else self.policies


_MODELS: Final[Models] = {
    "": Settings,
    "guardrails": GuardrailSettings,
    "enforced": GuardrailSettings,
    "policies": PolicySources,
    "retry": RetrySettings,
    "audit": AuditSettings,
}


def load(path: str | Path | None = None, *, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """
    Gather and validate the settings: keyword arguments, then ``GUARDEDBEDROCK_*``, then a TOML file.

    ``policies`` and ``context`` are joined key by key; every other key comes whole from the first that gives it. Names of policy
    files start from the folder of the TOML file that holds them, else from the working directory.

    Args:
        path: TOML file; without it ``GUARDEDBEDROCK_CONFIG``, else ``guardedbedrock.toml`` or ``[tool.guardedbedrock]`` of
            ``pyproject.toml`` in the working directory, else none.
        environ: Environment variables; those of the process unless given.
        overrides: Settings by name; guardrails may be `Guardrail`s, policies a `PolicySet`.

    Raises:
        ConfigurationError: One sentence with the place, the key and the mend.
    """
    here = Path.cwd()
    variables = os.environ if environ is None else environ
    return _settled(from_code(overrides, here), from_environment(variables, Settings, here), from_file(path, variables, here))


def check(**given: Any) -> Settings:
    """
    Validate settings that code gives, whatever file or environment there is.

    Raises:
        ConfigurationError: One sentence with the place, the key and the mend.
    """
    return _settled(from_code(given, Path.cwd()))


def _settled(*found: Any) -> Settings:
    layers = [layer for layer in found if layer]
    for layer in layers:
        layer.check(tuple(Settings.model_fields))
    try:
        return Settings(**merge(layers))
    except ValidationError as error:
        raise explain(error, places(layers), _MODELS) from None
