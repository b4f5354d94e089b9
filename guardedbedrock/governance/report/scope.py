"""The scope of an access report: the principals, models, guardrails and Regions that it asks about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.bedrock import AUTHORIZERS, Caller, EnforcedGuardrail, Guardrail, Inventory
from guardedbedrock.bedrock.authorization.vocabulary import Authorizer
from guardedbedrock.bedrock.caller import UNKNOWN_KEYS, may_be_set
from guardedbedrock.bedrock.guardrail.guardrail import DRAFT
from guardedbedrock.bedrock.resources.models import kind_of
from guardedbedrock.bedrock.resources.profiles import destinations
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam import PolicySet
from guardedbedrock.iam.account.account import Account, describe_gap
from guardedbedrock.iam.account.principals import AccountPrincipal
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.settings.settings import load
from guardedbedrock.sources.rules_of_account import known_context

SituationKind: TypeAlias = Literal["approved", "none", "other"]

_UNLISTED_GUARDRAIL: Final = "unlistedguardrail"
_UNLISTED_MODEL: Final = "unlisted.model-v1:0"
_ANY_ROLE: Final = "role/AnyRole"
_FOUNDATION: Final = "foundation-model/"
_WILDCARDS: Final = str.maketrans({"*": "sample", "?": "x"})


@dataclass(frozen=True, slots=True)
class Subject:
    """
    Principals with equal policies, of whom the policies read equal facts: every request of theirs is decided alike.

    Args:
        principals: Their ARNs. The first one is evaluated.
        policies: Their policies, with the resource-based policies of every resource.
        identity: Their policies without the resource-based ones, for the proof.
        context: Context keys of every call of theirs that are known.
        userid: Unique ID of a user; ``""`` for a role, of which the session is a part.
    """

    principals: tuple[str, ...]
    policies: PolicySet
    identity: PolicySet
    context: Mapping[str, object] = field(default_factory=dict)
    userid: str = ""

    def caller(self, region: str) -> Caller:
        """Return the caller of a call in a Region."""
        unknown = UNKNOWN_KEYS | {key for key in self.policies.reads if may_be_set(key, via_service=False)}
        return Caller(self.principals[0], region, context=self.context, unknown=unknown, userid=self.userid)


@dataclass(frozen=True, slots=True)
class Model:
    """
    A model of the report.

    Args:
        id: ID or ARN that a call names.
        label: How the report names it: its ID, or the pattern of a policy for which `id` is a sample.
        regions: Regions in which it exists; ``()`` for every Region.
        routes: Source Region to destination Regions, for an inference profile.
    """

    id: str
    label: str
    regions: tuple[str, ...] = ()
    routes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Situation:
    """
    Which guardrail a call carries, in which Region.

    Args:
        region: Region of the client.
        kind: ``approved``, ``none``, or ``other`` for a guardrail that is not approved.
        guardrail: The guardrail; None for ``none``.
    """

    region: str
    kind: SituationKind
    guardrail: Guardrail | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """
    Everything that a report is about.

    Args:
        source: Where the policies come from, for the title.
        account: Account ID; ``""`` if it is not known.
        time: When the snapshot was taken; ``""`` if that is not known.
        subjects: The principals, grouped.
        models: The models.
        guardrails: The guardrails that count as approved.
        regions: The Regions.
        inventory: What is known of profiles and guardrails.
        gaps: What could not be read, in sentences.
        assumptions: What the report presumes, in sentences.
        unread: What could not be read and could change every decision on a model call, by Region.
        authorizer: Gives the authorizations of a call.
        rcp_applies: Whether RCPs reach Bedrock for sure.
    """

    source: str
    account: str
    time: str
    subjects: tuple[Subject, ...]
    models: tuple[Model, ...]
    guardrails: tuple[Guardrail, ...]
    regions: tuple[str, ...]
    inventory: Inventory
    gaps: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    unread: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    authorizer: Authorizer = AUTHORIZERS["aws"]
    rcp_applies: bool = False

    @property
    def situations(self) -> tuple[Situation, ...]:
        """The situations, Region by Region: no guardrail, another guardrail, then each approved one of the Region."""
        return tuple(one for region in self.regions for one in self._in_region(region))

    def _in_region(self, region: str) -> Iterator[Situation]:
        yield Situation(region, "none")
        yield Situation(region, "other", self._other(region))
        yield from (Situation(region, "approved", one) for one in self.guardrails if one.region == region)

    def _other(self, region: str) -> Guardrail:
        parts = self.subjects[0].principals[0].split(":") if self.subjects else []
        partition = parts[1] if parts else "aws"
        account = self.account or "123456789012"
        return Guardrail(f"arn:{partition}:bedrock:{region}:{account}:guardrail/{_UNLISTED_GUARDRAIL}", "1")


# -- a snapshot -------------------------------------------------------------------------------------------------------


def of_snapshot(path: str | Path, approved: Sequence[str] = (), models: Sequence[str] = ()) -> Scope:
    """
    Read the scope of a report about an account.

    Args:
        path: A snapshot, or a dump of authorization details.
        approved: The guardrails that count as approved, ``ARN`` or ``ARN:VERSION``; every published version of the snapshot by
            default.
        models: The models, by ID or ARN; those that the policies and the inference profiles name by default.

    Raises:
        ConfigurationError: The file cannot be read, or nothing tells a Region.
        PolicySyntaxError: A policy document cannot be read.
    """
    account = Account.from_snapshot(path)
    try:
        return _of_account(account, str(path), approved, models)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise ConfigurationError(
            f"{path}: a section of the snapshot has the wrong form ({problem}); take a new snapshot"
        ) from None


def _of_account(account: Account, source: str, approved: Sequence[str], models: Sequence[str]) -> Scope:
    snapshot = account.snapshot
    subjects = tuple(_group(account))
    guardrails = tuple(map(_parse_guardrail, approved)) or tuple(_guardrails_of(snapshot))
    enforced = tuple(map(EnforcedGuardrail.from_snapshot, snapshot.get("enforced_guardrails") or ()))
    listed = snapshot.get("guardrails") or ()
    inventory = Inventory(
        tags={one["arn"]: one["tags"] for one in listed if one.get("tags") is not None},
        resolved_models=_resolved_models(snapshot),
        enforced=enforced,
        profiles={one["arn"]: one["profile"] for one in listed if one.get("profile")},
    )
    regions = _regions(guardrails, (*(snapshot.get("regions") or ()), *(one.region for one in enforced)))
    return Scope(
        source=source,
        account=account.id,
        time=str(snapshot.get("time") or ""),
        subjects=subjects,
        models=_given_models(models) or tuple(_models_of(subjects, snapshot)),
        guardrails=guardrails,
        regions=regions,
        inventory=inventory,
        gaps=tuple(dict.fromkeys(describe_gap(gap) for gap in account.gaps)),
        assumptions=("Every published guardrail version of the snapshot counts as approved.",) if not approved else (),
        unread={region: account.unread_enforcement(region) for region in regions},
    )


def _group(account: Account) -> Iterator[Subject]:
    """Group the principals, so that equal policies are evaluated once."""
    by_policies: dict[str, list[AccountPrincipal]] = {}
    for principal in account.principals.values():
        by_policies.setdefault(_policies_key(account, principal), []).append(principal)
    for group in by_policies.values():
        policies = account.policies_for_calls(group[0].arn)
        named = _named_principals(policies)
        by_facts: dict[str, list[AccountPrincipal]] = {}
        for principal in group:
            facts = _facts(account, principal, policies.reads)
            key = json.dumps([facts, principal.arn in named and principal.arn, identify(principal.arn).is_service_linked])
            by_facts.setdefault(key, []).append(principal)
        for alike in by_facts.values():
            first = alike[0]
            yield Subject(
                principals=tuple(one.arn for one in alike),
                policies=policies if first is group[0] else account.policies_for_calls(first.arn),
                identity=account.policy_set(first.arn),
                context=known_context(account, first),
                userid=first.id if first.kind == "user" else "",
            )


def _policies_key(account: Account, principal: AccountPrincipal) -> str:
    """Return equal text for principals with equal policies, whatever their inline policies are called."""
    inline = sorted(json.dumps(document, sort_keys=True, default=str) for document in principal.inline.values())
    gaps = [str(gap) for gap in account.gaps_of(principal.arn)]
    named = [sorted(principal.managed), sorted(principal.groups), sorted(principal.missing), principal.boundary]
    return json.dumps([inline, named, gaps])


def _named_principals(policies: PolicySet) -> frozenset[str]:
    documents = (*policies.documents.get("resource", ()), *policies.documents.get("rcp", ()))
    statements = (statement for document in documents for statement in document.statements)
    return frozenset(value for one in statements for _, value in one.principal or ())


def _facts(account: Account, principal: AccountPrincipal, reads: frozenset[str]) -> list[tuple[str, str]]:
    """Return the facts of a principal that its policies read."""
    userid = principal.id if principal.kind == "user" else ""
    caller = Caller(principal.arn, "", context=known_context(account, principal), userid=userid)
    return sorted((key, str(value)) for key, value in caller.known.items() if key.lower() in reads)


def _guardrails_of(snapshot: Mapping[str, Any]) -> Iterator[Guardrail]:
    """Yield every published version; the DRAFT of a guardrail that has none."""
    for one in snapshot.get("guardrails") or ():
        versions = one.get("versions") or [one.get("version") or DRAFT]
        numbers = [str(each["version"] if isinstance(each, Mapping) else each) for each in versions]
        for version in [number for number in numbers if number != DRAFT] or [DRAFT]:
            yield Guardrail(one["arn"], version, name=str(one.get("name") or ""))


def _parse_guardrail(text: str) -> Guardrail:
    arn, version = text, DRAFT
    head, _, tail = text.rpartition(":")
    if "guardrail/" in head:
        arn, version = head, tail
    try:
        return Guardrail(arn, version)
    except ConfigurationError:
        raise ConfigurationError(
            f"--approved: `{text}` is not an approved guardrail; write `arn:aws:bedrock:REGION:ACCOUNT:guardrail/ID:VERSION`"
        ) from None


def _resolved_models(snapshot: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the models of each profile by ARN: the same ID routes elsewhere in another Region."""
    return {one["arn"]: tuple(one["models"]) for one in snapshot.get("inference_profiles") or ()}


