"""One question to IAM: may this principal do this action on this resource, in this context?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from guardedbedrock.iam.engine.context import Context, Truth, normalize
from guardedbedrock.iam.matching.arns import PARTS, Parts, split
from guardedbedrock.iam.matching.principals import identify

_BLIND: Final = {f"resource:{part}": index for index, part in enumerate(PARTS)}
_ACCOUNT: Final = PARTS.index("account")


@dataclass(frozen=True, slots=True)
class Request:
    """
    One authorization to decide.

    Args:
        principal: ARN of a user, role, session, federated user or root; a service's name for a service.
        action: ``service:Action``; case does not matter.
        resource: ARN, or ``*`` for an action without resources.
        context: Context key to a scalar, or to a list for a multivalued key. What is not here is absent.
        unknown: Keys whose value this process cannot know. ``aws:ResourceTag/*`` stands for every tag not in `context`;
            ``resource:region``, ``resource:account`` and ``resource:id`` say that this part of `resource` is not known, or what
            stands for each ``*`` in it: of ``foundation-model/*`` the type is known. It may be nothing at all.
        resource_account: Account that owns the resource, where the ARN does not say (``""`` in S3 and foundation-model ARNs);
            None means the account of the ARN, else the principal's own.
    """

    principal: str
    action: str
    resource: str
    context: Mapping[str, object] = field(default_factory=dict)
    unknown: Collection[str] = ()
    resource_account: str | None = None
    facts: Context = field(init=False, repr=False, compare=False)
    parts: Parts | None = field(init=False, repr=False, compare=False)
    blind: tuple[int, ...] = field(init=False, repr=False, compare=False)
    cross_account: Truth = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "facts", normalize(self.context, self.unknown))
        object.__setattr__(self, "parts", split(self.resource))
        blind = tuple(_BLIND[name] for name in self.unknown if name in _BLIND) if self.unknown else ()
        object.__setattr__(self, "blind", blind)
        object.__setattr__(self, "cross_account", self._crosses())

    def told(self, context: Mapping[str, str]) -> Request:
        """Ask the same with these keys known as well; quicker than writing it out anew."""
        request = object.__new__(Request)
        for read, write in _KEPT:
            write(request, read(self))
        _put_context(request, {**self.context, **context})
        _put_unknown(request, frozenset(self.unknown).difference(context))
        _put_facts(request, {**self.facts, **{key.lower(): value for key, value in context.items()}})
        return request

    def written(self, index: int) -> str:
        """Write a part that is not known, with ``*`` for what is not."""
        part = self.parts[index] if self.parts else ""
        return part if "*" in part else "*"

    def _crosses(self) -> Truth:
        """Say whether the resource belongs to another account than the principal's; None when its account is not known."""
        account = identify(self.principal).account
        if account and self.resource_account is None and _ACCOUNT in self.blind:
            return None
        owner = self.resource_account or (self.parts[_ACCOUNT] if self.parts else "")
        return bool(owner and account and owner != account)


_SLOTS: Final = Request.__dict__
_KEPT: Final = tuple(
    (_SLOTS[name].__get__, _SLOTS[name].__set__)
    for name in ("principal", "action", "resource", "resource_account", "parts", "blind", "cross_account")
)
"""How to read and write the fields of a request that no context key is part of."""
_put_context, _put_unknown, _put_facts = (_SLOTS[name].__set__ for name in ("context", "unknown", "facts"))
