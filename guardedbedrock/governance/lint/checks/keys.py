"""
The condition keys that exist, with the type of their values.

Source: IAM User Guide, "AWS global condition context keys"; Service Authorization Reference, "Actions, resources, and condition
keys for Amazon Bedrock".
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from guardedbedrock.governance.proof.logic.keys import is_multivalued

KeyType: TypeAlias = Literal["String", "Arn", "Bool", "Numeric", "Date", "Ip"]

_GLOBAL: Final[dict[KeyType, str]] = {
    "String": """
        aws:CalledVia aws:CalledViaAWSMCP aws:CalledViaFirst aws:CalledViaLast aws:Ec2InstanceSourceVpc aws:FederatedProvider
        aws:PrincipalAccount aws:PrincipalOrgID aws:PrincipalOrgPaths aws:PrincipalServiceName aws:PrincipalServiceNamesList
        aws:PrincipalTag/* aws:PrincipalType aws:RequestedRegion aws:RequestTag/* aws:ResourceAccount aws:ResourceOrgID
        aws:ResourceOrgPaths aws:ResourceTag/* aws:SourceAccount aws:SourceIdentity aws:SourceOrgID aws:SourceOrgPaths
        aws:SourceVpc aws:SourceVpce aws:TagKeys aws:UserAgent aws:VpceAccount aws:VpceOrgID aws:VpceOrgPaths aws:referer
        aws:userid aws:username
    """,
    "Arn": "aws:ChatbotSourceArn aws:PrincipalArn aws:SignInSessionArn aws:SourceArn aws:SourceVpcArn",
    "Bool": """
        aws:AssumedRoot aws:IsMcpServiceAction aws:MultiFactorAuthPresent aws:PrincipalIsAWSService aws:SecureTransport
        aws:ViaAWSMCPService aws:ViaAWSService
    """,
    "Numeric": "aws:MultiFactorAuthAge",
    "Date": "aws:CurrentTime aws:EpochTime aws:TokenIssueTime",
    "Ip": "aws:Ec2InstanceSourcePrivateIPv4 aws:SourceIp aws:VpcSourceIp",
}
"""The keys in the table at the top of the page "AWS global condition context keys", compared with it on 2026-11-28."""

_BEDROCK: Final[dict[KeyType, str]] = {
    "String": """
        bedrock:BearerTokenType bedrock:DataRetentionMode bedrock:InlineAgentName bedrock:ServiceTier
    """,
    "Arn": """
        bedrock:GuardrailIdentifier bedrock:InferenceProfileArn bedrock:ModelArn bedrock:ProjectArn bedrock:PromptRouterArn
        bedrock:ThirdPartyKnowledgeBaseCredentialsSecretArn
    """,
}
KEYS: Final[dict[str, KeyType]] = {
    name: kind for table in (_GLOBAL, _BEDROCK) for kind, names in table.items() for name in names.split()
}
"""Key, as AWS writes it, to its type; ``/*`` represents the name of a tag."""

_LOWER: Final = {name.lower(): name for name in KEYS}


def known_key(key: str) -> str | None:
    """Return the key as AWS writes it; None if it does not exist."""
    lower = key.lower()
    return _LOWER.get(lower) or (_LOWER.get(f"{lower.partition('/')[0]}/*") if "/" in lower else None)


def type_of(key: str) -> KeyType | None:
    """Return the type of a key; None if it is unknown."""
    name = known_key(key)
    return KEYS[name] if name else None


def is_known_prefix(key: str) -> bool:
    """Return whether every key with the prefix of this one is in the tables."""
    return key.lower().startswith(("aws:", "bedrock:"))


def takes_several(key: str) -> bool:
    """Return whether AWS may set a key to several values."""
    return is_multivalued(key.lower())


def fits(key_type: KeyType, operator: str) -> bool:
    """
    Return whether an operator, without set prefix and ``IfExists``, fits the type of a key.

    String operators also fit ARNs and Booleans: AWS's own examples compare these with them.
    """
    if operator == "Null" or operator.startswith("String"):
        return key_type in ("String", "Arn", "Bool") or operator == "Null"
    if key_type == "Ip":
        return operator in ("IpAddress", "NotIpAddress")
    if key_type == "Date":
        return operator.startswith(("Date", "Numeric"))  # aws:EpochTime may be a number of seconds
    return operator.startswith(key_type)
