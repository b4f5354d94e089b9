"""An account: its principals, their policies of every type, and who can do what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from typing import Any, Final, Self

from guardedbedrock._root import ConfigurationError
from guardedbedrock.iam.account.documents import read_document
from guardedbedrock.iam.account.principals import AccountPrincipal, PrincipalKeys, keys_of
from guardedbedrock.iam.account.shapes import check_shapes
from guardedbedrock.iam.account.snapshot import read_snapshot
from guardedbedrock.iam.decision.decisions import Decision
from guardedbedrock.iam.decision.policy_set import PolicySet
from guardedbedrock.iam.engine.gaps import Gap
from guardedbedrock.iam.language.documents import POLICY_TYPES, PolicyDocument, PolicyType
from guardedbedrock.iam.language.parser import parse
from guardedbedrock.iam.matching.arns import PARTS, split
from guardedbedrock.iam.matching.principals import without_path
from guardedbedrock.iam.matching.requests import Request

_SETS_KEPT: Final = 256
_ACCOUNT: Final = PARTS.index("account")
_GUARDRAIL_SECTIONS: Final = ("guardrails", "resource")
"""Sections of gaps that leave resource-based policies unread: those of guardrails that could not be listed are unknown too."""
_NAMES: Final = {
    "identity": "identity-based policies",
    "boundary": "permissions boundary",
    "scp": "service control policies",
    "rcp": "resource control policies",
    "resource": "resource-based policy",
    "enforced_guardrails": "enforced guardrails",
    "inference_profiles": "inference profiles",
    "managed_policies": "managed policies",
    "last_accessed": "last-accessed data",
}
"""Section of a gap to its name in sentences."""


@dataclass(frozen=True, slots=True)
class Access:
    """
    The decision for one principal.

    Args:
        principal: ARN of the principal.
        decision: What its policies decide.
    """

    principal: str
    decision: Decision


class Account:
    """
    The principals of an account with their policies, read from a snapshot.

    A policy that could not be read is a gap: a decision that could depend on it is `indeterminate`, with the gap among its
    `reasons`.

        account = Account.from_snapshot("snapshot.json")
        policies = account.policy_set("arn:aws:iam::123456789012:role/App")
        for access in account.who_can("bedrock:InvokeModel", "arn:aws:bedrock:us-east-1::foundation-model/m", {}):
            print(access.principal, access.decision.outcome)

    Attributes:
        principals: ARN to `AccountPrincipal`.
        snapshot: The snapshot, as a JSON object.
    """

    def __init__(self, snapshot: Mapping[str, Any]) -> None:
        self.snapshot = snapshot
        self._managed: dict[tuple[str, PolicyType], PolicyDocument] = {}
        check_shapes(snapshot, "snapshot")
        self.principals: Mapping[str, AccountPrincipal] = {
            arn: self._principal(arn, entry) for arn, entry in sorted((snapshot.get("principals") or {}).items())
        }
        self._levels = {kind: self._read_levels(kind) for kind in ("scp", "rcp")}
        # A gap may name a role without its path: the reader may have known only a session. None owns the gaps of all principals.
        self._gaps: dict[str | None, list[Mapping[str, Any]]] = {}
        for gap in self.gaps:
            owner = gap.get("principal")
            self._gaps.setdefault(None if owner is None else without_path(owner), []).append(gap)
        # Keyed by the arguments of `_build`: a report asks about one principal for many models and guardrails in a row.
        self._sets = lru_cache(maxsize=_SETS_KEPT)(self._build)

    @classmethod
    def from_snapshot(cls, source: Mapping[str, Any] | str | PathLike[str]) -> Self:
        """
        Read an account from a snapshot, or from a dump of `GetAccountAuthorizationDetails`.

        Args:
            source: A JSON object, JSON text or the path of a file.

        Raises:
            ConfigurationError: The source is not a snapshot, or its digest differs.
            PolicySyntaxError: A policy document cannot be read.
        """
        return cls(read_snapshot(source))

    @property
    def id(self) -> str:
        """The account ID, twelve digits."""
        return str(self.snapshot.get("account", ""))

    @property
    def is_management_account(self) -> bool:
        """Whether this is the management account of its organization, whose principals SCPs do not limit."""
        organization = self.snapshot.get("organization") or {}
        return bool(self.id) and organization.get("management_account") == self.id

    @property
    def gaps(self) -> Sequence[Mapping[str, Any]]:
        """The parts that could not be read; see the section ``gaps`` of the snapshot."""
        return tuple(self.snapshot.get("gaps") or ())

    def gaps_of(self, principal: str) -> tuple[Mapping[str, Any], ...]:
        """
        Return the gaps that concern a principal: its own, those of its groups, and those of every principal.

        Args:
            principal: ARN of a user or role, or of a session of a role.
        """
        entry = self.principals.get(principal)
        owners = dict.fromkeys(without_path(arn) for arn in (principal, *(entry.groups if entry else ())))
        return tuple(gap for owner in (None, *owners) for gap in self._gaps.get(owner, ()))

    def unread_enforcement(self, region: str) -> tuple[str, ...]:
        """Return why it is unknown which guardrails are enforced in a Region, in sentences; nothing if it is known."""
        gaps = [gap for gap in self.gaps if gap["section"] == "enforced_guardrails" and gap.get("region", region) == region]
        if gaps:
            return tuple(describe_gap(gap) for gap in gaps)
        regions = self.snapshot.get("regions")
        if regions is None or region in regions:
            return ()
        return (f"the enforced guardrails of {region} are not in the snapshot; take it with `--region {region}`",)

    def policy_set(self, principal: str, resource: str | None = None) -> PolicySet:
        """
        Return the policies that apply to a principal.

        Args:
            principal: ARN of a user or role, or of a session of a role.
            resource: ARN of the resource; its resource-based policy is included if the snapshot has one.

        Returns:
            The policies; its `gaps` are the policies that could not be read.

        Raises:
            ConfigurationError: The account has no such principal.
        """
        arn = self.find(principal).arn
        return self._sets(arn, resource) if resource and self._resource_policy(resource) else self._sets(arn)

    def policies_for_calls(self, principal: str) -> PolicySet:
        """
        Return the policies that apply to a principal, with the resource-based policies of every resource.

        Each statement of such a policy must name its resource, as AWS requires of the policies of guardrails.

        Args:
            principal: ARN of a user or role, or of a session of a role.

        Raises:
            ConfigurationError: The account has no such principal.
        """
        return self._build(self.find(principal).arn, *(self.snapshot.get("resource_policies") or ()))

    def find(self, principal: str) -> AccountPrincipal:
        """
        Return the user or role behind an ARN; for a session, its role.

        Raises:
            ConfigurationError: The account has no such principal, or several roles could be behind a session.
        """
        if principal in self.principals:
            return self.principals[principal]
        parts = principal.split(":", 5)
        if len(parts) == 6 and parts[2] == "sts" and parts[5].startswith("assumed-role/"):  # noqa: PLR2004  # an ARN
            account, name = parts[4], parts[5].split("/")[1]
            roles = (one for one in self.principals.values() if one.kind == "role" and one.arn.split(":")[4] == account)
            named = [one for one in roles if one.name == name]
            if len(named) == 1:
                return named[0]
        of = f" of account {self.id}" if self.id else ""
        raise ConfigurationError(f"the snapshot{of} has no principal `{principal}`; take a snapshot that has it")

    def evaluate(
        self, principal: str, action: str, resource: str, context: Mapping[str, object] | None = None, unknown: Sequence[str] = ()
    ) -> Decision:
        """
        Decide one request of a principal.

        The keys that the snapshot shows are known: ARN, account, type, name and organization of the principal, and the tags of a
        user, or of a role whose trust policy allows no session tags. Keys of the network, the session, the time and the resource
        are unknown.

        Args:
            principal: ARN of a user or role.
            action: ``service:Action``.
            resource: ARN of the resource.
            context: Context keys that are known; they override the derived ones.
            unknown: Further context keys whose value is not known.
        """
        entry = self.find(principal)
        keys = self.keys_of(entry)
        parts = split(resource)
        owner = {"aws:ResourceAccount": parts[_ACCOUNT]} if parts and parts[_ACCOUNT].isdigit() else {}
        known = {**keys.known, **owner, **(context or {})}
        request = Request(entry.arn, action, resource, known, (*keys.unknown, *unknown), partly_known=keys.partly_known)
        return self.policy_set(principal, resource).evaluate(request)

    def keys_of(self, principal: AccountPrincipal) -> PrincipalKeys:
        """Return the condition keys of every request of a principal."""
        organization = self.snapshot.get("organization") or {}
        # Without the answer of GetUser or GetRole the tags are unknown, and perhaps the path.
        was_read = not any(gap["section"] == "boundary" for gap in self.gaps_of(principal.arn))
        return keys_of(principal, organization.get("id") or "", was_read=was_read)

    def who_can(
        self, action: str, resource: str, context: Mapping[str, object] | None = None, unknown: Sequence[str] = ()
    ) -> tuple[Access, ...]:
        """
        List the principals whose request is allowed or `indeterminate`, in the order of their ARNs.

        Args:
            action: ``service:Action``.
            resource: ARN of the resource.
            context: Context keys that are known.
            unknown: Context keys whose value is not known.
        """
        decided = (Access(arn, self.evaluate(arn, action, resource, context, unknown)) for arn in self.principals)
        return tuple(access for access in decided if not access.decision.is_denied)

    def _build(self, arn: str, *resources: str) -> PolicySet:
        principal = self.principals[arn]
        attached = {resource: self._resource_policy(resource) for resource in resources}
        identity, gaps = self._identity(principal)
        boundary = self._document(principal.boundary, "boundary") if principal.boundary else None
        if principal.boundary and boundary is None:
            gaps.append(Gap("boundary", _no_document(principal.boundary)))
        organization = self.snapshot.get("organization") or {}
        return PolicySet(
            identity=identity,
            boundary=boundary,
            scp=self._levels["scp"],
            rcp=self._levels["rcp"],
            resource=[parse(policy, "resource", name=resource) for resource, policy in attached.items() if policy] or None,
            management_account=organization.get("management_account"),
            gaps=(*gaps, *self._recorded_gaps(arn)),
        )

    def _recorded_gaps(self, principal: str) -> Iterator[Gap]:
        """Yield the gaps of the snapshot that concern the policies of a principal."""
        for gap in self.gaps_of(principal):
            section = gap["section"]
            if section in _GUARDRAIL_SECTIONS:
                yield Gap("resource", describe_gap(gap), gap.get("resource") or self._guardrails_of(gap.get("region")))
            elif section in POLICY_TYPES:
                yield Gap(section, describe_gap(gap))
        yield from self._unread_resources()

    def _unread_resources(self) -> Iterator[Gap]:
        """Yield the gap of the guardrails whose resource-based policies were not requested."""
        regions = self.snapshot.get("regions")
        if regions is not None:  # without `regions` it counts as complete: the live account, or one that is written by hand
            reason = f"resource-based policies of guardrails outside {', '.join(regions)} are not in the snapshot"
            yield Gap("resource", reason, self._guardrails_of(), tuple(regions))

    def _guardrails_of(self, region: str | None = None) -> str:
        """Return the pattern of the guardrails and guardrail profiles of the account, which may have policies."""
        return f"arn:*:bedrock:{region or '*'}:{self.id or '*'}:guardrail*"

    def _identity(self, principal: AccountPrincipal) -> tuple[list[PolicyDocument], list[Gap]]:
        groups = self.snapshot.get("groups") or {}
        missing = [*principal.missing, *(arn for arn in principal.groups if arn not in groups)]
        gaps = [Gap("identity", f"the policies of the group {name} are not in the snapshot") for name in missing]
        owners = [(principal.arn, principal.inline, principal.managed)]
        owners += [(arn, groups[arn]["inline"], tuple(groups[arn]["managed"])) for arn in principal.groups if arn in groups]
        documents = []
        for owner, inline, managed in owners:
            documents += [parse(document, "identity", name=f"{name} of {owner}") for name, document in inline.items()]
            for arn in managed:
                document = self._document(arn, "identity")
                if document is None:
                    gaps.append(Gap("identity", _no_document(arn)))
                else:
                    documents.append(document)
        return documents, gaps

    def _document(self, arn: str, policy_type: PolicyType) -> PolicyDocument | None:
        if (arn, policy_type) not in self._managed:
            document = (self.snapshot.get("managed_policies") or {}).get(arn)
            if document is None:
                return None
            source = read_document(document, name=arn)
            self._managed[arn, policy_type] = parse(source, policy_type, name=arn.rpartition("/")[2], arn=arn)
        return self._managed[arn, policy_type]

    def _read_levels(self, kind: PolicyType) -> list[list[PolicyDocument]] | None:
        levels = self.snapshot.get(kind)
        if levels is None:
            return None
        return [
            [
                parse(read_document(policy["document"], name=policy["name"]), kind, name=policy["name"], arn=policy.get("arn"))
                for policy in level["policies"]
            ]
            for level in levels
        ]

    def _resource_policy(self, resource: str | None) -> Mapping[str, Any] | None:
        document = (self.snapshot.get("resource_policies") or {}).get(resource) if resource else None
        return None if document is None else read_document(document, name=str(resource))

    @staticmethod
    def _principal(arn: str, entry: Mapping[str, Any]) -> AccountPrincipal:
        names = ("id", "tags", "boundary", "inline", "trust", "last_used")
        given = {name: entry[name] for name in names if entry.get(name) is not None}
        return AccountPrincipal(
            arn=arn,
            kind=entry["kind"],
            name=entry["name"],
            groups=tuple(entry.get("groups") or ()),
            managed=tuple(entry.get("managed") or ()),
            missing=tuple(entry.get("unknown_groups") or ()),
            **given,
        )


def describe_gap(gap: Mapping[str, Any]) -> str:
    """Describe a gap of a snapshot in one sentence: which policies could not be read, and which API did not return them."""
    of = gap.get("resource") or gap.get("principal") or gap.get("region")
    # A code of AWS or a class of botocore is one word; a reader that did not call AWS writes its reason in words.
    why = gap["error"] if " " in gap["error"] else f"`{gap['api']}` returned {gap['error']}"
    return f"{_NAMES.get(gap['section'], gap['section'])}{f' of {of}' if of else ''} could not be read: {why}"


def gap_fix(gap: Mapping[str, Any]) -> str:
    """Say how to fix a gap of a snapshot."""
    if "Credentials" in gap["error"]:  # a class of botocore, such as NoCredentialsError
        return "set AWS credentials, such as AWS_PROFILE"
    return f"allow {(gap.get('statement') or {}).get('Action', gap['api'])}"


def _no_document(arn: str) -> str:
    return f"the document of the policy {arn} is not in the snapshot"
