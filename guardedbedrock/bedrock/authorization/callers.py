"""Who calls, from where, and which context keys follow from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from guardedbedrock.bedrock.guardrail.approved import Vocabulary
from guardedbedrock.iam.matching.arns import split
from guardedbedrock.iam.matching.principals import identify

UNKNOWABLE: Final = frozenset(
    {
        "aws:FederatedProvider",
        "aws:MultiFactorAuthAge",
        "aws:MultiFactorAuthPresent",
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "aws:PrincipalTag/*",
        "aws:ResourceOrgID",
        "aws:ResourceOrgPaths",
        "aws:SourceIdentity",
        "aws:SourceIp",
        "aws:SourceVpc",
        "aws:SourceVpcArn",
        "aws:SourceVpce",
        "aws:TokenIssueTime",
        "aws:UserAgent",
        "aws:VpcSourceIp",
        "aws:VpceAccount",
        "aws:VpceOrgID",
        "aws:VpceOrgPaths",
        "aws:userid",
    }
)
"""Keys that AWS fills in from the network, the session or the organization, and that no process can see from inside."""

Bearer: TypeAlias = Literal["", "SHORT_TERM", "LONG_TERM", "unknown"]
"""Kind of a Bedrock API key, as ``bedrock:BearerTokenType`` has it."""

BEARERS: Final = get_args(Bearer)

_BEGINNINGS: Final[tuple[tuple[str, Bearer], ...]] = (("bedrock-api-key-", "SHORT_TERM"), ("ABSK", "LONG_TERM"))
"""How a key of each kind begins."""

_TYPES: Final = {
    "user": "User",
    "role": "AssumedRole",
    "assumed-role": "AssumedRole",
    "federated-user": "FederatedUser",
    "root": "Account",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """
    The principal and the client it uses.

    Args:
        principal: ARN of a user, role, session or root.
        region: Region of the client.
        account: Account of the principal; read from its ARN unless given.
        partition: ``aws``, ``aws-cn``, ``aws-us-gov``.
        vocabulary: Whether a guarded call asks what AWS asks, or ``bedrock:InvokeModelWithGuardrail``.
        context: Context keys that are known beyond those that follow from the above; they win.
        secure: Whether the client's endpoint is spoken to over TLS.
        bearer: Kind of Bedrock API key that the client signs with, ``SHORT_TERM``, ``LONG_TERM`` or ``unknown``; ``""`` for none.
        userid: Unique ID of the principal, as STS gives it; ``""`` when it is not known.
        unknown: Context keys that are not known. A key that `context` gives is known.
    """

    principal: str
    region: str
    account: str = ""
    partition: str = ""
    vocabulary: Vocabulary = "aws"
    context: Mapping[str, object] = field(default_factory=dict, hash=False)
    unknown: frozenset[str] = UNKNOWABLE
    secure: bool = True
    bearer: Bearer = ""
    userid: str = ""
    known: Mapping[str, object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        principal = identify(self.principal)
        parts = split(self.principal)
        object.__setattr__(self, "account", self.account or principal.account)
        object.__setattr__(self, "partition", self.partition or (parts[1] if parts else "aws"))
        given = {key.lower() for key in self.context} | ({"aws:userid"} if self.userid else set())
        object.__setattr__(self, "unknown", frozenset(key for key in self.unknown if key.lower() not in given))
        object.__setattr__(self, "known", {**self._derived(), **self.context})

    def _derived(self) -> dict[str, object]:
        principal = identify(self.principal)
        derived: dict[str, object] = {
            "aws:PrincipalAccount": self.account,
            "aws:PrincipalIsAWSService": "false",
            "aws:RequestedRegion": self.region,
            "aws:SecureTransport": "true" if self.secure else "false",
            "aws:ViaAWSService": "false",
        }
        if self.userid:
            derived["aws:userid"] = self.userid
        if principal.kind in _TYPES:
            derived["aws:PrincipalType"] = _TYPES[principal.kind]
        if principal.kind == "user":
            derived["aws:username"] = self.principal.rpartition("/")[2]
        if principal.kind == "assumed-role":
            derived["aws:PrincipalArn"] = f"arn:{self.partition}:iam::{self.account}:role/{principal.role_name}"
        else:
            derived["aws:PrincipalArn"] = self.principal
        return derived


def kind_of_key(token: str) -> Bearer:
    """
    Tell the kind of a Bedrock API key by its beginning.

    >>> kind_of_key("ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl")
    'LONG_TERM'
    """
    return next((kind for beginning, kind in _BEGINNINGS if token.startswith(beginning)), "unknown")