def _regions(guardrails: Iterable[Guardrail], others: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys([*(one.region for one in guardrails), *others]))
    if not found:
        raise ConfigurationError("neither a guardrail nor a Region is known; name a guardrail with --approved ARN:VERSION")
    return found


# -- models -----------------------------------------------------------------------------------------------------------


def _given_models(models: Sequence[str]) -> tuple[Model, ...]:
    for one in models:
        if not _MODEL_ID.fullmatch(one):
            raise ConfigurationError(
                f"--model: `{one}` is not the ID or ARN of a model; write it as in a call, such as `{_EXAMPLE}`"
            )
    return tuple(Model(one, one, routes=_documented_routes(one)) for one in dict.fromkeys(models))


_MODEL_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:/_-]*")
_EXAMPLE: Final = "amazon.nova-lite-v1:0"


def _models_of(subjects: Iterable[Subject], snapshot: Mapping[str, Any]) -> Iterator[Model]:
    """Yield the models that policies and profiles name, a sample for each pattern, and one for every other model."""
    profiles = tuple(snapshot.get("inference_profiles") or ())
    targets = [model.rpartition("/")[2] for one in profiles for model in one["models"]]
    named = sorted({name for subject in subjects for name in _model_names(subject.policies)})
    plain = [name for name in named if not _is_pattern(name)]
    foundation = sorted({one for one in (*plain, *targets) if kind_of(one) != "inference-profile"})
    yield from (Model(one, one) for one in foundation)
    known = {one["id"] for one in profiles}
    for one in sorted({one for one in plain if kind_of(one) == "inference-profile"} - known):
        yield Model(one, one, routes=_documented_routes(one))
    yield from _profiles_of(profiles)
    yield from (Model(name.translate(_WILDCARDS), name) for name in named if _is_pattern(name))
    yield Model(_UNLISTED_MODEL, "every other model")


