"""The policies of a proof: every type, level by level, for one principal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from guardedbedrock.iam import Gap, PolicyDocument, PolicySet, PolicyType
from guardedbedrock.iam.language.documents import Statement

Documents: TypeAlias = tuple[PolicyDocument, ...]
DocumentLevels: TypeAlias = tuple[Documents, ...]

PRINCIPAL: Final = "arn:aws:iam::123456789012:role/AnyRole"
"""The principal of a proof that names none."""


@dataclass(frozen=True, slots=True)
class PlacedStatement:
    """
    A statement and its location.

    Args:
        statement: The statement.
        document: Its policy.
        policy_type: The type of the policy.
        index: Its position in the policy, from 0.
    """

    statement: Statement
    document: PolicyDocument
    policy_type: PolicyType
    index: int

    @property
    def policy(self) -> str:
        """Name of the policy."""
        return self.document.name or self.policy_type


@dataclass(frozen=True, slots=True)
class ProofPolicies:
    """
    Policies by type; None means that the type is not in use.

    Args:
        identity: Identity-based policies.
        boundary: Permissions boundary.
        session: Session policies.
        scp: Service control policies by level, root first.
        rcp: Resource control policies by level, root first.
        endpoint: VPC endpoint policies.
        resource: Resource-based policies of the resource.
        principal: ARN of the caller.
        rcp_applies: Whether RCPs certainly apply to the service.
        management_account: The organization's management account, to which SCPs do not apply.
        gaps: Policies that could not be read.
    """

    identity: Documents | None = None
    boundary: Documents | None = None
    session: Documents | None = None
    scp: DocumentLevels | None = None
    rcp: DocumentLevels | None = None
    endpoint: Documents | None = None
    resource: Documents | None = None
    principal: str = PRINCIPAL
    rcp_applies: bool = False
    management_account: str | None = None
    gaps: tuple[Gap, ...] = ()
    _set: list[PolicySet] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def of(cls, policies: PolicySet, principal: str = PRINCIPAL, *, rcp_applies: bool = False) -> ProofPolicies:
        """Create an instance from a policy set."""
        flat = {kind: levels[0] for kind, levels in policies.levels.items() if kind not in ("scp", "rcp")}
        # Every proof assumes that no resource-based policy grants access, including in Regions that were not read.
        gaps = tuple(gap for gap in policies.gaps if not gap.regions_read)
        return cls(
            identity=flat.get("identity"),
            boundary=flat.get("boundary"),
            session=() if policies.has_empty_session else flat.get("session"),
            scp=policies.levels.get("scp"),
            rcp=policies.levels.get("rcp"),
            endpoint=flat.get("endpoint"),
            resource=flat.get("resource"),
            principal=principal,
            rcp_applies=rcp_applies,
            management_account=policies.management_account,
            gaps=gaps,
            _set=[policies] if gaps == policies.gaps else [],
        )

    def without_cache(self) -> ProofPolicies:
        """Return the same policies without the compiled set, which cannot be sent to another process."""
        return replace(self, _set=[])

    def policy_set(self) -> PolicySet:
        """Return the same policies for the engine."""
        if not self._set:
            self._set.append(
                PolicySet(
                    identity=self.identity,
                    boundary=self.boundary,
                    session=self.session,
                    scp=self.scp,
                    rcp=self.rcp,
                    endpoint=self.endpoint,
                    resource=self.resource,
                    management_account=self.management_account,
                    gaps=self.gaps,
                )
            )
        return self._set[0]

    def same_documents(self, other: ProofPolicies) -> bool:
        """
        Return whether both have the same content, so that all decisions are equal. The names of the policies do not count.

        Policies that could not be read are never the same: two gaps can hide different documents, even with the same ARN.
        """
        if self.gaps or other.gaps:
            return False
        return self._content() == other._content()

    def _content(self) -> tuple[object, ...]:
        """Return everything that the decisions depend on."""
        statements = [(kind, [(one.document.version, one.statement) for one in group]) for kind, group in self.groups()]
        has_empty_session = self.session is not None and not self.session
        return statements, self.principal, self.rcp_applies, self.management_account, has_empty_session

    def groups(self) -> Iterator[tuple[PolicyType, tuple[PlacedStatement, ...]]]:
        """Yield each group of statements that counts as one: all of a type, or all of one level."""
        for level in self.rcp or ():
            yield "rcp", _placed("rcp", level)
        for level in self.scp or ():
            yield "scp", _placed("scp", level)
        flat: tuple[tuple[PolicyType, Documents | None], ...] = (
            ("endpoint", self.endpoint),
            ("resource", self.resource),
            ("identity", self.identity),
            ("boundary", self.boundary),
            ("session", self.session),
        )
        for policy_type, documents in flat:
            if documents is not None and (documents or policy_type in ("identity", "resource")):
                yield policy_type, _placed(policy_type, documents)

    def statements(self) -> Iterator[PlacedStatement]:
        """Yield every statement."""
        for _, group in self.groups():
            yield from group


def _placed(policy_type: PolicyType, documents: Sequence[PolicyDocument]) -> tuple[PlacedStatement, ...]:
    return tuple(
        PlacedStatement(statement, document, policy_type, index)
        for document in documents
        for index, statement in enumerate(document.statements)
    )
