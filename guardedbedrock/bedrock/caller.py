"""The caller of an operation, and the condition context keys that follow from the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from guardedbedrock.iam.matching.arns import split
from guardedbedrock.iam.matching.principals import identify, role_arn_patterns

UNKNOWN_KEYS: Final = frozenset(
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
"""Keys that AWS derives from the network, the session or the organization; the calling process cannot know them."""

Bearer: TypeAlias = Literal["", "SHORT_TERM", "LONG_TERM", "unknown"]
"""Kind of a Bedrock API key: the value of ``bedrock:BearerTokenType``."""

BEARERS: Final = get_args(Bearer)

_KEY_PREFIXES: Final[tuple[tuple[str, Bearer], ...]] = (("bedrock-api-key-", "SHORT_TERM"), ("ABSK", "LONG_TERM"))

PRINCIPAL_TYPES: Final = {
    "user": "User",
    "role": "AssumedRole",
    "assumed-role": "AssumedRole",
    "federated-user": "FederatedUser",
    "root": "Account",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """
    The principal of a call, and the client that makes it.

    Args:
        principal: ARN of a user, role, session or root.
        region: Region of the client.
        account: Account of the principal; the account of its ARN by default.
        partition: ``aws``, ``aws-cn``, ``aws-us-gov``.
        context: Further context keys that are known; they override the derived ones.
        secure: Whether the client connects to its endpoint over TLS.
        bearer: Kind of Bedrock API key that the client signs with, ``SHORT_TERM``, ``LONG_TERM`` or ``unknown``; ``""`` if it
            signs with SigV4.
        userid: Unique ID of the principal, as STS returns it; ``""`` if unknown.
        unknown: Context keys that are not known; keys of `context` are removed from it.

    Attributes:
        known: All known context keys: the derived ones and those of `context`.
        partly_known: Context keys of which a part of the value is known, with patterns: the ARN of the role behind a session
            has an unknown path, ``aws:userid`` of a session an unknown role ID.
    """

    principal: str
    region: str
    account: str = ""
    partition: str = ""
    context: Mapping[str, object] = field(default_factory=dict, hash=False)
    unknown: frozenset[str] = UNKNOWN_KEYS
    secure: bool = True
    bearer: Bearer = ""
    userid: str = ""
    known: Mapping[str, object] = field(init=False, repr=False, compare=False)
    partly_known: Mapping[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        principal = identify(self.principal)
        parts = split(self.principal)
        object.__setattr__(self, "account", self.account or principal.account)
        object.__setattr__(self, "partition", self.partition or (parts[1] if parts else "aws"))
        given = {key.lower() for key in self.context} | ({"aws:userid"} if self.userid else set())
        object.__setattr__(self, "unknown", frozenset(key for key in self.unknown if key.lower() not in given))
        object.__setattr__(self, "known", {**self._derived(), **self.context})
        partly_known = {key: value for key, value in self._derived_in_part().items() if key.lower() not in given}
        object.__setattr__(self, "partly_known", partly_known)

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
        if principal.kind in PRINCIPAL_TYPES:
            derived["aws:PrincipalType"] = PRINCIPAL_TYPES[principal.kind]
        if principal.kind == "user":
            derived["aws:username"] = self.principal.rpartition("/")[2]
        if principal.kind != "assumed-role":
            derived["aws:PrincipalArn"] = self.principal
        return derived

    def _derived_in_part(self) -> dict[str, tuple[str, ...]]:
        principal = identify(self.principal)
        if principal.kind != "assumed-role":
            return {}
        session_name = self.principal.rpartition("/")[2]
        return {"aws:PrincipalArn": role_arn_patterns(principal), "aws:userid": (f"*:{session_name}",)}


def api_key_kind(token: str) -> Bearer:
    """
    Return the kind of a Bedrock API key from its prefix.

    >>> api_key_kind("ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl")
    'LONG_TERM'
    """
    return next((kind for prefix, kind in _KEY_PREFIXES if token.startswith(prefix)), "unknown")