def _profiles_of(profiles: Sequence[Mapping[str, Any]]) -> Iterator[Model]:
    """Yield each profile once, with the Regions that have it. A call names an application profile by its ARN."""
    by_name: dict[str, dict[str, tuple[str, ...]]] = {}
    for one in profiles:
        name = one["arn"] if one.get("type") == "APPLICATION" else one["id"]
        routes = sorted({_region_of(model) for model in one["models"]} - {""})
        by_name.setdefault(name, {})[one["region"]] = tuple(routes)
    for name, routes_by_region in sorted(by_name.items()):
        yield Model(name, name, tuple(routes_by_region), routes_by_region)


def _region_of(model: str) -> str:
    """Return the Region of a destination; ``""`` if an ID names the model, which has none."""
    return (model.split(":", 5)[3] or "any Region") if model.startswith("arn:") else ""


def _documented_routes(model: str) -> dict[str, tuple[str, ...]]:
    if kind_of(model) != "inference-profile":
        return {}
    profile = model.rpartition("/")[2]
    return {region: routes for region in _SOURCES if (routes := destinations(profile, region))}


_SOURCES: Final = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
    *("eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"),
    *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2"),
)


def _model_names(policies: PolicySet) -> Iterator[str]:
    """Yield the IDs and patterns of models in the resources of policies, except the pattern for every model."""
    for _, document in policies:
        for statement in document.statements:
            for resource in statement.resources:
                kind, slash, name = resource.rpartition("/")
                is_model = slash and kind.endswith((_FOUNDATION.rstrip("/"), ":inference-profile"))
                if is_model and name.strip("*?") and "${" not in name:
                    yield name


