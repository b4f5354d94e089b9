"""A request: may this principal perform this action on this resource, in this context?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from guardedbedrock.iam.matching.arns import PARTS, Parts, split
from guardedbedrock.iam.matching.context import Context, Truth, normalize
from guardedbedrock.iam.matching.principals import identify

_PART_NAMES: Final = {f"resource:{part}": index for index, part in enumerate(PARTS)}
_ACCOUNT: Final = PARTS.index("account")
_AWS: Final = "aws"
"""The account part of the ARN of a resource that AWS owns, such as a managed policy: identity-based policies decide."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    One authorization to decide.

        >>> Request(
        ...     principal="arn:aws:sts::111122223333:assumed-role/App/session",
        ...     action="bedrock:ApplyGuardrail",
        ...     resource="arn:aws:bedrock:us-east-1:111122223333:guardrail/abc",
        ...     context={"aws:RequestedRegion": "us-east-1"},
        ...     unknown=["aws:ResourceTag/*"],
        ... ).cross_account
        False

    Args:
        principal: ARN of a user, role, session, federated user or root; the name of a service.
        action: ``service:Action``, in any case.
        resource: ARN, or ``*`` for an action without resources.
        context: Context key to a scalar, or to a list for a multivalued key. Keys that are not listed are absent.
        unknown: Keys whose value is unknown. ``aws:ResourceTag/*`` means every tag that `context` does not list.
            ``resource:region``, ``resource:account`` and ``resource:id`` mean that this part of `resource` is unknown. If the
            part has a ``*``, only the text that the ``*`` replaces is unknown: in ``foundation-model/*`` the type is known.
            Unknown text may be empty.
        partly_known: Keys of which a part of the value is known: context key to patterns with ``*`` for unknown text. The value
            matches one of the patterns. A key in `context` is known.
        rcp_applies: Whether RCPs are known to apply to services that are missing from AWS's list. Otherwise the Deny of an RCP
            on such a service is not certain.
        resource_account: Account that owns the resource, where the ARN does not contain it (S3 and foundation-model ARNs). None
            means the account in the ARN, or else the principal's account.
    """

    principal: str
    action: str
    resource: str
    context: Mapping[str, object] = field(default_factory=dict)
    unknown: Collection[str] = ()
    resource_account: str | None = None
    partly_known: Mapping[str, Collection[str]] = field(default_factory=dict)
    rcp_applies: bool = False
    facts: Context = field(init=False, repr=False, compare=False)
    """The context in the form that compiled conditions read, unknown keys included."""
    parts: Parts | None = field(init=False, repr=False, compare=False)
    """The six parts of the resource; None if it is not an ARN."""
    unknown_parts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """The positions of the unknown parts of the resource."""
    cross_account: Truth = field(init=False, repr=False, compare=False)
    """Whether the resource belongs to another account than the principal; None if its account is unknown."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "facts", normalize(self.context, self.unknown, self.partly_known))
        object.__setattr__(self, "parts", split(self.resource))
        unknown_parts = tuple(_PART_NAMES[name] for name in self.unknown if name in _PART_NAMES) if self.unknown else ()
        object.__setattr__(self, "unknown_parts", unknown_parts)
        object.__setattr__(self, "cross_account", self._crosses_accounts())

    def with_context(self, context: Mapping[str, str]) -> Request:
        """Copy the request with additional known keys."""
        # Every call whose policies read the time makes such a copy. Measured: a quarter of the cost of `dataclasses.replace`.
        request = object.__new__(Request)
        for read, write in _KEPT:
            write(request, read(self))
        _set_context(request, {**self.context, **context})
        _set_unknown(request, frozenset(self.unknown).difference(context))
        _set_facts(request, {**self.facts, **{key.lower(): value for key, value in context.items()}})
        return request

    def part_pattern(self, index: int) -> str:
        """Return an unknown part of the resource, with ``*`` for the text that is unknown."""
        part = self.parts[index] if self.parts else ""
        return part if "*" in part else "*"

    @property
    def owner(self) -> str:
        """Account that owns the resource: twelve digits, ``aws`` for a resource of AWS, ``""`` if the ARN does not contain it."""
        return self.resource_account or (self.parts[_ACCOUNT] if self.parts else "")

    def _crosses_accounts(self) -> Truth:
        account = identify(self.principal).account
        if account and self.resource_account is None and _ACCOUNT in self.unknown_parts:
            return None
        owner = self.owner
        return bool(owner and account and owner not in (account, _AWS))


_SLOTS: Final = Request.__dict__
_KEPT: Final = tuple(
    (_SLOTS[name].__get__, _SLOTS[name].__set__)
    for name in (
        "principal",
        "action",
        "resource",
        "resource_account",
        "partly_known",
        "rcp_applies",
        "parts",
        "unknown_parts",
        "cross_account",
    )
)
"""Getter and setter of every field that does not depend on the context."""
_set_context, _set_unknown, _set_facts = (_SLOTS[name].__set__ for name in ("context", "unknown", "facts"))
