"""
The definition of every setting, and `load`, which gathers settings from code, the environment and a TOML file.

To add a setting, write one entry in `Settings`, one keyword in `Guard` and, if the stages read it, one field in `Rules`;
``make docs`` writes the reference page.
An unknown key or a missing file is an error: a misspelt setting must not weaken a guard silently.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetPydanticSchema, ValidationError, model_validator
from pydantic_core.core_schema import no_info_wrap_validator_function

from guardedbedrock.bedrock import Guardrail, Vocabulary
from guardedbedrock.bedrock.authorization.vocabulary import check_guardrail_id
from guardedbedrock.bedrock.guardrail.guardrail import DRAFT
from guardedbedrock.bedrock.resources.inventory import GuardrailOnProfiles
from guardedbedrock.bedrock.resources.resource_policies import check_attached
from guardedbedrock.bedrock.resources.unsupported_models import UnsupportedModels
from guardedbedrock.core.rules import (
    Mode,
    OnIndeterminate,
    OnIndirect,
    OnIntervention,
    OnMantle,
    OnPartial,
    OnUnapproved,
    OnUnavailable,
    OnUnguardedReply,
)
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam import PolicySet
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.settings.entry import setting
from guardedbedrock.settings.layers import (
    FILE,
    PREFIX,
    Layer,
    default_files,
    from_code,
    from_environment,
    from_file,
    location_writer,
    merge,
)
from guardedbedrock.settings.policy_files import PolicyTable, read_policies
from guardedbedrock.settings.problems import MisfitError, Models, as_list, explain
from guardedbedrock.settings.tables import (
    AuditSettings,
    ConfiguredEnforcement,
    ConfiguredGuardrail,
    EnforcedSettings,
    GuardrailSettings,
    RetrySettings,
)
from guardedbedrock.settings.values import (
    CALLER,
    DRAFT_PROBLEM,
    PRINCIPAL_FIX,
    ROLE_ARN_FIX,
    UNGUARDED,
    GuardrailVersion,
    KnownContext,
    ModelList,
    ModelPatterns,
    PositiveFloat,
    PrincipalName,
    RoleArn,
    Switch,
    UnguardedOperation,
    check_at,
)
from guardedbedrock.sources.names import GuardrailSource, PolicySource, guardrail_source
from guardedbedrock.sources.settings import SourceSettings

__all__ = ["GuardrailSettings", "PolicyTable", "Settings", "check", "load", "read_policies"]

_NO_GUARDRAIL: Final = (
    f"no guardrail is configured; write [[guardrails]] with arn and version into {FILE}, set {PREFIX}GUARDRAILS, "
    'or pass guardrails=[...]; mode = "off" needs none'
)
_PROFILES_FIX: Final = 'map identifiers to lists of models, as in { "arn:...:prompt/ABCDEFGHIJ" = ["MODEL-ID-OR-ARN"] }'


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"


def _compiled_or_sources(_type: Any, schema_of: Any) -> Any:
    """Accept a compiled `PolicySet`. A union would report two findings for one mistake."""
    return no_info_wrap_validator_function(
        lambda given, sources: given if isinstance(given, PolicySet | PolicySource) else sources(given),
        schema_of(PolicyTable | None),
    )


def _source_or_tables(_type: Any, schema_of: Any) -> Any:
    """Accept the name of a source of guardrails, or the tables of guardrails."""
    return no_info_wrap_validator_function(
        lambda given, tables: guardrail_source(given) or tables(given), schema_of(tuple[ConfiguredGuardrail, ...])
    )


PoliciesSetting: TypeAlias = Annotated[PolicyTable | PolicySet | PolicySource | None, GetPydanticSchema(_compiled_or_sources)]
Guardrails: TypeAlias = Annotated[tuple[ConfiguredGuardrail, ...] | GuardrailSource, GetPydanticSchema(_source_or_tables)]


class Settings(BaseModel):
    """All settings, validated. Use `load` to create it: an error of `load` says where a wrong value was given."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    guardrails: Guardrails = setting(
        (),
        "The approved guardrails. The first one whose Region is that of the client and whose `models` match is injected. "
        '`"account"` approves every READY guardrail of the account; a table of tags approves only those with these tags. See '
        "[sources](sources.md).",
        'write [[guardrails]] tables, each with arn and version, or set it to "account" or to a table of tags',
    )
    policies: PoliciesSetting = setting(
        None,
        "The policies to check each call against before it is sent. Without it, only the list of approved guardrails is checked. "
        '`"account"`, `"snapshot:FILE"` and `"s3://BUCKET/KEY"` name a source that is read again; see [sources](sources.md).',
        'write a table with keys such as identity and scp, or set it to "account" or "snapshot:FILE"',
    )
    principal: PrincipalName | None = setting(
        None,
        'ARN of the user, role or session that signs the calls, or `"caller"` to ask STS once, at the first call. Required '
        "with `policies`.",
        PRINCIPAL_FIX,
    )
    role_arn: RoleArn | None = setting(
        None,
        "ARN of the role of the session, with its path. A session ARN does not contain the path, so conditions on "
        '`aws:PrincipalArn` that depend on it are `indeterminate` without this setting. With `principal = "caller"`, '
        "the guard reads the ARN with `iam:GetRole`, if the role may call that operation.",
        ROLE_ARN_FIX,
    )
    vocabulary: Vocabulary = setting(
        "aws",
        'The actions that a guarded call needs: those of AWS, or `bedrock:InvokeModelWithGuardrail` (`"invoke-with-guardrail"`), '
        "which some articles teach and AWS does not have.",
        'set it to "aws", or remove it',
    )
    mode: Mode = setting(
        "enforce",
        '`"enforce"` refuses, `"report"` injects guardrails, sends every call and reports what would be refused, '
        '`"off"` does nothing.',
        'set it to "enforce", or remove it',
    )
    on_unapproved: OnUnapproved = setting(
        "refuse",
        "What to do with a call that names a guardrail or version that is not approved: refuse it, or replace the guardrail.",
        'set it to "refuse", or remove it',
    )
    on_partial: OnPartial = setting(
        "warn",
        "What to do with a call whose guardrail checks only a part of the prompt (`guardContent` beside other content, input "
        "tags), or checks a stream too late (`streamProcessingMode` async).",
        'set it to "warn", or remove it',
    )
    on_indeterminate: OnIndeterminate = setting(
        "send",
        "What to do with a call whose decision by the configured policies is `indeterminate`.",
        'set it to "send", or remove it',
    )
    on_intervention: OnIntervention = setting(
        "return",
        "What to do when a guardrail intervenes: return the reply, or raise `GuardrailInterventionError`.",
        'set it to "return", or remove it',
    )
    on_unguarded_reply: OnUnguardedReply = setting(
        "return",
        "What to do with a reply which shows that no guardrail ran although one was sent: return it, or raise "
        "`UnguardedReplyError`.",
        'set it to "return", or remove it',
    )
    on_mantle: OnMantle = setting(
        "refuse",
        "What to do with a request to `bedrock-mantle`, which has no guardrails: refuse it, or send it and report it. "
        "This concerns HTTP clients of the guard and `install(strict=True)`.",
        'set it to "refuse", or remove it',
    )
    allow_draft: Switch = setting(
        default=False,
        description="Allow `DRAFT` as an approved version. The draft changes whenever the guardrail is edited.",
        fix="set it to true or false",
    )
    allow_unguarded: Annotated[frozenset[UnguardedOperation], BeforeValidator(as_list)] = setting(
        frozenset(),
        f"Operations that cannot carry a guardrail and may be called without one: {_listed(f'`{op}`' for op in UNGUARDED)}.",
        f"name operations out of {', '.join(UNGUARDED)}",
    )
    on_indirect: OnIndirect = setting(
        "warn",
        "What to do with a call that makes AWS call models where the call cannot name a guardrail (agents, flows, prompt "
        "optimization, query generation, reranking, data automation): refuse it, verify that an approved guardrail is attached "
        "to the agent or flow, send it and report it, or send it.",
        'set it to "warn", or remove it',
    )
    unsupported_models: UnsupportedModels = setting(
        "send",
        "What to do with a call to an embedding or rerank model, which takes no guardrail and generates no text: send it without "
        "a guardrail and report it, or refuse it. Calls to other models that take no guardrail are refused.",
        'set it to "send", or remove it',
    )
    models_without_guardrail: ModelPatterns = setting(
        (),
        "Patterns of IDs of further models that take no guardrail and may be called without one, such as `acme.embed-*`.",
        'list model ID patterns, such as ["acme.embed-*"]',
    )
    guardrail_on_profiles: GuardrailOnProfiles = setting(
        "unknown",
        "Whether AWS sets `bedrock:GuardrailIdentifier` on the authorization of an inference profile; AWS does not document it. "
        "Set it to what you tested in your account. With `unknown`, decisions that depend on it are `indeterminate`.",
        'set it to "unknown", or remove it',
    )
    context: KnownContext = setting(
        None,
        "Condition keys that have the same value in every call, such as `aws:PrincipalOrgID`.",
        'map context keys to values, as in { "aws:PrincipalOrgID" = "o-1234567890" }',
        factory=dict,
    )
    enforced: tuple[ConfiguredEnforcement, ...] = setting(
        (),
        "Guardrails that the account or the organization enforces on the model calls of their Region. A caller needs "
        "`bedrock:ApplyGuardrail` on them, too.",
        "write [[enforced]] tables, each with arn and version",
    )
    profiles: dict[str, ModelList] = setting(
        None,
        "The models of application inference profiles, prompt routers and prompts, by identifier. "
        "`guardedbedrock.models_behind` reads them from AWS. An entry for a system-defined profile overrides what AWS documents.",
        _PROFILES_FIX,
        factory=dict,
    )
    guardrail_versions: dict[str, GuardrailVersion] = setting(
        None,
        "Pinned versions of guardrails that come from the account, by name, ID or ARN. The others get their highest version.",
        'map guardrails to versions, as in { hr = "3" }',
        factory=dict,
    )
    refresh: PositiveFloat = setting(
        3600.0,
        "Seconds between two reads of a source of policies or guardrails, on average. At most half of `max_stale` is used.",
        "set it to seconds such as 3600",
    )
    max_stale: PositiveFloat = setting(
        86400.0,
        "Seconds for which the data of a source stays in use after a successful read, if no later read succeeds.",
        "set it to seconds such as 86400",
    )
    max_age: PositiveFloat | None = setting(
        None,
        "Greatest accepted age of a snapshot, in seconds. Without it, every age is accepted.",
        "set it to seconds such as 86400",
    )
    on_unavailable: OnUnavailable = setting(
        "deny",
        "What to do with a call while a source is unavailable: refuse it with `PreflightUnavailableError`, or send it without "
        "checking policies. A call is never sent without an approved guardrail.",
        'set it to "deny", or remove it',
    )
    rcp_applies: Switch = setting(
        default=False,
        description="Treat a denial by a resource control policy as final. AWS does not list Bedrock among the services of RCPs.",
        fix="set it to true or false",
    )
    retry: RetrySettings = setting(
        None,
        "Retries of the guard. It is not used where botocore retries: see the order of precedence below.",
        "write a [retry] table, with keys such as attempts",
        factory=RetrySettings,
    )
    audit: AuditSettings | None = setting(
        None,
        "Where to write records for auditors. Without it, no records are written.",
        "write an [audit] table, with keys such as file",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.guardrails and self.mode != "off":
            raise MisfitError(_NO_GUARDRAIL)
        taken: dict[tuple[str, str], int] = {}
        for index, guardrail in enumerate(self.approved):
            check_at(partial(check_guardrail_id, guardrail, self.vocabulary), "guardrails", index, "arn")
            if guardrail.version == DRAFT and not self.allow_draft:
                raise MisfitError(DRAFT_PROBLEM, "guardrails", index, "version")
            first = taken.setdefault((guardrail.region, guardrail.name), index)
            if first != index:
                what = f"has the same name and Region as guardrails[{first}] (`{guardrail.name}`)"
                raise MisfitError(f"{what}; set a different name", "guardrails", index)
        for index, guardrail in enumerate(self.enforced):
            if guardrail.version == DRAFT:
                raise MisfitError('AWS enforces only published versions; set it to one such as "3"', "enforced", index, "version")
        for kind, document in self.policies if isinstance(self.policies, PolicySet) else ():
            if kind == "resource":
                check_at(partial(check_attached, document), "policies")
        if self.policies is not None and self.principal is None and not isinstance(self.policies, PolicySource):
            raise MisfitError(f"needs a principal; set `principal`, or remove `policies` ({PRINCIPAL_FIX})", "policies")
        self._check_role()
        self._check_sources()
        return self

    def _check_sources(self) -> None:
        """Reject a source without a name, and pinned versions and a greatest age without a source that would use them."""
        if self.guardrail_versions and not isinstance(self.guardrails, GuardrailSource):
            raise MisfitError(
                'pins guardrails of the account only; set the version in [[guardrails]], or set guardrails = "account"',
                "guardrail_versions",
            )
        source = self.policies.kind if isinstance(self.policies, PolicySource) else None
        if isinstance(self.policies, PolicySource) and source == "snapshot" and not self.policies.location:
            raise MisfitError("names no snapshot; write snapshot:FILE", "policies")
        if self.max_age is not None and source not in {"snapshot", "s3"}:
            raise MisfitError(
                'limits the age of a snapshot only; set policies = "snapshot:FILE" or "s3://BUCKET/KEY", or remove max_age',
                "max_age",
            )

    def _check_role(self) -> None:
        """Reject a role that cannot be the role of the principal's session."""
        if self.role_arn is None or self.asks_sts:
            return
        principal, role = identify(self.principal or ""), identify(self.role_arn)
        if principal.kind != "assumed-role":
            raise MisfitError('needs a role session; set principal = "caller" or a session ARN, or remove role_arn', "role_arn")
        if (principal.account, principal.role_name) != (role.account, role.role_name):
            raise MisfitError("not the role of the session in `principal`; correct one of them", "role_arn")

    @property
    def advisory_policy_types(self) -> tuple[str, ...]:
        """Policy types whose denials are not final."""
        return () if self.rcp_applies else ("rcp",)

    @property
    def approved(self) -> tuple[Guardrail, ...]:
        """The approved guardrails of the configuration, in their order; ``()`` if they come from the account."""
        return () if isinstance(self.guardrails, GuardrailSource) else self.guardrails

    @property
    def asks_sts(self) -> bool:
        """Whether the principal is the owner of the credentials."""
        return self.principal == CALLER or (self.principal is None and isinstance(self.policies, PolicySource))

    @property
    def known_context(self) -> dict[str, str | tuple[str, ...]]:
        """The condition keys of every call: those of `context`, and `aws:PrincipalArn` if `role_arn` is set."""
        return {**({"aws:PrincipalArn": self.role_arn} if self.role_arn else {}), **self.context}

    def policy_set(self) -> PolicySet | None:
        """
        Read the policies; None when only the list of approved guardrails is checked, or when a source has the policies.

        Raises:
            PolicySyntaxError: A document is not a policy, or AWS would not attach it to the guardrail that it names.
            SourceError: A file cannot be read.
        """
        if isinstance(self.policies, PolicySource):
            return None
        return self.policies.read() if isinstance(self.policies, PolicyTable) else self.policies

    def source(self, now: Callable[[], datetime]) -> SourceSettings:
        """
        Return the settings of the source of policies and guardrails.

        Args:
            now: Returns the current time.
        """
        return SourceSettings(
            policies=self.policies if isinstance(self.policies, PolicySource) else None,
            guardrails=self.guardrails if isinstance(self.guardrails, GuardrailSource) else None,
            guardrail_versions=self.guardrail_versions,
            principal="" if self.asks_sts else self.principal or "",
            refresh=self.refresh,
            max_stale=self.max_stale,
            max_age=self.max_age,
            now=now,
        )


MODELS: Final[Models] = {
    "": Settings,
    "guardrails": GuardrailSettings,
    "enforced": EnforcedSettings,
    "policies": PolicyTable,
    "retry": RetrySettings,
    "audit": AuditSettings,
}
"""The model of each table, by its key; ``""`` is the top level."""


def load(path: str | Path | None = None, *, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """
    Gather and validate the settings.

    For each key, the first of these sources that has it wins:

    1. keyword arguments,
    2. environment variables ``GUARDEDBEDROCK_*``,
    3. the TOML file.

    ``policies`` and ``context`` are merged key by key. Relative paths of policy files start from the folder of the TOML file that
    holds them, otherwise from the working directory.

    Args:
        path: TOML file. Without it: ``GUARDEDBEDROCK_CONFIG``, then ``guardedbedrock.toml`` in the working directory, then
            ``[tool.guardedbedrock]`` of ``pyproject.toml`` there.
        environ: Environment variables; those of the process unless given.
        overrides: Settings by name; guardrails may be `Guardrail` records, policies a `PolicySet`.

    Raises:
        ConfigurationError: One sentence that says what is wrong, where, and how to fix it.
    """
    here = Path.cwd()
    variables = os.environ if environ is None else environ
    file = from_file(path, variables, here)
    searched = f"; {file.name} was read" if file else f"; looked for {' and '.join(map(str, default_files(here)))}"
    return _validated(
        [from_code(overrides, here), from_environment(variables, Settings.model_fields, here), *([file] if file else [])],
        searched,
    )


def check(**given: Any) -> Settings:
    """
    Validate settings that are given in code, without looking at files or the environment.

    Raises:
        ConfigurationError: One sentence that says what is wrong, where, and how to fix it.
    """
    return _validated([from_code(given, Path.cwd())])


def _validated(layers: list[Layer], searched: str = "") -> Settings:
    for layer in layers:
        layer.check(tuple(Settings.model_fields))
    try:
        return Settings(**merge(layers))
    except ValidationError as error:
        problem = explain(error, location_writer(layers), MODELS)
        if str(problem) == _NO_GUARDRAIL:
            problem = ConfigurationError(f"{_NO_GUARDRAIL}{searched}")
        raise problem from None
