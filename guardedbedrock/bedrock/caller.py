"""The caller of an operation, and the condition context keys that follow from the caller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, TypeAlias, get_args

from guardedbedrock.iam.matching.arns import split
from guardedbedrock.iam.matching.principals import KEYS_NOT_IN_THE_ARN, identify, role_arn_patterns

UNKNOWN_KEYS: Final = frozenset({*KEYS_NOT_IN_THE_ARN, "aws:PrincipalTag/*"})
"""
Keys that are unknown for every principal: AWS derives them from the network, the sign-in, the principal or the organization.

`unknown_keys` returns all keys that are unknown for one principal.
"""

_UNKNOWN_LOWER: Final = frozenset(key.lower() for key in UNKNOWN_KEYS)

_DECIDED: Final = ("bedrock:", "iam:", "aws:requesttag/", "aws:tagkeys", "aws:resourceaccount", "aws:resourcetag/", "resource:")
"""The authorizations of a call set these keys, or say that they are unknown."""
_OF_SERVICES: Final = (
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorg",
)
"""Keys that only requests of a service principal have."""
_NOT_OF_THIS_PROCESS: Final = frozenset({"aws:ismcpserviceaction", "aws:referer", "aws:viaawsmcpservice"})
"""Keys of requests that a browser sends, or an AWS service on behalf of the caller."""

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
        unknown: Context keys that are not known, see `unknown_keys`; keys of `context` are removed from it.

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
        object.__setattr__(self, "known", merge_keys(self._derived(), self.context))
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


def merge_keys(*layers: Mapping[str, object]) -> dict[str, object]:
    """
    Merge context keys. A later layer overrides an earlier one, even if it spells a key in another case.

    >>> merge_keys({"aws:RequestedRegion": "us-east-1"}, {"AWS:REQUESTEDREGION": "eu-west-1"})
    {'AWS:REQUESTEDREGION': 'eu-west-1'}
    """
    merged = {key.lower(): (key, value) for layer in layers for key, value in layer.items()}
    return dict(merged.values())


_DERIVED: Final = frozenset(
    {*(key.lower() for key in Caller("arn:aws:iam::123456789012:user/u", "us-east-1").known), "aws:currenttime", "aws:epochtime"}
)


@lru_cache(maxsize=4096)  # keyed by the context key: a trail repeats few keys in millions of records
def may_be_set(key: str, *, via_service: bool) -> bool:
    """
    Return whether a request may have a context key that neither the caller nor the call shows.

    Args:
        key: The key in lower case.
        via_service: Whether an AWS service sent the request on behalf of the caller.
    """
    if key.startswith("aws:calledvia"):
        return via_service
    return not key.startswith((*_DECIDED, *_OF_SERVICES)) and key not in _DERIVED


def unknown_keys(principal: str, reads: Iterable[str]) -> frozenset[str]:
    """
    Return the context keys that are unknown for a principal that sends its requests itself.

    The credentials of a session can carry further keys, such as ``lambda:SourceFunctionArn``, ``aws:Ec2InstanceSourceVpc`` or
    the claims of an identity provider. There is no complete list of these keys, so every key of a session that a policy reads
    is unknown, unless the caller or the call determines it. The credentials of a user carry none of them.

    Args:
        principal: ARN of the principal.
        reads: Context keys that the policies read, in lower case.
    """
    if identify(principal).kind == "user":
        return UNKNOWN_KEYS
    others = (key for key in reads if key not in _UNKNOWN_LOWER and key not in _NOT_OF_THIS_PROCESS)
    return UNKNOWN_KEYS | {key for key in others if may_be_set(key, via_service=False)}


def api_key_kind(token: str) -> Bearer:
    """
    Return the kind of a Bedrock API key from its prefix.

    >>> api_key_kind("ABSKQmVkcm9ja0FQSUtleS1leGFtcGxl")
    'LONG_TERM'
    """
    return next((kind for prefix, kind in _KEY_PREFIXES if token.startswith(prefix)), "unknown")
