"""The scope of an access report: the principals, models, guardrails and Regions that it asks about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from guardedbedrock.bedrock import AUTHORIZERS, Caller, Guardrail, Inventory
from guardedbedrock.bedrock.authorization.vocabulary import Authorizer
from guardedbedrock.bedrock.caller import UNKNOWN_KEYS, may_be_set
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam import PolicySet

SituationKind: TypeAlias = Literal["approved", "none", "other"]

_UNLISTED_GUARDRAIL: Final = "unlistedguardrail"


@dataclass(frozen=True, slots=True)
class PrincipalGroup:
    """
    Principals with equal policies and equal values of all facts that these policies read. One evaluation is enough for all.

    Args:
        principals: Their ARNs. The first one is evaluated.
        policies: Their policies, with the resource-based policies of every resource.
        identity: Their policies without the resource-based ones, for the proof.
        context: The known context keys of every call that they make.
        userid: Unique ID of a user; ``""`` for a role, whose ``aws:userid`` also contains the session name.
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
class ReportedModel:
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
        groups: The principals, in groups.
        models: The models.
        guardrails: The guardrails that count as approved.
        regions: The Regions.
        inventory: The known profiles and guardrails.
        gaps: What could not be read, in sentences.
        assumptions: What the report assumes, in sentences.
        unread: What could not be read and could change every decision on a model call, by Region.
        authorizer: Returns the authorizations of a call.
        rcp_applies: Whether RCPs certainly apply to Bedrock.
    """

    source: str
    account: str
    time: str
    groups: tuple[PrincipalGroup, ...]
    models: tuple[ReportedModel, ...]
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
        parts = self.groups[0].principals[0].split(":") if self.groups else []
        partition = parts[1] if parts else "aws"
        account = self.account or "123456789012"
        return Guardrail(f"arn:{partition}:bedrock:{region}:{account}:guardrail/{_UNLISTED_GUARDRAIL}", "1")


def regions_of(guardrails: Iterable[Guardrail], others: Iterable[str]) -> tuple[str, ...]:
    """
    Return the Regions of guardrails, and further ones.

    Raises:
        ConfigurationError: No Region is known.
    """
    found = tuple(dict.fromkeys([*(one.region for one in guardrails), *others]))
    if not found:
        raise ConfigurationError("neither a guardrail nor a Region is known; name a guardrail with --approved ARN:VERSION")
    return found
