"""The policies that concern a principal, compiled, and the questions they answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from guardedbedrock.iam.engine.decisions import Decision
from guardedbedrock.iam.engine.index import ActionIndex
from guardedbedrock.iam.engine.plan import GATES, OWN, Group, Plan, Tests
from guardedbedrock.iam.engine.requests import Request
from guardedbedrock.iam.engine.statements import Compiled, Compiler
from guardedbedrock.iam.language.documents import POLICY_TYPES, PolicyDocument, PolicyType, Source
from guardedbedrock.iam.language.parser import parse
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.iam.matching.resources import Test

Given: TypeAlias = Source | Iterable[Source] | None
Levels: TypeAlias = Iterable[Given] | None

_NAMING_ORDER: Final[tuple[PolicyType, ...]] = ("rcp", "scp", "endpoint", "resource", "identity", "boundary", "session")
_PLANS_KEPT: Final = 1024


class PolicySet:
    """
    Policies of every type, compiled once and asked many times; immutable and safe to share between threads.

    Args:
        identity: Identity-based policies of the user and its groups, or of the role. ``[]`` means there is none: nothing is
            allowed.
        boundary: Permissions boundary.
        session: Session policies.
        scp: Service control policies by level of the organization, root first, the account last: ``[[...], [...]]``.
        rcp: Resource control policies by level, on top of the allow-all that is always attached.
        endpoint: VPC endpoint policy.
        resource: Resource-based policies of the resource.

    Each policy is a JSON object, JSON text or a `PolicyDocument`; a single one may stand without a list. What is None is not
    in play; an empty list is not in play either where such a policy can not be empty (boundary, endpoint). ``session=[]`` says
    that no session policy was passed, which leaves a federated user without permissions and changes nothing for others.

    Raises:
        PolicySyntaxError: A document can not be read.
    """

    def __init__(  # noqa: PLR0913  # each is a policy type, and all are keywords
        self,
        *,
        identity: Given = None,
        boundary: Given = None,
        session: Given = None,
        scp: Levels = None,
        rcp: Levels = None,
        endpoint: Given = None,
        resource: Given = None,
    ) -> None:
        flat = {"identity": identity, "boundary": boundary, "session": session, "endpoint": endpoint, "resource": resource}
        levels = {"scp": scp, "rcp": rcp}
        compiler = Compiler(bounded=_is_in_play("boundary", boundary))
        self._groups: list[tuple[PolicyType, list[Compiled]]] = []
        self._passes_none = session is not None and not _listed(session)
        self.documents: dict[PolicyType, tuple[PolicyDocument, ...]] = {}
        for policy_type in _NAMING_ORDER:
            if policy_type in levels:
                given = [_listed(level) for level in levels[policy_type] or ()]
            else:
                given = [_listed(flat[policy_type])] if _is_in_play(policy_type, flat[policy_type]) else []
            for number, sources in enumerate(given):
                label = f"{policy_type}[{number}]" if policy_type in levels else policy_type
                self._add(compiler, policy_type, label, sources)
        self._index = ActionIndex(compiled for _, group in self._groups for compiled in group)
        self._plans: dict[str, Plan] = {}
        self._reads: frozenset[str] | None = None

    @property
    def reads(self) -> frozenset[str]:
        """Context keys, in lower case, that any statement reads; worked out when first asked for."""
        if self._reads is None:
            self._reads = frozenset(key for _, group in self._groups for compiled in group for key in compiled.reads())
        return self._reads

    @property
    def is_static(self) -> bool:
        """
        Whether equal requests always get equal decisions, so that a caller may cache them.

        True for `PolicySet`. Override it with False in a derived class whose policies can change.
        """
        return True

    def evaluate(self, request: Request) -> Decision:
        """Decide one request."""
        plan = self._plans.get(request.action)
        if plan is None:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans = {}
            plan = self._plans[request.action] = self._plan(request.action.lower())
        return plan.decide(request)

    def __iter__(self) -> Iterator[tuple[PolicyType, PolicyDocument]]:
        """Walk over all documents with their policy types."""
        for policy_type in POLICY_TYPES:
            yield from ((policy_type, document) for document in self.documents.get(policy_type, ()))

    def __repr__(self) -> str:
        counted = ", ".join(f"{policy_type}={len(documents)}" for policy_type, documents in self.documents.items())
        return f"PolicySet({counted})"

    def _add(self, compiler: Compiler, policy_type: PolicyType, label: str, sources: Sequence[Source]) -> None:
        group: list[Compiled] = []
        self._groups.append((policy_type, group))
        for place, source in enumerate(sources):
            document = parse(source, policy_type, name=f"{label}[{place}]")
            self.documents[policy_type] = (*self.documents.get(policy_type, ()), document)
            where = document, policy_type, document.name or ""
            group += [Compiled(statement, *where, index, compiler) for index, statement in enumerate(document.statements)]

    def _plan(self, action: str) -> Plan:
        covering = set(map(id, self._index.covering(action)))
        groups: tuple[Group, ...] = tuple((t, tuple(c for c in group if id(c) in covering)) for t, group in self._groups)
        resource = [group for policy_type, group in groups if policy_type == "resource"]
        return Plan(
            groups=groups,
            denies=tuple(_denies(groups)),
            gates=_allows(groups, GATES),
            own=_allows(groups, OWN) + ((("session", (_needs_no_session_policy,)),) if self._passes_none else ()),
            grants=tuple(c for group in resource for c in group if c.statement.effect == "Allow") if resource else None,
            whole=tuple(group for _, group in self._groups),
        )


def _needs_no_session_policy(request: Request) -> bool:
    """A role session without session policies has the role's permissions; a federated user without them has none."""
    return identify(request.principal).kind != "federated-user"


def _listed(given: Given) -> list[Source]:
    if given is None:
        return []
    if isinstance(given, str | Mapping | PolicyDocument):
        return [given]
    return list(given)


def _is_in_play(policy_type: PolicyType, given: Given) -> bool:
    if given is None:
        return False
    return policy_type in ("identity", "resource") or bool(_listed(given))


def _ask(compiled: Compiled) -> Test:
    """Take the shared test of a statement that names no principal, else its own."""
    return compiled.test if compiled.statement.principal is None else compiled.applies


def _denies(groups: Iterable[Group]) -> Iterator[tuple[PolicyType, Test]]:
    seen: set[tuple[bool, Test]] = set()
    for policy_type, group in groups:
        for compiled in group:
            key = (policy_type in ("scp", "rcp"), _ask(compiled))
            if compiled.statement.effect == "Deny" and key not in seen:
                seen.add(key)
                yield policy_type, key[1]


def _allows(groups: Iterable[Group], types: Sequence[PolicyType]) -> Tests:
    return tuple(
        (policy_type, tuple(dict.fromkeys(_ask(c) for c in group if c.statement.effect == "Allow")))
        for policy_type, group in sorted(groups, key=lambda group: _NAMING_ORDER.index(group[0]))
        if policy_type in types
    )
