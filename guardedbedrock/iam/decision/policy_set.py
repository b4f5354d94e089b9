"""The policies that apply to a principal, compiled, and the requests that they decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from guardedbedrock._root import ConfigurationError
from guardedbedrock.iam.decision.decisions import Decision
from guardedbedrock.iam.decision.grounds import PlanGrounds
from guardedbedrock.iam.engine.applicability import NO_PERMISSION_NEEDED
from guardedbedrock.iam.engine.authorizer import authorize
from guardedbedrock.iam.engine.gaps import Gap
from guardedbedrock.iam.engine.index import ActionIndex
from guardedbedrock.iam.engine.plan import NAMING_ORDER, build_plan
from guardedbedrock.iam.engine.statements import CompiledStatement, StatementCompiler
from guardedbedrock.iam.language.documents import POLICY_TYPES, PolicyDocument, PolicyType, Source
from guardedbedrock.iam.language.parser import parse
from guardedbedrock.iam.matching.requests import Request

Policies: TypeAlias = Source | Iterable[Source] | None
"""One policy, several, or None for a policy type that does not apply."""
Levels: TypeAlias = Iterable[Policies] | None

_MAX_PLANS: Final = 1024


class PolicySet:
    """
    Policies of every type, compiled once; immutable and safe to share between threads.

        >>> policies = PolicySet(
        ...     identity={"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}},
        ...     scp=[[{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]],
        ... )
        >>> model = "arn:aws:bedrock:us-east-1::foundation-model/acme.tiny-v1:0"
        >>> policies.evaluate(Request("arn:aws:iam::111122223333:role/App", "bedrock:InvokeModel", model)).outcome
        'allowed'

    Args:
        identity: Identity-based policies of the user and its groups, or of the role. ``[]`` means that the principal has none, so
            that nothing is allowed.
        boundary: Permissions boundary.
        session: Session policies.
        scp: Service control policies by level of the organization, the root first, the account last: ``[[...], [...]]``.
        rcp: Resource control policies by level, beside the allow-all RCP that is always attached.
        endpoint: VPC endpoint policy.
        resource: Resource-based policies of the resource.
        management_account: Management account of the organization. SCPs do not limit its principals, RCPs not its resources.
        gaps: Policies that apply and could not be read. A decision that could depend on them is `indeterminate`.

    Each policy is a JSON object, JSON text or a `PolicyDocument`. A single policy needs no list. None means that policies of
    this type do not apply. An empty list means the same for boundary and endpoint, which cannot be empty. ``session=[]`` means
    that no session policy was passed: a federated user then has no permissions, and other principals are not limited.

    Attributes:
        documents: The parsed documents by policy type.
        levels: The same, by level of the organization; a type without levels has one.
        has_empty_session: Whether ``session=[]`` was given: no session policy was passed.
        gaps: The policies that could not be read.

    Raises:
        PolicySyntaxError: A document cannot be parsed.
        ConfigurationError: No policy is given. Such a policy set could only allow everything or deny everything.
    """

    is_static: bool = True
    """
    Whether equal requests always get equal decisions, so that a caller may cache them.

    Set it to False in a derived class whose policies can change.
    """

    def __init__(  # noqa: PLR0913  # one keyword for each policy type
        self,
        *,
        identity: Policies = None,
        boundary: Policies = None,
        session: Policies = None,
        scp: Levels = None,
        rcp: Levels = None,
        endpoint: Policies = None,
        resource: Policies = None,
        management_account: str | None = None,
        gaps: Iterable[Gap] = (),
    ) -> None:
        flat = {"identity": identity, "boundary": boundary, "session": session, "endpoint": endpoint, "resource": resource}
        levels = {"scp": scp, "rcp": rcp}
        compiler = StatementCompiler(has_boundary=_applies("boundary", boundary))
        self._groups: list[tuple[PolicyType, list[CompiledStatement]]] = []
        self.has_empty_session = session is not None and not _listed(session)
        self.documents: dict[PolicyType, tuple[PolicyDocument, ...]] = {}
        self.levels: dict[PolicyType, tuple[tuple[PolicyDocument, ...], ...]] = {}
        for policy_type in NAMING_ORDER:
            if policy_type in levels:
                groups = [_listed(level) for level in levels[policy_type] or ()]
            else:
                groups = [_listed(flat[policy_type])] if _applies(policy_type, flat[policy_type]) else []
            for number, sources in enumerate(groups):
                label = f"{policy_type}[{number}]" if policy_type in levels else policy_type
                self._add(compiler, policy_type, label, sources)
        self.gaps = tuple(gaps)
        if not self._groups and not self.gaps:
            raise ConfigurationError("a PolicySet needs policies; pass identity=[] for a principal that has none")
        self.management_account = management_account
        self._index = ActionIndex(compiled for _, group in self._groups for compiled in group)
        # Cache, keyed by the action as a request spells it: a plan depends on the policies and the action only.
        self._plans: dict[str, PlanGrounds] = {}
        self._reads: frozenset[str] | None = None

    @property
    def reads(self) -> frozenset[str]:
        """The context keys, in lower case, that any statement reads; computed on first access."""
        if self._reads is None:
            self._reads = frozenset(key for _, group in self._groups for compiled in group for key in compiled.reads())
        return self._reads

    def evaluate(self, request: Request) -> Decision:
        """Decide one request."""
        grounds = self._plans.get(request.action)
        if grounds is None:
            grounds = self._compile(request.action)
        outcome, policy_type = authorize(grounds.plan, request)
        return Decision(outcome, policy_type, request, grounds)

    def without_gaps(self) -> PolicySet:
        """Return the policies that could be read, as if there were no others."""
        if not self.gaps:
            return self
        flat = {kind: levels[0] for kind, levels in self.levels.items() if kind not in ("scp", "rcp")}
        return PolicySet(
            identity=flat.get("identity") if self._groups else (),
            boundary=flat.get("boundary"),
            session=() if self.has_empty_session else flat.get("session"),
            scp=self.levels.get("scp"),
            rcp=self.levels.get("rcp"),
            endpoint=flat.get("endpoint"),
            resource=flat.get("resource"),
            management_account=self.management_account,
        )

    def __iter__(self) -> Iterator[tuple[PolicyType, PolicyDocument]]:
        """Iterate over all documents with their policy types."""
        for policy_type in POLICY_TYPES:
            yield from ((policy_type, document) for document in self.documents.get(policy_type, ()))

    def __repr__(self) -> str:
        counts = ", ".join(f"{policy_type}={len(documents)}" for policy_type, documents in self.documents.items())
        return f"PolicySet({counts})"

    def _add(self, compiler: StatementCompiler, policy_type: PolicyType, label: str, sources: Sequence[Source]) -> None:
        group: list[CompiledStatement] = []
        self._groups.append((policy_type, group))
        documents = tuple(parse(source, policy_type, name=f"{label}[{index}]") for index, source in enumerate(sources))
        self.documents[policy_type] = (*self.documents.get(policy_type, ()), *documents)
        self.levels[policy_type] = (*self.levels.get(policy_type, ()), documents)
        for document in documents:
            group += [
                CompiledStatement(statement, document, policy_type, document.name or "", index, compiler)
                for index, statement in enumerate(document.statements)
            ]

    def _compile(self, action: str) -> PlanGrounds:
        covering = frozenset(map(id, self._index.covering(action.lower())))
        plan = build_plan(
            self._groups,
            covering,
            has_empty_session=self.has_empty_session,
            management_account=self.management_account,
            needs_no_permission=action.lower() in NO_PERMISSION_NEEDED,
            gaps=self.gaps,
        )
        grounds = PlanGrounds(plan)
        if len(self._plans) >= _MAX_PLANS:
            self._plans = {}
        self._plans[action] = grounds
        return grounds


def _listed(policies: Policies) -> list[Source]:
    if policies is None:
        return []
    if isinstance(policies, str | Mapping | PolicyDocument):
        return [policies]
    return list(policies)


def _applies(policy_type: PolicyType, policies: Policies) -> bool:
    if policies is None:
        return False
    return policy_type in ("identity", "resource") or bool(_listed(policies))