def _is_pattern(name: str) -> bool:
    return "*" in name or "?" in name


# -- a configuration --------------------------------------------------------------------------------------------------


def of_configuration(path: str | Path | None, models: Sequence[str] = ()) -> Scope:
    """
    Read the scope of a report about the principal of a configuration.

    Args:
        path: The configuration; None looks where `Guard.from_config` looks.
        models: The models; those that the policies and profiles name by default.

    Raises:
        ConfigurationError: The configuration is invalid, or has no policies or no guardrails.
        PolicySyntaxError: A policy document cannot be read.
    """
    settings = load(path)
    name = str(path or "the configuration")
    policies = settings.policy_set()
    if policies is None:
        raise ConfigurationError(f"{name}: has no policies to report on; add [policies] with files, or give --snapshot FILE")
    guardrails = settings.approved
    if not guardrails:
        raise ConfigurationError(f"{name}: lists no guardrail; write [[guardrails]] with arn and version")
    listed = (*guardrails, *settings.enforced)
    _, partition, _, _, account, _ = guardrails[0].arn.split(":", 5)
    is_named = settings.principal is not None and not settings.asks_sts
    principal = str(settings.principal) if is_named else f"arn:{partition}:iam::{account}:{_ANY_ROLE}"
    subject = Subject((principal,), policies, policies, context=settings.known_context)
    resolved = settings.profiles
    profiles = [
        {"id": key, "arn": key, "models": models_of_it, "region": region}
        for key, models_of_it in resolved.items()
        for region in _regions(guardrails, ())
    ]
    return Scope(
        source=name,
        account=identify(principal).account or account,
        time="",
        subjects=(subject,),
        models=_given_models(models) or tuple(_models_of((subject,), {"inference_profiles": profiles})),
        guardrails=guardrails,
        regions=_regions(guardrails, (one.region for one in settings.enforced)),
        inventory=Inventory(
            tags={one.arn: one.tags for one in listed if one.tags is not None},
            resolved_models=resolved,
            enforced=settings.enforced,
            profiles={one.arn: one.profile for one in listed if one.profile},
            guardrail_on_profiles=settings.guardrail_on_profiles,
        ),
        assumptions=() if is_named else (f"The configuration names no principal; {principal} represents it.",),
        authorizer=AUTHORIZERS[settings.vocabulary],
        rcp_applies=settings.rcp_applies,
    )
